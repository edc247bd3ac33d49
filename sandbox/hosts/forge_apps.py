"""The site's Forge apps: their installations, and what they are told.

https://developer.atlassian.com/platform/forge/remote/sending-product-events/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import uuid4

import httpx

from sandbox.changes import Change
from sandbox.clock import Clock
from sandbox.hosts.control import ControlRefused
from sandbox.hosts.deliveries import Deliveries, Envelope, Parcel
from sandbox.hosts.delivery_log import Outcome
from sandbox.hosts.forge_catalogue import INSTALLED, UPGRADED
from sandbox.hosts.forge_events import (
    event_body,
    event_name,
    installed_body,
    upgraded_body,
)
from sandbox.hosts.forge_invocations import (
    Environment,
    ForgeInstallation,
    Invoker,
    Session,
)
from sandbox.hosts.forge_manifest import Endpoint, Manifest, Schedule, at_path
from sandbox.hosts.forge_tokens import TokenMint
from sandbox.hosts.ports import HostSite

#: How long Forge waits for a remote: with events, and with calls of a UI module.
EVENT_TIMEOUT_SECONDS = 5.0
UI_TIMEOUT_SECONDS = 25.0

#: A failed event is sent so many times more.
EVENT_RETRIES = 4

#: Larger events are dropped; larger requests of UI modules are refused.
EVENT_LIMIT_BYTES = 200_000
UI_REQUEST_LIMIT_BYTES = 500_000

ACCEPTED = range(200, 300)

#: A body of an attempt, made from the number of the retry and the failure before it.
_Content: TypeAlias = Callable[[int, Outcome | None], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class UiCall:
    """What a UI module asks of its backend through `invokeRemote`."""

    module: str
    path: str
    method: str
    body: object
    account_id: str
    extension: Mapping[str, Any]


class ForgeApps:
    """Installs, removes and informs the Forge apps of one site.

    Attributes:
        wrap_payload: Events lie under `payload`, as the docs show for remotes. Some
            implementations have seen them bare; an app should take both.
    """

    def __init__(self, site: HostSite, deliveries: Deliveries, clock: Clock) -> None:
        self.mint = TokenMint()
        self.invoker = Invoker(
            origin=site.origin, cloud_id=site.cloud_id, mint=self.mint
        )
        self.wrap_payload = True
        self._site = site
        self._deliveries = deliveries
        self._clock = clock
        self._installations: dict[str, ForgeInstallation] = {}
        site.subscribe(self._on_change)

    def all(self) -> list[ForgeInstallation]:
        """Return every installation there ever was, in order."""
        return list(self._installations.values())

    def active(self) -> list[ForgeInstallation]:
        """Return the installations that are there now."""
        return [found for found in self._installations.values() if found.active]

    def by_id(self, installation_id: str) -> ForgeInstallation | None:
        """Return an installation that is there now."""
        found = self._installations.get(installation_id)
        return found if found is not None and found.active else None

    def get(self, name: str | None = None) -> ForgeInstallation:
        """Return an installation by its id or app id, or the only one there is.

        Raises:
            ControlRefused: None fits, or none is named and there are several.
        """
        found = [
            one
            for one in self.active()
            if name is None or name in (one.installation_id, one.manifest.app_id)
        ]
        if not found:
            raise ControlRefused("no such Forge installation", status=404)
        if len(found) > 1:
            raise ControlRefused("several Forge apps are installed: name one by id")
        return found[0]

    def install(
        self,
        manifest: Manifest,
        *,
        environment: Environment,
        connect_key: str | None = None,
        installer: str | None = None,
    ) -> ForgeInstallation:
        """Install an app; one that is there already ends first, untold.

        Args:
            manifest: What to install.
            environment: Of the app's deployment.
            connect_key: Links to another Connect app than the manifest names.
            installer: Account id of the person who does it.
        """
        for earlier in self.active():
            if earlier.manifest.app_id == manifest.app_id:
                earlier.active = False
        app_uuid = manifest.app_id.rpartition("/")[2]
        installation = ForgeInstallation(
            manifest=manifest,
            installation_id=str(uuid4()),
            account_id=self._site.create_app_user(manifest.app_id, manifest.name),
            environment=environment,
            environment_id=f"ari:cloud:ecosystem::environment/{app_uuid}/{uuid4()}",
            connect_key=connect_key or manifest.connect_key,
            installed_at=self._clock(),
        )
        self._installations[installation.installation_id] = installation
        body = installed_body(
            installation, cloud_id=self._site.cloud_id, installer=installer
        )
        self._publish(installation, INSTALLED, body)
        return installation

    async def uninstall(self, installation: ForgeInstallation) -> None:
        """Call the pre-uninstall endpoints, then end the installation in any case.

        No event tells of it afterwards.
        https://developer.atlassian.com/platform/forge/manifest-reference/modules/pre-uninstall/
        """
        for key, endpoint in installation.manifest.pre_uninstalls:
            content = self._module_content(key)
            await self._deliveries.deliver_now(
                self._parcel(installation, "preUninstall", endpoint, content)
            )
        installation.active = False
        self._site.remove_user(installation.account_id)

    def upgrade(
        self,
        installation: ForgeInstallation,
        *,
        major: bool,
        manifest: Manifest | None = None,
        upgrader: str | None = None,
    ) -> None:
        """Bring a new version; the app is told of major ones only."""
        installation.manifest = manifest or installation.manifest
        if not major:
            installation.minor += 1
            return
        installation.major, installation.minor = installation.major + 1, 0
        body = upgraded_body(
            installation, cloud_id=self._site.cloud_id, upgrader=upgrader
        )
        self._publish(installation, UPGRADED, body)

    def fire(self, installation: ForgeInstallation, schedule: Schedule) -> None:
        """Call a scheduled trigger's endpoint once; the next tick is its retry.

        https://developer.atlassian.com/platform/forge/events-reference/scheduled-trigger/
        """
        content = self._module_content(schedule.key)
        name = f"scheduledTrigger {schedule.key}"
        self._deliveries.send(
            self._parcel(installation, name, schedule.endpoint, content)
        )

    async def invoke(self, installation: ForgeInstallation, call: UiCall) -> Outcome:
        """Call the backend for a person at a UI module, once.

        https://developer.atlassian.com/platform/forge/remote/calling-from-frontend/

        Raises:
            ControlRefused: No such module, a bad path, or too large a body.
        """
        modules = {module.key: module for module in installation.manifest.ui_modules}
        if (module := modules.get(call.module)) is None:
            known = ", ".join(modules) or "none"
            raise ControlRefused(f"module: {call.module} is no UI module of {known}")
        if not call.path.startswith("/"):
            raise ControlRefused("path: must start with /")
        content = b"" if call.body is None else json.dumps(call.body).encode()
        if len(content) > UI_REQUEST_LIMIT_BYTES:
            raise ControlRefused("body: is larger than 500 kB", status=413)
        session = Session(
            account_id=call.account_id,
            module_key=module.key,
            module_type=module.kind,
            extension=call.extension,
        )
        endpoint = at_path(module.endpoint, call.path)
        now = self._clock()
        envelope = self.invoker.envelope(
            installation, endpoint, content, now=now, session=session
        )
        parcel = Parcel(
            host="forge",
            app=installation.manifest.app_id,
            event=f"invokeRemote {module.key}",
            url=endpoint.url,
            pack=lambda _retry, _last: envelope,
            accepted=ACCEPTED,
            timeout_seconds=UI_TIMEOUT_SECONDS,
            method=call.method,
        )
        return await self._deliveries.deliver_now(parcel)

    def _on_change(self, change: Change) -> None:
        if (name := event_name(change)) is None:
            return
        for installation in self.active():
            own = {installation.manifest.app_id, installation.connect_key} - {None}
            body = event_body(change, self_generated=change.app in own)
            self._publish(installation, name, body)

    def _publish(
        self, installation: ForgeInstallation, name: str, body: Mapping[str, Any]
    ) -> None:
        for trigger in installation.manifest.triggers:
            if name in trigger.events:
                self._send_event(installation, name, trigger.endpoint, body)

    def _send_event(
        self,
        installation: ForgeInstallation,
        name: str,
        endpoint: Endpoint,
        body: Mapping[str, Any],
    ) -> None:
        wrap = self.wrap_payload

        def content(retry: int, last: Outcome | None) -> bytes:
            event = dict(body)
            if retry and last is not None:
                event["retryContext"] = _retry_context(retry, last)
            return json.dumps({"payload": event} if wrap else event).encode()

        parcel = self._parcel(
            installation, name, endpoint, content, retries=EVENT_RETRIES
        )
        if len(content(0, None)) > EVENT_LIMIT_BYTES:
            self._deliveries.drop(parcel, "larger than 200 kB")
        else:
            self._deliveries.send(parcel)

    def _module_content(self, module_key: str) -> _Content:
        context = {"cloudId": self._site.cloud_id, "moduleKey": module_key}
        body = {"context": context, "contextToken": str(uuid4())}
        content = json.dumps(body).encode()
        return lambda _retry, _last: content

    def _parcel(
        self,
        installation: ForgeInstallation,
        event: str,
        endpoint: Endpoint,
        content: _Content,
        *,
        retries: int = 0,
    ) -> Parcel:
        def pack(retry: int, last: Outcome | None) -> Envelope:
            return self.invoker.envelope(
                installation, endpoint, content(retry, last), now=self._clock()
            )

        return Parcel(
            host="forge",
            app=installation.manifest.app_id,
            event=event,
            url=endpoint.url,
            pack=pack,
            accepted=ACCEPTED,
            timeout_seconds=EVENT_TIMEOUT_SECONDS,
            retries=retries,
        )


def _retry_context(retry: int, last: Outcome) -> dict[str, Any]:
    if last.timed_out:
        reason = "TIMEOUT_ERROR"
    elif last.status == httpx.codes.UNAUTHORIZED:
        # An answer of 401 is reserved for "the invocation token is not valid".
        reason = "INVALID_FORGE_INVOCATION_TOKEN"
    else:
        reason = "INVALID_REMOTE_INVOCATION_ERROR"
    return {"retryCount": retry, "retryReason": reason, "retryData": None}
