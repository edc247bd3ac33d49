"""Tests for app.web.http_protocol over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from app.web.http_protocol import MAX_HEAD, BoundedHttpProtocol

pytestmark = pytest.mark.anyio

HEAD_SECONDS = 0.3


class _HastyProtocol(BoundedHttpProtocol):
    head_seconds = HEAD_SECONDS


@dataclass
class Line:
    """One connection to a server that echoes the size of bodies."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Return status and body of the next answer."""
        async with asyncio.timeout(5):
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            return int(head.split()[1]), await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """Return what comes until the server hangs up, politely or not."""
        got = b""
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):
                while part := await self.reader.read(4096):
                    got += part
        return got


async def _echo_size(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/refused":
        # As a route does that refuses a caller without reading the body.
        await PlainTextResponse("no", 401)(scope, receive, send)
        return
    size = len(await Request(scope, receive).body())
    await PlainTextResponse(str(size))(scope, receive, send)


@contextlib.asynccontextmanager
async def _connected(protocol: type[BoundedHttpProtocol]) -> AsyncIterator[Line]:
    config = uvicorn.Config(
        _echo_size, ws="none", log_config=None, access_log=False, timeout_keep_alive=2
    )
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}),
        "127.0.0.1",
        0,
    )
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        server.close()
        await server.wait_closed()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """A connection with the limits of the program."""
    async with _connected(BoundedHttpProtocol) as opened:
        yield opened


@pytest.fixture
async def hasty() -> AsyncIterator[Line]:
    """A connection whose heads must be complete within a third of a second."""
    async with _connected(_HastyProtocol) as opened:
        yield opened


def post(body: bytes, *headers: bytes) -> bytes:
    """Return a request."""
    size = b"content-length: %d" % len(body)
    return b"\r\n".join([b"POST / HTTP/1.1", b"host: a", size, *headers, b"", body])


class TestSize:
    """How much a connection may send before it is understood."""

    @pytest.mark.parametrize(
        "start",
        [
            b"GET / HTTP/1.1\r\nx: ",
            b"GET /",
            b"GET / HTTP/1.1\r\n",
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx: ",
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;x=",
            post(b"") + b"GET / HTTP/1.1\r\nx: ",
        ],
        ids=["header", "path", "headers", "trailer", "chunk extension", "second head"],
    )
    async def test_endless_head_is_cut_off(self, line: Line, start: bytes) -> None:
        """Only what sockets buffer is ever taken of 300 MB."""
        part = b"a: b\r\n" * 10_000 if start.endswith(b"1.1\r\n") else b"a" * 60_000
        sent = 0
        await line.send(start)

        with contextlib.suppress(ConnectionError):
            while sent < 300_000_000:
                await line.send(part)
                sent += len(part)

        assert sent < 20_000_000

    async def test_head_over_the_limit_is_told_so(self, line: Line) -> None:
        """431 where the caller still listens."""
        await line.send(b"GET / HTTP/1.1\r\nx: " + b"a" * (MAX_HEAD + 9000))

        status, _ = await line.answer()

        assert status == 431
        assert await line.rest() == b""

    async def test_large_head_within_the_limit_is_fine(self, line: Line) -> None:
        """Tokens and long queries are far from the limit."""
        await line.send(post(b"abc", b"authorization: " + b"a" * 60_000))

        assert await line.answer() == (200, b"3")

    @pytest.mark.parametrize("parts", [1, 50])
    async def test_bodies_are_not_counted(self, line: Line, parts: int) -> None:
        """However they arrive, and with what comes behind them."""
        raw = post(b"x" * 500_000) + post(b"y" * 70_000)
        step = len(raw) // parts + 1

        for start in range(0, len(raw), step):
            await line.send(raw[start : start + step])

        assert await line.answer() == (200, b"500000")
        assert await line.answer() == (200, b"70000")

    async def test_chunks_are_not_counted(self, line: Line) -> None:
        """A body of many small chunks is a body."""
        start = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"

        await line.send(start + b"1\r\nx\r\n" * 30_000 + b"0\r\n\r\n")

        assert await line.answer() == (200, b"30000")

    async def test_wish_for_another_protocol_is_ignored(self, line: Line) -> None:
        """The request is answered as it is."""
        await line.send(
            b"GET / HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"
        )

        assert await line.answer() == (200, b"0")


class TestTime:
    """How long a connection may take to say what it wants."""

    async def test_silent_connection_is_closed(self, hasty: Line) -> None:
        """Whoever connects and says nothing holds no place."""
        assert await hasty.rest() == b""

    async def test_dripping_head_is_refused_in_time(self, hasty: Line) -> None:
        """Another byte gives no more time."""
        began = time.monotonic()
        dripping = asyncio.create_task(_drip(hasty, b"GET / HTTP/1.1\r\nx: "))

        told = await hasty.rest()
        dripping.cancel()

        assert told.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < HEAD_SECONDS * 5

    async def test_second_head_has_its_own_time(self, hasty: Line) -> None:
        """A connection that is kept is no way around it."""
        await hasty.send(post(b"abc"))
        await hasty.answer()
        dripping = asyncio.create_task(_drip(hasty, b"GET / HTTP/1.1\r\nx: "))

        told = await hasty.rest()
        dripping.cancel()

        assert told.startswith(b"HTTP/1.1 408 ")

    async def test_empty_lines_keep_no_connection(self, hasty: Line) -> None:
        """The parser skips them; the deadline does not."""
        await hasty.send(post(b"abc"))
        await hasty.answer()
        dripping = asyncio.create_task(_drip(hasty, b"\r\n" * 1000))

        told = await hasty.rest()
        dripping.cancel()

        assert told == b""

    async def test_connection_that_rests_between_requests_is_kept(
        self, hasty: Line
    ) -> None:
        """The deadline is for heads; the server's keep-alive is for rests."""
        await hasty.send(post(b"abc"))
        await hasty.answer()
        await asyncio.sleep(HEAD_SECONDS * 2)
        await hasty.send(post(b"abcd"))

        assert await hasty.answer() == (200, b"4")

    async def test_body_that_comes_after_the_answer_costs_no_rest(
        self, hasty: Line
    ) -> None:
        """Bytes of a refused request are not taken for the beginning of a head."""
        refused = post(b"abcdef").replace(b"POST / ", b"POST /refused ")
        await hasty.send(refused[:-3])
        told = await hasty.answer()
        await hasty.send(refused[-3:])
        await asyncio.sleep(HEAD_SECONDS * 2)
        await hasty.send(post(b"abcd"))

        assert told == (401, b"no")
        assert await hasty.answer() == (200, b"4")

    async def test_body_is_not_under_the_heads_deadline(self, hasty: Line) -> None:
        """How long a body may take is for the app to say."""
        whole = post(b"abcdef")
        await hasty.send(whole[:-3])
        await asyncio.sleep(HEAD_SECONDS * 2)
        await hasty.send(whole[-3:])

        assert await hasty.answer() == (200, b"6")


async def _drip(line: Line, raw: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        for byte in raw:
            await line.send(bytes([byte]))
            await asyncio.sleep(HEAD_SECONDS / 8)
