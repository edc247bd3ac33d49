"""Which pages somebody means: single ones, a tree, a space, or what a query finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.errors import MalformedPayload

SelectionKind = Literal["pages", "tree", "space", "cql"]
_KINDS: tuple[SelectionKind, ...] = ("pages", "tree", "space", "cql")

#: Page ids are signed 64-bit numbers, so of 19 digits at most.
_ID_DIGITS = 19
#: Pages that are named one by one.
MOST_PAGES = 10_000
#: Characters of a query; a longer one does not fit into an address.
_LONGEST_QUERY = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Pages that somebody means.

    Attributes:
        values: Page ids; the id of a tree's root; a space's key; a CQL query.
    """

    kind: SelectionKind
    values: tuple[str, ...]

    @classmethod
    def of(cls, kind: SelectionKind, *values: str) -> Selection:
        """Return a selection that can be looked up.

        Raises:
            MalformedPayload: It can mean nothing.
        """
        told = tuple(dict.fromkeys(value.strip() for value in values))
        if not told or not all(told):
            raise MalformedPayload("selection", f"{kind}: nothing is named")
        if kind != "pages" and len(told) > 1:
            raise MalformedPayload("selection", f"{kind}: expected one, not several")
        if len(told) > MOST_PAGES:
            reason = f"more than {MOST_PAGES} pages are named one by one"
            raise MalformedPayload("selection", reason)
        if kind in ("pages", "tree") and (bad := _not_ids(told)):
            raise MalformedPayload("selection", f"{bad[:40]!r} is no page id")
        if kind == "space" and any(map(str.isspace, told[0])):
            raise MalformedPayload("selection", "a space key has no white space")
        if kind == "cql" and len(told[0]) > _LONGEST_QUERY:
            reason = f"a query has at most {_LONGEST_QUERY} characters"
            raise MalformedPayload("selection", reason)
        return cls(kind=kind, values=told)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Selection:
        """Return a stored selection.

        Raises:
            MalformedPayload: It is none.
        """
        kind = next((one for one in _KINDS if one in value), None)
        if kind is None:
            raise MalformedPayload("selection", "it names no pages")
        return cls.of(kind, *map(str, value[kind]))

    def as_json(self) -> dict[str, list[str]]:
        """Return it as it is stored."""
        return {self.kind: list(self.values)}


def _not_ids(values: tuple[str, ...]) -> str:
    """Return the first value that can be no page id; empty if all can."""
    for value in values:
        digits = value.isascii() and value.isdecimal() and len(value) <= _ID_DIGITS
        if not digits or int(value) == 0:
            return value
    return ""
