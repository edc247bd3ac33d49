"""`make demo` and `make demo-once`.

The one starts a site and the app as processes of one group, installs the app through
Forge and through Connect, and waits for a person. The other edits pages by itself and
reads labels and byline back over the site's REST API: first with the local provider,
then with servers that speak like OpenAI and Gemini, one of which fails.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from sandbox.demo import acts
from sandbox.demo.stage import ROOT, Failed, Stage, running, say


def main() -> int:
    """Run the demo; the exit code is 0 only if what was promised was seen."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stage = _stage(arguments, with_ai=arguments.ai)
    try:
        if arguments.once:
            _once(arguments)
            return 0
        with running(stage) as http:
            acts.attend(http, stage)
            signal.pause()
    except KeyboardInterrupt:
        say("stopped")
    except Failed as failure:
        say(f"failed: {failure}")
        say(f"logs are in {arguments.var}")
        return 1
    return 0


def _once(arguments: argparse.Namespace) -> None:
    say("--- without any key: the local provider")
    stage = _stage(arguments, with_ai=False)
    with running(stage) as http:
        acts.move_from_connect_to_forge(http, stage)
    say("--- with OpenAI, and Gemini to fall back on")
    stage = _stage(arguments, with_ai=True)
    with running(stage) as http:
        acts.ask_providers(http, stage)


def _stage(arguments: argparse.Namespace, *, with_ai: bool) -> Stage:
    here = "http://127.0.0.1"
    return Stage(
        site=f"{here}:{arguments.site_port}",
        app=f"{here}:{arguments.app_port}",
        ai=f"{here}:{arguments.ai_port}" if with_ai else "",
        var=arguments.var / ("providers" if with_ai else "local"),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--once", action="store_true", help="no person: edit, check")
    parser.add_argument(
        "--ai", action="store_true", help="with provider servers instead of `local`"
    )
    parser.add_argument("--site-port", type=int, default=8090)
    parser.add_argument("--app-port", type=int, default=8080)
    parser.add_argument("--ai-port", type=int, default=8091)
    parser.add_argument("--var", type=Path, default=ROOT / "var" / "demo")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
