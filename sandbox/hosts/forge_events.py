"""A change of the site in the words of Forge product events.

https://developer.atlassian.com/platform/forge/events-reference/confluence/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.changes import Change, ChangeName
from sandbox.clock import to_iso
from sandbox.hosts.forge_catalogue import INSTALLED, UPGRADED
from sandbox.hosts.forge_invocations import ForgeInstallation
from sandbox.hosts.pages import PageFacts

_NAMES: Mapping[ChangeName, str] = {
    "page_created": "avi:confluence:created:page",
    "page_updated": "avi:confluence:updated:page",
    "page_moved": "avi:confluence:moved:page",
    "page_trashed": "avi:confluence:trashed:page",
    "page_removed": "avi:confluence:deleted:page",
    "page_restored": "avi:confluence:restored:page",
    "page_initialized": "avi:confluence:initialized:page",
    "page_started": "avi:confluence:started:page",
    "page_snapshotted": "avi:confluence:snapshotted:page",
    "page_published": "avi:confluence:published:page",
    "page_permissions_updated": "avi:confluence:permissions_updated:page",
    "label_added": "avi:confluence:added:label",
    "label_removed": "avi:confluence:removed:label",
    "user_created": "avi:confluence:created:user",
    "user_removed": "avi:confluence:deleted:user",
}

#: Events that say what made them happen.
_WITH_TRIGGER = frozenset(
    {"page_updated", "page_started", "page_snapshotted", "page_published"}
)


def event_name(change: Change) -> str | None:
    """Return the event that tells of `change`; None if Forge has none for it."""
    return _NAMES.get(change.name)


def event_body(change: Change, *, self_generated: bool) -> dict[str, Any]:
    """Return the event's fields, without the wrapping of the wire.

    Args:
        change: What happened.
        self_generated: The app that is told did it itself.
    """
    details = change.details
    body: dict[str, Any] = {
        "eventType": _NAMES[change.name],
        "eventCreatedDate": to_iso(change.at),
        "suppressNotifications": bool(details.get("suppress_notifications")),
        "selfGenerated": self_generated,
    }
    if change.account_id is not None:
        body["atlassianId"] = change.account_id
    if change.name.startswith("user_"):
        return {**body, "user": _account(change.account_id, app=change.app is not None)}
    content = _content(change)
    if change.name.startswith("label_"):
        content["labels"] = list(PageFacts.of(change).labels)
        return {**body, "label": _label(change), "content": content}
    if change.name in _WITH_TRIGGER:
        body["updateTrigger"] = details.get("update_trigger", "edit_page")
    if change.name == "page_moved":
        body["prevContent"] = _before_move(change, content)
    return {**body, "content": content}


def installed_body(
    installation: ForgeInstallation, *, cloud_id: str, installer: str | None
) -> dict[str, Any]:
    """Return the event that tells an app of its installation.

    Its `id` is a bare UUID where tokens carry an ARI.
    https://developer.atlassian.com/platform/forge/events-reference/life-cycle/
    """
    return _lifecycle_body(INSTALLED, installation, cloud_id, "installer", installer)


def upgraded_body(
    installation: ForgeInstallation, *, cloud_id: str, upgrader: str | None
) -> dict[str, Any]:
    """Return the event that tells an app of its new major version."""
    return _lifecycle_body(UPGRADED, installation, cloud_id, "upgrader", upgrader)


def _lifecycle_body(
    name: str,
    installation: ForgeInstallation,
    cloud_id: str,
    role: str,
    account_id: str | None,
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "eventType": name,
        "id": installation.installation_id,
        "context": f"ari:cloud:confluence::site/{cloud_id}",
        "app": {
            "id": installation.manifest.app_id,
            "version": installation.version,
            "name": installation.manifest.name,
        },
        "environment": {"id": installation.environment_id},
        "permissions": {"scopes": sorted(installation.manifest.scopes)},
    }
    if account_id is not None:
        body[f"{role}AccountId"] = account_id
    return body


def _content(change: Change) -> dict[str, Any]:
    page = PageFacts.of(change)
    by_app = change.app is not None
    content: dict[str, Any] = {
        "id": page.page_id,
        "type": "page",
        "status": page.status,
        "title": page.title,
        "space": _space(page),
        "history": {
            "latest": True,
            "createdBy": _account(page.author, app=False),
            "ownedBy": _account(page.owner, app=False),
            "createdDate": to_iso(page.created_at),
        },
        "version": {
            "by": _account(page.editor, app=by_app),
            "when": to_iso(page.modified_at),
            "number": page.version,
        },
    }
    if page.live:
        content["subType"] = "live"
    return content


def _space(page: PageFacts) -> dict[str, Any]:
    return {
        "id": int(page.space_id) if page.space_id.isdecimal() else 0,
        "key": page.space_key,
        "alias": page.space_key,
        "name": page.space_name,
        "type": "global",
        "status": "current",
    }


def _label(change: Change) -> dict[str, Any]:
    details = change.details
    return {
        "id": str(details.get("label_id", "0")),
        "name": str(details.get("label", "")),
        "prefix": str(details.get("prefix", "global")),
    }


def _before_move(change: Change, content: dict[str, Any]) -> dict[str, Any]:
    before = dict(content)
    parent = change.details.get("old_parent_id")
    before["ancestors"] = [] if parent is None else [{"id": str(parent)}]
    return before


def _account(account_id: str | None, *, app: bool) -> dict[str, Any]:
    return {
        "type": "known" if account_id else "anonymous",
        "accountId": account_id,
        "accountType": "app" if app else "atlassian",
    }
