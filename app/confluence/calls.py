"""What we ask of Confluence: method, path, query and body of each call, as values.

Pure. Paths hang below a site's base URL (`…/wiki`). Labels are written by v1, since
v2 can only read them, and searches are v1's alone; everything else is v2.
https://developer.atlassian.com/cloud/confluence/rest/v2/intro/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

from app.confluence.call import (
    LIST_LIMIT,
    Call,
    deleting,
    listing,
    number,
    reading,
    storage,
    writing,
)
from app.confluence.cql import pages_only
from app.domain.labels import MAX_LENGTH
from app.domain.pages import BodyFormat, Comment, ContentProperty, NewPage, Page
from app.errors import MalformedPayload, WriteRefused

#: A content property's value may have 32 KB.
#: https://developer.atlassian.com/cloud/confluence/confluence-entity-properties/
MAX_PROPERTY = 32_768

#: Reserved and read-only; where Atlassian keeps an app's former client key.
#: https://developer.atlassian.com/platform/adopting-forge-from-connect/migrate-connect-clientkey/
CLIENT_KEY_PROPERTY = "connect_client_key_019cdff3-8bfb-71fe-9628-875b700aebb8"

_V2 = "/api/v2"
_V1 = "/rest/api"

#: What a page tree is made of, and where v2 keeps each kind.
#: https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-children/
NodeKind = Literal["page", "folder", "whiteboard", "database", "embed"]
_COLLECTIONS: Mapping[NodeKind, str] = {
    "page": "pages",
    "folder": "folders",
    "whiteboard": "whiteboards",
    "database": "databases",
    "embed": "embeds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A page, or something else in a page tree that may have pages below it."""

    kind: NodeKind
    id: str


def get_page(page_id: str, body_format: BodyFormat) -> Call:
    """Read a page with body, version, and up to 50 labels and properties each."""
    params = {
        "body-format": body_format,
        "include-labels": "true",
        "include-properties": "true",
        "include-version": "true",
    }
    path = f"{_V2}/pages/{_page(page_id)}"
    return reading(path, params, about="page")


def page_labels(page_id: str) -> Call:
    """List all labels of a page."""
    return listing(f"{_V2}/pages/{_page(page_id)}/labels", about="page")


def page_properties(page_id: str, key: str | None = None) -> Call:
    """List a page's content properties, or the one under `key`."""
    call = listing(f"{_V2}/pages/{_page(page_id)}/properties", about="page")
    return call if key is None else call.with_params(key=key)


def page_ancestors(page_id: str) -> Call:
    """List a page's ancestors, topmost first."""
    return listing(f"{_V2}/pages/{_page(page_id)}/ancestors", about="page")


def get_space(space_id: str) -> Call:
    """Read one space."""
    return reading(f"{_V2}/spaces/{number('space id', space_id)}", {}, about="space")


def spaces() -> Call:
    """List the spaces that the app can see."""
    return listing(f"{_V2}/spaces", about="site")


def space_pages(space_id: str) -> Call:
    """List a space's current pages with their bodies."""
    path = f"{_V2}/spaces/{number('space id', space_id)}/pages"
    params = {"status": "current", "body-format": "storage"}
    return listing(path, about="space").with_params(**params)


def pages_titled(space_id: str, title: str) -> Call:
    """List a space's pages of a title, archived ones too: both hold it, in any case."""
    path = f"{_V2}/spaces/{number('space id', space_id)}/pages"
    return listing(path, about="space").with_params(title=title)


def space_labels(space_id: str) -> Call:
    """List the labels on a space's content."""
    path = f"{_V2}/spaces/{number('space id', space_id)}/content/labels"
    return listing(path, about="space")


def label_pages(label_id: str) -> Call:
    """List the pages that carry a label."""
    return listing(f"{_V2}/labels/{number('label id', label_id)}/pages", about="site")


def add_labels(page_id: str, names: Sequence[str]) -> Call:
    """Put labels on a page; the answer lists all that it has then.

    Idempotent by nature, yet not repeated blindly: between two tries a person may
    have taken a label off again, and a person wins.

    Raises:
        MalformedPayload: A name is empty, too long, or has white space, at which
            Confluence would split it into several labels without an error.
    """
    labels = [{"prefix": "global", "name": _label(name)} for name in names]
    return Call(
        method="POST",
        path=_labels_path(page_id),
        about="page",
        json=list({label["name"]: label for label in labels}.values()),
        headers={"X-Atlassian-Token": "no-check"},
    )


def remove_label(page_id: str, name: str) -> Call:
    """Take a label off a page. By query: names with a slash fit no path."""
    return Call(
        method="DELETE",
        path=_labels_path(page_id),
        about="page",
        params={"name": _label(name)},
        headers={"X-Atlassian-Token": "no-check"},
        idempotent=True,
    )


def put_property(
    page_id: str, key: str, value: Any, current: ContentProperty | None
) -> Call:
    """Create a content property, or write the version after `current`.

    Raises:
        MalformedPayload: The value is larger than Confluence keeps, or no JSON.
    """
    path = f"{_V2}/pages/{_page(page_id)}/properties"
    body: dict[str, Any] = {"key": key, "value": _property_value(value)}
    if current is None:
        return Call(method="POST", path=path, about="page", json=body)
    body["version"] = {"number": current.version + 1}
    path = f"{path}/{number('property id', current.id)}"
    return Call(method="PUT", path=path, about="page", json=body)


