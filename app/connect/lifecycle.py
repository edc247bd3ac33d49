"""Lifecycle events of Connect: a site installs, enables, disables or removes the app.

https://developer.atlassian.com/cloud/confluence/connect-app-descriptor/#lifecycle
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from typing_extensions import override

from app.connect.tokens import Claims
from app.domain.origins import MAX_URL_LENGTH, is_allowed_url
from app.domain.payloads import Fields
from app.errors import MalformedPayload, NotAuthenticated

_MAX_SECRET_LENGTH = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleEvent:
    """What all lifecycle events say. Read leniently: hosts add fields as they like.

    Attributes:
        app_key: Key of the app that the event is about.
        client_key: The tenant's name in Connect; a site import makes a new one.
        base_url: Where the site's API hangs, without a slash at the end.
        display_url: What people see; never called.
        product_type: `confluence`, if told.
        account_id: Who did it, if told.
        oauth_client_id: For acting as a person, if told.
        installation_id: The Forge installation of the same app on the same site, if
            the app is moving there.
            https://developer.atlassian.com/platform/adopting-forge-from-connect/migrate-connect-clientkey/
    """

    event_type: ClassVar[str] = ""

    app_key: str
    client_key: str
    base_url: str
    display_url: str | None = None
    product_type: str | None = None
    account_id: str | None = None
    oauth_client_id: str | None = None
    installation_id: str | None = None

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Read an event of this very type.

        Raises:
            MalformedPayload: No JSON object, another event, or without what every
                event must have.
        """
        fields = Fields.from_body(body, what=f"{cls.event_type} event")
        if fields.text("eventType") != cls.event_type:
            raise MalformedPayload(fields.what, "eventType is of another event")
        return cls(**cls._values(fields))

    @classmethod
    def _values(cls, fields: Fields) -> dict[str, Any]:
        return {
            "app_key": fields.text("key"),
            "client_key": fields.text("clientKey"),
            "base_url": fields.text("baseUrl", limit=MAX_URL_LENGTH).rstrip("/"),
            "display_url": fields.optional_text("displayUrl", limit=MAX_URL_LENGTH),
            "product_type": fields.optional_text("productType"),
            "account_id": fields.optional_text("accountId"),
            "oauth_client_id": fields.optional_text("oauthClientId"),
            "installation_id": fields.optional_text("installationId"),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledEvent(LifecycleEvent):
    """The app was installed, installed again, or its secret was renewed."""

    event_type: ClassVar[str] = "installed"

    shared_secret: str = field(repr=False)

    @classmethod
    @override
    def _values(cls, fields: Fields) -> dict[str, Any]:
        secret = fields.text("sharedSecret", limit=_MAX_SECRET_LENGTH)
        # Two-argument super(): a slotted dataclass is rebuilt, and the short form
        # would look at the class it replaced.
        values = super(InstalledEvent, cls)._values(fields)
        return {**values, "shared_secret": secret}


@dataclass(frozen=True, slots=True, kw_only=True)
class UninstalledEvent(LifecycleEvent):
    """The app was removed from the site."""

    event_type: ClassVar[str] = "uninstalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnabledEvent(LifecycleEvent):
    """The app was switched on; follows every installation."""

    event_type: ClassVar[str] = "enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisabledEvent(LifecycleEvent):
    """The app was switched off; may come before or after `uninstalled`."""

    event_type: ClassVar[str] = "disabled"


def check_install(
    event: LifecycleEvent,
    claims: Claims,
    *,
    app_key: str,
    allowed_hosts: Sequence[str],
) -> None:
    """Hold the body of `installed` or `uninstalled` against the token that came with it.

    Args:
        event: What the body says.
        claims: What `verify_asymmetric` proved.
        app_key: Our key.
        allowed_hosts: Patterns of `app.domain.origins`: calls to the tenant go to
            its base URL, so it must be a site of Atlassian's.

    Raises:
        NotAuthenticated: Another tenant's token, another app's event, or a base URL
            that is not allowed.
    """
    if claims.issuer != event.client_key:
        raise NotAuthenticated("body is of another tenant than the token")
    if event.app_key != app_key:
        raise NotAuthenticated("event is about another app")
    if not is_allowed_url(event.base_url, allowed_hosts):
        raise NotAuthenticated("base URL is not allowed")
