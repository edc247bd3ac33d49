"""Tests for pages and comments written by app.confluence.client."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.domain.pages import NewPage, Page
from app.errors import (
    AppError,
    CredentialsRefused,
    MalformedPayload,
    PageGone,
    PageOutOfReach,
    RateLimited,
    Unavailable,
    VersionConflict,
    WriteRefused,
)
from tests.unit.confluence.doubles import (
    Script,
    answer,
    asked,
    client,
    page_json,
    refusal,
    sent,
)

pytestmark = pytest.mark.anyio

_BODY = '<p>нове</p><ac:structured-macro ac:name="toc"/>'


def page(**changes: Any) -> Page:
    """Return a page as it was read."""
    fields: dict[str, Any] = {
        "id": "7",
        "title": "Old",
        "status": "current",
        "space_id": "5",
        "version": 3,
        "parent_id": "6",
        "body": "<p>old</p>",
    }
    return Page(**{**fields, **changes})


def shown(**changes: Any) -> dict[str, Any]:
    """Return the page as the site shows it after the write."""
    fields = {
        "id": "7",
        "title": "Old",
        "parentId": "6",
        "version": {"number": 4, "authorId": "me"},
        "body": {"storage": {"value": _BODY}},
    }
    return page_json(**{**fields, **changes})


_READ = "GET /api/v2/pages/7"
_PUT = "PUT /api/v2/pages/7"
_STALE = "Version must be incremented when updating a page."
_NO_PAGE = "Cannot find a page with id [7]"


class TestUpdatePage:
    """Tests for update_page()."""

    async def test_the_next_version(self) -> None:
        """What is None stays; the parent is not told unless it changes."""
        site = Script(answer(data=shown()))
        confluence = client(site)

        written = await confluence.update_page(page(), body=_BODY, message="ours")

        assert sent(site) == {
            "id": "7",
            "status": "current",
            "title": "Old",
            "body": {"representation": "storage", "value": _BODY},
            "version": {"number": 4, "message": "ours"},
        }
        assert asked(site) == [_PUT]
        assert (written.version, written.body) == (4, _BODY)
        assert (confluence.meter.requests, confluence.meter.points) == (1, 1)

    async def test_title_and_parent(self) -> None:
        """A new title and place keep the body."""
        site = Script(answer(data=shown(title="Нова", parentId="9")))

        written = await client(site).update_page(
            page(), title="Нова", parent_id="9", message=""
        )

        assert (sent(site)["title"], sent(site)["parentId"]) == ("Нова", "9")
        assert sent(site)["body"]["value"] == "<p>old</p>"
        assert (written.title, written.parent_id) == ("Нова", "9")

    async def test_an_empty_body_is_a_body(self) -> None:
        """Only None means: as it was."""
        site = Script(answer(data=shown()))

        await client(site).update_page(page(), title="", body="", message="")

        assert (sent(site)["title"], sent(site)["body"]["value"]) == ("", "")

    async def test_a_draft_stays_at_its_version(self) -> None:
        """Drafts have version 1 until they are published."""
        site = Script(answer(data=shown(status="draft", version={"number": 1})))

        await client(site).update_page(
            page(status="draft", version=1), body=_BODY, message="x"
        )

        assert (sent(site)["status"], sent(site)["version"]["number"]) == ("draft", 1)

    @pytest.mark.parametrize("status", ["archived", "trashed", "deleted"])
    async def test_what_takes_no_version(self, status: str) -> None:
        """Nothing is sent for it: it would come back from there."""
        with pytest.raises(WriteRefused, match=status):
            await client(Script()).update_page(page(status=status), message="")

    @pytest.mark.parametrize(
        "changes", [{"body": None}, {"body_format": "atlas_doc_format", "body": "{}"}]
    )
    async def test_without_the_body(self, changes: dict[str, Any]) -> None:
        """A page that was read without storage cannot be written whole."""
        with pytest.raises(MalformedPayload, match="storage body"):
            await client(Script()).update_page(page(**changes), title="x", message="")

    @pytest.mark.parametrize(
        ("first", "error"),
        [
            (
                refusal(400, "A page with this title already exists: A page"),
                (WriteRefused, "^A page with this title already exists: A page$"),
            ),
            (
                refusal(400, "Error parsing xhtml: secret"),
                (WriteRefused, "^the body is not well-formed$"),
            ),
            (refusal(400, ""), (WriteRefused, "does not say why")),
            (refusal(413, "Too big"), (WriteRefused, "larger than the site takes")),
            (refusal(403, "No"), (PageOutOfReach, "restricted")),
            (refusal(404, "Not Found"), (CredentialsRefused, "without a name")),
            (answer(429, retry_after="9"), (RateLimited, "limit")),
        ],
        ids=["title", "xhtml", "silent", "large", "forbidden", "unknown", "quota"],
    )
    async def test_refusals(
        self, first: httpx.Response, error: tuple[type[AppError], str]
    ) -> None:
        """Each by the name of who must act; none is repeated."""
        site = Script(first)

        with pytest.raises(error[0], match=error[1]):
            await client(site).update_page(page(), body=_BODY, message="")

        assert len(site.requests) == 1

    async def test_what_the_site_says_does_no_harm(self) -> None:
        """No control characters, no new lines, no trick with directions, no length."""
        title = "com.x.BadRequestException: a\x1b[31m\nb\u202ec\x9b" + "x" * 500
        site = Script(refusal(400, title))

        with pytest.raises(WriteRefused) as refused:
            await client(site).update_page(page(), message="")

        assert str(refused.value) == "a [31m b c " + "x" * 189

    async def test_a_page_that_is_gone(self) -> None:
        """The page itself is missing, as draft as well."""
        gone = [refusal(404, _NO_PAGE) for _ in range(3)]
        site = Script(*gone)

        with pytest.raises(PageGone):
            await client(site).update_page(page(), message="")

        assert asked(site) == [_PUT, _READ, _READ]

    async def test_a_page_that_came_back_from_the_bin(self) -> None:
        """An update of a binned page restores it and writes nothing: it goes back."""
        restored = answer(data=shown(version={"number": 3}))
        site = Script(restored, answer(204))

        with pytest.raises(PageGone, match="trashed"):
            await client(site).update_page(page(), body=_BODY, message="")

        assert asked(site) == [_PUT, "DELETE /api/v2/pages/7"]

    async def test_a_parent_that_is_gone(self) -> None:
        """The page is there, so it is the parent that is not."""
        site = Script(
            refusal(404, "Cannot find a page with id [9]"), answer(data=shown())
        )

        with pytest.raises(WriteRefused, match="no such parent"):
            await client(site).update_page(page(), parent_id="9", message="")


class TestLostAnswers:
    """Tests for versions that landed though we did not hear of it."""

    async def test_landed(self) -> None:
        """The second try is refused, and what stands there is ours."""
        saved = _BODY.replace('"toc"/>', '"toc" ac:macro-id="1" />')
        me = answer(data={"accountId": "me"})
        there = shown(body={"storage": {"value": saved}})
        site = Script(
            httpx.ReadTimeout("slow"), refusal(409, _STALE), answer(data=there), me
        )

        written = await client(site).update_page(page(), body=_BODY, message="")

        assert (written.version, written.body) == (4, saved)
        assert asked(site) == [_PUT, _PUT, _READ, "GET /rest/api/user/current"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"version": {"number": 5, "authorId": "me"}},
            {"version": {"number": 4, "authorId": "they"}},
            {"version": {"number": 4}},
            {"title": "Other"},
            {"body": {"storage": {"value": "<p>theirs</p>"}}},
            {"parentId": "8"},
        ],
        ids=["version", "author", "nobody", "title", "body", "parent"],
    )
    async def test_somebody_wrote_in_between(self, changes: dict[str, Any]) -> None:
        """Anything that is not what we wrote is a conflict."""
        there = shown(parentId="9") | changes
        me = answer(data={"accountId": "me"})
        site = Script(refusal(409, _STALE), answer(data=there), me)

        with pytest.raises(VersionConflict, match="in between"):
            await client(site).update_page(
                page(), body=_BODY, parent_id="9", message=""
            )

    async def test_a_move_by_somebody_else_is_no_conflict(self) -> None:
        """Where the page stands is looked at only if we moved it."""
        me = answer(data={"accountId": "me"})
        site = Script(refusal(409, _STALE), answer(data=shown(parentId="8")), me)

        written = await client(site).update_page(page(), body=_BODY, message="")

        assert written.parent_id == "8"

    async def test_silence_to_the_end(self) -> None:
        """Three tries, then the queue's turn."""
        site = Script(*(httpx.ReadTimeout("slow") for _ in range(3)))

        with pytest.raises(Unavailable):
            await client(site).update_page(page(), message="")

        assert asked(site) == [_PUT, _PUT, _PUT]


