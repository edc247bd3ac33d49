"""Content properties of pages in REST v2.

https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-content-properties/
"""

from __future__ import annotations

from typing import Any

from sandbox.model import Page
from sandbox.properties import property_by_id
from sandbox.refusals import Malformed
from sandbox.rest import paging, params, shapes
from sandbox.rest.calls import Answer, Call

_SORTS = ("", "key", "-key")


def _page(call: Call) -> Page:
    return call.site.page(params.check_id(call.params["id"]), call.principal)


def _property_id(call: Call) -> str:
    return params.check_id(call.params["property_id"], "property-id")


def list_properties(call: Call) -> Answer:
    """Answer `GET /pages/{id}/properties`, all or the one under `key`."""
    key = call.query.get("key")
    held = [
        held for held in _page(call).properties.values() if key in (None, "", held.key)
    ]
    sort = params.choice(call.query, "sort", _SORTS, default="")
    if sort:
        held.sort(key=lambda of: of.key, reverse=sort[0] == "-")
    part = paging.by_offset(call, held, key=lambda of: of.id)
    shown = [shapes.content_property(of) for of in part.items]
    return paging.answer(call, part, shown)


def get_property(call: Call) -> Answer:
    """Answer `GET /pages/{id}/properties/{property-id}`."""
    held = property_by_id(_page(call), _property_id(call))
    return Answer(body=shapes.content_property(held), objects=1)


def create_property(call: Call) -> Answer:
    """Answer `POST /pages/{id}/properties` with 200, and 409 for a key in use."""
    page = _page(call)
    key, value = _key_and_value(call.json_object())
    made = call.site.put_property(page.id, key, value, call.principal)
    return Answer(body=shapes.content_property(made))


def update_property(call: Call) -> Answer:
    """Answer `PUT /pages/{id}/properties/{property-id}` with the next version."""
    page = _page(call)
    held = property_by_id(page, _property_id(call))
    fields = call.json_object()
    key, value = _key_and_value(fields)
    if key != held.key:
        raise Malformed("The key of a content property cannot be changed")
    number, message = _version(fields)
    made = call.site.put_property(
        page.id, key, value, call.principal, version=number, message=message
    )
    return Answer(body=shapes.content_property(made))


def delete_property(call: Call) -> Answer:
    """Answer `DELETE /pages/{id}/properties/{property-id}`."""
    call.site.delete_property(_page(call).id, _property_id(call), call.principal)
    return Answer(status=204)


def _key_and_value(fields: dict[str, Any]) -> tuple[str, Any]:
    key = fields.get("key")
    if not isinstance(key, str):
        raise Malformed("key is required and must be a string")
    if "value" not in fields:
        raise Malformed("value is required")
    return key, fields["value"]


def _version(fields: dict[str, Any]) -> tuple[int, str]:
    version = fields.get("version")
    if not isinstance(version, dict):
        raise Malformed("version is required and must have a number")
    number, message = version.get("number"), version.get("message") or ""
    if not isinstance(number, int) or isinstance(number, bool):
        raise Malformed("version.number is required and must be a whole number")
    if not isinstance(message, str):
        raise Malformed("version.message must be a string")
    return number, message
