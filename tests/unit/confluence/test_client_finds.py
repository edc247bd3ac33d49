"""Tests for trees and searches of app.confluence.client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest

from app.confluence import reads
from app.errors import ContractBroken, PageGone, WriteRefused
from tests.unit.confluence.doubles import Script, answer, client, listing

pytestmark = pytest.mark.anyio

_GONE = answer(404, {"errors": [{"title": "Cannot find a page with id [1]"}]})


class Tree:
    """A site that knows who stands below whom: `page:1` and the like."""

    def __init__(self, below: Mapping[str, Sequence[str]]) -> None:
        self._below = below
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        *_, kind, number, last = request.url.path.split("/")
        assert last == "direct-children"
        parent = f"{kind[:-1]}:{number}"
        self.asked.append(parent)
        if parent not in self._below:
            return _GONE
        return listing([self._child(one) for one in self._below[parent]])

    @staticmethod
    def _child(name: str) -> dict[str, Any]:
        kind, _, number = name.partition(":")
        number, _, status = number.partition(" ")
        return {"id": number, "type": kind, "status": status or "current"}


async def walk(site: Any, root: str = "1") -> list[str]:
    """Return the pages of a tree."""
    return [one async for one in client(site).tree_page_ids(root)]


class TestTree:
    """Tests for tree_page_ids()."""

    async def test_all_kinds_are_walked(self) -> None:
        """Level by level, through everything that may have pages below it."""
        site = Tree(
            {
                "page:1": ["page:2", "folder:3", "whiteboard:4"],
                "page:2": ["page:5"],
                "folder:3": ["folder:6", "page:7"],
                "whiteboard:4": ["database:8"],
                "page:5": [],
                "folder:6": ["page:9"],
                "page:7": [],
                "database:8": ["embed:10"],
                "page:9": [],
                "embed:10": ["page:11"],
                "page:11": [],
            }
        )

        assert await walk(site) == ["1", "2", "5", "7", "9", "11"]

    async def test_cycles_and_doubles(self) -> None:
        """Nothing is told or asked about twice, however odd the tree."""
        site = Tree(
            {
                "page:1": ["page:2", "page:2", "page:1"],
                "page:2": ["page:1", "page:3"],
                "page:3": ["page:2"],
            }
        )

        assert await walk(site) == ["1", "2", "3"]
        assert site.asked == ["page:1", "page:2", "page:3"]

    async def test_what_is_of_no_use(self) -> None:
        """Unknown kinds and what lies in the bin are passed over."""
        site = Tree(
            {
                "page:1": ["blogpost:2", "page:3 trashed", "page:4 archived"],
                "page:4": [],
            }
        )

        assert await walk(site) == ["1", "4"]

    async def test_what_goes_away_meanwhile(self) -> None:
        """A child that is gone when its turn comes ends nothing."""
        site = Tree({"page:1": ["page:2", "page:3"], "page:3": []})

        assert await walk(site) == ["1", "2", "3"]

    async def test_no_root(self) -> None:
        """A tree without its root is told, before any page is."""
        with pytest.raises(PageGone):
            await anext(client(Tree({})).tree_page_ids("1"))

    async def test_parts(self) -> None:
        """Many children come in parts."""
        site = Script(
            listing([{"id": "2", "type": "page"}], "/wiki/x?cursor=c"),
            listing([{"id": "3", "type": "page"}]),
            listing([]),
            listing([]),
        )
        confluence = client(site)

        found = [one async for one in confluence.tree_page_ids("1")]

        assert found == ["1", "2", "3"]
        assert site.queries[1] == {"limit": "250", "cursor": "c"}
        assert (confluence.meter.requests, confluence.meter.points) == (4, 6)

    async def test_a_deep_tree(self) -> None:
        """Depth is no matter."""
        below = {f"page:{n}": [f"page:{n + 1}"] for n in range(1, 1500)}

        assert len(await walk(Tree({**below, "page:1500": []}))) == 1500

    async def test_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A tree without end is told, not walked for ever."""
        monkeypatch.setattr(reads, "MAX_TREE", 3)
        site = Tree({"page:1": ["page:2", "page:3"], "page:2": ["page:4"]})

        with pytest.raises(ContractBroken, match="over 3 nodes"):
            await walk(site)


def result(number: int, kind: str = "page") -> dict[str, Any]:
    """Return one row of a search."""
    return {"content": {"id": str(number), "type": kind}, "entityType": "content"}


class TestSearch:
    """Tests for search_page_ids()."""

    async def test_walk(self) -> None:
        """`next` is followed by its cursor, short and empty parts do not end it."""
        link = "/rest/api/search?next=true&cursor={}&limit=250&cql=x"
        site = Script(
            listing([result(1), result(2)], link.format("a")),
            listing([], link.format("b")),
            listing([result(2), result(3)]),
        )
        confluence = client(site)

        found = [one async for one in confluence.search_page_ids('title ~ "Ї"')]

        assert found == ["1", "2", "3"]
        first = {
            "cql": '(title ~ "Ї") and type = page',
            "limit": "250",
            "excerpt": "none",
        }
        assert site.queries == [
            first,
            {**first, "next": "true", "cursor": "a"},
            {**first, "next": "true", "cursor": "b"},
        ]
        assert site.requests[0].url.path.endswith("/wiki/rest/api/search")
        assert (confluence.meter.requests, confluence.meter.points) == (3, 7)

    async def test_only_pages(self) -> None:
        """Spaces, people and posts are passed over, whatever was asked for."""
        rows = [
            result(1, "blogpost"),
            {"space": {"key": "X"}, "entityType": "space"},
            {"content": None, "entityType": "user"},
            result(2),
        ]

        found = [
            one
            async for one in client(Script(listing(rows))).search_page_ids(
                "type in (page, blogpost)"
            )
        ]

        assert found == ["2"]

    async def test_refused(self) -> None:
        """What the site says to the query is told, without its exceptions."""
        message = "com.atlassian.api.BadRequestException: Could not parse cql : xml ="
        site = Script(answer(400, {"statusCode": 400, "message": message}))

        with pytest.raises(WriteRefused, match=r"^Could not parse cql : xml =$"):
            await anext(client(site).search_page_ids("xml ="))

    async def test_too_long(self) -> None:
        """A query that fits into no address is not sent."""
        with pytest.raises(WriteRefused, match="too long"):
            await anext(client(Script()).search_page_ids("ї" * 5_000))
