"""Tests for app.confluence.host_keys over a real server."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typing_extensions import override

from app.confluence.host_keys import LIMITS, HttpHostKeys
from app.confluence.pool import open_pool
from app.errors import NotAuthenticated, Unavailable

pytestmark = pytest.mark.anyio
PEM = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"
KEYS = "/keys"
JWKS = "/jwks.json"


def key_set(*kids: str) -> str:
    keys = [{"kty": "RSA", "kid": kid, "n": "AQAB", "e": "AQAB"} for kid in kids]
    return json.dumps({"keys": keys})


@dataclass
class KeyServer:
    """A server that answers as scripted, path by path, and counts.

    Attributes:
        answers: Path -> status and body; 404 for the rest.
    """

    answers: dict[str, tuple[int, str | bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    origin: str = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                status, body = server.answers.get(self.path, (404, "no"))
                raw = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            @override
            def log_message(self, format: str, *args: Any) -> None:
                """Stay quiet."""

        return Handler


@dataclass
class Time:
    """A clock that is moved by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """A running key server without keys."""
    scripted = KeyServer()
    with ThreadingHTTPServer(("127.0.0.1", 0), scripted.handler()) as http:
        scripted.origin = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield scripted
        http.shutdown()
        thread.join()


@pytest.fixture
def time() -> Time:
    """The time by which things are fresh."""
    return Time()


@pytest.fixture
async def keys(server: KeyServer, time: Time) -> AsyncIterator[HttpHostKeys]:
    """Keys as the program gets them."""
    async with open_pool(limits=LIMITS) as pool:
        made = HttpHostKeys(
            pool,
            install_keys_url=f"{server.origin}{KEYS}/",
            jwks_url=f"{server.origin}{JWKS}",
            monotonic=time,
        )
        yield made
        await made.aclose()