class TestCreatePage:
    """Tests for create_page()."""

    @pytest.mark.parametrize("parent_id", [None, "6"])
    async def test_created(self, parent_id: str | None) -> None:
        """A draft unless it is said otherwise."""
        site = Script(answer(data=shown(id="8", status="draft")))
        draft = NewPage(space_id="5", title="Нова", body=_BODY, parent_id=parent_id)

        made = await client(site).create_page(draft)

        parent = {} if parent_id is None else {"parentId": "6"}
        assert asked(site) == ["POST /api/v2/pages"]
        assert sent(site) == {
            "spaceId": "5",
            "status": "draft",
            "title": "Нова",
            "body": {"representation": "storage", "value": _BODY},
            **parent,
        }
        assert (made.id, made.status) == ("8", "draft")

    async def test_a_lost_answer_is_not_asked_again(self) -> None:
        """A second page would be one too many."""
        site = Script(httpx.ReadTimeout("slow"), answer(data=shown()))

        with pytest.raises(Unavailable):
            await client(site).create_page(NewPage(space_id="5", title="A", body=""))

        assert site.unused == 1

    @pytest.mark.parametrize(
        ("first", "reason"),
        [
            (refusal(404, "Cannot find a space with id [5]"), "no such space"),
            (refusal(400, "A page with this title already exists"), "title"),
        ],
    )
    async def test_refused(self, first: httpx.Response, reason: str) -> None:
        """No space, no parent, no free title."""
        with pytest.raises(WriteRefused, match=reason):
            await client(Script(first)).create_page(
                NewPage(space_id="5", title="A", body="", status="current")
            )


