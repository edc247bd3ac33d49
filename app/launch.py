"""Starts processes: the only place where web, worker and bootstrap meet."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from typing_extensions import override

from app.bootstrap import open_services
from app.errors import ConfigurationError
from app.settings import Settings
from app.telemetry import logs
from app.usecases.services import Services
from app.web.app import create_app
from app.web.http_protocol import BoundedHttpProtocol
from app.worker.loop import Worker, running_worker

#: For requests that run when we are told to stop. The worker's own grace of 20 s
#: comes after it, and both must fit into the 30 s after which platforms kill.
REQUEST_GRACE_SECONDS = 5
#: Longer than the 60 s of common proxies: whoever keeps a connection to us must be
#: the one to close it, or a request is lost on its way.
_KEEP_ALIVE_SECONDS = 65


OpenServices = Callable[[], AbstractAsyncContextManager[Services]]


class _Server(uvicorn.Server):
    """Leaves with 0 when told to stop: uvicorn would raise the signal once more."""

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True


def web_app(settings: Settings) -> Starlette:
    """Return the web app, with the worker inside where it is embedded."""
    return create_app(_recipe(settings))


def server_config(settings: Settings, app: Starlette) -> uvicorn.Config:
    """Return how HTTP is answered."""
    return uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        http=BoundedHttpProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=REQUEST_GRACE_SECONDS,
    )


def serve(settings: Settings) -> None:
    """Answer HTTP until told to stop.

    Raises:
        ConfigurationError: The services refuse to start with these settings.
        SystemExit: It could not start for another reason, which is in the log.
    """
    configure_logs(settings)
    refusals: list[ConfigurationError] = []
    app = create_app(_noting(_recipe(settings), refusals))
    try:
        _Server(server_config(settings, app)).run()
    except SystemExit:
        if refusals:
            raise refusals[0] from None
        raise


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
    async with open_services(settings, schema_required=True) as services:
        worker = Worker(services, concurrency=settings.worker_concurrency)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        await worker.run()


def _noting(recipe: OpenServices, refusals: list[ConfigurationError]) -> OpenServices:
    """Keep what the server only logs: whoever started it is to be told in a line."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Services]:
        async with contextlib.AsyncExitStack() as stack:
            try:
                services = await stack.enter_async_context(recipe())
            except ConfigurationError as error:
                refusals.append(error)
                raise
            yield services

    return opened


def _recipe(settings: Settings) -> OpenServices:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Services]:
        async with contextlib.AsyncExitStack() as stack:
            services = await stack.enter_async_context(
                open_services(settings, schema_required=True)
            )
            if settings.runs_worker:
                await stack.enter_async_context(
                    running_worker(services, concurrency=settings.worker_concurrency)
                )
            yield services

    return opened
