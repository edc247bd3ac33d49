"""Public keys of the hosts, fetched over HTTP and cached by their id.

Whoever calls us names the key that we fetch, before anything is proved. So what
a stranger can make us ask for, wait for and remember is bounded; and only a host
that answers properly can say that a key does not exist: all else is `Unavailable`,
which the caller may try again.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx
import structlog
from typing_extensions import override

from app.errors import NotAuthenticated, Unavailable
from app.usecases.ports import HostKeys

log = structlog.get_logger("app")

Monotonic = Callable[[], float]

#: For the pool that asks key hosts: more than the unknown kids that may be asked
#: for within `_FETCH_SECONDS`, so that these never hold up the key set.
LIMITS = httpx.Limits(max_connections=32, max_keepalive_connections=2)

_INSTALL_KEYS = "install-keys"
_JWKS = "jwks"
_KEYS_KEPT = 256
_MISS_SECONDS = 60.0
#: The whole of one fetch, however slowly the host drips.
_FETCH_SECONDS = 10.0
_LONGEST_ANSWER = 64 * 1024
#: Unknown install keys that may be asked for at once, and then in each second.
_BURST = 10
_A_SECOND = 1.0
#: The key set is fetched at most once in this time, however many kids are unknown.
_REFRESH_SECONDS = 10.0
#: The pause after a fetch that failed.
_RETRY_SECONDS = 1.0
#: A set of this age is renewed; where that fails, it serves on and is tried again.
_MAX_AGE_SECONDS = 3600.0
_RENEW_AGAIN_SECONDS = 60.0

_PEM = re.compile(
    r"\s*-----BEGIN (RSA )?PUBLIC KEY-----\s.+-----END (RSA )?PUBLIC KEY-----\s*",
    re.ASCII | re.DOTALL,
)


class HttpHostKeys(HostKeys):
    """Implements `app.usecases.ports.HostKeys` for both hosts.

    `http` should be a pool of its own (see `LIMITS`): strangers cause fetches, and
    must not starve the calls of sites.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        install_keys_url: str,
        jwks_url: str,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._install_keys = _InstallKeys(http, install_keys_url, monotonic)
        self._key_set = _KeySet(http, jwks_url, monotonic)

    @override
    async def install_key(self, kid: str) -> str:
        return await self._install_keys.find(kid)

    @override
    async def forge_key(self, kid: str) -> dict[str, Any]:
        return await self._key_set.find(kid)

    async def aclose(self) -> None:
        """End fetches that nobody waits for; the pool may be closed after this."""
        tasks = [*self._install_keys.fetches.values(), *self._key_set.renewals]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _InstallKeys:
    """Keys at an address each. A kid is never used for another key: found is kept."""

    def __init__(self, http: httpx.AsyncClient, url: str, monotonic: Monotonic) -> None:
        self.fetches: dict[str, asyncio.Task[str]] = {}
        self._http = http
        self._url = url.rstrip("/")
        self._monotonic = monotonic
        self._bucket = _Bucket(monotonic)
        self._pems: dict[str, str] = {}
        self._missing: dict[str, float] = {}

    async def find(self, kid: str) -> str:
        if kid in self._pems:
            return self._pems[kid]
        if self._monotonic() < self._missing.get(kid, 0.0):
            raise NotAuthenticated("unknown install key")
        if kid not in self.fetches:
            if wait := self._bucket.take():
                raise Unavailable(
                    _INSTALL_KEYS,
                    "too many unknown keys were asked for",
                    retry_after=timedelta(seconds=wait),
                )
            self._begin(kid)
        # Others may wait for the same answer: one who gives up does not end it.
        return await asyncio.shield(self.fetches[kid])

    def _begin(self, kid: str) -> None:
        def end(task: asyncio.Task[str]) -> None:
            self.fetches.pop(kid, None)
            if not task.cancelled():
                task.exception()  # it may be that nobody waits for it any more

        self.fetches[kid] = asyncio.create_task(self._fetch(kid))
        self.fetches[kid].add_done_callback(end)

    async def _fetch(self, kid: str) -> str:
        status, body = await _get(self._http, f"{self._url}/{kid}", _INSTALL_KEYS)
        if status == httpx.codes.NOT_FOUND:
            _remember(self._missing, kid, self._monotonic() + _MISS_SECONDS)
            raise NotAuthenticated("unknown install key")
        pem = body.decode("ascii", errors="replace")
        if status != httpx.codes.OK:
            raise Unavailable(_INSTALL_KEYS, f"answered {status}")
        if _PEM.fullmatch(pem) is None:
            raise Unavailable(_INSTALL_KEYS, "the answer is no public key")
        _remember(self._pems, kid, pem)
        return pem


