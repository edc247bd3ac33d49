"""What v2 wants to be sent: fields of JSON objects, each missed by its name.

Every function raises `Malformed` for a field that cannot be taken.
"""

from __future__ import annotations

from typing import Any, cast

from sandbox.refusals import Malformed
from sandbox.rest import params


def text(fields: dict[str, Any], name: str, *, required: bool = False) -> str:
    """Return a string, empty if it may be missing."""
    value = fields.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"{name} is required and must be a string")
    return value


def optional_id(fields: dict[str, Any], name: str) -> str | None:
    """Return an id, which may come as a number."""
    value = fields.get(name)
    if value is None:
        return None
    return params.check_id(str(value), name)


def status(fields: dict[str, Any], *, default: str | None = None) -> str:
    """Return `current` or `draft`."""
    value = fields.get("status", default)
    if value not in ("current", "draft"):
        raise Malformed("status is required and must be current or draft")
    return str(value)


def version(fields: dict[str, Any]) -> tuple[int, str]:
    """Return number and message of the version that is to be written."""
    value = fields.get("version")
    number = value.get("number") if isinstance(value, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise Malformed("version.number is required and must be a whole number")
    message = cast(dict[str, Any], value).get("message") or ""
    if not isinstance(message, str):
        raise Malformed("version.message must be a string")
    return number, message


def body(fields: dict[str, Any], *, required: bool) -> str | None:
    """Return the storage body, which comes flat or below its representation."""
    value = fields.get("body")
    if value is None and not required:
        return None
    if isinstance(value, dict) and isinstance(value.get("storage"), dict):
        value = {"representation": "storage", **value["storage"]}
    if not isinstance(value, dict) or not isinstance(value.get("value"), str):
        raise Malformed("body is required and must have representation and value")
    if value.get("representation") != "storage":
        raise Malformed("body.representation: this sandbox takes storage only")
    return str(value["value"])
