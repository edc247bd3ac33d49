"""The web application of one site: both APIs, the gateway, the face, the control."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from sandbox.auth import Authentication, BasicAuth
from sandbox.control import Control
from sandbox.face.routes import face_routes
from sandbox.plugins import HostPlugin
from sandbox.rest.pipeline import Pipeline
from sandbox.rest.routes import rest_routes
from sandbox.same_origin import SameOrigin
from sandbox.site import Site


def create_app(site: Site, *, hosts: Sequence[HostPlugin] = ()) -> Starlette:
    """Return the application; hosts run for as long as its lifespan does.

    Routes of hosts come first, so that they may add to what the site answers.
    """
    authentication = Authentication(
        [
            *(one for host in hosts for one in host.authenticators()),
            BasicAuth(site.directory),
        ]
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as running:
            for host in hosts:
                await running.enter_async_context(host.run())
            yield

    return Starlette(
        routes=[
            *(route for host in hosts for route in host.routes()),
            *Control(site).routes(),
            *rest_routes(site, Pipeline(site, authentication)),
            *face_routes(site, hosts),
        ],
        middleware=[Middleware(SameOrigin)],
        lifespan=lifespan,
    )
