"""`make demo` and `make demo-once`: the site and the app, installed and at work.

Starts both as processes of one group, installs the app through Forge and through
Connect, and either waits for a person or edits two pages by itself and reads labels
and byline back over the site's REST API.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

_ROOT = Path(__file__).resolve().parents[1]
_MANIFEST = _ROOT / "descriptor" / "forge" / "manifest.yml"
_FORGE_APP_ID = "ari:cloud:ecosystem::app/5b0c7a52-6f0e-4d3b-9a41-0c2f4e8d7a10"
_APP_KEY = "confluence-ai"
_BYLINE = "confluence-ai-byline"
_ADMIN = ("admin@example.com", "admin-token")
_START_SECONDS = 30.0
_LABEL_SECONDS = 30.0

#: Pages that the sample leaves without labels: title, and what a person adds.
_UKRAINIAN = (
    "Zipkin",
    "<p>Доповнено: адресу колектора тепер задають у MeshConfig.</p>",
)
_ENGLISH = (
    "Reverting a pull request",
    "<p>Addition: ask the author before reverting.</p>",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demo:
    site: str
    app: str
    var: Path


def main() -> int:
    """Run the demo; the exit code is 0 only if what was promised was seen."""
    arguments = _arguments()
    demo = _Demo(
        site=f"http://127.0.0.1:{arguments.site_port}",
        app=f"http://127.0.0.1:{arguments.app_port}",
        var=arguments.var,
    )
    shutil.rmtree(demo.var, ignore_errors=True)
    demo.var.mkdir(parents=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _running(demo, arguments), httpx.Client(timeout=30) as http:
            if arguments.once:
                return _once(http, demo)
            _attend(http, demo)
    except KeyboardInterrupt:
        _say("stopped")
    except _Failed as failure:
        _say(f"failed: {failure}")
        _say(f"logs are in {demo.var}")
        return 1
    return 0


class _Failed(Exception):
    """The demo could not keep its promise."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="no person: edit, check")
    parser.add_argument("--site-port", type=int, default=8090)
    parser.add_argument("--app-port", type=int, default=8080)
    parser.add_argument("--var", type=Path, default=_ROOT / "var" / "demo")
    return parser.parse_args()


@contextlib.contextmanager
def _running(demo: _Demo, arguments: argparse.Namespace) -> Iterator[None]:
    """Run site and app; end both whatever happens."""
    site = _start(
        demo,
        "site",
        ["-m", "sandbox", "--port", str(arguments.site_port), "--quiet"],
        {},
    )
    app = _start(demo, "app", ["-m", "app", "serve"], _app_environment(demo, arguments))
    try:
        with httpx.Client(timeout=5) as http:
            _wait_for(f"{demo.site}/_edge/tenant_info", http, site)
            _wait_for(f"{demo.app}/health", http, app)
        yield
    finally:
        for process in (app, site):
            process.terminate()
        for process in (app, site):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_START_SECONDS)
            process.kill()


