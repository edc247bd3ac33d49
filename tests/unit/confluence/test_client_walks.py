"""Tests for lists with cursors of app.confluence.client."""

from __future__ import annotations

import httpx
import pytest

from app.errors import ContractBroken
from tests.unit.confluence.doubles import Script, answer, client, listing, page_json

pytestmark = pytest.mark.anyio


def _label(number: int) -> dict[str, str]:
    return {"id": str(number), "name": f"l{number}", "prefix": "global"}


async def test_pages_of_a_space() -> None:
    """All parts are read by cursor, with bodies, at a point an object."""
    first = page_json(id="1", labels=None)
    second = page_json(id="2", labels=None, _links={"webui": "/p2"})
    site = Script(
        listing([first], "/wiki/api/v2/spaces/5/pages?limit=250&cursor=a%2Bb"),
        listing([second]),
    )
    confluence = client(site)

    pages = [page async for page in confluence.space_pages("5")]

    assert [page.id for page in pages] == ["1", "2"]
    assert pages[1].webui == "https://site.example/wiki/p2"
    assert [query.get("cursor") for query in site.queries] == [None, "a+b"]
    assert site.queries[1]["body-format"] == "storage"
    assert confluence.meter.points == 4


async def test_link_to_another_origin_is_not_followed() -> None:
    """Only the cursor is taken from a link, whoever it points to."""
    site = Script(
        listing([_label(1)], "https://evil.example/steal?cursor=x"), listing([])
    )

    labels = [label async for label in client(site).space_labels("5")]

    assert len(labels) == 1
    assert {request.url.host for request in site.requests} == {"api.example"}


async def test_repeated_cursor_is_told() -> None:
    """A list that goes in circles does not run for ever."""
    site = Script(*(listing([], "/x?cursor=same") for _ in range(3)))

    with pytest.raises(ContractBroken, match="same cursor"):
        async for _ in client(site).spaces():
            pass

    assert site.unused == 1


async def test_too_large_parts_are_asked_for_in_smaller_ones() -> None:
    """250 large pages that exceed the size limit are read 31 at a time."""
    huge = httpx.Response(200, content=b" " * (17 * 2**20))
    site = Script(huge, listing([page_json(labels=None)]))

    pages = [page async for page in client(site).space_pages("5")]

    assert len(pages) == 1
    assert [query["limit"] for query in site.queries] == ["250", "31"]


async def test_one_object_beyond_the_limit_is_told() -> None:
    """A single object that is too large ends the walk by its name."""
    site = Script(*(httpx.Response(200, content=b" " * (17 * 2**20)) for _ in range(4)))

    with pytest.raises(ContractBroken, match="larger than"):
        await anext(client(site).space_pages("5"))

    assert [query["limit"] for query in site.queries] == ["250", "31", "3", "1"]


async def test_spaces() -> None:
    """Spaces carry key and homepage."""
    found = {"id": "131", "key": "ENG", "name": "Eng", "homepageId": "7"}

    spaces = [space async for space in client(Script(listing([found]))).spaces()]

    assert (spaces[0].key, spaces[0].homepage_id) == ("ENG", "7")


async def test_pages_of_an_unused_label() -> None:
    """A label that nobody uses any more has no pages."""
    refusal = answer(404, {"errors": [{"title": "No label", "code": "NOT_FOUND"}]})

    assert [i async for i in client(Script(refusal)).label_page_ids("3")] == []


async def test_pages_of_a_label() -> None:
    """Ids are enough."""
    site = Script(listing([{"id": "1"}, {"id": "2"}]))

    assert [i async for i in client(site).label_page_ids("3")] == ["1", "2"]


async def test_ancestors() -> None:
    """Ancestors come topmost first."""
    site = Script(listing([{"id": "1", "type": "page"}, {"id": "2"}]))

    assert await client(site).ancestor_ids("9") == ("1", "2")
