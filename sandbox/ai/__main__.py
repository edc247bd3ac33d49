"""Runs the provider servers: `python -m sandbox.ai`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any, get_args

from sandbox.ai.app import Providers
from sandbox.ai.config import (
    DEFAULTS,
    AiConfig,
    ProviderConfig,
    ProviderName,
    configured,
)
from sandbox.ai.serving import AiServer, listen, origin_of
from sandbox.ai.windows import Kind
from sandbox.refusals import Malformed

_HEADER_HINTS = frozenset(
    {"rate_headers", "retry_after", "retry_after_ms", "processing_ms"}
)
#: Options that are settings of the same name, for every provider that is served.
_SETTINGS = (
    "rpm",
    "tpm",
    "rpd",
    "kind",
    "phase",
    "refusals_count",
    "api_key",
    "chat_only",
    "schema_status",
    "latency_median",
    "latency_sigma",
)


def _read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.ai",
        description="The APIs of OpenAI and Gemini on this machine, quotas included.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8091, help="0 takes a free one")
    add("--provider", choices=["openai", "gemini", "both"], default="both")
    add("--scale", type=float, default=1.0, help="provider seconds in one second")
    add("--seed", type=int, default=1, help="of latencies and faults")
    add("--rpm", type=int, help="requests a minute")
    add("--tpm", type=int, help="tokens a minute")
    add("--rpd", type=int, help="requests a day")
    add("--kind", choices=get_args(Kind), help="how limits of the minute are enforced")
    add("--phase", type=float, help="second at which a clock's minute begins")
    add(
        "--refusals-count",
        action="store_const",
        const=True,
        help="refused calls use up requests",
    )
    add("--api-key", help="the only key that is accepted")
    add("--chat-only", action="store_const", const=True, help="no Responses API")
    add("--schema-status", type=int, help="how chat answers json_schema, as 400")
    add("--latency", type=float, dest="latency_median", help="median, in seconds")
    add("--latency-sigma", type=float, help="spread of its logarithm")
    add("--headers", action=argparse.BooleanOptionalAction, default=True)
    add("--config", type=Path, help='JSON: {"openai": {...}, "gemini": {...}}')
    return parser.parse_args(arguments)


def _config(options: argparse.Namespace) -> AiConfig:
    names = get_args(ProviderName)
    if options.provider != "both":
        names = (options.provider,)
    more = json.loads(options.config.read_text("utf-8")) if options.config else {}
    if not isinstance(more, dict):
        raise Malformed("the file of settings must hold an object")
    return AiConfig(
        providers={
            name: _provider(DEFAULTS[name], options, more.get(name, {}))
            for name in names
        },
        seed=options.seed,
        scale=options.scale,
    )


def _provider(
    default: ProviderConfig, options: argparse.Namespace, more: Any
) -> ProviderConfig:
    chosen = {
        name: value
        for name in _SETTINGS
        if (value := getattr(options, name)) is not None
    }
    if not options.headers:
        chosen["hints"] = default.hints - _HEADER_HINTS
    return configured(configured(default, chosen), more)


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; return the exit code."""
    options = _read_arguments(arguments)
    try:
        config = _config(options)
        listener = listen(options.host, options.port)
    except (Malformed, ValueError, OSError) as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return 1
    origin = origin_of(listener)
    served = " and ".join(config.providers)

    def announce() -> None:
        sys.stdout.write(f"AI providers ready: {origin} ({served})\n")
        sys.stdout.flush()

    server = AiServer(Providers(config), listener, announce=announce, signals=True)
    asyncio.run(server.run_until_told())
    return 0


if __name__ == "__main__":
    sys.exit(main())
