"""Tests for lists of pages over REST v2, their cursors, and the page tree."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.site import Site
from tests.fakes.sandbox_site import (
    add_page,
    client_of,
    eng,
    make_site,
    walk,
)

pytestmark = pytest.mark.anyio

PAGES = "/wiki/api/v2/pages"


def error_of(body: dict[str, Any]) -> tuple[int, str, str]:
    """Return status, code and title of a v2 error."""
    (error,) = body["errors"]
    return error["status"], error["code"], error["title"]


def many_pages(site: Site, count: int) -> list[str]:
    """Add numbered pages; return their ids."""
    return [add_page(site, f"Page {number:03}") for number in range(count)]


class TestLists:
    """Tests for lists of pages and their cursors."""

    @pytest.mark.parametrize("limit", [1, 7, 25, 250])
    @pytest.mark.parametrize("sort", ["id", "-id", "title", "-modified-date"])
    async def test_walk_to_the_end(self, limit: int, sort: str) -> None:
        """Following `next` gives each page once, whatever order and size of parts."""
        site = make_site()
        ids = [eng(site).homepage_id, *many_pages(site, 30)]

        async with client_of(site) as client:
            pages = await walk(
                client,
                f"/wiki/api/v2/spaces/{eng(site).id}/pages?limit={limit}&sort={sort}",
            )

        found = [page["id"] for page in pages]
        assert sorted(found) == sorted(str(page_id) for page_id in ids)
        if sort == "-id":
            assert found == sorted(found, reverse=True)

    async def test_links_of_a_part(self) -> None:
        """`next` is relative to the site and also stands in the Link header."""
        site = make_site()
        many_pages(site, 3)

        async with client_of(site) as client:
            answer = await client.get(f"{PAGES}?limit=2&title=")

        links = answer.json()["_links"]
        assert links["next"].startswith("/wiki/api/v2/pages?limit=2")
        assert links["base"] == f"{site.origin}/wiki"
        assert answer.headers["link"] == (
            f'<{links["next"]}>; rel="next", <{site.origin}/wiki>; rel="base"'
        )

    async def test_pages_that_come_and_go_between_parts(self) -> None:
        """A page that stays is seen exactly once, though others vanish."""
        site = make_site()
        ids = many_pages(site, 10)

        async with client_of(site) as client:
            first = (await client.get(f"{PAGES}?limit=4")).json()
            for page_id in (ids[0], ids[1], ids[5]):
                site.trash_page(page_id, site.admin)
            late = add_page(site, "Late")
            rest = await walk(client, first["_links"]["next"])

        found = [page["id"] for page in (*first["results"], *rest)]
        assert len(found) == len(set(found))
        assert set(found) >= {*ids, late} - {ids[5]}

    @pytest.mark.parametrize(
        ("query", "titles"),
        [
            ("title=page 001", ["Page 001"]),
            ("status=trashed", ["Page 000"]),
            ("status=current,trashed&title=page 000", ["Page 000"]),
            ("status=current&status=trashed&title=page 000", ["Page 000"]),
            ("subtype=live", ["Live"]),
            ("title=nothing", []),
            ("space-id=77", []),
        ],
    )
    async def test_filters(self, query: str, titles: list[str]) -> None:
        """Titles match whole, case aside; arrays come joined or repeated."""
        site = make_site()
        ids = many_pages(site, 3)
        site.trash_page(ids[0], site.admin)
        add_page(site, "Live", live=True)

        async with client_of(site) as client:
            pages = await walk(client, f"{PAGES}?{query}")

        assert [page["title"] for page in pages] == titles

    async def test_by_ids(self) -> None:
        """A list of ids gives those that are there."""
        site = make_site()
        first, second, _ = many_pages(site, 3)

        async with client_of(site) as client:
            pages = await walk(client, f"{PAGES}?id={second},{first}&id=999")

        assert [page["id"] for page in pages] == [first, second]

    async def test_roots(self) -> None:
        """`depth=root` gives what has no parent."""
        site = make_site()
        many_pages(site, 2)

        async with client_of(site) as client:
            pages = await walk(
                client, f"/wiki/api/v2/spaces/{eng(site).id}/pages?depth=root"
            )

        assert [page["id"] for page in pages] == [eng(site).homepage_id]

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=251",
            "limit=x",
            "status=draft",
            "sort=size",
            "body-format=view",
            "cursor=zz",
            "cursor=W10",
            "cursor=LTE",
            "cursor=é",
            "sort=title&cursor=MQ",
            "id=x",
        ],
    )
    async def test_bad_parameters(self, query: str) -> None:
        """Anything out of range, and any cursor not made here, is 400."""
        async with client_of(make_site()) as client:
            answer = await client.get(f"{PAGES}?{query}")

        assert answer.status_code == 400
        if query == "cursor=zz":
            assert error_of(answer.json())[2] == (
                "Provided value for 'cursor' is not the correct type. "
                "Expected type is Cursor."
            )


class TestTree:
    """Tests for walks up and down the tree."""

    async def test_down_and_up(self) -> None:
        """Children, descendants with depth, and ancestors topmost first."""
        site = make_site()
        home = eng(site).homepage_id
        top = add_page(site, "Top")
        middle = add_page(site, "Middle", parent_id=top)
        low = add_page(site, "Low", parent_id=middle)

        async with client_of(site) as client:
            direct = await walk(client, f"{PAGES}/{top}/direct-children")
            children = await walk(client, f"{PAGES}/{top}/children")
            below = await walk(client, f"{PAGES}/{top}/descendants?limit=1")
            shallow = await walk(client, f"{PAGES}/{home}/descendants")
            above = await walk(client, f"{PAGES}/{low}/ancestors")

        assert [(child["id"], child["type"]) for child in direct] == [(middle, "page")]
        assert children[0]["spaceId"] == eng(site).id
        assert [(page["id"], page["depth"], page["parentId"]) for page in below] == [
            (middle, 1, top),
            (low, 2, middle),
        ]
        assert [page["id"] for page in shallow] == [top, middle]
        assert [page["id"] for page in above] == [home, top, middle]

    async def test_versions(self) -> None:
        """The history comes newest first; one version names its neighbours."""
        site = make_site()
        page_id = add_page(site)
        site.update_page(page_id, version=2, body="", actor=site.admin)

        async with client_of(site) as client:
            versions = await walk(client, f"{PAGES}/{page_id}/versions?limit=1")
            first = (await client.get(f"{PAGES}/{page_id}/versions/1")).json()
            none = await client.get(f"{PAGES}/{page_id}/versions/9")

        assert [version["number"] for version in versions] == [2, 1]
        assert (first["prevVersion"], first["nextVersion"]) == (0, 2)
        assert none.status_code == 404

    async def test_depth_is_limited(self) -> None:
        """More than ten levels at once are refused."""
        site = make_site()

        async with client_of(site) as client:
            answer = await client.get(
                f"{PAGES}/{eng(site).homepage_id}/descendants?depth=11"
            )

        assert answer.status_code == 400
