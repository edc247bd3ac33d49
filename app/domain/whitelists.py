"""Reads a whitelist from the JSON form of the labelling tool that came before this app."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.modes import WhitelistEntry
from app.errors import MalformedPayload

#: Characters of a file; it names thousands of pages, not millions.
LONGEST_FILE = 5_000_000
#: Trees in trees are no deeper on any site.
_DEEPEST = 100
#: Problems that are told; who has more has another file in hand.
_MOST_TOLD = 20
#: Page ids are signed 64-bit numbers, so of 19 digits at most.
_ID_DIGITS = 19


def whitelist_entry(kind: str, value: str) -> WhitelistEntry:
    """Return the entry that was asked for.

    Raises:
        ValueError: It could match nothing: an id where a key belongs, or a key where
            an id does.
    """
    if kind == "space":
        if not value or any(map(str.isspace, value)):
            raise ValueError("a space is named by its key, without white space")
        return WhitelistEntry(kind="space", value=value)
    digits = value.lstrip("0")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _ID_DIGITS):
        raise ValueError(f"a {kind} is named by a page id, a positive number")
    return WhitelistEntry(kind="tree" if kind == "tree" else "page", value=digits)


def read_whitelist(text: str) -> tuple[WhitelistEntry, ...]:
    """Return the entries of `{spaces: [{space_key, pages: [{id, name, root?, children?}]}]}`.

    A page with `root: true`, or with children, is a tree, and what stands in it needs
    no entry of its own. A space without `pages` is meant as a whole.

    Raises:
        MalformedPayload: It is not of that form; all problems are told.
    """
    if len(text) > LONGEST_FILE:
        raise MalformedPayload("whitelist", f"longer than {LONGEST_FILE} characters")
    try:
        said = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise MalformedPayload("whitelist", f"is no JSON: {error}") from None
    reading = _Reading()
    entries = tuple(dict.fromkeys(reading.spaces(said)))
    if not (entries or reading.problems):
        reading.problems.append("names neither a space nor a page")
    if reading.problems:
        told = reading.problems[:_MOST_TOLD]
        if more := len(reading.problems) - len(told):
            told.append(f"and {more} more")
        raise MalformedPayload("whitelist", "; ".join(told))
    return entries


@dataclass(slots=True)
class _Reading:
    """One file being read; keeps what is wrong with it."""

    problems: list[str] = field(default_factory=list)

    def spaces(self, said: Any) -> Iterator[WhitelistEntry]:
        """Read the whole file."""
        spaces = said.get("spaces") if isinstance(said, Mapping) else None
        if not isinstance(spaces, list):
            self.problems.append('expected an object with a list "spaces"')
            return
        for place, space in enumerate(spaces):
            yield from self._space(f"spaces[{place}]", space)

    def _space(self, where: str, space: Any) -> Iterator[WhitelistEntry]:
        if not isinstance(space, Mapping):
            self.problems.append(f"{where}: expected an object")
            return
        whole = self._entry(f"{where}.space_key", "space", space.get("space_key"))
        if "pages" not in space:
            yield from whole
            return
        yield from self._pages(f"{where}.pages", space["pages"])

    def _pages(
        self, where: str, pages: Any, depth: int = 0
    ) -> Iterator[WhitelistEntry]:
        if not isinstance(pages, list) or depth > _DEEPEST:
            self.problems.append(f"{where}: expected a list of pages")
            return
        for place, page in enumerate(pages):
            yield from self._page(f"{where}[{place}]", page, depth)

    def _page(self, where: str, page: Any, depth: int) -> Iterator[WhitelistEntry]:
        if not isinstance(page, Mapping):
            self.problems.append(f"{where}: expected an object")
            return
        root, children = page.get("root", False), page.get("children") or []
        if not isinstance(root, bool):
            self.problems.append(f"{where}.root: expected true or false")
        is_tree = root is True or bool(children)
        kind = "tree" if is_tree else "page"
        yield from self._entry(f"{where}.id", kind, page.get("id"))
        # They stand in the tree, and are read for what is wrong with them.
        for _ in self._pages(f"{where}.children", children, depth + 1):
            pass

    def _entry(self, where: str, kind: str, value: Any) -> list[WhitelistEntry]:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        is_text = isinstance(value, str)
        if not (is_text or (is_number and kind != "space")):
            self.problems.append(f"{where}: expected {_WANTED[kind]}")
            return []
        try:
            return [whitelist_entry(kind, str(value))]
        except ValueError as error:
            self.problems.append(f"{where}: {error}")
            return []


_WANTED = {"space": "a space key", "page": "a page id", "tree": "a page id"}
