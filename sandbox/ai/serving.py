"""Serves the providers on a socket of their own, and refuses connections when told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from typing_extensions import override

from sandbox.ai.app import Providers, create_app

#: How often it is looked whether anybody listens, in seconds of the wall clock.
_LOOK_SECONDS = 0.02


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 is a free one.

    Raises:
        OSError: The address is taken, or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named so that asyncio sends small answers at once (TCP_NODELAY).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def origin_of(listener: socket.socket) -> str:
    """Return the address of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class AiServer(uvicorn.Server):
    """A server whose door can be shut: connections are refused then.

    Args:
        announce: Called once it answers.
        signals: Whether it ends at SIGINT and SIGTERM.
    """

    def __init__(
        self,
        providers: Providers,
        listener: socket.socket,
        *,
        announce: Callable[[], None] = lambda: None,
        signals: bool = False,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(providers),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
                timeout_keep_alive=600,
            )
        )
        self._providers = providers
        self._listener = listener
        self._address = listener.getsockname()[:2]
        self._announce = announce
        self._signals = signals

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process that this server is a guest of."""
        if not self._signals:
            yield
            return
        with super().capture_signals():
            yield

    async def run_until_told(self) -> None:
        """Serve until `should_exit` is set."""
        await self.serve(sockets=[self._listener])

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._announce()

    @override
    async def main_loop(self) -> None:
        """Watch the door until told to stop."""
        looks = 0
        while not self.should_exit:
            await self._watch_door()
            if looks % 5 == 0:
                await self.on_tick(looks // 5)
            looks += 1
            await asyncio.sleep(_LOOK_SECONDS)

    async def _watch_door(self) -> None:
        shut = self._providers.nobody_listens()
        if shut and self.servers:
            for server in self.servers:
                server.close()
            self.servers = []
            for connection in list(self.server_state.connections):
                connection.transport.abort()
        elif not shut and not self.servers:
            self.servers = [
                await asyncio.get_running_loop().create_server(
                    self._protocol, sock=listen(*self._address)
                )
            ]

    def _protocol(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        return protocol


@contextlib.asynccontextmanager
async def serving(
    providers: Providers, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Answer inside the running loop while entered; yield the origin."""
    listener = listen(host, port)
    ready = asyncio.Event()
    server = AiServer(providers, listener, announce=ready.set)
    origin = origin_of(listener)
    task = asyncio.create_task(server.run_until_told())
    await ready.wait()
    try:
        yield origin
    finally:
        server.should_exit = True
        await task
        listener.close()
