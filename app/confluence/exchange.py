"""Asks one tenant's Confluence: signs, sends, bounds, repeats; the only I/O here.

What is asked is built by `calls`, what is answered is judged by `replies`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random,
)

from app.clock import utc_now
from app.confluence import values
from app.confluence.call import Call
from app.confluence.replies import SERVICE, Reply, TooLarge, decode, next_cursor
from app.connect import tokens
from app.errors import ContractBroken, CredentialsRefused, Unavailable
from app.usecases.ports import PointsMeter, SiteAccess

#: Bytes of an answer after decompression: a page has at most 5 MB, a list of large
#: pages is asked for in smaller parts.
MAX_ANSWER = 16 * 2**20
#: Seconds for one request from first to last byte, however slowly it drips.
DEADLINE = 60.0
#: Tries of an idempotent call in all; longer troubles are the queue's.
TRIES = 3
#: Parts of one walk: 2,500,000 objects at 250 a part.
MAX_PARTS = 10_000

_SHORT_WAIT = timedelta(seconds=1)
_BEARER = re.compile(r"[\x21-\x7e]+")

_T = TypeVar("_T")


class Sign(Protocol):
    """Makes the token that proves one Connect call; see `app.connect.tokens.sign`."""

    def __call__(
        self,
        method: str,
        url: str,
        *,
        app_key: str,
        shared_secret: str,
        base_url: str,
        now: datetime,
    ) -> str:
        """Return a token for exactly this method and address."""
        ...


class Exchange:
    """One tenant's site as something that answers calls.

    Every method may raise the errors of `app.errors` that `replies` names.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        access: SiteAccess,
        *,
        sign: Sign = tokens.sign,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        deadline: float = DEADLINE,
    ) -> None:
        self._http = http
        self._access = access
        self._sign = sign
        self._now = now
        self._sleep = sleep
        self._deadline = deadline
        self._meter = PointsMeter()

    @property
    def meter(self) -> PointsMeter:
        """What this client has cost so far; failed tries count."""
        return self._meter

    async def _all(self, call: Call, read: Callable[[Any], _T]) -> tuple[_T, ...]:
        """Read a list to its end."""
        parts = [part async for part in self._walk(call)]
        return tuple(read(item) for part in parts for item in values.results(part))

    async def _walk(self, call: Call) -> AsyncIterator[Any]:
        """Yield a list's answers, part by part, in parts that fit the size limit."""
        seen: set[str] = set()
        while len(seen) < MAX_PARTS:
            try:
                data, reply = await self._ask(call)
            except TooLarge:
                if call.limit == 1:
                    raise
                call = call.with_params(limit=str(max(1, call.limit // 8)))
                continue
            yield data
            cursor = next_cursor(reply, data)
            if cursor is None:
                return
            if cursor in seen:
                raise ContractBroken(SERVICE, "a list gives the same cursor again")
            seen.add(cursor)
            call = call.with_params(**call.onward, cursor=cursor)
        raise ContractBroken(SERVICE, f"a list does not end in {MAX_PARTS} parts")

    async def _ask(self, call: Call) -> tuple[Any, Reply]:
        """Send a call, repeating it where that is harmless; return JSON and reply."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES if call.idempotent else 1),
            wait=wait_random(0.2, 1.0),
            retry=retry_if_exception(_may_pass_soon),
            sleep=self._sleep,
            reraise=True,
        )
        return await retrying(self._attempt, call)

    async def _attempt(self, call: Call) -> tuple[Any, Reply]:
        self._meter.requests += 1
        self._meter.points += 0 if call.public else 1
        reply = await self._send(call)
        data = decode(call, reply, now=self._now())
        self._meter.points += call.points_each * _count(data)
        return data, reply

    async def _send(self, call: Call) -> Reply:
        """Send one request and read its whole answer, whatever its status."""
        base_url = self._access.base_url
        if call.public:
            base_url = "{0.scheme}://{0.netloc}".format(urlsplit(base_url))
        url = call.url(base_url)
        headers = self._headers(call, url)
        try:
            async with asyncio.timeout(self._deadline):
                return await self._exchange(call, url, headers)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError):
            # Without a cause: the message may quote a header, and so the token.
            raise ContractBroken(SERVICE, "the request cannot be sent") from None
        except (httpx.TimeoutException, TimeoutError) as error:
            raise Unavailable(SERVICE, f"timeout ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise Unavailable(SERVICE, type(error).__name__) from error

    async def _exchange(self, call: Call, url: str, headers: dict[str, str]) -> Reply:
        request = self._http.build_request(
            call.method, url, content=call.content(), headers=headers
        )
        response = await self._http.send(request, stream=True, follow_redirects=False)
        try:
            body = await _read(response)
        finally:
            await response.aclose()
        received = {name.lower(): value for name, value in response.headers.items()}
        return Reply(status=response.status_code, headers=received, body=body)

    def _headers(self, call: Call, url: str) -> dict[str, str]:
        headers = {"Accept": "application/json", **call.headers}
        if call.json is not None:
            headers["Content-Type"] = "application/json"
        if not call.public:
            headers["Authorization"] = self._authorization(call, url)
        return headers

    def _authorization(self, call: Call, url: str) -> str:
        """Prove who we are; a Connect token holds for this one request only."""
        access = self._access
        if access.host == "connect":
            token = self._sign(
                call.method,
                url,
                app_key=access.app_key,
                shared_secret=access.secret,
                base_url=access.base_url,
                now=self._now(),
            )
            return f"JWT {token}"
        if not _BEARER.fullmatch(access.secret):
            raise CredentialsRefused(SERVICE, "the token at hand is empty or garbled")
        return f"Bearer {access.secret}"


def _may_pass_soon(error: BaseException) -> bool:
    """Whether to try again at once; who asks for more than a second gets the queue."""
    if not isinstance(error, Unavailable):
        return False
    return error.retry_after is None or error.retry_after <= _SHORT_WAIT


def _count(data: Any) -> int:
    """Return how many objects an answer carries, as far as points go."""
    found = data.get("results") if isinstance(data, dict) else None
    return len(found) if isinstance(found, list) else 1


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER:
            raise TooLarge(MAX_ANSWER)
    return bytes(body)