class _KeySet:
    """All keys at one address; a failed fetch takes nothing away."""

    def __init__(self, http: httpx.AsyncClient, url: str, monotonic: Monotonic) -> None:
        self.renewals: set[asyncio.Task[None]] = set()
        self._http = http
        self._url = url
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._keys: Mapping[str, dict[str, Any]] = {}
        #: Why the last fetch failed; None once one has succeeded.
        self._failure: str | None = None
        self._fetch_after = 0.0
        self._renew_after = 0.0

    async def find(self, kid: str) -> dict[str, Any]:
        if kid in self._keys:
            found = self._keys[kid]
            self._renew_in_background()
            return found
        async with self._lock:
            if kid not in self._keys and self._monotonic() >= self._fetch_after:
                await self._fetch()
        if kid in self._keys:
            return self._keys[kid]
        if self._failure is not None:
            pause = timedelta(seconds=_RETRY_SECONDS)
            raise Unavailable(_JWKS, self._failure, retry_after=pause)
        raise NotAuthenticated("unknown Forge key")

    def _renew_in_background(self) -> None:
        if self.renewals or self._monotonic() < self._renew_after:
            return
        task = asyncio.create_task(self._renew())
        self.renewals.add(task)
        task.add_done_callback(self.renewals.discard)

    async def _renew(self) -> None:
        async with self._lock:
            try:
                await self._fetch()
            except Unavailable as error:
                self._renew_after = self._monotonic() + _RENEW_AGAIN_SECONDS
                log.warning("key_set_not_renewed", reason=str(error))

    async def _fetch(self) -> None:
        try:
            self._keys = _keys_of(*await _get(self._http, self._url, _JWKS))
        except Unavailable as error:
            self._failure = error.reason
            self._fetch_after = self._monotonic() + _RETRY_SECONDS
            raise
        self._failure = None
        self._fetch_after = self._monotonic() + _REFRESH_SECONDS
        self._renew_after = self._monotonic() + _MAX_AGE_SECONDS


class _Bucket:
    """Gives out so many permits at once, and then so many a second."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._level = float(_BURST)
        self._at = monotonic()

    def take(self) -> float:
        """Take one permit; return 0, or the seconds until there is one to take."""
        now = self._monotonic()
        self._level = min(_BURST, self._level + (now - self._at) * _A_SECOND)
        self._at = now
        if self._level < 1:
            return (1 - self._level) / _A_SECOND
        self._level -= 1
        return 0.0


def _keys_of(status: int, body: bytes) -> dict[str, dict[str, Any]]:
    """Return the usable keys of a JWK set by their ids; others are left out.

    Raises:
        Unavailable: No good answer, no JWK set, or a member of it is no object.
    """
    if status != httpx.codes.OK:
        raise Unavailable(_JWKS, f"answered {status}")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unavailable(_JWKS, "the answer is no JSON") from error
    keys = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise Unavailable(_JWKS, "no key set in the answer")
    return {
        key["kid"]: key
        for key in keys
        if key.get("kty") == "RSA" and isinstance(key.get("kid"), str)
    }


async def _get(http: httpx.AsyncClient, url: str, service: str) -> tuple[int, bytes]:
    """Return status and body of a short answer.

    Raises:
        Unavailable: None came in time, or it is too long.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(_FETCH_SECONDS), http.stream("GET", url) as answer:
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > _LONGEST_ANSWER:
                    raise Unavailable(service, "the answer is too long for a key")
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise Unavailable(service, type(error).__name__) from error
    return answer.status_code, bytes(body)


def _remember(cache: dict[str, Any], kid: str, value: object) -> None:
    while len(cache) >= _KEYS_KEPT:
        del cache[next(iter(cache))]
    cache[kid] = value
