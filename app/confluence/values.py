"""Decoded JSON becomes values of the house, or `ContractBroken` names what is missing.

Pure. Unknown fields are ignored: Confluence sends many that its documents do not name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args

from app.confluence.calls import Node, NodeKind
from app.confluence.replies import broken_shape
from app.domain.pages import (
    BodyFormat,
    Comment,
    ContentProperty,
    Label,
    Page,
    PageStatus,
    Space,
)

_T = TypeVar("_T")


def results(data: Any) -> tuple[Any, ...]:
    """Return the objects of a list's answer."""
    found = _object(data, "an object").get("results")
    if not isinstance(found, list):
        broken_shape("results")
    return tuple(found)


def label(data: Any) -> Label:
    """Read one label of v1 or v2."""
    source = _object(data, "a label")
    prefix = _optional_text(source, "prefix") or "global"
    return Label(id=_text(source, "id"), name=_text(source, "name"), prefix=prefix)


def content_property(data: Any) -> ContentProperty:
    """Read one content property."""
    source = _object(data, "a property")
    if "value" not in source:
        broken_shape("a property's value")
    return ContentProperty(
        id=_text(source, "id"),
        key=_text(source, "key"),
        value=source["value"],
        version=_version(source)[0],
    )


def space(data: Any) -> Space:
    """Read one space."""
    source = _object(data, "a space")
    return Space(
        id=_text(source, "id"),
        key=_text(source, "key"),
        name=_optional_text(source, "name") or "",
        homepage_id=_optional_text(source, "homepageId"),
    )


def page(data: Any, *, body_format: BodyFormat, site: str = "") -> Page:
    """Read one page, with what came along: body, labels, properties.

    Args:
        data: The page's object.
        body_format: The format that was asked for.
        site: Address that `webui` hangs below, where the object does not say it.
    """
    source = _object(data, "a page")
    number, version_author, edited_at = _version(source)
    labels = _included(source, "labels", label)
    return Page(
        id=_text(source, "id"),
        title=_text(source, "title", may_be_empty=True),
        status=_status(source),
        space_id=_text(source, "spaceId"),
        version=number,
        parent_id=_optional_text(source, "parentId"),
        author_id=_optional_text(source, "authorId"),
        version_author_id=version_author,
        created_at=_moment(source.get("createdAt")),
        edited_at=edited_at,
        body=_body(source, body_format),
        body_format=body_format,
        labels=labels,
        properties=_included(source, "properties", content_property) or (),
        webui=_webui(source, site),
        is_live=source.get("subtype") == "live",
    )


def comment(data: Any) -> Comment:
    """Read one footer comment with its body."""
    source = _object(data, "a comment")
    body = _body(source, "storage")
    number, author, _ = _version(source)
    return Comment(
        id=_text(source, "id"),
        page_id=_optional_text(source, "pageId") or "",
        version=number,
        body=broken_shape("a comment's body") if body is None else body,
        author_id=author,
    )


def node(data: Any) -> Node | None:
    """Read what stands below something in a page tree; None if it is of no use here."""
    source = _object(data, "a child")
    if source.get("status") in {"trashed", "deleted"}:
        return None
    for kind in get_args(NodeKind):
        if source.get("type") == kind:
            return Node(kind=kind, id=_text(source, "id"))
    return None


def found_page_id(data: Any) -> str | None:
    """Read the id of a page that a search found; None if it is something else.

    Results of v1 stand in an envelope, as a search finds spaces and people as well.
    """
    content = _object(data, "a result").get("content")
    if not isinstance(content, dict) or content.get("type") != "page":
        return None
    return _text(content, "id")


def status(data: Any) -> PageStatus:
    """Read what a page or a comment is: current, in the bin, ...."""
    return _status(_object(data, "an object"))


def identity(data: Any, what: str = "id") -> str:
    """Read one id out of an object."""
    return _text(_object(data, "an object"), what)


def is_complete(data: Any, included: str) -> bool:
    """Whether all of a page's `labels` or `properties` came along with it."""
    part = _object(data, "a page").get(included)
    if not isinstance(part, dict):
        return False
    meta = part.get("meta")
    return not (isinstance(meta, dict) and meta.get("hasMore"))


def site_of(data: Any) -> str:
    """Return the address that an answer's links hang below, empty if it has none."""
    links = _object(data, "an object").get("_links")
    base = links.get("base") if isinstance(links, dict) else None
    return base if isinstance(base, str) else ""


def _object(data: Any, what: str) -> Mapping[str, Any]:
    return data if isinstance(data, dict) else broken_shape(what)


def _text(source: Mapping[str, Any], name: str, *, may_be_empty: bool = False) -> str:
    """Read text that must be there; a number counts, as some ids are numbers."""
    value = source.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and (value or may_be_empty):
        return value
    return broken_shape(name)


def _optional_text(source: Mapping[str, Any], name: str) -> str | None:
    value = source.get(name)
    return None if value is None or value == "" else _text(source, name)


def _version(source: Mapping[str, Any]) -> tuple[int, str | None, datetime | None]:
    version = _object(source.get("version"), "a version")
    number = version.get("number")
    if not isinstance(number, int):
        broken_shape("a version's number")
    author = _optional_text(version, "authorId")
    return number, author, _moment(version.get("createdAt"))


def _status(source: Mapping[str, Any]) -> PageStatus:
    for status in get_args(PageStatus):
        if source.get("status") == status:
            known: PageStatus = status
            return known
    return broken_shape("a known status")


def _moment(value: Any) -> datetime | None:
    """Read a moment; it decides nothing, so a bad one is none."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None


def _body(source: Mapping[str, Any], body_format: BodyFormat) -> str | None:
    formats = source.get("body")
    body = formats.get(body_format) if isinstance(formats, dict) else None
    value = body.get("value") if isinstance(body, dict) else None
    return value if isinstance(value, str) else None


def _included(
    source: Mapping[str, Any], name: str, read: Callable[[Any], _T]
) -> tuple[_T, ...] | None:
    part = source.get(name)
    if part is None:
        return None
    found: Iterable[Any] = results(part)
    return tuple(read(item) for item in found)


def _webui(source: Mapping[str, Any], site: str) -> str:
    links = source.get("_links")
    if not isinstance(links, dict) or not isinstance(links.get("webui"), str):
        return ""
    base = links.get("base")
    return (base if isinstance(base, str) else site) + str(links["webui"])
