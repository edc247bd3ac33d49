"""Pages of REST v2: read, list, write.

https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-page/
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from sandbox import permissions
from sandbox.model import Page
from sandbox.refusals import LabelMissing, Malformed, PageMissing
from sandbox.rest import fields as read, paging, params, shapes
from sandbox.rest.calls import Answer, Call

_SORTS = (
    "id",
    "-id",
    "created-date",
    "-created-date",
    "modified-date",
    "-modified-date",
    "title",
    "-title",
)
_STATUSES = frozenset({"current", "archived", "deleted", "trashed"})
_BULK_FORMATS = ("storage", "atlas_doc_format")
_SINGLE_FORMATS = ("storage", "atlas_doc_format", "view")


def _format(call: Call, allowed: tuple[str, ...]) -> shapes.BodyFormat | None:
    if not call.query.get("body-format"):
        return None
    chosen = params.choice(call.query, "body-format", allowed, default="storage")
    return cast(shapes.BodyFormat, chosen)


# ----------------------------------------------------------------------- one page


def get_page(call: Call) -> Answer:
    """Answer `GET /pages/{id}`; binned pages too, old versions by `version=`."""
    page = call.site.page(params.check_id(call.params["id"]), call.principal)
    if page.status == "draft" and not params.flag(call.query, "get-draft"):
        raise PageMissing(page.id)
    statuses = params.listed(call.query, "status")
    number = params.whole(call.query, "version", default=0, low=1, high=2**31 - 1)
    if statuses and page.status not in statuses and not number:
        raise PageMissing(page.id)
    if number > page.latest.number:
        raise PageMissing(page.id)
    shape = _single(call, page, number=number or None)
    _include(call, page, shape)
    # Atlassian's table prices the read of a page at two points, whatever it includes.
    return Answer(body=shape, objects=1)


def _single(call: Call, page: Page, *, number: int | None = None) -> dict[str, Any]:
    body_format = _format(call, _SINGLE_FORMATS)
    shape = shapes.page(call, page, number=number, body_format=body_format)
    shape["_links"]["base"] = f"{call.site.origin}/wiki"
    return shape


def _include(call: Call, page: Page, shape: dict[str, Any]) -> None:
    """Add the parts asked for."""
    here = f"/wiki/api/v2/pages/{page.id}"
    parts: dict[str, Callable[[], list[Any]]] = {
        "labels": lambda: [shapes.label(use.label) for use in page.labels.values()],
        "properties": lambda: [
            shapes.content_property(held) for held in page.properties.values()
        ],
        "versions": lambda: [shapes.version(of) for of in reversed(page.versions)],
    }
    for name, collect in parts.items():
        if params.flag(call.query, f"include-{name}"):
            shape[name] = shapes.included(collect(), f"{here}/{name}")
    if not params.flag(call.query, "include-version", default=True):
        del shape["version"]


# ----------------------------------------------------------------------- lists


def list_pages(call: Call) -> Answer:
    """Answer `GET /pages`."""
    wanted = params.ids(call.query, "id")
    spaces = params.ids(call.query, "space-id")
    if wanted:
        numbers = sorted({int(page_id) for page_id in wanted})
    elif len(spaces) == 1:
        numbers = call.site.index.numbers(spaces[0])
    else:
        numbers = call.site.index.numbers()
    return _list(call, numbers, spaces=frozenset(spaces))


def list_space_pages(call: Call) -> Answer:
    """Answer `GET /spaces/{id}/pages`; `depth=root` gives what has no parent."""
    space = call.site.space(params.check_id(call.params["id"]), call.principal)
    depth = params.choice(call.query, "depth", ("all", "root"), default="all")
    if depth == "root":
        numbers = sorted(root.number for root in call.site.index.roots(space.id))
    else:
        numbers = call.site.index.numbers(space.id)
    return _list(call, numbers)


def list_label_pages(call: Call) -> Answer:
    """Answer `GET /labels/{id}/pages`."""
    label_id = params.check_id(call.params["id"])
    try:
        call.site.labels.by_id(label_id)
    except LabelMissing:
        return paging.answer(call, paging.Part([], None), [])
    spaces = frozenset(params.ids(call.query, "space-id"))
    return _list(call, call.site.labels.page_numbers(label_id), spaces=spaces)


def _list(
    call: Call, numbers: list[int], *, spaces: frozenset[str] = frozenset()
) -> Answer:
    sort = params.choice(call.query, "sort", _SORTS, default="id")
    body_format = _format(call, _BULK_FORMATS)
    keep = _filter(call, spaces)
    if sort in ("id", "-id"):
        ahead = _after(numbers, paging.numeric_position(call), descending=sort == "-id")
        part = paging.take(
            call, _kept(call, ahead, keep), position=lambda page: page.number
        )
    else:
        found = _sorted(_kept(call, numbers, keep), sort)
        part = paging.by_offset(call, found, key=lambda page: page.id)
    shown = [shapes.page(call, page, body_format=body_format) for page in part.items]
    return paging.answer(call, part, shown)


def _filter(call: Call, spaces: frozenset[str]) -> Callable[[Page], bool]:
    statuses = frozenset(params.listed(call.query, "status"))
    unknown = sorted(statuses - _STATUSES)
    if unknown:
        raise Malformed(f"Provided value {{{unknown[0]}}} for 'status' is not allowed")
    statuses = statuses or frozenset({"current", "archived"})
    title = call.query.get("title", "").casefold()
    subtype = params.choice(call.query, "subtype", ("", "live", "page"), default="")

    def keep(page: Page) -> bool:
        return (
            page.status in statuses
            and (not spaces or page.space_id in spaces)
            and (not title or page.title.casefold() == title)
            and (not subtype or (page.subtype or "page") == subtype)
            and permissions.may_read(call.site, call.principal, page)
        )

    return keep


def _after(numbers: list[int], last: int, *, descending: bool) -> Iterator[int]:
    if descending:
        end = bisect_left(numbers, last) if last else len(numbers)
        return (numbers[place] for place in range(end - 1, -1, -1))
    return (
        numbers[place] for place in range(bisect_right(numbers, last), len(numbers))
    )


def _kept(
    call: Call, numbers: Iterable[int], keep: Callable[[Page], bool]
) -> Iterator[Page]:
    pages = call.site.pages
    found = (pages.get(str(number)) for number in numbers)
    return (page for page in found if page is not None and keep(page))


def _sorted(pages: Iterable[Page], sort: str) -> list[Page]:
    keys: dict[str, Callable[[Page], Any]] = {
        "created-date": lambda page: (page.created_at, page.number),
        "modified-date": lambda page: (page.latest.at, page.number),
        "title": lambda page: (page.title.casefold(), page.number),
    }
    return sorted(pages, key=keys[sort.removeprefix("-")], reverse=sort[0] == "-")


# ----------------------------------------------------------------------- writes


def create_page(call: Call) -> Answer:
    """Answer `POST /pages`; below the homepage unless told otherwise."""
    fields = call.json_object()
    space_id = params.check_id(read.text(fields, "spaceId", required=True), "spaceId")
    space = call.site.space(space_id, call.principal)
    draft = read.status(fields, default="current") == "draft"
    root_level = params.flag(call.query, "root-level")
    parent_id = read.optional_id(fields, "parentId")
    if root_level and parent_id is not None:
        raise Malformed("parentId must not be provided when 'root-level' is true")
    private = params.flag(call.query, "private")
    page = call.site.create_page(
        space_id=space.id,
        title=read.text(fields, "title", required=not draft),
        body=read.body(fields, required=False) or "",
        actor=call.principal,
        parent_id=parent_id or (None if root_level else space.homepage_id),
        draft=draft,
        live=read.text(fields, "subtype") == "live",
        readers=frozenset({call.principal.account_id}) if private else None,
    )
    return Answer(body=_written(call, page))


def update_page(call: Call) -> Answer:
    """Answer `PUT /pages/{id}`: a new version, a move, a restored or published page."""
    page_id = params.check_id(call.params["id"])
    page = call.site.page(page_id, call.principal)
    fields = call.json_object()
    if read.optional_id(fields, "id") not in (None, page_id):
        raise Malformed("The page id in the body is not the one in the path")
    if read.optional_id(fields, "spaceId") not in (None, page.space_id):
        raise Malformed("Moving a page to another space is not supported")
    status = read.status(fields)
    title = read.text(fields, "title", required=True)
    if page.status == "trashed" and status == "current":
        return Answer(
            body=_written(call, call.site.restore_page(page.id, call.principal))
        )
    body = read.body(fields, required=True)
    number, message = read.version(fields)
    if page.status == "draft":
        call.site.save_draft(
            page.id,
            title=title,
            body=body or "",
            publish=status == "current",
            actor=call.principal,
        )
        return Answer(body=_written(call, page))
    if status == "draft":
        raise Malformed("A draft beside a published page is not supported here")
    parent_id = read.optional_id(fields, "parentId")
    moves = parent_id is not None and parent_id != page.parent_id
    if moves:
        call.site.check_move(page.id, parent_id, call.principal)
    call.site.update_page(
        page.id,
        version=number,
        title=title,
        body=body,
        message=message,
        actor=call.principal,
    )
    if moves:
        call.site.move_page(page.id, parent_id, call.principal)
    return Answer(body=_written(call, page))


def update_title(call: Call) -> Answer:
    """Answer `PUT /pages/{id}/title`; the site counts the version itself."""
    page = call.site.page(params.check_id(call.params["id"]), call.principal)
    fields = call.json_object()
    read.status(fields)
    call.site.update_page(
        page.id,
        version=page.latest.number + 1,
        title=read.text(fields, "title", required=True),
        actor=call.principal,
    )
    return Answer(body=_written(call, page))


def delete_page(call: Call) -> Answer:
    """Answer `DELETE /pages/{id}`: into the bin, or with `purge` out of it."""
    page_id = params.check_id(call.params["id"])
    page = call.site.page(page_id, call.principal)
    draft = params.flag(call.query, "draft")
    if draft != (page.status == "draft"):
        raise PageMissing(page_id)
    if draft or params.flag(call.query, "purge"):
        call.site.purge_page(page_id, call.principal)
    else:
        call.site.trash_page(page_id, call.principal)
    return Answer(status=204)


def _written(call: Call, page: Page) -> dict[str, Any]:
    shape = shapes.page(call, page, body_format="storage")
    shape["_links"]["base"] = f"{call.site.origin}/wiki"
    return shape
