"""The process's shared connections to Confluence sites and Atlassian's gateway."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from app import __version__

#: Seconds; the whole of one request is bounded by the client besides.
TIMEOUTS = httpx.Timeout(connect=5, read=20, write=20, pool=5)

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)


def open_pool(
    transport: httpx.AsyncBaseTransport | None = None,
    *,
    timeouts: httpx.Timeout = TIMEOUTS,
    limits: httpx.Limits = _LIMITS,
) -> httpx.AsyncClient:
    """Return an HTTP client fit for all tenants at once; the caller closes it.

    It follows no redirect, reads no proxy or credentials from the environment,
    and keeps no cookie: the gateway is one host for every tenant, and a cookie of
    one must not travel with the calls of another.

    Args:
        transport: Replaces the network, for tests.
        timeouts: For connecting, reading, writing, and for a free connection.
        limits: How many connections are open at most.
    """
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(
        transport=transport,
        timeout=timeouts,
        limits=limits,
        headers={"User-Agent": f"confluence-ai/{__version__}"},
        cookies=no_cookies,
        follow_redirects=False,
        trust_env=False,
    )