def _start(
    demo: _Demo, name: str, command: Sequence[str], environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    with (demo.var / f"{name}.log").open("wb") as log:
        # Arguments are ours; a session of its own keeps Ctrl-C for us alone.
        return subprocess.Popen(  # noqa: S603
            [sys.executable, *command],
            cwd=_ROOT,
            env={**os.environ, **environment},  # noqa: TID251 - a process starter
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _app_environment(demo: _Demo, arguments: argparse.Namespace) -> dict[str, str]:
    return {
        "APP_BASE_URL": demo.app,
        "APP_KEY": _APP_KEY,
        "API_PORT": str(arguments.app_port),
        "DATABASE_URL": f"sqlite:///{demo.var.resolve() / 'app.db'}",
        "LOG_DIR": str(demo.var / "logs"),
        "CONNECT_INSTALL_KEYS_URL": f"{demo.site}/_sandbox/install-keys",
        "CONNECT_ALLOWED_HOSTS": demo.site,
        "FORGE_APP_ID": _FORGE_APP_ID,
        "FORGE_JWKS_URL": f"{demo.site}/_sandbox/forge/jwks.json",
        "FORGE_ENVIRONMENTS": "DEVELOPMENT",
        "FORGE_API_HOSTS": demo.site,
        "AGENT_MODE": "PROD",
        "EVENT_SETTLE_SECONDS": "0.5",
    }


def _wait_for(url: str, http: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    def answers() -> bool:
        if process.poll() is not None:
            raise _Failed(f"{url} will never answer: its process ended")
        with contextlib.suppress(httpx.HTTPError):
            return http.get(url).is_success
        return False

    _until(answers, _START_SECONDS, f"{url} does not answer")


def _install_connect(http: httpx.Client, demo: _Demo) -> None:
    descriptor = f"{demo.app}/atlassian-connect.json"
    _post(http, f"{demo.site}/_sandbox/connect/install", {"descriptor_url": descriptor})
    _say("installed through Connect")


def _install_forge(http: httpx.Client, demo: _Demo) -> None:
    manifest = {"manifest": str(_MANIFEST), "remote_url": demo.app}
    _post(http, f"{demo.site}/_sandbox/forge/install", manifest)
    _say("installed through Forge")


def _learn(http: httpx.Client, demo: _Demo) -> None:
    _until(lambda: _learned(http, demo) > 0, _LABEL_SECONDS, "the site was not learned")
    _say("the app has read the site and knows the labels that people use")


def _learned(http: httpx.Client, demo: _Demo) -> float:
    sample = 'confluence_ai_jobs_total{kind="learn_site",verdict="done"}'
    for line in http.get(f"{demo.app}/metrics").text.splitlines():
        if line.startswith(sample):
            return float(line.removeprefix(sample))
    return 0.0


def _once(http: httpx.Client, demo: _Demo) -> int:
    """Go the way of an old customer: Connect first, then Forge takes over.

    One page is edited while Connect alone delivers, one while Forge alone does.
    """
    _install_connect(http, demo)
    _learn(http, demo)
    good = _edited(http, demo, _ENGLISH, "Connect")
    _install_forge(http, demo)
    _post(http, f"{demo.site}/_sandbox/connect/disable", {"key": _APP_KEY})
    _say("Connect switched off")
    return 0 if _edited(http, demo, _UKRAINIAN, "Forge") and good else 1


def _attend(http: httpx.Client, demo: _Demo) -> None:
    """Install both ways, and leave the rest to a person."""
    _install_forge(http, demo)
    _install_connect(http, demo)
    _learn(http, demo)
    _invite(demo)
    signal.pause()


def _edited(http: httpx.Client, demo: _Demo, edit: tuple[str, str], host: str) -> bool:
    title, addition = edit
    page_id = _edit(http, demo, title, addition)
    return _told(http, demo, page_id, title, host)


def _edit(http: httpx.Client, demo: _Demo, title: str, addition: str) -> str:
    pages = f"{demo.site}/wiki/api/v2/pages"
    found = http.get(
        pages, params={"title": title, "body-format": "storage"}, auth=_ADMIN
    ).json()["results"]
    if not found:
        raise _Failed(f"the sample has no page {title!r}")
    page: dict[str, Any] = found[0]
    body = page["body"]["storage"]["value"] + addition
    answer = http.put(
        f"{pages}/{page['id']}",
        auth=_ADMIN,
        json={
            "id": page["id"],
            "status": "current",
            "title": page["title"],
            "body": {"representation": "storage", "value": body},
            "version": {"number": page["version"]["number"] + 1},
        },
    )
    answer.raise_for_status()
    return str(page["id"])


def _told(http: httpx.Client, demo: _Demo, page_id: str, title: str, host: str) -> bool:
    """Wait for labels and byline, and print what the site says."""
    page = f"{demo.site}/wiki/api/v2/pages/{page_id}"

    def read() -> tuple[list[str], str]:
        labels = http.get(f"{page}/labels", auth=_ADMIN).json()["results"]
        found = http.get(
            f"{page}/properties", params={"key": _BYLINE}, auth=_ADMIN
        ).json()["results"]
        summary = found[0]["value"]["summary"] if found else ""
        return [label["name"] for label in labels], summary

    began = time.monotonic()
    try:
        _until(lambda: all(read()), _LABEL_SECONDS, "no labels and summary came")
    except _Failed as failure:
        _say(f"{title}: {failure}")
        return False
    labels, summary = read()
    _say(f"{title} (edited; the event came through {host})")
    _say(f"  labels:  {', '.join(labels)}")
    _say(f"  summary: {summary}")
    _say(f"  after:   {time.monotonic() - began:.1f} s")
    return True


def _invite(demo: _Demo) -> None:
    _say("")
    _say(f"Confluence site:  {demo.site}/wiki       (edit a page, watch its labels)")
    _say(f"Apps and events:  {demo.site}/wiki/apps")
    _say(f"The app itself:   {demo.app}/health  {demo.app}/metrics")
    _say(f"Logs:             {demo.var / 'logs'}")
    _say("Ctrl-C ends all.")


def _post(http: httpx.Client, url: str, body: dict[str, Any]) -> None:
    answer = http.post(url, json=body)
    if not answer.is_success:
        raise _Failed(f"{url} answered {answer.status_code}: {answer.text[:500]}")


def _until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise _Failed(f"{otherwise} in {seconds:.0f} s")
        time.sleep(0.1)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
