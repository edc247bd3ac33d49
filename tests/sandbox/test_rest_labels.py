"""Tests for labels over both APIs, and for content properties."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fakes.sandbox_site import (
    NO_CHECK,
    READER,
    add_page,
    client_of,
    eng,
    make_site,
    walk,
)

pytestmark = pytest.mark.anyio

V1 = "/wiki/rest/api"
V2 = "/wiki/api/v2"


async def post_labels(
    client: httpx.AsyncClient, page_id: str, labels: Any
) -> httpx.Response:
    """Put labels on a page by v1."""
    return await client.post(
        f"{V1}/content/{page_id}/label", json=labels, headers=NO_CHECK
    )


class TestWriteLabels:
    """Tests for labels of REST v1."""

    async def test_all_labels_come_back(self) -> None:
        """The answer holds what was there and what was added, split at blanks."""
        site = make_site()
        page_id = add_page(site)
        site.add_labels(page_id, [("global", "old")], site.admin)

        async with client_of(site) as client:
            answer = await post_labels(
                client, page_id, [{"prefix": "global", "name": "Мережа Kubernetes"}]
            )

        body = answer.json()
        assert [label["name"] for label in body["results"]] == [
            "old",
            "мережа",
            "kubernetes",
        ]
        assert body["size"] == 3
        assert body["results"][0]["label"] == "old"

    async def test_one_object_is_enough(self) -> None:
        """The body may be one label instead of a list."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            answer = await post_labels(
                client, page_id, {"prefix": "global", "name": "a"}
            )

        assert answer.status_code == 200

    async def test_xsrf_header_is_needed(self) -> None:
        """A write without `X-Atlassian-Token: no-check` is refused."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            answer = await client.post(
                f"{V1}/content/{page_id}/label",
                json=[{"prefix": "global", "name": "a"}],
            )

        assert (answer.status_code, answer.text) == (403, "XSRF check failed")
        assert site.pages[page_id].labels == {}

    @pytest.mark.parametrize(
        "labels",
        [
            [],
            {},
            "a",
            [None],
            [{"name": "a"}],
            [{"prefix": "global"}],
            [{"prefix": "global", "name": "a:b"}],
            [{"prefix": "odd", "name": "a"}],
            [{"prefix": "global", "name": 5}],
            [{"prefix": "global", "name": str(n)} for n in range(201)],
        ],
    )
    async def test_bad_labels(self, labels: Any) -> None:
        """What is no label is 400 with a v1 body that says the caller is known."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            answer = await post_labels(client, page_id, labels)

        body = answer.json()
        assert (answer.status_code, body["statusCode"]) == (400, 400)
        assert body["data"]["authorized"] is True
        assert body["message"].startswith("com.atlassian.")

    async def test_reader_and_missing_page(self) -> None:
        """No right is 403, no page is 404."""
        site = make_site()
        page_id = add_page(site)
        label = {"prefix": "global", "name": "a"}

        async with client_of(site, auth=READER) as client:
            refused = await post_labels(client, page_id, label)
            missing = await post_labels(client, "999", label)

        assert (refused.status_code, missing.status_code) == (403, 404)

    async def test_both_ways_of_removing(self) -> None:
        """By query and by path, 204 also when nothing was there."""
        site = make_site()
        page_id = add_page(site)
        site.add_labels(page_id, [("global", "a"), ("global", "b/c")], site.admin)
        path = f"{V1}/content/{page_id}/label"

        async with client_of(site) as client:
            answers = [
                await client.delete(f"{path}/a", headers=NO_CHECK),
                await client.delete(f"{path}/a", headers=NO_CHECK),
                await client.delete(f"{path}?name=two words", headers=NO_CHECK),
                await client.delete(f"{path}/b%2Fc", headers=NO_CHECK),
                await client.delete(f"{path}?name=b/c", headers=NO_CHECK),
                await client.delete(path, headers=NO_CHECK),
            ]

        assert [answer.status_code for answer in answers] == [
            204,
            204,
            204,
            400,
            204,
            400,
        ]
        assert site.pages[page_id].labels == {}

    async def test_a_label_by_name(self) -> None:
        """A label is found while it is in use and not after."""
        site = make_site()
        page_id = add_page(site)
        site.add_labels(page_id, [("global", "a")], site.admin)

        async with client_of(site) as client:
            used = await client.get(f"{V1}/label?name=a")
            site.remove_label(page_id, "a", site.admin)
            unused = await client.get(f"{V1}/label?name=a")

        assert used.json()["associatedContents"]["results"][0]["title"] == "Runbook"
        assert unused.status_code == 404


