"""A change of the site in the words of Connect webhooks.

https://developer.atlassian.com/cloud/confluence/modules/webhook/
Neither the event's name nor the page's body, labels or restrictions are inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.changes import Change
from sandbox.hosts.pages import PageFacts

#: Changes whose webhook has another name.
_RENAMED: Mapping[str, str] = {
    "page_permissions_updated": "content_permissions_updated"
}


def webhook_name(change: Change) -> str:
    """Return the webhook event that tells of `change`."""
    return _RENAMED.get(change.name, change.name)


def webhook_body(change: Change, *, site_url: str) -> dict[str, Any]:
    """Return the body that tells of `change`.

    Args:
        change: What happened.
        site_url: The site's base URL with `/wiki`, for links.
    """
    describe = _DESCRIPTIONS.get(change.name.partition("_")[0], _of_page)
    return {**_envelope(change), **describe(change, site_url)}


def _envelope(change: Change) -> dict[str, Any]:
    body: dict[str, Any] = {
        "timestamp": _millis(change.at),
        "suppressNotifications": bool(change.details.get("suppress_notifications")),
    }
    if change.account_id is not None:
        body["userAccountId"] = change.account_id
        body["accountType"] = "customer" if change.app is None else "app"
    return body


def _of_page(change: Change, site_url: str) -> dict[str, Any]:
    body: dict[str, Any] = {"page": _page(PageFacts.of(change), site_url)}
    if change.name == "page_updated":
        body["updateTrigger"] = change.details.get("update_trigger", "edit_page")
    if change.name == "page_moved":
        for name, detail in (("oldParent", "old_parent_id"), ("newParent", None)):
            parent = (
                change.details.get(detail) if detail else PageFacts.of(change).parent_id
            )
            if parent is not None:
                body[name] = {**_ids(str(parent)), "contentType": "page"}
    return body


def _of_label(change: Change, site_url: str) -> dict[str, Any]:
    name = str(change.details.get("label", ""))
    prefix = str(change.details.get("prefix", "global"))
    return {
        "label": {
            "id": str(change.details.get("label_id", "0")),
            "name": name,
            "prefix": prefix,
            "title": name,
            "self": f"{site_url}/label/{name}",
        },
        "labeled": _page(PageFacts.of(change), site_url),
    }


def _of_content(change: Change, site_url: str) -> dict[str, Any]:
    page = PageFacts.of(change)
    return {
        "content": {
            "id": page.page_id,
            "type": "page",
            "status": page.status,
            "title": page.title,
            "version": {"number": page.version},
            "_links": {"self": f"{site_url}/rest/api/content/{page.page_id}"},
        }
    }


def _of_user(change: Change, site_url: str) -> dict[str, Any]:
    del site_url
    account = change.details.get("subject_account_id", change.account_id)
    return {"user": {"accountId": account}}


_Describe = Callable[[Change, str], dict[str, Any]]
_DESCRIPTIONS: Mapping[str, _Describe] = {
    "page": _of_page,
    "label": _of_label,
    "content": _of_content,
    "user": _of_user,
}


def _page(page: PageFacts, site_url: str) -> dict[str, Any]:
    return {
        **_ids(page.page_id),
        "title": page.title,
        "spaceKey": page.space_key,
        "spaceId": int(page.space_id) if page.space_id.isdecimal() else 0,
        "creatorAccountId": page.author,
        "lastModifierAccountId": page.editor,
        "creationDate": _millis(page.created_at),
        "modificationDate": _millis(page.modified_at),
        "contentType": "page",
        "version": page.version,
        "self": f"{site_url}/spaces/{page.space_key}/pages/{page.page_id}",
    }


def _ids(page_id: str) -> dict[str, Any]:
    number = int(page_id) if page_id.isdecimal() else page_id
    return {"id": number, "idAsString": page_id}


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
