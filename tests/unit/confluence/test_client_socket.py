"""Tests for app.confluence.client against a real socket that misbehaves."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from app.confluence.client import ConfluenceClient
from app.confluence.exchange import DEADLINE
from app.confluence.pool import TIMEOUTS, open_pool
from app.errors import ContractBroken, Unavailable
from app.usecases.ports import SiteAccess
from tests.unit.confluence.doubles import Sleeps, sample

pytestmark = pytest.mark.anyio

_Behave = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _site(
    behave: _Behave,
    *,
    timeouts: httpx.Timeout = TIMEOUTS,
    deadline: float = DEADLINE,
) -> AsyncIterator[tuple[ConfluenceClient, list[bytes]]]:
    """Serve every connection by `behave`, after its request has been read."""
    heard: list[bytes] = []
    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        with suppress(ConnectionError):
            await behave(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    site = SiteAccess(
        host="forge",
        base_url=f"http://127.0.0.1:{port}/ex/confluence/c/wiki",
        secret="s",
        app_key="k",
    )
    async with server:
        async with open_pool(timeouts=timeouts) as http:
            sleep = Sleeps()
            yield (
                ConfluenceClient(http, site, sleep=sleep, deadline=deadline),
                heard,
            )
        await asyncio.gather(*serving)


def _head(*lines: str) -> bytes:
    given = ("HTTP/1.1 200 OK", "Content-Type: application/json", *lines)
    return "\r\n".join((*given, "", "")).encode()


async def test_whole_answer() -> None:
    """A well-behaved socket yields the page, compressed or not."""
    body = gzip.compress(sample("confluence_page/body.json").encode())

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(f"Content-Length: {len(body)}", "Content-Encoding: gzip"))
        writer.write(body)
        await writer.drain()

    async with _site(behave) as (confluence, heard):
        page = await confluence.get_page("65601")

    assert page.title == "Розгортання"
    assert heard[0].startswith(b"GET /ex/confluence/c/wiki/api/v2/pages/65601?")


async def test_half_a_body() -> None:
    """An answer that breaks off is no answer, and is asked for three times."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(_head("Content-Length: 1000") + b'{"id": "1"')
        await writer.drain()

    async with _site(behave) as (confluence, heard):
        with pytest.raises(Unavailable, match="RemoteProtocolError"):
            await confluence.get_page("1")

    assert len(heard) == 3


async def test_half_a_body_without_a_length() -> None:
    """Broken JSON at the end of a connection is an answer cut off."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(_head("Connection: close") + b'{"id": "1"')
        await writer.drain()

    async with _site(behave) as (confluence, _):
        with pytest.raises(Unavailable, match="broken JSON"):
            await confluence.get_page("1")


async def test_dropped_connection() -> None:
    """A connection closed without a word is an outage."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        await asyncio.sleep(0)

    async with _site(behave) as (confluence, heard):
        with pytest.raises(Unavailable):
            await confluence.remove_label("1", "a")

    assert len(heard) == 3


async def test_nobody_listens() -> None:
    """A refused connection is an outage."""
    async with _site(lambda _writer: asyncio.sleep(0)) as (confluence, _):
        pass

    async with open_pool() as http:
        again = ConfluenceClient(http, confluence._access, sleep=Sleeps())
        with pytest.raises(Unavailable, match="ConnectError"):
            await again.get_page("1")


async def test_garbage_instead_of_http() -> None:
    """What is no HTTP is an outage, not a crash."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        await writer.drain()

    async with _site(behave) as (confluence, _):
        with pytest.raises(Unavailable):
            await confluence.get_page("1")


async def test_damaged_compression() -> None:
    """A body that does not decompress is an outage."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(_head("Content-Length: 4", "Content-Encoding: gzip") + b"nope")
        await writer.drain()

    async with _site(behave) as (confluence, _):
        with pytest.raises(Unavailable, match="DecodingError"):
            await confluence.get_page("1")


async def test_answer_without_end_is_cut_off() -> None:
    """Reading stops at the limit, however much more would come."""
    sent = 0

    async def behave(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(_head("Connection: close"))
        while not writer.transport.is_closing():
            writer.write(b" " * 2**20)
            sent += 2**20
            await writer.drain()

    async with _site(behave) as (confluence, _):
        with pytest.raises(ContractBroken, match="larger than"):
            await confluence.get_page("1")

    assert sent < 64 * 2**20


async def test_small_answer_that_unpacks_to_a_huge_one() -> None:
    """The limit counts what a body becomes, not what it is on the wire."""
    body = gzip.compress(b" " * (64 * 2**20), compresslevel=1)

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(f"Content-Length: {len(body)}", "Content-Encoding: gzip"))
        writer.write(body)
        await writer.drain()

    async with _site(behave) as (confluence, _):
        with pytest.raises(ContractBroken, match="larger than"):
            await confluence.get_page("1")


async def test_silence() -> None:
    """A site that never answers is left after the read timeout."""
    quick = httpx.Timeout(0.05)

    async with _site(lambda _writer: asyncio.sleep(0.3), timeouts=quick) as (
        confluence,
        _,
    ):
        with pytest.raises(Unavailable, match="ReadTimeout"):
            await confluence.get_page("1")


async def test_dripping_answer() -> None:
    """A site that sends a byte now and then is left after the deadline."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(_head("Content-Length: 100000"))
        while not writer.transport.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.02)

    async with _site(behave, deadline=0.2) as (confluence, _):
        with pytest.raises(Unavailable, match="TimeoutError"):
            await confluence.put_property("1", "k", 1, current=None)