class TestTrashPage:
    """Tests for trash_page()."""

    async def test_in_the_bin(self) -> None:
        """One request; never for good."""
        site = Script(answer(204))

        await client(site).trash_page("7")

        assert asked(site) == ["DELETE /api/v2/pages/7"]

    async def test_a_draft_is_discarded(self) -> None:
        """Only what is nothing but a draft."""
        draft = answer(data=shown(status="draft"))
        site = Script(
            refusal(404, _NO_PAGE), refusal(404, _NO_PAGE), draft, answer(204)
        )

        await client(site).trash_page("7")

        assert asked(site)[-1] == "DELETE /api/v2/pages/7?draft=true"

    @pytest.mark.parametrize(
        "then",
        [
            [answer(data=shown(status="trashed"))],
            [answer(data=shown())],
            [refusal(404, _NO_PAGE), refusal(404, _NO_PAGE)],
            [refusal(404, _NO_PAGE), answer(data=shown())],
        ],
        ids=["binned", "back again", "gone", "edited"],
    )
    async def test_nothing_else_is_deleted(self, then: list[httpx.Response]) -> None:
        """What is gone is no error, and unpublished edits of a page stay."""
        site = Script(refusal(404, _NO_PAGE), *then)

        await client(site).trash_page("7")

        assert [
            one for one in asked(site) if "draft=true" in one and "DEL" in one
        ] == []
        assert site.unused == 0


class TestDrafts:
    """Tests for get_page() of what was never published."""

    async def test_a_draft_is_read(self) -> None:
        """It is asked for by name, after the page."""
        site = Script(refusal(404, _NO_PAGE), answer(data=shown(status="draft")))

        found = await client(site).get_page("7")

        assert (found.status, found.body) == ("draft", _BODY)
        assert [one.get("get-draft") for one in site.queries] == [None, "true"]

    async def test_unpublished_edits_are_not(self) -> None:
        """A page that is hidden stays hidden, whatever a draft of it says."""
        site = Script(refusal(404, _NO_PAGE), answer(data=shown()))

        with pytest.raises(PageGone):
            await client(site).get_page("7")
