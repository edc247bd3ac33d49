"""Query parameters: lists comma-joined or repeated, limits, flags, ids."""

from __future__ import annotations

from starlette.datastructures import QueryParams

from sandbox.refusals import Malformed, PageMissing

DEFAULT_LIMIT = 25
MAX_LIMIT = 250

#: Ids are 64-bit numbers on the wire.
_MAX_ID = 2**63 - 1


def bad_value(name: str, expected: str) -> Malformed:
    """Return the refusal of a parameter, worded as REST v2 does."""
    return Malformed(
        f"Provided value for '{name}' is not the correct type. "
        f"Expected type is {expected}."
    )


def whole(query: QueryParams, name: str, *, default: int, low: int, high: int) -> int:
    """Return a number between `low` and `high`."""
    text = query.get(name)
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise bad_value(name, "int")
    value = int(text)
    if not low <= value <= high:
        raise Malformed(f"Provided value for '{name}' must be {low} to {high}")
    return value


def limit(query: QueryParams) -> int:
    """Return how many results a list may have: 1 to 250."""
    return whole(query, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT)


def flag(query: QueryParams, name: str, *, default: bool = False) -> bool:
    """Return a boolean parameter."""
    text = query.get(name)
    if text is None or text == "":
        return default
    if text.lower() not in ("true", "false"):
        raise bad_value(name, "boolean")
    return text.lower() == "true"


def listed(query: QueryParams, name: str) -> list[str]:
    """Return an array parameter; real clients send both forms, and both mixed."""
    return [
        item.strip()
        for text in query.getlist(name)
        for item in text.split(",")
        if item.strip()
    ]


def ids(query: QueryParams, name: str) -> list[str]:
    """Return an array of ids."""
    return [check_id(item, name) for item in listed(query, name)]


def choice(
    query: QueryParams, name: str, allowed: tuple[str, ...], *, default: str
) -> str:
    """Return one of `allowed`."""
    text = query.get(name) or default
    if text not in allowed:
        raise Malformed(
            f"Provided value {{{text}}} for '{name}' is not one of {', '.join(allowed)}"
        )
    return text


def check_id(text: str, name: str = "id") -> str:
    """Return `text` if it is a number as ids are, without leading zeros.

    Raises:
        Malformed: It is not.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise bad_value(name, "long")
    if int(text) > _MAX_ID:
        raise bad_value(name, "long")
    return str(int(text))


def page_id(text: str) -> str:
    """Return the page id of a v1 path, where anything else is simply not found."""
    if not text.isascii() or not text.isdecimal():
        raise PageMissing(text)
    return text
