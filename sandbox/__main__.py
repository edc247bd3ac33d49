"""Runs the sandbox site: `python -m sandbox`."""

from __future__ import annotations

import argparse
import socket
import sys

import uvicorn
from typing_extensions import override

from sandbox import samples
from sandbox.app import create_app
from sandbox.hosts.wiring import build_hosts
from sandbox.site import Site


class _AnnouncingServer(uvicorn.Server):
    """A server that prints its address once it answers."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so in one line that scripts can wait for."""
        await super().startup(sockets=sockets)
        if self.started:
            sys.stdout.write(f"Sandbox site ready: {self._address}\n")
            sys.stdout.flush()


def _read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A Confluence Cloud site in one process."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one")
    parser.add_argument(
        "--origin", help="how apps reach the site, if not by host and port"
    )
    parser.add_argument("--empty", action="store_true", help="load no sample spaces")
    parser.add_argument("--quiet", action="store_true", help="no line per request")
    return parser.parse_args(arguments)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named so that asyncio sends small answers at once (TCP_NODELAY).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; return the exit code."""
    options = _read_arguments(arguments)
    try:
        listener = _listen(options.host, options.port)
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error}\n")
        return 1
    host = f"[{options.host}]" if ":" in options.host else options.host
    origin = options.origin or f"http://{host}:{listener.getsockname()[1]}"
    site = Site(origin=origin)
    if not options.empty:
        samples.load(site)
    config = uvicorn.Config(
        create_app(site, hosts=build_hosts(site)),
        log_level="warning" if options.quiet else "info",
        access_log=not options.quiet,
        # An app's worker may keep connections open; do not wait for it at the end.
        timeout_graceful_shutdown=3,
    )
    _AnnouncingServer(config, f"{origin}/wiki").run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
