"""Public keys of the hosts, fetched over HTTP and cached by their id.

A kid is never reused for another key, so what was found stays found. Strangers can
make us look for kids that do not exist, so misses are remembered for a while and
the key set is fetched again only so often.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
from typing_extensions import override

from app.errors import NotAuthenticated, Unavailable
from app.usecases.ports import HostKeys

_KEYS_KEPT = 256
_MISS_SECONDS = 60.0
#: The key set is fetched at most once in this time, however many kids are unknown.
_REFRESH_SECONDS = 10.0
_LONGEST_KEY = 64 * 1024


class HttpHostKeys(HostKeys):
    """Implements `app.usecases.ports.HostKeys` for both hosts."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        install_keys_url: str,
        jwks_url: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._install_keys_url = install_keys_url.rstrip("/")
        self._jwks_url = jwks_url
        self._monotonic = monotonic
        self._pems: dict[str, str] = {}
        self._missing: dict[str, float] = {}
        self._jwks: dict[str, dict[str, Any]] = {}
        self._jwks_after = 0.0
        self._jwks_lock = asyncio.Lock()

    @override
    async def install_key(self, kid: str) -> str:
        if kid in self._pems:
            return self._pems[kid]
        if self._monotonic() < self._missing.get(kid, 0.0):
            raise NotAuthenticated("unknown install key")
        answer = await self._get(f"{self._install_keys_url}/{kid}", "install-keys")
        if answer.status_code != httpx.codes.OK:
            _remember(self._missing, kid, self._monotonic() + _MISS_SECONDS)
            raise NotAuthenticated("unknown install key")
        _remember(self._pems, kid, answer.text)
        return answer.text

    @override
    async def forge_key(self, kid: str) -> dict[str, Any]:
        known = self._jwks.get(kid)
        if known is not None:
            return known
        async with self._jwks_lock:
            if kid not in self._jwks and self._monotonic() >= self._jwks_after:
                self._jwks_after = self._monotonic() + _REFRESH_SECONDS
                self._jwks = await self._fetch_jwks()
        if kid not in self._jwks:
            raise NotAuthenticated("unknown Forge key")
        return self._jwks[kid]

    async def _fetch_jwks(self) -> dict[str, dict[str, Any]]:
        answer = await self._get(self._jwks_url, "jwks")
        try:
            keys = answer.raise_for_status().json()["keys"]
            return {
                key["kid"]: key
                for key in keys
                if key.get("kty") == "RSA" and isinstance(key.get("kid"), str)
            }
        except (httpx.HTTPStatusError, ValueError, KeyError, TypeError) as error:
            raise Unavailable("jwks", "no key set in the answer") from error

    async def _get(self, url: str, service: str) -> httpx.Response:
        try:
            answer = await self._http.get(url, timeout=5)
        except httpx.HTTPError as error:
            raise Unavailable(service, type(error).__name__) from error
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise Unavailable(service, f"answered {answer.status_code}")
        if len(answer.content) > _LONGEST_KEY:
            raise Unavailable(service, "the answer is too long for a key")
        return answer


def _remember(cache: dict[str, Any], kid: str, value: object) -> None:
    while len(cache) >= _KEYS_KEPT:
        del cache[next(iter(cache))]
    cache[kid] = value
