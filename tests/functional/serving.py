"""Serves ASGI apps over real sockets inside a test's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

_GRACE_SECONDS = 1


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs the tests, and ends when told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()
        self.told_to_stop = asyncio.Event()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @override
    async def main_loop(self) -> None:
        await self.on_tick(0)
        self.begun.set()
        await self.told_to_stop.wait()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # The long way waits in tenths of a second; most tests leave nothing open.
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0.01)
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
        else:
            await self.lifespan.shutdown()


def listen() -> socket.socket:
    """Return a socket on a free port of the loopback."""
    # The protocol is named, as asyncio spares only such sockets Nagle's algorithm:
    # without it every second answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def origin_of(listener: socket.socket) -> str:
    """Return the address that a socket is reached by."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, listener: socket.socket
) -> AsyncIterator[dict[str, Any]]:
    """Answer on `listener` while entered; yield the state that the app shares."""
    config = uvicorn.Config(
        app,
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    begun = asyncio.create_task(server.begun.wait())
    # A server that fails to start ends without having begun.
    await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
    begun.cancel()
    try:
        yield server.lifespan.state
    finally:
        server.told_to_stop.set()
        await task
        listener.close()


@dataclass(slots=True)
class Hold:
    """Stops requests before the site sees them.

    Attributes:
        arrived: Set once a request waits.
        released: Lets it, and all that come later, go on.
    """

    method: str
    path: re.Pattern[str]
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def caught(self, seconds: float = 60) -> None:
        """Wait until a request is held.

        Raises:
            TimeoutError: None came.
        """
        async with asyncio.timeout(seconds):
            await self.arrived.wait()

    def matches(self, scope: Scope) -> bool:
        """Whether a request is to wait."""
        return (
            not self.released.is_set()
            and scope["method"] == self.method
            and self.path.search(scope["path"]) is not None
        )


class Gate:
    """Stands before an app and holds back the requests that a test names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._holds: list[Hold] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for hold in [one for one in self._holds if one.matches(scope)]:
                hold.arrived.set()
                await hold.released.wait()
        await self._app(scope, receive, send)

    @contextlib.contextmanager
    def holding(self, method: str, path: str) -> Iterator[Hold]:
        """Hold requests by method and a pattern of the path while entered."""
        hold = Hold(method, re.compile(path))
        self._holds.append(hold)
        try:
            yield hold
        finally:
            hold.released.set()
            self._holds.remove(hold)


async def raw_exchange(port: int, request: bytes) -> bytes:
    """Send bytes as they are; return all that comes back before the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
