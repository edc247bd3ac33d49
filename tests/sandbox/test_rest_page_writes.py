"""Tests for pages written over REST v2: create, update, conflicts, the bin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.sandbox_site import (
    READER,
    add_page,
    client_of,
    eng,
    make_site,
)

pytestmark = pytest.mark.anyio

PAGES = "/wiki/api/v2/pages"


def update(page_id: str, number: int, **changes: Any) -> dict[str, Any]:
    """Return the body of an update."""
    fields: dict[str, Any] = {
        "id": page_id,
        "status": "current",
        "title": "Runbook",
        "body": {"representation": "storage", "value": "<p>new</p>"},
        "version": {"number": number, "message": "by hand"},
    }
    return {**fields, **changes}


def error_of(body: dict[str, Any]) -> tuple[int, str, str]:
    """Return status, code and title of a v2 error."""
    (error,) = body["errors"]
    return error["status"], error["code"], error["title"]


class TestWritePage:
    """Tests for POST, PUT and DELETE of pages."""

    async def test_create_below_the_homepage(self) -> None:
        """Without a parent a page hangs below the homepage; both body forms pass."""
        site = make_site()
        value = {"representation": "storage", "value": "<p>x</p>"}

        async with client_of(site) as client:
            flat = await client.post(
                PAGES, json={"spaceId": eng(site).id, "title": "A", "body": value}
            )
            nested = await client.post(
                PAGES,
                json={
                    "spaceId": eng(site).id,
                    "title": "B",
                    "body": {"storage": value},
                },
            )

        assert (flat.status_code, nested.status_code) == (200, 200)
        assert flat.json()["parentId"] == eng(site).homepage_id
        assert nested.json()["body"]["storage"]["value"] == "<p>x</p>"

    async def test_create_at_the_root(self) -> None:
        """`root-level` leaves out the parent."""
        site = make_site()

        async with client_of(site) as client:
            answer = await client.post(
                f"{PAGES}?root-level=true", json={"spaceId": eng(site).id, "title": "A"}
            )

        assert answer.json()["parentId"] is None

    async def test_duplicate_title(self) -> None:
        """A taken title is 400 with the measured words."""
        site = make_site()
        add_page(site, "Taken")

        async with client_of(site) as client:
            answer = await client.post(
                PAGES, json={"spaceId": eng(site).id, "title": "Taken"}
            )

        assert error_of(answer.json())[2] == (
            "A page with this title already exists: A page already exists with the "
            "same TITLE in this space"
        )

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"\xff",
            b'{"title": "x"}',
            b'{"spaceId": {}, "title": "x"}',
            b'{"spaceId": "abc", "title": "x"}',
            b'{"spaceId": "32769", "title": 5}',
            b'{"spaceId": "32769", "title": "x", "body": "text"}',
            b'{"spaceId": "32769", "title": "x", "body": {"representation": "wiki", "value": "x"}}',
            b'{"spaceId": "32769", "title": "x", "body": {"representation": "storage", "value": "<p>"}}',
            b'{"spaceId": "32769", "title": "x", "status": "odd"}',
            b"[" * 100_000,
        ],
    )
    async def test_bad_bodies(self, body: bytes) -> None:
        """Nothing that cannot be read makes a page or a crash."""
        site = make_site()

        async with client_of(site) as client:
            answer = await client.post(PAGES, content=body)

        assert answer.status_code == 400
        assert len(site.pages) == 1

    async def test_too_large(self) -> None:
        """A body over five megabytes is 413."""
        site = make_site()
        value = {"representation": "storage", "value": "x" * (5 * 1024 * 1024 + 1)}

        async with client_of(site) as client:
            answer = await client.post(
                PAGES, json={"spaceId": eng(site).id, "title": "A", "body": value}
            )

        assert answer.status_code == 413

    async def test_stale_update(self) -> None:
        """A stale version is 409 with both numbers, and nothing is written."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            first = await client.put(f"{PAGES}/{page_id}", json=update(page_id, 2))
            again = await client.put(f"{PAGES}/{page_id}", json=update(page_id, 2))

        assert (first.status_code, again.status_code) == (200, 409)
        assert again.json() == {
            "errors": [
                {
                    "status": 409,
                    "code": "CONFLICT",
                    "title": "Version must be incremented when updating a page. "
                    "Current Version: [2]. Provided version: [2]",
                    "detail": None,
                }
            ]
        }

    async def test_update_moves(self) -> None:
        """Another parent in an update moves the page."""
        site = make_site()
        parent, page_id = add_page(site, "Parent"), add_page(site)

        async with client_of(site) as client:
            answer = await client.put(
                f"{PAGES}/{page_id}", json=update(page_id, 2, parentId=parent)
            )

        assert answer.json()["parentId"] == parent

    async def test_a_move_that_cannot_be_leaves_the_text_alone(self) -> None:
        """An update with a parent that is not there writes no version."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            answer = await client.put(
                f"{PAGES}/{page_id}", json=update(page_id, 2, parentId="999")
            )

        assert answer.status_code == 404
        assert site.pages[page_id].latest.number == 1

    async def test_a_page_is_never_below_itself(self) -> None:
        """Neither it nor what is below it becomes its parent; nothing is written."""
        site = make_site()
        page_id = add_page(site)
        child = add_page(site, "Child", parent_id=page_id)

        async with client_of(site) as client:
            answers = [
                await client.put(
                    f"{PAGES}/{page_id}", json=update(page_id, 2, parentId=parent)
                )
                for parent in (page_id, child)
            ]

        assert [one.status_code for one in answers] == [400, 400]
        assert error_of(answers[0].json())[2] == "A page cannot be moved below itself"
        assert site.pages[page_id].latest.number == 1

    async def test_a_taken_title_and_broken_markup(self) -> None:
        """An update is refused as a whole: title, text and place stay."""
        site = make_site()
        page_id, parent = add_page(site), add_page(site, "Taken")
        broken = {"representation": "storage", "value": "<p>x"}

        async with client_of(site) as client:
            answers = [
                await client.put(
                    f"{PAGES}/{page_id}",
                    json=update(page_id, 2, parentId=parent, **changes),
                )
                for changes in ({"title": "taken"}, {"body": broken})
            ]

        titles = [error_of(one.json())[2] for one in answers]
        assert [one.status_code for one in answers] == [400, 400]
        assert titles[0].startswith("A page with this title already exists")
        assert titles[1].startswith("Error parsing xhtml")
        assert site.pages[page_id].latest.number == 1
        assert site.pages[page_id].parent_id != parent

    @pytest.mark.parametrize(
        "changes",
        [
            {"version": None},
            {"version": {"number": "2"}},
            {"version": {"number": True}},
            {"status": None},
            {"id": "1"},
            {"spaceId": "1"},
            {"body": None},
            {"title": None},
        ],
        ids=str,
    )
    async def test_bad_updates(self, changes: dict[str, Any]) -> None:
        """Each required field is missed by name."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            answer = await client.put(
                f"{PAGES}/{page_id}", json=update(page_id, 2, **changes)
            )

        assert answer.status_code == 400
        assert site.pages[page_id].latest.number == 1

    async def test_title_alone(self) -> None:
        """PUT title makes a version with the same body."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            answer = await client.put(
                f"{PAGES}/{page_id}/title", json={"status": "current", "title": "New"}
            )

        assert (answer.json()["title"], answer.json()["version"]["number"]) == (
            "New",
            2,
        )

    async def test_delete_restore_purge(self) -> None:
        """Into the bin, back by PUT, and after another bin out of the world."""
        site = make_site()
        page_id = add_page(site)
        path = f"{PAGES}/{page_id}"

        async with client_of(site) as client:
            early = await client.delete(f"{path}?purge=true")
            binned = await client.delete(path)
            back = await client.put(path, json=update(page_id, 2))
            await client.delete(path)
            purged = await client.delete(f"{path}?purge=true")
            gone = await client.get(path)

        assert [a.status_code for a in (early, binned, back, purged, gone)] == [
            400,
            204,
            200,
            204,
            404,
        ]
        assert back.json()["body"]["storage"]["value"] == "<p>Hello</p>"

    async def test_drafts(self) -> None:
        """A draft hides until asked for, stays at version 1, and can be published."""
        site = make_site()

        async with client_of(site) as client:
            made = await client.post(
                PAGES, json={"spaceId": eng(site).id, "status": "draft"}
            )
            page_id = made.json()["id"]
            hidden = await client.get(f"{PAGES}/{page_id}")
            shown = await client.get(f"{PAGES}/{page_id}?get-draft=true")
            published = await client.put(f"{PAGES}/{page_id}", json=update(page_id, 1))

        assert (hidden.status_code, shown.json()["status"]) == (404, "draft")
        assert published.json()["version"]["number"] == 1
        assert published.json()["status"] == "current"

    async def test_reader_is_refused(self) -> None:
        """Who may only read gets 403 and leaves no trace."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site, auth=READER) as client:
            answer = await client.put(f"{PAGES}/{page_id}", json=update(page_id, 2))

        assert error_of(answer.json())[:2] == (403, "FORBIDDEN")
