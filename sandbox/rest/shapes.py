"""Objects of the site as the APIs write them."""

from __future__ import annotations

import json
from typing import Any, Literal

from sandbox import adf, view
from sandbox.clock import to_iso
from sandbox.model import Comment, ContentProperty, Label, Page, Space, User, Version
from sandbox.rest.calls import Call
from sandbox.snapshots import webui

BodyFormat = Literal["storage", "atlas_doc_format", "view"]

#: `include-…` parts of a single page hold at most this many objects.
INCLUDED = 50


def version(of: Version) -> dict[str, Any]:
    """Return a page version as v2 writes it."""
    return {
        "number": of.number,
        "message": of.message,
        "minorEdit": False,
        "authorId": of.author_id,
        "createdAt": to_iso(of.at),
        "ncsStepVersion": None,
    }


def body(of: Version, body_format: BodyFormat) -> dict[str, Any]:
    """Return the body of a version, `{format: {representation, value}}`.

    ADF comes as a string of JSON, as on Confluence Cloud.
    """
    if body_format == "storage":
        value = of.body
    elif body_format == "view":
        value = str(view.render(of.body))
    else:
        value = json.dumps(adf.convert(of.body), ensure_ascii=False)
    return {body_format: {"representation": body_format, "value": value}}


def page(
    call: Call, of: Page, *, number: int | None = None, body_format: BodyFormat | None
) -> dict[str, Any]:
    """Return a page, or its older version `number`, without included parts."""
    space = call.site.spaces[of.space_id]
    shown = of.latest if number is None else of.versions[number - 1]
    listed = of.status != "trashed"
    ui = webui(of, space)
    edit = f"/pages/resumedraft.action?draftId={of.id}"
    shape: dict[str, Any] = {
        "id": of.id,
        "status": of.status if shown is of.latest else "historical",
        "title": shown.title,
        "spaceId": of.space_id,
        "parentId": of.parent_id,
        "parentType": "page" if of.parent_id else None,
        "position": of.position if listed else None,
        "authorId": of.author_id,
        "ownerId": of.owner_id,
        "lastOwnerId": None,
        "createdAt": to_iso(of.created_at),
        "version": version(shown),
        "body": {} if body_format is None else body(shown, body_format),
        "_links": {
            "webui": ui,
            "editui": edit,
            "edituiv2": f"/spaces/{space.key}/pages/edit-v2/{of.id}",
            "tinyui": f"/x/{of.id}",
        },
    }
    if of.subtype is not None:
        shape["subtype"] = of.subtype
    return shape


def label(of: Label) -> dict[str, Any]:
    """Return a label as v2 writes it."""
    return {"id": of.id, "name": of.name, "prefix": of.prefix}


def label_v1(of: Label) -> dict[str, Any]:
    """Return a label as v1 writes it."""
    return {"prefix": of.prefix, "name": of.name, "id": of.id, "label": of.name}


def content_property(of: ContentProperty) -> dict[str, Any]:
    """Return a content property."""
    return {
        "id": of.id,
        "key": of.key,
        "value": of.value,
        "version": {
            "number": of.version,
            "message": of.message,
            "minorEdit": False,
            "authorId": of.author_id,
            "createdAt": to_iso(of.at),
        },
    }


def comment(
    call: Call, of: Comment, *, body_format: BodyFormat | None
) -> dict[str, Any]:
    """Return a footer comment."""
    page_of = call.site.pages[of.page_id]
    ui = webui(page_of, call.site.spaces[page_of.space_id])
    return {
        "id": of.id,
        "status": "current",
        "title": of.latest.title,
        "pageId": of.page_id,
        "version": version(of.latest),
        "body": {} if body_format is None else body(of.latest, body_format),
        "_links": {
            "webui": f"{ui}?focusedCommentId={of.id}",
            "base": f"{call.site.origin}/wiki",
        },
    }


def included(results: list[Any], self_link: str) -> dict[str, Any]:
    """Return an `include-…` part of a single page: the first fifty, and if more."""
    meta: dict[str, Any] = {"hasMore": len(results) > INCLUDED}
    return {
        "results": results[:INCLUDED],
        "meta": meta,
        "_links": {"self": self_link},
    }


def space(of: Space) -> dict[str, Any]:
    """Return a space."""
    return {
        "id": of.id,
        "key": of.key,
        "name": of.name,
        "type": "global",
        "status": "current",
        "authorId": of.author_id,
        "spaceOwnerId": of.author_id,
        "createdAt": to_iso(of.created_at),
        "homepageId": of.homepage_id,
        "_links": {"webui": f"/spaces/{of.key}"},
    }


def _picture() -> dict[str, Any]:
    return {"path": "/wiki/aa-avatar/default", "isDefault": True}


def user_v2(of: User) -> dict[str, Any]:
    """Return a user as v2 writes it; e-mail addresses stay private."""
    return {
        "accountId": of.account_id,
        "accountType": "app" if of.app_key else "atlassian",
        "accountStatus": "active" if of.active else "inactive",
        "displayName": of.display_name,
        "publicName": of.display_name,
        "email": "",
        "timeZone": "Etc/UTC",
        "isExternalCollaborator": False,
        "profilePicture": _picture(),
    }


def user_v1(of: User, *, viewer: str) -> dict[str, Any]:
    """Return a user as v1 writes it; only `viewer` itself sees its e-mail."""
    return {
        "type": "known",
        "accountId": of.account_id,
        "accountType": "app" if of.app_key else "atlassian",
        "email": of.email if of.account_id == viewer else "",
        "publicName": of.display_name,
        "displayName": of.display_name,
        "isExternalCollaborator": False,
        "isGuest": False,
        "profilePicture": {**_picture(), "width": 48, "height": 48},
        "_expandable": {"operations": "", "personalSpace": ""},
        "_links": {"self": f"/wiki/rest/api/user?accountId={of.account_id}"},
    }
