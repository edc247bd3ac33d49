"""Labels: REST v2 reads them, v1 writes them.

https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-label/
https://developer.atlassian.com/cloud/confluence/rest/v1/api-group-content-labels/
"""

from __future__ import annotations

from typing import Any

from sandbox.model import Label
from sandbox.refusals import LabelMissing, Malformed
from sandbox.rest import paging, params, shapes
from sandbox.rest.calls import Answer, Call

_PREFIXES = ("", "my", "team", "global", "system")
_SORTS = ("", "id", "-id", "name", "-name", "created-date", "-created-date")
#: More labels than this in one request are refused.
MAX_LABELS_A_CALL = 200


# ----------------------------------------------------------------------- v2, reading


def list_page_labels(call: Call) -> Answer:
    """Answer `GET /pages/{id}/labels`."""
    page = call.site.page(params.check_id(call.params["id"]), call.principal)
    prefix = params.choice(call.query, "prefix", _PREFIXES, default="")
    labels = [use.label for use in page.labels.values()]
    return _list(call, labels, frozenset({prefix} if prefix else ()))


def list_labels(call: Call) -> Answer:
    """Answer `GET /labels`: every label in use on the site."""
    wanted = frozenset(params.ids(call.query, "label-id"))
    labels = [
        label for label in call.site.labels.in_use() if not wanted or label.id in wanted
    ]
    return _list(call, labels, frozenset(params.listed(call.query, "prefix")))


def list_space_labels(call: Call) -> Answer:
    """Answer `GET /spaces/{id}/labels`: labels of the space itself; it has none."""
    call.site.space(params.check_id(call.params["id"]), call.principal)
    return _list(call, [], frozenset())


def list_space_content_labels(call: Call) -> Answer:
    """Answer `GET /spaces/{id}/content/labels`: labels in use on its pages."""
    space = call.site.space(params.check_id(call.params["id"]), call.principal)
    labels = call.site.labels.in_use(space.id)
    return _list(call, labels, frozenset(params.listed(call.query, "prefix")))


def _list(call: Call, labels: list[Label], prefixes: frozenset[str]) -> Answer:
    chosen = [label for label in labels if not prefixes or label.prefix in prefixes]
    sort = params.choice(call.query, "sort", _SORTS, default="")
    if sort.removeprefix("-") == "name":
        chosen.sort(key=lambda label: label.name, reverse=sort[0] == "-")
    elif sort:
        chosen.sort(key=lambda label: int(label.id), reverse=sort[0] == "-")
    part = paging.by_offset(call, chosen, key=lambda label: label.id)
    return paging.answer(call, part, [shapes.label(label) for label in part.items])


# ----------------------------------------------------------------------- v1, writing


def add_labels(call: Call) -> Answer:
    """Answer v1 `POST /content/{id}/label` with all labels the page has then."""
    wanted = _read_labels(call.json())
    labels = call.site.add_labels(
        params.page_id(call.params["id"]), wanted, call.principal
    )
    return Answer(
        body={
            "results": [shapes.label_v1(label) for label in labels],
            "start": 0,
            "limit": 200,
            "size": len(labels),
            "_links": {
                "self": f"{call.site.origin}{call.path}",
                "base": f"{call.site.origin}/wiki",
                "context": "/wiki",
            },
        }
    )


def _read_labels(value: Any) -> list[tuple[str, str]]:
    items = value if isinstance(value, list) else [value]
    if not items or len(items) > MAX_LABELS_A_CALL:
        raise Malformed(f"1 to {MAX_LABELS_A_CALL} labels are expected")
    return [_read_label(item) for item in items]


def _read_label(item: Any) -> tuple[str, str]:
    prefix = item.get("prefix") if isinstance(item, dict) else None
    name = item.get("name") if isinstance(item, dict) else None
    if not isinstance(prefix, str) or not isinstance(name, str):
        raise Malformed("A label must be an object with prefix and name")
    return prefix, name


def remove_label_by_query(call: Call) -> Answer:
    """Answer v1 `DELETE /content/{id}/label?name=`; 204 also if none was there."""
    name = call.query.get("name")
    if not name:
        raise Malformed("name is required")
    return _remove(call, name)


def remove_label_by_path(call: Call) -> Answer:
    """Answer v1 `DELETE /content/{id}/label/{label}`, which takes no slash."""
    name = call.params["label"]
    if not name or "/" in name:
        raise Malformed("Label name must not contain '/'; use the name parameter")
    return _remove(call, name)


def _remove(call: Call, name: str) -> Answer:
    call.site.remove_label(params.page_id(call.params["id"]), name, call.principal)
    return Answer(status=204)


def get_label(call: Call) -> Answer:
    """Answer v1 `GET /label?name=`: a label and where it is; only while in use."""
    name = call.query.get("name", "").lower()
    found = call.site.labels.by_name(name)
    if not found:
        raise LabelMissing(name)
    pages = [
        call.site.pages[str(number)]
        for number in call.site.labels.page_numbers(found[0].id)
    ]
    contents = [
        {"contentType": "page", "contentId": page.number, "title": page.title}
        for page in pages
    ]
    associated = {"results": contents, "start": 0, "limit": 200, "size": len(contents)}
    return Answer(
        body={
            "label": shapes.label_v1(found[0]),
            "associatedContents": associated,
        },
        objects=1,
    )
