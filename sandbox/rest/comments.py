"""Footer comments of REST v2, on pages.

https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-comment/
"""

from __future__ import annotations

from typing import cast

from sandbox.refusals import Malformed
from sandbox.rest import fields as read, paging, params, shapes
from sandbox.rest.calls import Answer, Call

_FORMATS = ("storage", "atlas_doc_format", "view")
_LIST_FORMATS = ("storage", "atlas_doc_format")


def _format(call: Call, allowed: tuple[str, ...]) -> shapes.BodyFormat | None:
    if not call.query.get("body-format"):
        return None
    chosen = params.choice(call.query, "body-format", allowed, default="storage")
    return cast(shapes.BodyFormat, chosen)


def _id(call: Call) -> str:
    return params.check_id(call.params["comment_id"], "comment-id")


def list_page_comments(call: Call) -> Answer:
    """Answer `GET /pages/{id}/footer-comments`."""
    page = call.site.page(params.check_id(call.params["id"]), call.principal)
    body_format = _format(call, _LIST_FORMATS)
    part = paging.by_offset(call, call.site.comments_of(page), key=lambda of: of.id)
    shown = [shapes.comment(call, of, body_format=body_format) for of in part.items]
    return paging.answer(call, part, shown)


def get_comment(call: Call) -> Answer:
    """Answer `GET /footer-comments/{comment-id}`."""
    comment = call.site.comment(_id(call), call.principal)
    shape = shapes.comment(call, comment, body_format=_format(call, _FORMATS))
    return Answer(body=shape, objects=1)


def create_comment(call: Call) -> Answer:
    """Answer `POST /footer-comments` with 201: on a page, no replies here."""
    sent = call.json_object()
    page_id = read.optional_id(sent, "pageId")
    if page_id is None:
        raise Malformed("pageId is required: this sandbox takes comments on pages only")
    body = read.body(sent, required=True) or ""
    comment = call.site.add_comment(page_id, body, call.principal)
    return Answer(
        status=201,
        body=shapes.comment(call, comment, body_format="storage"),
        headers={"Location": f"/wiki/api/v2/footer-comments/{comment.id}"},
    )


def update_comment(call: Call) -> Answer:
    """Answer `PUT /footer-comments/{comment-id}` with the next version."""
    sent = call.json_object()
    number, _ = read.version(sent)
    body = read.body(sent, required=True) or ""
    comment = call.site.update_comment(_id(call), body, call.principal, version=number)
    return Answer(body=shapes.comment(call, comment, body_format="storage"))


def delete_comment(call: Call) -> Answer:
    """Answer `DELETE /footer-comments/{comment-id}`."""
    call.site.delete_comment(_id(call), call.principal)
    return Answer(status=204)
