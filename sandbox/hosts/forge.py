"""The Forge host as a plug-in of the site: JWKS, control routes, linking."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sandbox.clock import Clock, utc_now
from sandbox.hosts.control import ControlRefused, control_route, read_fields, required
from sandbox.hosts.deliveries import Deliveries
from sandbox.hosts.delivery_log import Outcome
from sandbox.hosts.forge_apps import ForgeApps, UiCall
from sandbox.hosts.forge_auth import ForgeAuthenticator
from sandbox.hosts.forge_invocations import Environment, ForgeInstallation
from sandbox.hosts.forge_manifest import Manifest, ManifestRefused, read_manifest
from sandbox.hosts.forge_schedule import ScheduleClock
from sandbox.hosts.ports import HostSite
from sandbox.plugins import AppSummary
from sandbox.principals import Authenticator, CredentialsRefused

#: Where a Forge app reads the client key of the Connect app it takes over from.
#: https://developer.atlassian.com/platform/adopting-forge-from-connect/migrate-connect-clientkey
CLIENT_KEY_PROPERTY = "connect_client_key_019cdff3-8bfb-71fe-9628-875b700aebb8"

_MANIFEST_LIMIT_BYTES = 1_000_000
_ENVIRONMENTS: tuple[Environment, ...] = ("DEVELOPMENT", "STAGING", "PRODUCTION")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_MANIFEST_FIELDS = {"manifest": str, "manifest_yaml": str, "remote_url": str}
_INSTALL_FIELDS = {
    **_MANIFEST_FIELDS,
    "environment": str,
    "connect_client_key_of": str,
    "account_id": str,
}
_UPGRADE_FIELDS = {**_MANIFEST_FIELDS, "major": bool, "app": str, "account_id": str}
_INVOKE_FIELDS = {
    "module": str,
    "path": str,
    "method": str,
    "body": object,
    "account_id": str,
    "extension": dict,
    "app": str,
}


class ForgeHost:
    """Runs Forge apps on a site: installs them, tells them, lets them in.

    The deliveries are shared with the other host and run by their own plug-in.

    Args:
        client_key_of: Returns the client key of a Connect app of the same site.
    """

    def __init__(
        self,
        site: HostSite,
        deliveries: Deliveries,
        *,
        client_key_of: Callable[[str], str | None] = lambda _: None,
        clock: Clock = utc_now,
    ) -> None:
        self._site = site
        self._client_key_of = client_key_of
        self._apps = ForgeApps(site, deliveries, clock)
        self._schedule = ScheduleClock(self._apps, clock)
        self._authenticate = ForgeAuthenticator(self._apps, clock)

    def routes(self) -> list[BaseRoute]:
        """Return the JWKS, the control routes and the reserved app property."""
        root = "/_sandbox/forge"
        addons = "/wiki/rest/atlassian-connect/1/addons"
        gateway = f"/ex/confluence/{self._site.cloud_id}{addons}"
        return [
            control_route(f"{root}/jwks.json", self._jwks, ["GET"]),
            control_route(f"{root}/rotate-key", self._rotate, ["POST"]),
            control_route(f"{root}/install", self._install, ["POST"]),
            control_route(f"{root}/uninstall", self._uninstall, ["POST"]),
            control_route(f"{root}/upgrade", self._upgrade, ["POST"]),
            control_route(f"{root}/installations", self._installations, ["GET"]),
            control_route(f"{root}/tokens", self._tokens, ["POST"]),
            control_route(f"{root}/tokens/expire", self._expire, ["POST"]),
            control_route(f"{root}/settings", self._settings, ["GET", "POST"]),
            control_route(f"{root}/schedule", self._fire, ["POST"]),
            control_route(f"{root}/invoke", self._invoke, ["POST"]),
            control_route(
                f"{gateway}/{{key}}/properties/{CLIENT_KEY_PROPERTY}",
                self._client_key,
                ["GET"],
            ),
        ]

    def authenticators(self) -> list[Authenticator]:
        """Return the check of bearer tokens at the gateway."""
        return [self._authenticate]

    def run(self) -> AbstractAsyncContextManager[None]:
        """Fire scheduled triggers while entered."""
        return self._schedule.run()

    def byline_property_keys(self) -> list[str]:
        """Return the byline properties of installed apps."""
        return [
            key
            for installation in self._apps.active()
            for key in installation.manifest.byline_keys
        ]

    def apps(self) -> list[AppSummary]:
        """Return the installations of this host, ended ones included."""
        return [
            AppSummary(
                key=installation.manifest.app_id,
                name=installation.manifest.name,
                host="forge",
                status="installed" if installation.active else "uninstalled",
                installed_at=installation.installed_at,
                base_url=installation.manifest.base_url,
            )
            for installation in self._apps.all()
        ]

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse(self._apps.invoker.jwks())

    async def _rotate(self, _: Request) -> Response:
        return JSONResponse({"kid": self._apps.invoker.rotate()})

    async def _install(self, request: Request) -> Response:
        fields = await read_fields(request, _INSTALL_FIELDS)
        installation = self._apps.install(
            await _manifest(fields),
            environment=_environment(fields),
            connect_key=fields.get("connect_client_key_of"),
            installer=fields.get("account_id"),
        )
        return JSONResponse(self._public(installation))

    async def _uninstall(self, request: Request) -> Response:
        await self._apps.uninstall(await self._named(request))
        return Response(status_code=204)

    async def _upgrade(self, request: Request) -> Response:
        fields = await read_fields(request, _UPGRADE_FIELDS)
        installation = self._apps.get(fields.get("app"))
        new = "manifest" in fields or "manifest_yaml" in fields
        self._apps.upgrade(
            installation,
            major=fields.get("major", False),
            manifest=await _manifest(fields) if new else None,
            upgrader=fields.get("account_id"),
        )
        return JSONResponse(self._public(installation))

    async def _installations(self, _: Request) -> Response:
        found = [self._public(installation) for installation in self._apps.all()]
        return JSONResponse({"installations": found})

    async def _tokens(self, request: Request) -> Response:
        fields = await read_fields(request, {"ttl_seconds": float})
        if "ttl_seconds" in fields:
            self._apps.mint.life = _seconds(fields["ttl_seconds"])
        return JSONResponse({"ttl_seconds": self._apps.mint.life.total_seconds()})

    async def _expire(self, _: Request) -> Response:
        self._apps.mint.expire_all()
        return Response(status_code=204)

    async def _settings(self, request: Request) -> Response:
        fields = await read_fields(
            request, {"wrap_payload": bool, "schedule_first_seconds": float}
        )
        self._apps.wrap_payload = fields.get("wrap_payload", self._apps.wrap_payload)
        if "schedule_first_seconds" in fields:
            self._schedule.first_run = _seconds(fields["schedule_first_seconds"])
        return JSONResponse(
            {
                "wrap_payload": self._apps.wrap_payload,
                "schedule_first_seconds": self._schedule.first_run.total_seconds(),
            }
        )

    async def _fire(self, request: Request) -> Response:
        fields = await read_fields(request, {"key": str, "app": str})
        installation = self._apps.get(fields.get("app"))
        key = fields.get("key")
        chosen = [
            schedule
            for schedule in installation.manifest.schedules
            if key in (None, schedule.key)
        ]
        if not chosen:
            raise ControlRefused("no such scheduled trigger", status=404)
        for schedule in chosen:
            self._apps.fire(installation, schedule)
        return JSONResponse({"fired": [schedule.key for schedule in chosen]})

    async def _invoke(self, request: Request) -> Response:
        fields = await read_fields(request, _INVOKE_FIELDS)
        installation = self._apps.get(fields.get("app"))
        outcome = await self._apps.invoke(installation, _ui_call(fields))
        return JSONResponse(_answer(outcome))

    async def _client_key(self, request: Request) -> Response:
        try:
            found = self._authenticate.holder(request)
        except CredentialsRefused as refusal:
            raise ControlRefused(refusal.reason, status=401) from refusal
        if found is None:
            raise ControlRefused("a token of the app is needed", status=401)
        connect_key = found[0].connect_key
        client_key = self._client_key_of(connect_key) if connect_key else None
        if client_key is None or request.path_params["key"] != connect_key:
            raise ControlRefused("no such property", status=404)
        return JSONResponse({"key": CLIENT_KEY_PROPERTY, "value": client_key})

    async def _named(self, request: Request) -> ForgeInstallation:
        fields = await read_fields(request, {"app": str})
        return self._apps.get(fields.get("app"))

    def _public(self, installation: ForgeInstallation) -> dict[str, Any]:
        return {
            "installation_id": installation.installation_id,
            "installation_ari": installation.ari,
            "app_id": installation.manifest.app_id,
            "app_version": installation.version,
            "app_account_id": installation.account_id,
            "environment": installation.environment,
            "api_base_url": self._apps.invoker.api_base_url,
            "base_url": installation.manifest.base_url,
            "scopes": sorted(installation.manifest.scopes),
            "active": installation.active,
        }


def _environment(fields: dict[str, Any]) -> Environment:
    wanted = fields.get("environment", "DEVELOPMENT")
    for environment in _ENVIRONMENTS:
        if environment == wanted:
            return environment
    raise ControlRefused(f"environment: must be of {', '.join(_ENVIRONMENTS)}")


def _ui_call(fields: dict[str, Any]) -> UiCall:
    method = fields.get("method", "POST").upper()
    if method not in _METHODS:
        raise ControlRefused(f"method: must be of {', '.join(_METHODS)}")
    return UiCall(
        module=required(fields, "module"),
        path=required(fields, "path"),
        method=method,
        body=fields.get("body"),
        account_id=required(fields, "account_id"),
        extension=fields.get("extension", {}),
    )


async def _manifest(fields: dict[str, Any]) -> Manifest:
    if ("manifest" in fields) == ("manifest_yaml" in fields):
        raise ControlRefused("give exactly one of manifest and manifest_yaml")
    text = fields.get("manifest_yaml") or await _file_text(fields["manifest"])
    try:
        return read_manifest(text, remote_url=fields.get("remote_url"))
    except ManifestRefused as refusal:
        raise ControlRefused(*refusal.problems) from refusal


async def _file_text(name: str) -> str:
    path = anyio.Path(name)
    try:
        if (await path.stat()).st_size > _MANIFEST_LIMIT_BYTES:
            raise ControlRefused("manifest: is larger than 1 MB", status=413)
        return await path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ControlRefused(f"manifest: cannot be read: {error}") from error


def _answer(outcome: Outcome) -> dict[str, Any]:
    body: Any = outcome.body.decode(errors="replace")
    if "json" in outcome.media_type:
        with suppress(ValueError):
            body = json.loads(outcome.body)
    return {"status": outcome.status, "error": outcome.error, "body": body}


def _seconds(value: float) -> timedelta:
    try:
        return timedelta(seconds=value)
    except (OverflowError, ValueError) as error:
        raise ControlRefused(f"{value}: is too long a time") from error