class TestReadLabels:
    """Tests for labels of REST v2."""

    async def test_lists_of_labels(self) -> None:
        """Page, site and space list the labels in use, part by part."""
        site = make_site()
        first, second = add_page(site, "First"), add_page(site, "Second")
        site.add_labels(first, [("global", "a"), ("my", "b")], site.admin)
        site.add_labels(second, [("global", "a"), ("global", "c")], site.admin)
        space = f"{V2}/spaces/{eng(site).id}"

        async with client_of(site) as client:
            on_page = await walk(client, f"{V2}/pages/{first}/labels?limit=1")
            mine = await walk(client, f"{V2}/pages/{first}/labels?prefix=my")
            on_site = await walk(client, f"{V2}/labels?sort=-name&limit=2")
            in_space = await walk(client, f"{space}/content/labels?limit=2")
            of_space = await walk(client, f"{space}/labels")

        assert [label["name"] for label in on_page] == ["a", "b"]
        assert [(label["prefix"], label["name"]) for label in mine] == [("my", "b")]
        assert [label["name"] for label in on_site] == ["c", "b", "a"]
        assert [label["name"] for label in in_space] == ["a", "b", "c"]
        assert of_space == []

    async def test_pages_of_a_label(self) -> None:
        """A label leads to its pages; an unknown one to none."""
        site = make_site()
        page_ids = [add_page(site, f"Page {number}") for number in range(3)]
        for page_id in page_ids:
            site.add_labels(page_id, [("global", "a")], site.admin)
        (label,) = site.labels.in_use()

        async with client_of(site) as client:
            pages = await walk(
                client,
                f"{V2}/labels/{label.id}/pages?limit=2&body-format=storage",
            )
            none = await walk(client, f"{V2}/labels/5/pages")

        assert [page["id"] for page in pages] == page_ids
        assert pages[0]["body"]["storage"]["value"] == "<p>Hello</p>"
        assert none == []


class TestProperties:
    """Tests for content properties of REST v2."""

    async def test_life_of_a_property(self) -> None:
        """Made at 1 with 200, found by key, written as 2, stale as 2, deleted."""
        site = make_site()
        path = f"{V2}/pages/{add_page(site)}/properties"

        async with client_of(site) as client:
            made = await client.post(path, json={"key": "k", "value": {"ї": None}})
            one = f"{path}/{made.json()['id']}"
            again = await client.post(path, json={"key": "k", "value": 1})
            found = await walk(client, f"{path}?key=k")
            second = {"key": "k", "value": [1], "version": {"number": 2}}
            updated = await client.put(one, json=second)
            stale = await client.put(one, json=second)
            read = await client.get(one)
            deleted = await client.delete(one)
            gone = await client.get(one)

        assert (made.status_code, made.json()["version"]["number"]) == (200, 1)
        assert (again.status_code, again.json()["errors"][0]["code"]) == (
            409,
            "CONFLICT",
        )
        assert [held["value"] for held in found] == [{"ї": None}]
        assert updated.json()["version"]["number"] == 2
        assert stale.status_code == 409
        assert read.json()["value"] == [1]
        assert (deleted.status_code, gone.status_code) == (204, 404)

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"key": "k"},
            {"value": 1},
            {"key": "", "value": 1},
            {"key": 5, "value": 1},
            {"key": "k" * 256, "value": 1},
        ],
        ids=str,
    )
    async def test_bad_properties(self, fields: dict[str, Any]) -> None:
        """Key and value are both needed."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            answer = await client.post(f"{V2}/pages/{page_id}/properties", json=fields)

        assert answer.status_code == 400

    @pytest.mark.parametrize(
        "changes",
        [
            {"version": None},
            {"version": {}},
            {"version": {"number": "2"}},
            {"key": "z"},
        ],
        ids=str,
    )
    async def test_bad_updates(self, changes: dict[str, Any]) -> None:
        """An update needs its version, and keeps its key."""
        site = make_site()
        page_id = add_page(site)
        held = site.put_property(page_id, "k", 1, site.admin)
        fields = {"key": "k", "value": 2, "version": {"number": 2}, **changes}

        async with client_of(site) as client:
            answer = await client.put(
                f"{V2}/pages/{page_id}/properties/{held.id}", json=fields
            )

        assert answer.status_code == 400

    async def test_too_large(self) -> None:
        """More than 32 KB of JSON are refused."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            answer = await client.post(
                f"{V2}/pages/{page_id}/properties",
                json={"key": "k", "value": "x" * 33_000},
            )

        assert answer.status_code == 413
