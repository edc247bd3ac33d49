"""The Connect host as a plug-in of the site: control routes and install keys."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute

from sandbox.clock import Clock, utc_now
from sandbox.hosts.connect_apps import ConnectApps, Installation
from sandbox.hosts.connect_auth import ConnectAuthenticator
from sandbox.hosts.control import ControlRefused, control_route, read_fields, required
from sandbox.hosts.deliveries import Deliveries
from sandbox.hosts.ports import HostSite
from sandbox.plugins import AppSummary
from sandbox.principals import Authenticator


class ConnectHost:
    """Runs Connect apps on a site: installs them, tells them, lets them in.

    The deliveries are shared with the other host and run by their own plug-in.
    """

    def __init__(
        self, site: HostSite, deliveries: Deliveries, *, clock: Clock = utc_now
    ) -> None:
        self._apps = ConnectApps(site, deliveries, clock)
        self._authenticate = ConnectAuthenticator(self._apps, clock)

    def routes(self) -> list[BaseRoute]:
        """Return the install-keys route and the control routes."""
        root = "/_sandbox/connect"
        return [
            control_route("/_sandbox/install-keys/{kid}", self._install_key, ["GET"]),
            control_route(f"{root}/install", self._install, ["POST"]),
            control_route(f"{root}/uninstall", self._uninstall, ["POST"]),
            control_route(f"{root}/enable", self._enable, ["POST"]),
            control_route(f"{root}/disable", self._disable, ["POST"]),
            control_route(f"{root}/installations", self._installations, ["GET"]),
            control_route(f"{root}/context-token", self._context_token, ["GET"]),
            control_route(f"{root}/page-url", self._page_url, ["GET"]),
        ]

    def authenticators(self) -> list[Authenticator]:
        """Return the check of apps' JWTs."""
        return [self._authenticate]

    def run(self) -> AbstractAsyncContextManager[None]:
        """Return an empty context: this host does nothing of its own accord."""
        return nullcontext()

    def byline_property_keys(self) -> list[str]:
        """Return the byline properties of enabled apps."""
        return [
            key
            for installation in self._apps.all()
            if installation.state == "enabled"
            for key in installation.descriptor.byline_keys
        ]

    def apps(self) -> list[AppSummary]:
        """Return the apps of this host, removed ones included."""
        return [
            AppSummary(
                key=installation.descriptor.key,
                name=installation.descriptor.name,
                host="connect",
                status=installation.state,
                installed_at=installation.installed_at,
                base_url=installation.descriptor.base_url,
            )
            for installation in self._apps.all()
        ]

    def client_key_of(self, app_key: str) -> str | None:
        """Return the client key of an installed app, None if it is not installed."""
        installation = self._apps.find(app_key)
        return installation.client_key if installation else None

    async def _install_key(self, request: Request) -> Response:
        if request.path_params["kid"] != self._apps.key.kid:
            raise ControlRefused("no such install key", status=404)
        return PlainTextResponse(self._apps.key.pem())

    async def _install(self, request: Request) -> Response:
        fields = await read_fields(request, {"descriptor_url": str})
        installation = await self._apps.install(required(fields, "descriptor_url"))
        return JSONResponse(_public(installation))

    async def _uninstall(self, request: Request) -> Response:
        await self._apps.uninstall(await _key_of(request))
        return Response(status_code=204)

    async def _enable(self, request: Request) -> Response:
        await self._apps.switch(await _key_of(request), "enabled")
        return Response(status_code=204)

    async def _disable(self, request: Request) -> Response:
        await self._apps.switch(await _key_of(request), "disabled")
        return Response(status_code=204)

    async def _installations(self, _: Request) -> Response:
        return JSONResponse(
            {
                "installations": [
                    {
                        "key": installation.descriptor.key,
                        "state": installation.state,
                        # A sandbox keeps no secrets from those who test with it.
                        "shared_secret": installation.shared_secret,
                        **_public(installation),
                    }
                    for installation in self._apps.all()
                ]
            }
        )

    async def _context_token(self, request: Request) -> Response:
        query = request.query_params
        key, account = required(query, "key"), required(query, "account_id")
        return JSONResponse({"token": self._apps.context_token(key, account)})

    async def _page_url(self, request: Request) -> Response:
        query = request.query_params
        key, path = required(query, "key"), required(query, "path")
        account = required(query, "account_id")
        return JSONResponse({"url": self._apps.page_url(key, path, account)})


async def _key_of(request: Request) -> str:
    fields = await read_fields(request, {"key": str})
    key: str = required(fields, "key")
    return key


def _public(installation: Installation) -> dict[str, Any]:
    return {
        "client_key": installation.client_key,
        "app_account_id": installation.account_id,
        "base_url": installation.descriptor.base_url,
    }
