"""Tests for app.domain.whitelists: the JSON form of old, all or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain.modes import WhitelistEntry
from app.domain.whitelists import LONGEST_FILE, read_whitelist, whitelist_entry
from app.errors import MalformedPayload

NAMED = "is named by a page id, a positive number"


def read(*spaces: Any) -> list[str]:
    found = read_whitelist(json.dumps({"spaces": list(spaces)}))
    return [f"{one.kind} {one.value}" for one in found]


def space(*pages: Any) -> dict[str, Any]:
    return {"space_key": "DOCS", "pages": list(pages)}


def nested(depth: int) -> dict[str, Any]:
    """Return a page with pages in pages below it."""
    page: dict[str, Any] = {"id": 1}
    for _ in range(depth):
        page = {"id": 1, "children": [page]}
    return page


class TestReadWhitelist:
    """Tests for read_whitelist()."""

    def test_pages_and_trees(self) -> None:
        """A root is a tree, and so is a page with children; those need no entry."""
        assert read(
            space(
                {"id": 1, "name": "Перша"},
                {"id": "0002", "name": "Root", "root": True},
                {"id": 3, "children": [{"id": 4}, {"id": 5, "children": [{"id": 6}]}]},
                {"id": 7, "root": False, "children": []},
                {"id": 8, "children": None},
            )
        ) == ["page 1", "tree 2", "tree 3", "page 7", "page 8"]

    def test_space_without_pages_is_meant_as_a_whole(self) -> None:
        """With an empty list of pages nothing in it is."""
        whole = {"space_key": "ДОК"}

        assert read(whole, space({"id": 1})) == ["space ДОК", "page 1"]
        assert read(whole, space()) == ["space ДОК"]

    def test_same_entry_twice_is_one(self) -> None:
        """And a mark at the beginning of the file is no part of it."""
        text = json.dumps({"spaces": [space({"id": 1}, {"id": "1"})]})

        assert read_whitelist(f"\ufeff{text}") == (
            WhitelistEntry(kind="page", value="1"),
        )

    def test_all_problems_are_told_at_once(self) -> None:
        """Each with its place in the file."""
        with pytest.raises(MalformedPayload) as caught:
            read(
                7,
                {"pages": []},
                {"space_key": "DO CS"},
                {"space_key": 5},
                space("x", {"id": True}, {"name": "no id"}, {"id": "DOCS"}),
                space({"id": 1, "root": "yes"}, {"id": 2, "children": [{"id": -3}]}),
                {"space_key": "A", "pages": {}},
            )

        assert caught.value.reason.split("; ") == [
            "spaces[0]: expected an object",
            "spaces[1].space_key: expected a space key",
            "spaces[2].space_key: a space is named by its key, without white space",
            "spaces[3].space_key: expected a space key",
            "spaces[4].pages[0]: expected an object",
            "spaces[4].pages[1].id: expected a page id",
            "spaces[4].pages[2].id: expected a page id",
            f"spaces[4].pages[3].id: a page {NAMED}",
            "spaces[5].pages[0].root: expected true or false",
            f"spaces[5].pages[1].children[0].id: a page {NAMED}",
            "spaces[6].pages: expected a list of pages",
        ]

    def test_more_problems_than_anybody_reads_are_counted(self) -> None:
        """The message stays one that can be read."""
        with pytest.raises(MalformedPayload, match=r"; and 30 more$"):
            read(*[0] * 50)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "^malformed whitelist: is no JSON"),
            ("{", "is no JSON"),
            ("[" * 100_000, "is no JSON"),
            ("[]", '^malformed whitelist: expected an object with a list "spaces"$'),
            ("{}", 'a list "spaces"'),
            ('{"spaces": {}}', 'a list "spaces"'),
            (
                '{"spaces": []}',
                "^malformed whitelist: names neither a space nor a page$",
            ),
            (" " * LONGEST_FILE, "is no JSON"),
            (" " * (LONGEST_FILE + 1), "^malformed whitelist: longer than"),
        ],
        ids=lambda part: part[:12],
    )
    def test_what_is_no_whitelist_is_told(self, text: str, why: str) -> None:
        """Whatever file it was."""
        with pytest.raises(MalformedPayload, match=why):
            read_whitelist(text)

    @pytest.mark.parametrize("depth", [100, 150])
    def test_endless_nesting_is_told(self, depth: int) -> None:
        """Before it costs anything."""
        with pytest.raises(MalformedPayload, match="expected a list of pages"):
            read(space(nested(depth)))

    def test_trees_in_trees_are_read(self) -> None:
        """As deep as a site can be."""
        assert read(space(nested(99))) == ["tree 1"]


class TestWhitelistEntry:
    """Tests for whitelist_entry()."""

    @pytest.mark.parametrize(
        ("value", "read_as"),
        [("007", "7"), ("9" * 19, "9" * 19), ("00" + "9" * 19, "9" * 19)],
    )
    def test_page_ids_are_numbers(self, value: str, read_as: str) -> None:
        """Of 19 digits at most; zeros before them are none."""
        assert whitelist_entry("page", value).value == read_as

    @pytest.mark.parametrize("value", ["", "0", "X7", "9" * 20, "-7", "٣"])
    def test_what_is_no_page_id_is_told(self, value: str) -> None:
        """It could match nothing."""
        with pytest.raises(ValueError, match=NAMED):
            whitelist_entry("tree", value)
