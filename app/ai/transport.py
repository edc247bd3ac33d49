"""The connections of a wire: bounded in time, watched for the moment of sending.

Quotas count a call from the moment it is on the wire, so the last byte of each request
is timed where it is written. Both SDKs bring their own defaults for time-outs, proxies
and redirects; what is set here holds for both.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx2

from app.ai.wire import Timing
from app.errors import ConfigurationError

#: Seconds for one call, from the permit to the last byte of its answer.
CALL_SECONDS = 120.0
_CONNECT_SECONDS = 5.0
#: As many as `AI_CONCURRENCY` may be: the quotas hold calls back, not the pool.
_LIMITS = httpx2.Limits(
    max_connections=256, max_keepalive_connections=64, keepalive_expiry=30
)
_SENT = ".send_request_body.complete"

_timing: ContextVar[Timing | None] = ContextVar("_timing", default=None)


def open_connections(seconds: float = CALL_SECONDS) -> httpx2.AsyncClient:
    """Return the HTTP client of one wire; whoever opens the wire closes it.

    It follows no redirect (a key and a page would travel along), reads no proxy or
    credentials from the environment, and keeps no cookie.

    Args:
        seconds: The longest that reading or writing may stand still.
    """
    timeouts = httpx2.Timeout(
        seconds, connect=min(_CONNECT_SECONDS, seconds), pool=seconds
    )

    async def watch(request: httpx2.Request) -> None:
        request.extensions["timeout"] = timeouts.as_dict()
        if (timing := _timing.get()) is not None:
            request.extensions["trace"] = _clock(timing)

    return httpx2.AsyncClient(
        verify=_trust(),
        timeout=timeouts,
        limits=_LIMITS,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        event_hooks={"request": [watch]},
        follow_redirects=False,
        trust_env=False,
    )


@asynccontextmanager
async def watched(timing: Timing | None, seconds: float) -> AsyncIterator[None]:
    """Bound everything inside in time, and write into `timing` when it is sent.

    Raises:
        TimeoutError: It took longer than `seconds`.
    """
    token = _timing.set(timing)
    try:
        async with asyncio.timeout(seconds):
            yield
    finally:
        _timing.reset(token)


def checked_address(setting: str, value: str) -> str:
    """Return a base address without its last slash.

    Raises:
        ConfigurationError: It is no http(s) address, or holds what should be secret:
            addresses are written into logs.
    """
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        raise ConfigurationError([f"{setting}: expected an http(s) address"]) from None
    if not usable:
        raise ConfigurationError([f"{setting}: expected an http(s) address"])
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            [f"{setting}: expected an address without user, password, ? and #"]
        )
    return value.strip().rstrip("/")


def checked_key(setting: str, value: str) -> str:
    """Return a key fit for a header; empty stays empty.

    Raises:
        ConfigurationError: It holds what no key holds; the value is not repeated.
    """
    key = value.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError([f"{setting}: expected a key, without spaces in it"])
    return key


@cache
def _trust() -> ssl.SSLContext:
    """Return whom to trust; reading it takes as long as a call takes to be sent."""
    return httpx2.create_ssl_context(trust_env=False)


def _clock(timing: Timing) -> Any:
    async def trace(event: str, info: dict[str, Any]) -> None:
        del info
        # A proxy's CONNECT is a request too; the last one is the call itself.
        if event.endswith(_SENT):
            timing.sent_at = time.monotonic()

    return trace
