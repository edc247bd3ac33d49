"""What OpenAI demands of a JSON schema that is to be followed strictly.

https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def complaint(schema: Any, path: tuple[str, ...] = ()) -> str:
    """Return what the provider objects to first; empty for nothing."""
    if not isinstance(schema, Mapping):
        return _at(path, "schema must be an object")
    if schema.get("enum") == []:
        return _at(path, "enum must not be empty")
    fields = schema.get("properties", {})
    if not isinstance(fields, Mapping):
        return _at(path, "properties must be an object")
    if schema.get("type") == "object" or fields:
        if schema.get("additionalProperties") is not False:
            return _at(
                path,
                "'additionalProperties' is required to be supplied and to be false",
            )
        missing = set(fields) - set(schema.get("required", ()))
        if missing:
            return _at(
                path,
                "'required' is required to be supplied and to be an array including "
                f"every key in properties. Missing '{min(missing)}'",
            )
    parts: list[tuple[tuple[str, ...], Any]] = []
    parts += [(("properties", name), of) for name, of in fields.items()]
    parts += [(("$defs", name), of) for name, of in schema.get("$defs", {}).items()]
    parts += [(("anyOf", str(at)), of) for at, of in enumerate(schema.get("anyOf", ()))]
    if "items" in schema:
        parts.append((("items",), schema["items"]))
    found = (complaint(of, (*path, *steps)) for steps, of in parts)
    return next((one for one in found if one), "")


def _at(path: tuple[str, ...], what: str) -> str:
    return f"In context={path!r}, {what}."
