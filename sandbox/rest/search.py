"""Search by CQL, which REST v1 alone has.

https://developer.atlassian.com/cloud/confluence/rest/v1/api-group-search/
"""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import urlencode

from sandbox import cql, permissions
from sandbox.clock import to_iso
from sandbox.model import Page
from sandbox.refusals import Malformed
from sandbox.rest import paging, params
from sandbox.rest.calls import Answer, Call
from sandbox.snapshots import webui

#: More results than this are never given at once, whatever is asked for.
MAX_RESULTS = 1000


def search(call: Call) -> Answer:
    """Answer v1 `GET /search`: pages that are current, the others are not indexed.

    As on Confluence Cloud a part is cut before it is looked at who may see what: one
    that is short is not the last. `start` is ignored.
    """
    asked = call.query.get("cql", "")
    if not asked.strip():
        raise Malformed("CQL query is required")
    limit = params.whole(call.query, "limit", default=25, low=1, high=2**31 - 1)
    start = paging.numeric_position(call)
    found = _found(call, cql.parse(asked))
    end = start + min(limit, MAX_RESULTS)
    shown = [
        _result(call, page)
        for page in found[start:end]
        if permissions.may_read(call.site, call.principal, page)
    ]
    links = {
        "base": f"{call.site.origin}/wiki",
        "context": "/wiki",
        "self": f"{call.site.origin}{call.path}?{urlencode({'cql': asked})}",
    }
    if end < len(found):
        onward = {"next": "true", "cursor": paging.encode_cursor(end)}
        query = urlencode({**onward, "limit": limit, "cql": asked})
        links["next"] = f"/rest/api/search?{query}"
    body = {
        "results": shown,
        "start": 0,
        "limit": limit,
        "size": len(shown),
        "totalSize": len(found),
        "cqlQuery": asked,
        "searchDuration": 1,
        "_links": links,
    }
    return Answer(body=body, objects=len(shown))


def _found(call: Call, query: cql.Query) -> list[Page]:
    site = call.site
    pages = (site.pages[str(number)] for number in site.index.numbers())
    found = [
        page for page in pages if page.status == "current" and query.matches(site, page)
    ]
    # The last key is sorted by first: sorting is stable.
    for name, descending in reversed(query.order):
        found.sort(key=cql.ORDERS[name], reverse=descending)
    return found


def _result(call: Call, page: Page) -> dict[str, Any]:
    space = call.site.spaces[page.space_id]
    address = webui(page, space)
    return {
        "content": {
            "id": page.id,
            "type": "page",
            "status": page.status,
            "title": page.title,
            "_expandable": {"body": "", "space": f"/rest/api/space/{space.key}"},
            "_links": {"webui": address, "tinyui": f"/x/{page.id}"},
        },
        "title": html.escape(page.title),
        "excerpt": "",
        "url": address,
        "resultGlobalContainer": {
            "title": space.name,
            "displayUrl": f"/spaces/{space.key}",
        },
        "breadcrumbs": [],
        "entityType": "content",
        "iconCssClass": "aui-icon content-type-page",
        "lastModified": to_iso(page.latest.at),
        "friendlyLastModified": "",
        "score": 0.0,
    }
