"""Tests for footer comments over REST v2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.sandbox_site import (
    ADMIN,
    READER,
    StubHost,
    add_page,
    app_client,
    client_of,
    eng,
    make_site,
    walk,
)

pytestmark = pytest.mark.anyio

COMMENTS = "/wiki/api/v2/footer-comments"
PAGES = "/wiki/api/v2/pages"


def written(text: str = "<p>Привіт</p>", **more: Any) -> dict[str, Any]:
    """Return the body of a write."""
    return {"body": {"representation": "storage", "value": text}, **more}


class TestComments:
    """Tests for one comment's life."""

    async def test_create_read_update_delete(self) -> None:
        """Versions count up; deleted is gone for good."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            made = await client.post(COMMENTS, json=written(pageId=page_id))
            path = f"{COMMENTS}/{made.json()['id']}"
            bare = await client.get(path)
            update = written("<p>new<br/></p>", version={"number": 2})
            changed = await client.put(path, json=update)
            shown = await client.get(f"{path}?body-format=storage")
            deleted = await client.delete(path)
            gone = await client.get(path)

        assert (made.status_code, made.headers["location"]) == (201, path)
        assert made.json()["title"] == "Re: Runbook"
        assert made.json()["pageId"] == page_id
        assert made.json()["version"]["number"] == 1
        assert bare.json()["body"] == {}
        assert changed.status_code == 200
        assert shown.json()["version"]["number"] == 2
        assert shown.json()["body"]["storage"]["value"] == "<p>new<br /></p>"
        assert (deleted.status_code, gone.status_code) == (204, 404)
        assert gone.json()["errors"][0]["title"].startswith("Cannot find a footer")

    async def test_list(self) -> None:
        """Oldest first, in parts, those of one page."""
        site = make_site()
        page_id, other = add_page(site), add_page(site, "Other")
        made = [
            site.add_comment(page_id, f"<p>{n}</p>", site.admin).id for n in range(5)
        ]
        site.add_comment(other, "<p>x</p>", site.admin)

        async with client_of(site) as client:
            path = f"{PAGES}/{page_id}/footer-comments"
            found = await walk(client, f"{path}?limit=2&body-format=storage")

        assert [one["id"] for one in found] == made
        assert found[0]["body"]["storage"]["value"] == "<p>0</p>"

    async def test_stale_version(self) -> None:
        """A version that is not the next one is 409."""
        site = make_site()
        comment = site.add_comment(add_page(site), "<p>x</p>", site.admin)

        async with client_of(site, auth=ADMIN) as client:
            answers = [
                await client.put(
                    f"{COMMENTS}/{comment.id}", json=written(version={"number": number})
                )
                for number in (1, 3)
            ]

        assert [one.status_code for one in answers] == [409, 409]
        assert answers[0].json()["errors"][0]["title"] == (
            "Version must be incremented when updating a comment. "
            "Current Version: [1]. Provided version: [1]"
        )

    @pytest.mark.parametrize(
        "body",
        [
            {},
            written(),
            {"pageId": "PAGE"},
            written("<p>", pageId="PAGE"),
            written(pageId="abc"),
            {"pageId": "PAGE", "body": {"representation": "wiki", "value": "x"}},
            [],
        ],
        ids=str,
    )
    async def test_bad_bodies(self, body: Any) -> None:
        """Nothing that cannot be read makes a comment."""
        site = make_site()
        page_id = add_page(site)
        if isinstance(body, dict) and body.get("pageId") == "PAGE":
            body = {**body, "pageId": page_id}

        async with client_of(site) as client:
            answer = await client.post(COMMENTS, json=body)

        assert answer.status_code == 400
        assert site.comments == {}

    @pytest.mark.parametrize("path", ["/1", "/999999", "/abc"])
    async def test_unknown(self, path: str) -> None:
        """No number is 400, no comment 404."""
        async with client_of(make_site()) as client:
            answer = await client.get(COMMENTS + path)

        assert answer.status_code == (400 if path == "/abc" else 404)


class TestRights:
    """Tests for who may do what."""

    async def test_a_comment_on_a_hidden_page(self) -> None:
        """It is hidden as well; one may neither write there."""
        site = make_site()
        page_id = add_page(site)
        comment = site.add_comment(page_id, "<p>x</p>", site.admin)
        site.restrict_page(page_id, [], site.admin)

        async with client_of(site) as client:
            read = await client.get(f"{COMMENTS}/{comment.id}")
            made = await client.post(COMMENTS, json=written(pageId=page_id))

        assert (read.status_code, made.status_code) == (404, 404)

    async def test_a_comment_on_a_binned_page(self) -> None:
        """It goes with its page, and comes back with it."""
        site = make_site()
        page_id = add_page(site)
        comment = site.add_comment(page_id, "<p>x</p>", site.admin)
        site.trash_page(page_id, site.admin)

        async with client_of(site) as client:
            binned = await client.get(f"{COMMENTS}/{comment.id}")
            site.restore_page(page_id, site.admin)
            back = await client.get(f"{COMMENTS}/{comment.id}")
            site.trash_page(page_id, site.admin)
            site.purge_page(page_id, site.admin)
            purged = await client.get(f"{COMMENTS}/{comment.id}")

        assert [one.status_code for one in (binned, back, purged)] == [404, 200, 404]

    async def test_comments_of_others(self) -> None:
        """Nobody changes them; only administrators delete them."""
        site = make_site()
        page_id = add_page(site)
        comment = site.add_comment(page_id, "<p>x</p>", site.admin)
        path = f"{COMMENTS}/{comment.id}"

        async with client_of(site) as olena:
            changed = await olena.put(path, json=written(version={"number": 2}))
            deleted = await olena.delete(path)
            own = await olena.post(COMMENTS, json=written(pageId=page_id))
        async with client_of(site, auth=ADMIN) as admin:
            by_admin = await admin.delete(f"{COMMENTS}/{own.json()['id']}")

        assert (changed.status_code, deleted.status_code) == (404, 404)
        assert by_admin.status_code == 204
        assert comment.latest.body == "<p>x</p>"

    async def test_a_reader(self) -> None:
        """Who may only read is told that there is nothing to comment on."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site, auth=READER) as client:
            answer = await client.post(COMMENTS, json=written(pageId=page_id))

        assert answer.status_code == 404
        assert site.comments == {}

    @pytest.mark.parametrize(
        ("token", "statuses"),
        [
            ("read:comment:confluence", [401, 200, 401, 401]),
            ("write:comment:confluence", [201, 401, 200, 401]),
            ("delete:comment:confluence", [401, 401, 401, 204]),
            ("write:confluence-content", [401, 401, 401, 401]),
        ],
    )
    async def test_scopes(self, token: str, statuses: list[int]) -> None:
        """Each verb has its own scope."""
        site = make_site()
        host = StubHost(site)
        page_id = add_page(site)
        comment = site.add_comment(page_id, "<p>x</p>", host.principal())
        path = f"{COMMENTS}/{comment.id}"

        async with app_client(site, host, token) as client:
            answers = [
                await client.post(COMMENTS, json=written(pageId=page_id)),
                await client.get(path),
                await client.put(path, json=written(version={"number": 2})),
                await client.delete(path),
            ]

        assert [one.status_code for one in answers] == statuses

    async def test_points(self) -> None:
        """Reading costs two, writes one each."""
        site = make_site()
        host = StubHost(site)

        async with app_client(site, host) as client:
            made = await client.post(COMMENTS, json=written(pageId=add_page(site)))
            path = f"{COMMENTS}/{made.json()['id']}"
            await client.get(path)
            await client.put(path, json=written(version={"number": 2}))
            await client.delete(path)

        spent = site.points.report()["com.example.app"]["by_operation"]
        assert spent == {
            "createFooterComment": 1,
            "getFooterCommentById": 2,
            "updateFooterComment": 1,
            "deleteFooterComment": 1,
        }


async def test_deleting_pages_needs_its_own_scope() -> None:
    """Who may write may not delete."""
    site = make_site()
    page_id = add_page(site, space_id=eng(site).id)

    async with app_client(site, StubHost(site), "write:confluence-content") as client:
        refused = await client.delete(f"{PAGES}/{page_id}")
    async with app_client(site, StubHost(site), "delete:page:confluence") as client:
        done = await client.delete(f"{PAGES}/{page_id}")

    assert (refused.status_code, done.status_code) == (401, 204)
