"""Starts processes: the only place where web, worker and bootstrap meet."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import uvicorn
from starlette.applications import Starlette

from app.bootstrap import open_services
from app.settings import Settings
from app.telemetry import logs
from app.usecases.services import Services
from app.web.app import create_app
from app.worker.loop import Worker, running_worker

#: Longer than the worker's own grace, so that it may end in good order.
_GRACE_SECONDS = 25


def web_app(settings: Settings) -> Starlette:
    """Return the web app, with the worker inside where it is embedded."""
    return create_app(_recipe(settings))


def serve(settings: Settings) -> None:
    """Answer HTTP until told to stop."""
    configure_logs(settings)
    server = uvicorn.Config(
        web_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    uvicorn.Server(server).run()


def work(settings: Settings) -> None:
    """Work on jobs until told to stop."""
    configure_logs(settings)
    asyncio.run(_work(settings))


def configure_logs(settings: Settings, *, to_stdout: bool = True) -> None:
    """Direct this process's logs."""
    logs.configure(
        settings.log_dir,
        level=settings.log_level,
        form=settings.log_format,
        to_stdout=to_stdout,
    )


async def _work(settings: Settings) -> None:
    async with open_services(settings) as services:
        worker = Worker(services, concurrency=settings.worker_concurrency)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        await worker.run()


def _recipe(settings: Settings) -> Callable[[], AbstractAsyncContextManager[Services]]:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Services]:
        async with contextlib.AsyncExitStack() as stack:
            services = await stack.enter_async_context(open_services(settings))
            if settings.runs_worker:
                await stack.enter_async_context(
                    running_worker(services, concurrency=settings.worker_concurrency)
                )
            yield services

    return opened
