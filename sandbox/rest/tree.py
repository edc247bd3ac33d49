"""The page tree of REST v2: children, descendants, ancestors, versions.

https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-descendants/
"""

from __future__ import annotations

from typing import Any

from sandbox import permissions
from sandbox.model import Page
from sandbox.refusals import PageMissing
from sandbox.rest import paging, params, shapes
from sandbox.rest.calls import Answer, Call

MAX_DEPTH = 10


def _page(call: Call) -> Page:
    return call.site.page(params.check_id(call.params["id"]), call.principal)


def _visible(call: Call, pages: list[Page]) -> list[Page]:
    return [
        page for page in pages if permissions.may_read(call.site, call.principal, page)
    ]


def _child(page: Page) -> dict[str, Any]:
    return {
        "id": page.id,
        "status": page.status,
        "title": page.title,
        "childPosition": page.position,
    }


def list_children(call: Call) -> Answer:
    """Answer the deprecated `GET /pages/{id}/children`: pages only."""
    below = _visible(call, call.site.index.children(_page(call)))
    part = paging.by_offset(call, below, key=lambda page: page.id)
    shown = [{**_child(page), "spaceId": page.space_id} for page in part.items]
    return paging.answer(call, part, shown)


def list_direct_children(call: Call) -> Answer:
    """Answer `GET /pages/{id}/direct-children`: what hangs directly below."""
    below = _visible(call, call.site.index.children(_page(call)))
    part = paging.by_offset(call, below, key=lambda page: page.id)
    shown = [{**_child(page), "type": "page"} for page in part.items]
    return paging.answer(call, part, shown)


def list_descendants(call: Call) -> Answer:
    """Answer `GET /pages/{id}/descendants`: level by level, 2 deep unless told."""
    page = _page(call)
    depth = params.whole(call.query, "depth", default=2, low=1, high=MAX_DEPTH)
    below = [
        (found, level)
        for found, level in call.site.index.descendants(page, depth=depth)
        if permissions.may_read(call.site, call.principal, found)
    ]
    part = paging.by_offset(call, below, key=lambda item: item[0].id)
    shown = [
        {
            **_child(found),
            "type": "page",
            "parentId": found.parent_id,
            "depth": level,
        }
        for found, level in part.items
    ]
    return paging.answer(call, part, shown)


def list_ancestors(call: Call) -> Answer:
    """Answer `GET /pages/{id}/ancestors`: topmost first."""
    above = call.site.index.ancestors(_page(call))
    part = paging.by_offset(call, above, key=lambda page: page.id)
    return paging.answer(
        call, part, [{"id": page.id, "type": "page"} for page in part.items]
    )


def list_versions(call: Call) -> Answer:
    """Answer `GET /pages/{id}/versions`: newest first."""
    page = _page(call)
    newest_first = list(reversed(page.versions))
    part = paging.by_offset(call, newest_first, key=lambda of: str(of.number))
    return paging.answer(call, part, [shapes.version(of) for of in part.items])


def get_version(call: Call) -> Answer:
    """Answer `GET /pages/{id}/versions/{number}`: one version and its neighbours."""
    page = _page(call)
    number = int(params.check_id(call.params["number"], "version-number"))
    if not 1 <= number <= page.latest.number:
        raise PageMissing(page.id)
    shape = {
        **shapes.version(page.versions[number - 1]),
        "contentTypeModified": False,
        "collaborators": [page.versions[number - 1].author_id],
        "prevVersion": number - 1,
    }
    if number < page.latest.number:
        shape["nextVersion"] = number + 1
    return Answer(body=shape, objects=1)
