"""Other ways to put the app together than its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
from starlette.types import ASGIApp

from app.bootstrap import open_services
from app.confluence.client import open_confluence
from app.confluence.pool import open_pool
from app.settings import Settings
from app.usecases.services import Services
from app.web.app import create_app
from app.worker.loop import running_worker


def impatient_app(settings: Settings) -> ASGIApp:
    """Return the app with its worker, waiting a third of a second for Confluence."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Services]:
        timeouts = httpx.Timeout(0.3)
        async with (
            open_services(settings) as services,
            open_pool(timeouts=timeouts) as pool,
        ):
            hasty = replace(services, open_confluence=open_confluence(pool))
            async with running_worker(hasty, concurrency=settings.worker_concurrency):
                yield hasty

    return create_app(opened)