class TestInstallKey:
    """Tests for app.confluence.host_keys.HttpHostKeys.install_key()."""

    async def test_key_is_fetched_once_and_kept(
        self, keys: HttpHostKeys, server: KeyServer, time: Time
    ) -> None:
        """A kid is never used for another key."""
        server.answers[f"{KEYS}/k1"] = (200, PEM)

        first = await keys.install_key("k1")
        time.now += 1e6
        second = await keys.install_key("k1")

        assert first == second == PEM
        assert server.asked == [f"{KEYS}/k1"]

    async def test_unknown_key_is_remembered_as_unknown_for_a_while(
        self, keys: HttpHostKeys, server: KeyServer, time: Time
    ) -> None:
        """A stranger's invented kid costs one request a minute; then we look again."""
        for _ in range(5):
            with pytest.raises(NotAuthenticated):
                await keys.install_key("k1")
        asked = len(server.asked)
        server.answers[f"{KEYS}/k1"] = (200, PEM)
        time.now += 61

        assert await keys.install_key("k1") == PEM
        assert asked == 1

    async def test_server_that_is_down_is_unavailable_and_nothing_is_concluded(
        self, server: KeyServer, time: Time
    ) -> None:
        """An install that comes meanwhile may be sent again; it is not refused."""
        async with open_pool() as pool:
            keys = HttpHostKeys(
                pool,
                install_keys_url="http://127.0.0.1:1",
                jwks_url="http://127.0.0.1:1",
                monotonic=time,
            )
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await keys.install_key("k1")

        assert server.asked == []

    @pytest.mark.parametrize("status", [500, 502, 503, 429, 403, 302])
    async def test_refusal_to_answer_is_no_answer(
        self, keys: HttpHostKeys, server: KeyServer, status: int
    ) -> None:
        """Only `not found` says that there is no such key; the rest may pass."""
        server.answers[f"{KEYS}/k1"] = (status, "later")
        with pytest.raises(Unavailable):
            await keys.install_key("k1")
        server.answers[f"{KEYS}/k1"] = (200, PEM)

        assert await keys.install_key("k1") == PEM

    @pytest.mark.parametrize(
        "body",
        ["", "<html>sign in</html>", b"\xff\xfe\x00", "x" * 70_000],
        ids=["empty", "html", "bytes", "huge"],
    )
    async def test_garbage_is_not_kept_as_a_key(
        self, keys: HttpHostKeys, server: KeyServer, time: Time, body: str | bytes
    ) -> None:
        """A proxy's page must not stand in for the key for ever after."""
        server.answers[f"{KEYS}/k1"] = (200, body)
        with pytest.raises((Unavailable, NotAuthenticated)):
            await keys.install_key("k1")
        server.answers[f"{KEYS}/k1"] = (200, PEM)
        time.now += 61

        assert await keys.install_key("k1") == PEM

    async def test_invented_kids_are_asked_for_at_a_trickle(
        self, keys: HttpHostKeys, server: KeyServer, time: Time
    ) -> None:
        """Beyond ten at once, the caller is told when to come again."""
        for number in range(10):
            with pytest.raises(NotAuthenticated):
                await keys.install_key(f"k{number}")
        with pytest.raises(Unavailable) as refused:
            await keys.install_key("one-more")
        time.now += 1
        with pytest.raises(NotAuthenticated):
            await keys.install_key("one-more")

        assert refused.value.retry_after == timedelta(seconds=1)
        assert len(server.asked) == 11

    async def test_known_key_is_given_however_many_are_unknown(
        self, keys: HttpHostKeys, server: KeyServer
    ) -> None:
        """Strangers lock nobody out who was here before."""
        server.answers[f"{KEYS}/k"] = (200, PEM)
        await keys.install_key("k")
        for number in range(20):
            with pytest.raises((NotAuthenticated, Unavailable)):
                await keys.install_key(f"k{number}")

        assert await keys.install_key("k") == PEM

    async def test_many_invented_kids_do_not_grow_the_memory(
        self, keys: HttpHostKeys, time: Time
    ) -> None:
        """Misses are bounded."""
        for number in range(300):
            time.now += 1
            with pytest.raises(NotAuthenticated):
                await keys.install_key(f"k{number}")

        assert len(keys._install_keys._missing) <= 256
        assert keys._install_keys.fetches == {}

    async def test_all_who_ask_at_once_share_one_fetch(
        self, keys: HttpHostKeys, server: KeyServer
    ) -> None:
        """A burst of one kid costs one request; who gives up takes nothing away."""
        server.answers[f"{KEYS}/k1"] = (200, PEM)
        asking = [asyncio.create_task(keys.install_key("k1")) for _ in range(30)]
        await asyncio.sleep(0)
        asking[0].cancel()

        found = await asyncio.gather(*asking, return_exceptions=True)

        assert isinstance(found[0], asyncio.CancelledError)
        assert found[1:] == [PEM] * 29
        assert server.asked == [f"{KEYS}/k1"]

    async def test_closing_ends_what_is_under_way(self, keys: HttpHostKeys) -> None:
        """No fetch outlives the pool."""
        asking = asyncio.create_task(keys.install_key("k1"))
        await asyncio.sleep(0)

        await keys.aclose()

        with pytest.raises(asyncio.CancelledError):
            await asking


