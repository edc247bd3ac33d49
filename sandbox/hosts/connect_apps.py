"""The site's Connect apps: their installations, and what they are told.

https://developer.atlassian.com/cloud/confluence/connect-app-descriptor/#lifecycle
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

import httpx

from sandbox.changes import Change
from sandbox.clock import Clock
from sandbox.hosts.connect_descriptor import (
    Descriptor,
    DescriptorRefused,
    Webhook,
    read_descriptor,
)
from sandbox.hosts.connect_events import webhook_body, webhook_name
from sandbox.hosts.connect_tokens import (
    SignedCall,
    Tenancy,
    sign_call,
    sign_context,
    sign_lifecycle,
)
from sandbox.hosts.control import ControlRefused
from sandbox.hosts.deliveries import Deliveries, Envelope, Pack, Parcel
from sandbox.hosts.delivery_log import Outcome
from sandbox.hosts.keys import SigningKey
from sandbox.hosts.ports import HostSite

#: Seconds that the host waits for an app. Not published by Atlassian; ours.
TIMEOUT_SECONDS = 10.0

#: The answers that count as success, for lifecycle calls and webhooks alike.
ACCEPTED = frozenset({200, 204})

_DESCRIPTOR_LIMIT_BYTES = 1_000_000

InstallationState = Literal["installed", "enabled", "disabled", "uninstalled"]


@dataclass(slots=True, kw_only=True)
class Installation:
    """One app on this site; kept after an uninstall, as its client key stays."""

    descriptor: Descriptor
    client_key: str
    shared_secret: str = field(repr=False)
    account_id: str
    oauth_client_id: str
    installed_at: datetime
    state: InstallationState = "installed"

    @property
    def tenancy(self) -> Tenancy:
        """Who the two sides are, for tokens."""
        return Tenancy(
            app_key=self.descriptor.key,
            client_key=self.client_key,
            base_url=self.descriptor.base_url,
        )


class ConnectApps:
    """Installs, removes and informs the Connect apps of one site."""

    def __init__(self, site: HostSite, deliveries: Deliveries, clock: Clock) -> None:
        self.key = SigningKey()
        self._site = site
        self._deliveries = deliveries
        self._clock = clock
        self._by_key: dict[str, Installation] = {}
        # Two installs of one app at a time would race for its secret.
        self._lock = asyncio.Lock()
        site.subscribe(self._on_change)

    @property
    def site_url(self) -> str:
        """The base URL that apps are given: REST paths hang below it."""
        return f"{self._site.origin}/wiki"

    def all(self) -> list[Installation]:
        """Return every installation there ever was, by app key."""
        return [self._by_key[key] for key in sorted(self._by_key)]

    def find(self, app_key: str) -> Installation | None:
        """Return an app's installation unless it was never or is no longer there."""
        found = self._by_key.get(app_key)
        return None if found is None or found.state == "uninstalled" else found

    def get(self, app_key: str) -> Installation:
        """Return an app's installation.

        Raises:
            ControlRefused: The app is not installed.
        """
        if (found := self.find(app_key)) is None:
            raise ControlRefused(f"{app_key}: is not installed", status=404)
        return found

    async def install(self, descriptor_url: str) -> Installation:
        """Fetch the descriptor and install its app, or install it anew.

        The client key of a site never changes; each install makes a new secret. If
        the app refuses, all stays as it was.

        Raises:
            ControlRefused: The descriptor cannot be had or is wrong, or the app did
                not answer `installed` with 200 or 204.
        """
        async with self._lock:
            descriptor = await self._fetch(descriptor_url)
            before = self._by_key.get(descriptor.key)
            fresh = Installation(
                descriptor=descriptor,
                client_key=before.client_key if before else str(uuid4()),
                shared_secret=secrets.token_urlsafe(48),
                account_id=self._site.create_app_user(descriptor.key, descriptor.name),
                oauth_client_id=secrets.token_urlsafe(24),
                installed_at=self._clock(),
            )
            outcome = await self._tell(fresh, "installed")
            if not outcome.ok(ACCEPTED):
                if self.find(descriptor.key) is None:
                    self._site.remove_user(fresh.account_id)
                raise ControlRefused(
                    f"the app refused `installed`: {outcome.describe()}"
                )
            fresh.state = "enabled"
            self._by_key[descriptor.key] = fresh
            await self._tell(fresh, "enabled")
            return fresh

    async def uninstall(self, app_key: str) -> None:
        """Disable and remove an app, whatever it answers.

        Raises:
            ControlRefused: The app is not installed.
        """
        async with self._lock:
            installation = self.get(app_key)
            if installation.state == "enabled":
                installation.state = "disabled"
                await self._tell(installation, "disabled")
            installation.state = "uninstalled"
            self._site.remove_user(installation.account_id)
            await self._tell(installation, "uninstalled")

    async def switch(self, app_key: str, state: Literal["enabled", "disabled"]) -> None:
        """Enable or disable an app and tell it so; nothing if it is so already.

        Raises:
            ControlRefused: The app is not installed.
        """
        async with self._lock:
            installation = self.get(app_key)
            if installation.state != state:
                installation.state = state
                await self._tell(installation, state)

    def context_token(self, app_key: str, account_id: str) -> str:
        """Return what `AP.context.getToken` gives to a person's browser.

        Raises:
            ControlRefused: The app is not installed.
        """
        installation = self.get(app_key)
        signed = sign_context(
            installation.tenancy,
            installation.shared_secret,
            subject=account_id,
            now=self._clock(),
        )
        return signed.token

    def page_url(self, app_key: str, path: str, account_id: str) -> str:
        """Return the address that an iframe of the app would load, token included.

        https://developer.atlassian.com/cloud/confluence/about-the-connect-javascript-api/

        Raises:
            ControlRefused: The app is not installed, or `path` is no path.
        """
        installation = self.get(app_key)
        if not path.startswith("/"):
            raise ControlRefused("path: must start with /")
        mark = "&" if "?" in path else "?"
        frame = httpx.QueryParams(
            {"xdm_e": self._site.origin, "cp": "/wiki", "lic": "active"}
        )
        url = f"{installation.descriptor.base_url}{path}{mark}{frame}"
        signed = sign_call(
            installation.tenancy,
            installation.shared_secret,
            method="GET",
            url=url,
            subject=account_id,
            now=self._clock(),
        )
        return f"{url}&jwt={signed.token}"

    async def _fetch(self, url: str) -> Descriptor:
        if not url.startswith(("https://", "http://")):
            raise ControlRefused("descriptor_url: must be an http(s) address")
        try:
            answer = await self._deliveries.client.get(url, timeout=TIMEOUT_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"{type(error).__name__}: {error}"
            raise ControlRefused(f"descriptor cannot be fetched: {reason}") from error
        if answer.status_code != httpx.codes.OK:
            raise ControlRefused(f"descriptor answers status {answer.status_code}")
        if len(answer.content) > _DESCRIPTOR_LIMIT_BYTES:
            raise ControlRefused("descriptor is larger than 1 MB")
        try:
            return read_descriptor(json.loads(answer.content))
        except DescriptorRefused as refusal:
            raise ControlRefused(*refusal.problems) from refusal
        except (ValueError, RecursionError) as error:
            raise ControlRefused(f"descriptor is not JSON: {error}") from error

    async def _tell(
        self,
        installation: Installation,
        event: Literal["installed", "uninstalled", "enabled", "disabled"],
    ) -> Outcome:
        path = installation.descriptor.lifecycle.get(event)
        if path is None:
            return Outcome(error=f"the app does not listen to {event}")
        url = installation.descriptor.base_url + path
        content = json.dumps(self._lifecycle_body(installation, event)).encode()

        def pack(_retry: int, _last: Outcome | None) -> Envelope:
            # Only what makes or ends trust is signed with the site's own key.
            if event in ("installed", "uninstalled"):
                signed = sign_lifecycle(
                    installation.tenancy, self.key, url=url, now=self._clock()
                )
            else:
                signed = self._signed(installation, url, subject=None)
            return _envelope(signed, content)

        return await self._deliveries.deliver_now(
            self._parcel(installation, event, url, pack)
        )

    def _lifecycle_body(self, installation: Installation, event: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "key": installation.descriptor.key,
            "clientKey": installation.client_key,
            "oauthClientId": installation.oauth_client_id,
            "baseUrl": self.site_url,
            "displayUrl": self.site_url,
            "displayUrlServicedeskHelpCenter": self.site_url,
            "productType": "confluence",
            "description": "Atlassian Confluence at " + self.site_url,
            "serverVersion": "6452",
            "pluginsVersion": "1.1000.0",
            "eventType": event,
            # Real payloads grow fields without notice; apps must not mind.
            "unannouncedField": {"nested": [True, None, 1.5]},
        }
        if event == "installed":
            body["sharedSecret"] = installation.shared_secret
        return body

    def _on_change(self, change: Change) -> None:
        event = webhook_name(change)
        for installation in self._by_key.values():
            if installation.state == "enabled":
                for webhook in installation.descriptor.webhooks:
                    if webhook.event == event:
                        self._send(installation, webhook, change)

    def _send(
        self, installation: Installation, webhook: Webhook, change: Change
    ) -> None:
        url = installation.descriptor.base_url + webhook.url
        body = webhook_body(change, site_url=self.site_url)
        content = b"" if webhook.exclude_body else json.dumps(body).encode()
        subject = change.account_id if change.app is None else None

        def pack(_retry: int, _last: Outcome | None) -> Envelope:
            return _envelope(self._signed(installation, url, subject=subject), content)

        # No retry of Confluence webhooks is documented: a lost one stays lost.
        self._deliveries.send(self._parcel(installation, webhook.event, url, pack))

    def _signed(
        self, installation: Installation, url: str, *, subject: str | None
    ) -> SignedCall:
        return sign_call(
            installation.tenancy,
            installation.shared_secret,
            method="POST",
            url=url,
            subject=subject,
            now=self._clock(),
        )

    def _parcel(
        self, installation: Installation, event: str, url: str, pack: Pack
    ) -> Parcel:
        return Parcel(
            host="connect",
            app=installation.descriptor.key,
            event=event,
            url=url,
            pack=pack,
            accepted=ACCEPTED,
            timeout_seconds=TIMEOUT_SECONDS,
        )


def _envelope(signed: SignedCall, content: bytes) -> Envelope:
    headers = {
        "Authorization": f"JWT {signed.token}",
        "Content-Type": "application/json; charset=UTF-8",
        "User-Agent": "Atlassian HttpClient (sandbox)",
    }
    return Envelope(headers=headers, content=content, claims=signed.claims)
