"""Product and lifecycle events of Forge, as they come to a remote.

An event has no page text and may come late, twice or never: it is a hint to read
the page. Who calls is proved by the token, not by the body.
https://developer.atlassian.com/platform/forge/events-reference/confluence/
https://developer.atlassian.com/platform/forge/events-reference/life-cycle/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from app.domain.events import (
    IgnoredEvent,
    LabelEvent,
    PageEvent,
    PageVerb,
    ProductEvent,
)
from app.domain.payloads import Fields
from app.errors import MalformedPayload

_PAGE_VERBS: Mapping[str, PageVerb] = {
    "avi:confluence:created:page": "created",
    "avi:confluence:updated:page": "updated",
    "avi:confluence:moved:page": "moved",
    "avi:confluence:trashed:page": "trashed",
    "avi:confluence:restored:page": "restored",
    "avi:confluence:deleted:page": "removed",
    "avi:confluence:permissions_updated:page": "permissions_updated",
    "avi:confluence:initialized:page": "initialized",
    "avi:confluence:started:page": "started",
    "avi:confluence:snapshotted:page": "snapshotted",
    "avi:confluence:published:page": "published",
}
_LABEL_VERBS: Mapping[str, Literal["added", "removed"]] = {
    "avi:confluence:added:label": "added",
    "avi:confluence:removed:label": "removed",
}
INSTALLED = "avi:forge:installed:app"
UPGRADED = "avi:forge:upgraded:app"

#: What the manifest's trigger for product events declares.
PRODUCT_EVENTS: tuple[str, ...] = (*_PAGE_VERBS, *_LABEL_VERBS)
#: What the manifest's trigger for lifecycle events declares. There is no event for
#: an uninstallation; the `preUninstall` module stands in for it.
LIFECYCLE_EVENTS: tuple[str, ...] = (INSTALLED, UPGRADED)

#: Verbs of live docs before they are published; such pages are read as ADF.
_LIVE_VERBS = frozenset({"initialized", "started", "snapshotted"})
_EVENT_NAME = re.compile(r"avi:[A-Za-z0-9_-]+(?::[A-Za-z0-9_-]+){1,4}", re.ASCII)
_SITE = re.compile(r"ari:cloud:confluence::site/([A-Za-z0-9-]{1,64})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppLifecycleEvent:
    """What lifecycle events of the app itself say.

    Attributes:
        installation_id: As the body has it: a bare uuid where the token has an ARI.
        cloud_id: The site, if the body names it.
    """

    installation_id: str
    account_id: str | None = None
    app_version: str | None = None
    environment_id: str | None = None
    cloud_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppInstalled(AppLifecycleEvent):
    """The app was installed on a site; its permissions may lag by minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppUpgraded(AppLifecycleEvent):
    """The installation moved to a new major version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryContext:
    """Says that the event was sent before.

    Attributes:
        count: How many attempts came before.
        reason: Atlassian's word for what went wrong then.
    """

    count: int
    reason: str | None = None


_Lifecycle = TypeVar("_Lifecycle", bound=AppLifecycleEvent)


def parse_event(body: bytes) -> ProductEvent | AppInstalled | AppUpgraded:
    """Read an event; what the app has no use for becomes an `IgnoredEvent`.

    Raises:
        MalformedPayload: No JSON object, no event name, or an event without the
            page, label or installation that it is about.
    """
    event = _event_fields(body)
    name = event.text("eventType")
    if _EVENT_NAME.fullmatch(name) is None:
        raise MalformedPayload(event.what, "eventType is no event name")
    if name in _PAGE_VERBS:
        return _page_event(name, _PAGE_VERBS[name], event)
    if name in _LABEL_VERBS:
        return _label_event(name, _LABEL_VERBS[name], event)
    if name == INSTALLED:
        return _lifecycle_event(AppInstalled, event)
    if name == UPGRADED:
        return _lifecycle_event(AppUpgraded, event)
    return IgnoredEvent(host="forge", name=name)


def retry_of(body: bytes) -> RetryContext | None:
    """Return what the body says about earlier attempts; None for a first one.

    Raises:
        MalformedPayload: The body is no JSON object.
    """
    whole = Fields.from_body(body, what="Forge event")
    event = whole.optional_object("payload") or whole
    found = event.optional_object("retryContext") or whole.optional_object(
        "retryContext"
    )
    if found is None:
        return None
    return RetryContext(
        count=found.version("retryCount") or 0,
        reason=found.optional_text("retryReason"),
    )


def _event_fields(body: bytes) -> Fields:
    # The documents wrap events for remotes in `payload`; some are seen without.
    whole = Fields.from_body(body, what="Forge event")
    return whole.optional_object("payload") or whole


def _page_event(name: str, verb: PageVerb, event: Fields) -> ProductEvent:
    content = event.object("content")
    if content.optional_text("type") not in {None, "page"}:
        return IgnoredEvent(host="forge", name=name)
    space = content.optional_object("space")
    version = content.optional_object("version")
    return PageEvent(
        host="forge",
        verb=verb,
        page_id=content.content_id("id"),
        version=version.version("number") if version else None,
        space_id=space.optional_id("id") if space else None,
        space_key=space.optional_text("key") if space else None,
        account_id=event.optional_text("atlassianId"),
        self_generated=event.flag("selfGenerated"),
        live=verb in _LIVE_VERBS or _says_live(content) or _says_live(event),
        occurred_at=event.moment_of_iso("eventCreatedDate"),
    )


def _label_event(
    name: str, verb: Literal["added", "removed"], event: Fields
) -> ProductEvent:
    label = event.object("label")
    label_name = label.text("name")
    content = event.optional_object("content")
    if content is None and not {"space", "template"} & set(event.values):
        raise MalformedPayload(event.what, "label of nothing")
    if content is None or content.optional_text("type") not in {None, "page"}:
        return IgnoredEvent(host="forge", name=name)
    return LabelEvent(
        host="forge",
        verb=verb,
        page_id=content.content_id("id"),
        label=label_name,
        prefix=label.optional_text("prefix") or "global",
        account_id=event.optional_text("atlassianId"),
        self_generated=event.flag("selfGenerated"),
        occurred_at=event.moment_of_iso("eventCreatedDate"),
    )


def _lifecycle_event(kind: type[_Lifecycle], event: Fields) -> _Lifecycle:
    app = event.optional_object("app")
    environment = event.optional_object("environment")
    site = _SITE.fullmatch(event.optional_text("context") or "")
    return kind(
        installation_id=event.text("id"),
        account_id=event.optional_text("installerAccountId")
        or event.optional_text("upgraderAccountId"),
        app_version=app.optional_text("version") if app else None,
        environment_id=environment.optional_text("id") if environment else None,
        cloud_id=site[1] if site else None,
    )


def _says_live(content: Fields) -> bool:
    return content.optional_text("subType") == "live"
