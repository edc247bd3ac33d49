"""Tests for comments and properties written by app.confluence.client."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.domain.pages import Comment, ContentProperty
from app.errors import PageGone, Unavailable, VersionConflict
from tests.unit.confluence.doubles import Script, answer, asked, client, refusal, sent

pytestmark = pytest.mark.anyio


def comment_json(**changes: Any) -> dict[str, Any]:
    """Return a footer comment as v2 gives it."""
    fields = {
        "id": "41",
        "status": "current",
        "pageId": "7",
        "version": {"number": 2},
        "body": {"storage": {"representation": "storage", "value": "<p>x</p>"}},
    }
    return {**fields, **changes}


_COMMENT = Comment(id="41", page_id="7", version=1, body="<p>a</p>")
_GONE = refusal(404, "Cannot find a footer comment with id [41]")


class TestComments:
    """Tests for footer comments."""

    async def test_added(self) -> None:
        """One on a page."""
        site = Script(answer(201, comment_json(version={"number": 1})))

        made = await client(site).add_comment("7", "<p>x</p>")

        assert made == Comment(id="41", page_id="7", version=1, body="<p>x</p>")
        assert asked(site) == ["POST /api/v2/footer-comments"]
        assert sent(site) == {
            "pageId": "7",
            "body": {"representation": "storage", "value": "<p>x</p>"},
        }

    async def test_a_second_comment_is_never_made(self) -> None:
        """A lost answer is not asked again."""
        site = Script(httpx.ReadTimeout("slow"), answer(201, comment_json()))

        with pytest.raises(Unavailable):
            await client(site).add_comment("7", "<p>x</p>")

        assert site.unused == 1

    async def test_all_of_a_page(self) -> None:
        """Each with who wrote it."""
        version = {"number": 1, "authorId": "a"}
        site = Script(answer(200, {"results": [comment_json(version=version)]}))

        found = await client(site).page_comments("7")

        assert [(one.id, one.author_id, one.body) for one in found] == [
            ("41", "a", "<p>x</p>")
        ]

    async def test_on_a_page_that_is_gone(self) -> None:
        """It is the page that is missing."""
        with pytest.raises(PageGone):
            await client(
                Script(refusal(404, "Cannot find a page with id [7]"))
            ).add_comment("7", "<p/>")

    async def test_read(self) -> None:
        """With its body."""
        site = Script(answer(data=comment_json()))

        found = await client(site).get_comment("41")

        assert found == Comment(id="41", page_id="7", version=2, body="<p>x</p>")
        assert site.queries == [{"body-format": "storage"}]

    @pytest.mark.parametrize(
        "given", [_GONE, answer(data=comment_json(status="trashed"))]
    )
    async def test_none(self, given: httpx.Response) -> None:
        """A deleted comment is none."""
        assert await client(Script(given)).get_comment("41") is None

    async def test_updated(self) -> None:
        """The next version is written."""
        site = Script(answer(data=comment_json()))

        written = await client(site).update_comment(_COMMENT, "<p>x</p>")

        assert written.version == 2
        assert asked(site) == ["PUT /api/v2/footer-comments/41"]
        assert sent(site)["version"] == {"number": 2}

    async def test_update_that_landed(self) -> None:
        """What is there is what we wrote."""
        site = Script(answer(502), refusal(409, "Version"), answer(data=comment_json()))

        written = await client(site).update_comment(_COMMENT, "<p>x</p>")

        assert (written.version, written.body) == (2, "<p>x</p>")

    @pytest.mark.parametrize(
        "given",
        [
            [refusal(409, "Version"), answer(data=comment_json(version={"number": 3}))],
            [refusal(409, "Version"), answer(data=comment_json())],
            [refusal(409, "Version"), _GONE],
            [_GONE],
        ],
        ids=["newer", "other", "gone meanwhile", "gone"],
    )
    async def test_update_of_what_changed(self, given: list[httpx.Response]) -> None:
        """Read again and decide anew."""
        with pytest.raises(VersionConflict):
            await client(Script(*given)).update_comment(_COMMENT, "<p>y</p>")

    @pytest.mark.parametrize("given", [answer(204), _GONE])
    async def test_deleted(self, given: httpx.Response) -> None:
        """None being there is no error."""
        site = Script(given)

        await client(site).delete_comment("41")

        assert asked(site) == ["DELETE /api/v2/footer-comments/41"]


@pytest.mark.parametrize("given", [answer(204), refusal(404, "No property [11]")])
async def test_property_deleted(given: httpx.Response) -> None:
    """None being there is no error."""
    site = Script(given)
    current = ContentProperty(id="11", key="ai", value=0, version=3)

    await client(site).delete_property("7", current)

    assert asked(site) == ["DELETE /api/v2/pages/7/properties/11"]
