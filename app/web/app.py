"""Makes the web app: routes, middleware, and a lifespan that opens the services."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypedDict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from app.errors import AppError
from app.usecases.services import Services
from app.web.middleware import BodyLimit, LastNet, RequestId
from app.web.problems import on_app_error, on_http_exception
from app.web.routes import routes

OpenServices = Callable[[], AbstractAsyncContextManager[Services]]


class State(TypedDict):
    """What the lifespan hands to every request."""

    services: Services


def create_app(open_services: OpenServices) -> Starlette:
    """Make the app from the recipe of its services; a test passes another recipe."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        async with open_services() as services:
            yield {"services": services}

    return Starlette(
        routes=routes(),
        lifespan=lifespan,
        middleware=[Middleware(RequestId), Middleware(LastNet), Middleware(BodyLimit)],
        exception_handlers={
            AppError: on_app_error,
            HTTPException: on_http_exception,
        },
    )
