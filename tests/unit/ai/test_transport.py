"""Tests for app.ai.transport over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import pytest

from app.ai.transport import (
    checked_address,
    checked_key,
    open_connections,
    watched,
)
from app.ai.wire import Timing
from app.errors import ConfigurationError
from tests.unit.ai.provider_server import Asked, Say, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def connections() -> AsyncIterator[httpx2.AsyncClient]:
    async with open_connections(5) as opened:
        yield opened


async def test_moment_of_sending_is_before_the_answer(
    connections: httpx2.AsyncClient,
) -> None:
    """The provider's thinking does not count."""
    timing = Timing()
    async with serving(lambda _: Say(body={}, after=0.2)) as server:
        before = time.monotonic()
        async with watched(timing, 5):
            await connections.post(server.origin, json={})
        after = time.monotonic()

    assert timing.sent_at is not None
    assert before <= timing.sent_at <= after - 0.15


async def test_moment_of_sending_is_that_of_the_last_byte(
    connections: httpx2.AsyncClient,
) -> None:
    """A server that is slow to read is waited for."""
    heard = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        while await reader.read(1 << 20):
            if heard.is_set():
                break
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    timing = Timing()
    before = time.monotonic()

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield bytes(1 << 20)
        heard.set()

    async with listener:
        with pytest.raises(httpx2.TransportError):
            async with watched(timing, 5):
                await connections.post(origin, content=chunks())

    assert timing.sent_at is not None
    assert timing.sent_at - before >= 0.19


async def test_calls_at_once_are_timed_each_for_itself(
    connections: httpx2.AsyncClient,
) -> None:
    """One client, two calls: each has its own moment."""
    first, second = Timing(), Timing()

    async def call(origin: str, timing: Timing, delay: float) -> None:
        await asyncio.sleep(delay)
        async with watched(timing, 5):
            await connections.post(origin, json={})

    async with serving(lambda _: Say(body={}, after=0.2)) as server:
        await asyncio.gather(
            call(server.origin, first, 0), call(server.origin, second, 0.1)
        )

    assert first.sent_at is not None
    assert second.sent_at is not None
    assert 0.05 <= second.sent_at - first.sent_at <= 0.25


async def test_call_that_never_connects_was_never_sent(
    connections: httpx2.AsyncClient,
) -> None:
    """Quotas need not count it."""
    async with serving(lambda _: None) as server:
        gone = server.origin
    timing = Timing()

    with pytest.raises(httpx2.ConnectError):
        async with watched(timing, 5):
            await connections.post(gone, json={})

    assert timing.sent_at is None


async def test_nothing_outside_is_watched(connections: httpx2.AsyncClient) -> None:
    """A call after the block does not write into the block's timing."""
    timing = Timing()
    async with serving(lambda _: Say(body={})) as server:
        async with watched(timing, 5):
            pass
        await connections.get(server.origin)

    assert timing.sent_at is None


async def test_whole_call_is_bounded(connections: httpx2.AsyncClient) -> None:
    """A trickle of bytes keeps no call alive."""
    async with serving(lambda _: Say(body={}, after=5)) as server:
        before = time.monotonic()
        with pytest.raises(TimeoutError):
            async with watched(None, 0.1):
                await connections.get(server.origin)

    assert time.monotonic() - before < 2


async def test_no_redirect_is_followed(connections: httpx2.AsyncClient) -> None:
    """Neither elsewhere nor to the same place: a page would travel along."""
    async with serving(lambda _: Say(body={})) as elsewhere:

        def redirect(_: Asked) -> Say:
            return Say(body={}, status=307, headers={"location": elsewhere.origin})

        async with serving(redirect) as server:
            answer = await connections.post(server.origin, json={})

    assert answer.status_code == 307
    assert len(server.asked) == 1
    assert elsewhere.asked == []


async def test_no_cookie_is_kept(connections: httpx2.AsyncClient) -> None:
    """What a gateway sets for one call does not travel with the next."""
    cookie = {"set-cookie": "session=1; Path=/"}
    async with serving(lambda _: Say(body={}, headers=cookie)) as server:
        await connections.get(server.origin)
        await connections.get(server.origin)

    assert [one.headers.get("cookie") for one in server.asked] == [None, None]


async def test_no_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Settings are read in one place only."""
    async with (
        serving(lambda _: Say(body={})) as proxy,
        serving(lambda _: Say(body={})) as server,
    ):
        monkeypatch.setenv("HTTP_PROXY", proxy.origin)
        async with open_connections(5) as opened:
            await opened.get(server.origin)

    assert proxy.asked == []
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.openai.com",
        "ftp://host/v1",
        "http://",
        "http://host:port/v1",
        "http://[::1/v1",
        "https://user:hunter2@host/v1",
        "https://hunter2@host/v1",
        "https://host/v1?key=hunter2",
        "https://host/v1#hunter2",
    ],
)
async def test_unfit_address_is_refused(address: str) -> None:
    """It would be of no use, or it would carry a secret into the logs."""
    with pytest.raises(ConfigurationError, match="OPENAI_BASE_URL") as caught:
        checked_address("OPENAI_BASE_URL", address)

    assert "hunter2" not in str(caught.value)


async def test_address_loses_its_last_slash() -> None:
    """Paths are hung below it."""
    assert checked_address("X", " http://127.0.0.1:1/v1/ ") == "http://127.0.0.1:1/v1"


@pytest.mark.parametrize("key", ["sk a", "sk\na", "ключ", "sk\x00"])
async def test_unfit_key_is_refused_without_being_told(key: str) -> None:
    """A line break would end the header, and the message would show the key."""
    with pytest.raises(ConfigurationError) as caught:
        checked_key("OPENAI_API_KEY", key)

    assert key not in str(caught.value)


async def test_key_from_a_file_loses_its_line_end() -> None:
    """Secrets mounted as files end in one."""
    assert checked_key("X", "sk-a\n") == "sk-a"
    assert checked_key("X", "") == ""