class TestForgeKey:
    """Tests for app.confluence.host_keys.HttpHostKeys.forge_key()."""

    async def test_set_is_fetched_once_for_all_its_keys(
        self, keys: HttpHostKeys, server: KeyServer, time: Time
    ) -> None:
        """However many calls come at once."""
        server.answers[JWKS] = (200, key_set("a", "b"))

        found = await asyncio.gather(*(keys.forge_key(kid) for kid in "ab" * 5))
        time.now += 3599
        await keys.forge_key("a")

        assert [key["kid"] for key in found] == list("ab" * 5)
        assert server.asked == [JWKS]

    async def test_unknown_kid_fetches_the_set_again_but_not_each_time(
        self, keys: HttpHostKeys, server: KeyServer, time: Time
    ) -> None:
        """Strangers with invented kids cost one request in ten seconds."""
        server.answers[JWKS] = (200, key_set("a"))
        await keys.forge_key("a")
        time.now += 11

        for number in range(20):
            with pytest.raises(NotAuthenticated):
                await keys.forge_key(f"x{number}")

        assert server.asked == [JWKS] * 2

    async def test_rotated_key_is_found(
        self, keys: HttpHostKeys, server: KeyServer, time: Time
    ) -> None:
        """The host's new key is taken in at its first use."""
        server.answers[JWKS] = (200, key_set("old"))
        await keys.forge_key("old")
        server.answers[JWKS] = (200, key_set("new"))
        time.now += 11

        assert (await keys.forge_key("new"))["kid"] == "new"

    async def test_server_that_is_down_is_unavailable_each_time(
        self, keys: HttpHostKeys, server: KeyServer
    ) -> None:
        """While no set was ever read, nobody can say that a kid is unknown."""
        server.answers[JWKS] = (503, "later")

        for _ in range(3):
            with pytest.raises(Unavailable):
                await keys.forge_key("a")

    async def test_key_is_found_once_the_server_is_back(
        self, keys: HttpHostKeys, server: KeyServer, time: Time
    ) -> None:
        """A short outage refuses calls for as long as it lasts, not longer."""
        server.answers[JWKS] = (503, "later")
        with pytest.raises(Unavailable):
            await keys.forge_key("a")
        server.answers[JWKS] = (200, key_set("a"))
        time.now += 1

        assert (await keys.forge_key("a"))["kid"] == "a"

    async def test_known_keys_outlive_an_outage(
        self, keys: HttpHostKeys, server: KeyServer, time: Time
    ) -> None:
        """A failed refresh takes nothing away."""
        server.answers[JWKS] = (200, key_set("a"))
        await keys.forge_key("a")
        server.answers[JWKS] = (503, "later")
        time.now += 11
        with pytest.raises(Unavailable):
            await keys.forge_key("b")

        assert (await keys.forge_key("a"))["kid"] == "a"

    async def test_old_set_is_renewed_while_it_serves(
        self, keys: HttpHostKeys, server: KeyServer, time: Time
    ) -> None:
        """A key that the host has withdrawn is unknown within the hour and a call."""
        server.answers[JWKS] = (200, key_set("withdrawn"))
        await keys.forge_key("withdrawn")
        server.answers[JWKS] = (200, key_set("new"))
        time.now += 3601

        served = await keys.forge_key("withdrawn")
        await asyncio.gather(*keys._key_set.renewals)

        assert served["kid"] == "withdrawn"
        assert server.asked == [JWKS] * 2
        with pytest.raises(NotAuthenticated):
            await keys.forge_key("withdrawn")

    async def test_old_set_serves_while_the_host_is_down(
        self, keys: HttpHostKeys, server: KeyServer, time: Time
    ) -> None:
        """Renewal is tried once a minute then, not with every call."""
        server.answers[JWKS] = (200, key_set("a"))
        await keys.forge_key("a")
        server.answers[JWKS] = (503, "later")
        time.now += 1e6

        for _ in range(5):
            await keys.forge_key("a")
            await asyncio.gather(*keys._key_set.renewals)
        time.now += 61
        found = await keys.forge_key("a")
        await asyncio.gather(*keys._key_set.renewals)

        assert found["kid"] == "a"
        assert server.asked == [JWKS] * 3

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "<html>",
            b"\xff\xfe",
            "[]",
            "null",
            "{}",
            '{"keys": null}',
            '{"keys": 7}',
            '{"keys": "abc"}',
            '{"keys": [1, null, "x"]}',
            '{"keys": {"a": 1}}',
            '{"keys": [[]]}',
            "x" * 70_000,
        ],
        ids=lambda body: str(body)[:20] or "empty",
    )
    async def test_garbage_is_unavailable(
        self, keys: HttpHostKeys, server: KeyServer, body: str | bytes
    ) -> None:
        """Whatever comes in place of a key set has a name."""
        server.answers[JWKS] = (200, body)

        with pytest.raises(Unavailable):
            await keys.forge_key("a")

    async def test_keys_of_another_kind_are_left_out(
        self, keys: HttpHostKeys, server: KeyServer
    ) -> None:
        """Only RSA keys with a kid can have signed a call to us."""
        odd = [{"kty": "EC", "kid": "a"}, {"kty": "RSA"}, {"kty": "RSA", "kid": 7}]
        server.answers[JWKS] = (200, json.dumps({"keys": odd}))

        with pytest.raises(NotAuthenticated):
            await keys.forge_key("a")