def delete_property(page_id: str, property_id: str) -> Call:
    """Delete a content property."""
    held = number("property id", property_id)
    return deleting(f"{_V2}/pages/{_page(page_id)}/properties/{held}")


def direct_children(node: Node) -> Call:
    """List what stands directly below a page, a folder or the like."""
    path = f"{_V2}/{_COLLECTIONS[node.kind]}/{_page(node.id)}/direct-children"
    return listing(path, about="page")


def search_pages(cql: str) -> Call:
    """Search for pages by CQL, in the order of the site.

    https://developer.atlassian.com/cloud/confluence/rest/v1/api-group-search/

    Raises:
        WriteRefused: The query is too long to be sent.
    """
    params = {"cql": pages_only(cql), "limit": str(LIST_LIMIT), "excerpt": "none"}
    call = reading(f"{_V1}/search", params, about="site")
    return replace(call, refusable=True, onward={"next": "true"})


def next_page(
    page: Page, *, title: str | None, body: str | None, parent_id: str | None
) -> Page:
    """Return the version after `page`; what is None stays as it was read.

    Raises:
        WriteRefused: A page of this status takes no new version.
        MalformedPayload: The page was read without its storage body.
    """
    if page.status not in ("current", "draft"):
        raise WriteRefused(f"the page is {page.status}")
    if page.body is None or page.body_format != "storage":
        raise MalformedPayload("page", "read without its storage body")
    return replace(
        page,
        # A draft stays at its first version until it is published.
        version=1 if page.status == "draft" else page.version + 1,
        title=page.title if title is None else title,
        body=page.body if body is None else body,
        parent_id=page.parent_id if parent_id is None else parent_id,
    )


def update_page(wanted: Page, message: str, *, moves: bool) -> Call:
    """Write a page as `wanted`, its version's number included.

    A second try does no harm: the site refuses a version that is there already. The
    parent is told only where the page `moves`: somebody may just have moved it.
    """
    body: dict[str, Any] = {
        "id": _page(wanted.id),
        "status": wanted.status,
        "title": wanted.title,
        "body": storage(wanted.body),
        "version": {"number": wanted.version, "message": message},
    }
    if moves and wanted.parent_id is not None:
        body["parentId"] = _page(wanted.parent_id)
    return writing("PUT", f"{_V2}/pages/{_page(wanted.id)}", body)


def create_page(draft: NewPage) -> Call:
    """Make a page; below the space's homepage if it names no parent."""
    body: dict[str, Any] = {
        "spaceId": number("space id", draft.space_id),
        "status": draft.status,
        "title": draft.title,
        "body": storage(draft.body),
    }
    if draft.parent_id is not None:
        body["parentId"] = _page(draft.parent_id)
    return writing("POST", f"{_V2}/pages", body)


def trash_page(page_id: str) -> Call:
    """Put a published page in the bin."""
    return deleting(f"{_V2}/pages/{_page(page_id)}")


def discard_draft(page_id: str) -> Call:
    """Delete a draft for good."""
    return trash_page(page_id).with_params(draft="true")


def page_comments(page_id: str) -> Call:
    """List a page's footer comments with their bodies."""
    call = listing(f"{_V2}/pages/{_page(page_id)}/footer-comments", about="page")
    return call.with_params(**{"body-format": "storage"})


def get_comment(comment_id: str) -> Call:
    """Read a footer comment with its body."""
    return reading(_comment_path(comment_id), {"body-format": "storage"}, about="page")


def add_comment(page_id: str, body: str) -> Call:
    """Write a footer comment."""
    fields = {"pageId": _page(page_id), "body": storage(body)}
    return writing("POST", f"{_V2}/footer-comments", fields)


def update_comment(comment: Comment, body: str) -> Call:
    """Write the version after `comment.version`."""
    fields = {"version": {"number": comment.version + 1}, "body": storage(body)}
    return writing("PUT", _comment_path(comment.id), fields)


def delete_comment(comment_id: str) -> Call:
    """Delete a footer comment, for good."""
    return deleting(_comment_path(comment_id))


def current_user() -> Call:
    """Read who we are on the site."""
    return reading(f"{_V1}/user/current", {}, about="site", points_each=2)


def tenant_info() -> Call:
    """Read the site's cloud id, which every site tells everybody."""
    call = reading("/_edge/tenant_info", {}, about="site", points_each=0)
    return replace(call, public=True)


def connect_client_key(app_key: str) -> Call:
    """Read the reserved app property that names our Connect installation."""
    # About the space: there may be no such property, which is no trouble of the site.
    return reading(
        f"/rest/atlassian-connect/1/addons/{quote(app_key, safe='')}"
        f"/properties/{CLIENT_KEY_PROPERTY}",
        {},
        about="space",
        points_each=0,
    )


def _comment_path(comment_id: str) -> str:
    return f"{_V2}/footer-comments/{number('comment id', comment_id)}"


def _labels_path(page_id: str) -> str:
    return f"{_V1}/content/{_page(page_id)}/label"


def _page(page_id: str) -> str:
    return number("page id", page_id)


def _label(name: str) -> str:
    if not name or len(name) > MAX_LENGTH or any(map(str.isspace, name)):
        raise MalformedPayload("label", "empty, too long, or with white space")
    return name


def _property_value(value: Any) -> Any:
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedPayload("property", "not a JSON value") from error
    if size > MAX_PROPERTY:
        raise MalformedPayload("property", f"larger than {MAX_PROPERTY} bytes")
    return value
