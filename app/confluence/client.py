"""The client of one tenant's Confluence, and how it is opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

import httpx

from app.clock import utc_now
from app.confluence.exchange import Sign
from app.confluence.writes import Writes
from app.connect import tokens
from app.usecases.ports import Confluence, OpenConfluence, SiteAccess


class ConfluenceClient(Writes):
    """One tenant's site over REST; implements `app.usecases.ports.Confluence`.

    Every method may raise the errors of `app.errors` that `replies` names.
    """


def open_confluence(
    http: httpx.AsyncClient,
    *,
    sign: Sign = tokens.sign,
    now: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> OpenConfluence:
    """Return the port's opener over shared connections (`app.confluence.pool`).

    Args:
        http: The shared connections; whoever opened them closes them.
        sign: Signs Connect calls.
        now: The clock for tokens and for waits told as dates.
        sleep: Waits between tries.
    """

    @asynccontextmanager
    async def open_site(access: SiteAccess) -> AsyncIterator[Confluence]:
        yield ConfluenceClient(http, access, sign=sign, now=now, sleep=sleep)

    def opener(access: SiteAccess) -> AbstractAsyncContextManager[Confluence]:
        return open_site(access)

    return opener
