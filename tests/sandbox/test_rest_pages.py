"""Tests for pages over REST v2: shapes, formats, old versions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.sandbox_site import (
    ADMIN,
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


class TestGetPage:
    """Tests for GET /pages/{id}."""

    async def test_shape_without_a_body(self) -> None:
        """A page has its documented fields, and no body unless asked."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            page = (await client.get(f"{PAGES}/{page_id}")).json()

        assert page["body"] == {}
        assert (page["spaceId"], page["parentId"], page["parentType"]) == (
            eng(site).id,
            eng(site).homepage_id,
            "page",
        )
        assert page["version"]["number"] == 1
        assert page["_links"]["webui"] == f"/spaces/ENG/pages/{page_id}"
        assert page["_links"]["base"] == f"{site.origin}/wiki"

    async def test_homepage_has_no_parent_and_an_overview_link(self) -> None:
        """At the top of the tree parent and its type are null."""
        site = make_site()

        async with client_of(site) as client:
            page = (await client.get(f"{PAGES}/{eng(site).homepage_id}")).json()

        assert (page["parentId"], page["parentType"]) == (None, None)
        assert page["_links"]["webui"] == "/spaces/ENG/overview"

    async def test_body_formats(self) -> None:
        """Storage is what was saved, ADF a string of JSON, view is HTML."""
        site = make_site()
        page_id = add_page(site, body="<h2>Ä&ouml;</h2><p>x</p>")

        async with client_of(site) as client:
            bodies = {
                name: (
                    await client.get(f"{PAGES}/{page_id}", params={"body-format": name})
                ).json()["body"][name]
                for name in ("storage", "atlas_doc_format", "view")
            }

        assert bodies["storage"] == {
            "representation": "storage",
            "value": "<h2>Ä&ouml;</h2><p>x</p>",
        }
        adf = json.loads(bodies["atlas_doc_format"]["value"])
        assert adf["content"][0] == {
            "type": "heading",
            "attrs": {"level": 2},
            "content": [{"type": "text", "text": "Äö"}],
        }
        assert bodies["view"]["value"] == "<h2>Äö</h2><p>x</p>"

    async def test_includes(self) -> None:
        """Labels, properties and versions come along when asked for."""
        site = make_site()
        page_id = add_page(site)
        site.add_labels(page_id, [("global", "ops")], site.admin)
        site.put_property(page_id, "k", [1], site.admin)

        async with client_of(site) as client:
            answer = await client.get(
                f"{PAGES}/{page_id}?include-labels=true&include-properties=true"
                "&include-versions=true&include-version=false"
            )

        page = answer.json()
        assert [label["name"] for label in page["labels"]["results"]] == ["ops"]
        assert page["labels"]["meta"] == {"hasMore": False}
        assert [held["key"] for held in page["properties"]["results"]] == [
            "content-appearance-published",
            "k",
        ]
        assert len(page["versions"]["results"]) == 1
        assert "version" not in page

    async def test_old_version(self) -> None:
        """`version=` gives the page as it was; one that never was is not found."""
        site = make_site()
        page_id = add_page(site, body="<p>one</p>")
        site.update_page(page_id, version=2, body="<p>two</p>", actor=site.admin)

        async with client_of(site) as client:
            old = await client.get(f"{PAGES}/{page_id}?version=1&body-format=storage")
            none = await client.get(f"{PAGES}/{page_id}?version=3")

        assert old.json()["body"]["storage"]["value"] == "<p>one</p>"
        assert none.status_code == 404

    async def test_missing_page(self) -> None:
        """A page that is not there is named in the error."""
        async with client_of(make_site()) as client:
            answer = await client.get(f"{PAGES}/999")

        assert answer.status_code == 404
        assert error_of(answer.json()) == (
            404,
            "NOT_FOUND",
            "Cannot find a page with id [999]",
        )

    async def test_restricted_page_looks_missing(self) -> None:
        """A page for administrators is 404 for others, in lists it is absent."""
        site = make_site()
        page_id = add_page(site, readers=frozenset({site.admin.account_id}))

        async with client_of(site) as client:
            alone = await client.get(f"{PAGES}/{page_id}")
            listed = await walk(client, f"/wiki/api/v2/spaces/{eng(site).id}/pages")
        async with client_of(site, auth=ADMIN) as client:
            admin = await client.get(f"{PAGES}/{page_id}")

        assert (alone.status_code, admin.status_code) == (404, 200)
        assert page_id not in [page["id"] for page in listed]

    async def test_binned_page_is_readable_without_a_place(self) -> None:
        """A page in the bin answers 200, out of the tree."""
        site = make_site()
        page_id = add_page(site)
        site.trash_page(page_id, site.admin)

        async with client_of(site) as client:
            page = (await client.get(f"{PAGES}/{page_id}")).json()

        assert (page["status"], page["parentId"], page["parentType"]) == (
            "trashed",
            None,
            None,
        )
        assert page["position"] is None

    @pytest.mark.parametrize(
        "query",
        ["body-format=nope", "version=x", "include-labels=maybe", "version=0"],
    )
    async def test_bad_parameters(self, query: str) -> None:
        """A parameter of the wrong type is 400."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            answer = await client.get(f"{PAGES}/{page_id}?{query}")

        assert error_of(answer.json())[:2] == (400, "INVALID_REQUEST_PARAMETER")

    @pytest.mark.parametrize("page_id", ["abc", "%D9%A1", "9" * 30, "1.5", "-1"])
    async def test_bad_ids(self, page_id: str) -> None:
        """An id that is no 64-bit number is 400, not a crash."""
        async with client_of(make_site()) as client:
            answer = await client.get(f"{PAGES}/{page_id}")

        assert answer.status_code == 400
