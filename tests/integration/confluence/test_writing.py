"""The client and the sandbox site together: what is written, found and taken back.

The app has the scopes of its own descriptors, so what they lack would show here.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
import pytest
import yaml

from app.confluence.client import ConfluenceClient
from app.confluence.markup import StorageMarkup
from app.confluence.pool import open_pool
from app.domain.pages import NewPage
from app.errors import PageGone, PageOutOfReach, VersionConflict, WriteRefused
from app.usecases.ports import SiteAccess
from sandbox.app import create_app
from sandbox.hosts.connect_descriptor import granted
from sandbox.site import Site
from tests.fakes.sandbox_site import APP_KEY, StubHost, add_page, eng, make_site

pytestmark = pytest.mark.anyio

_ROOT = Path(__file__).parents[3]
_MARKUP = StorageMarkup()
_BODY = '<p>Текст &nbsp;</p><ac:structured-macro ac:name="toc"/>'


@dataclass(frozen=True, slots=True)
class House:
    """A site, and the app's client of it."""

    site: Site
    client: ConfluenceClient

    def add(self, title: str = "Runbook", **changes: object) -> str:
        """Add a page as a person; return its id."""
        return add_page(self.site, title, body=_BODY, **changes)


def scopes(host: Literal["forge", "connect"]) -> list[str]:
    """Return the scopes that the app's descriptor asks for, as REST knows them."""
    if host == "forge":
        manifest = (_ROOT / "descriptor" / "forge" / "manifest.yml").read_text("utf-8")
        return list(yaml.safe_load(manifest)["permissions"]["scopes"])
    descriptor = (_ROOT / "atlassian-connect.json").read_text("utf-8")
    return sorted(granted(json.loads(descriptor)["scopes"]))


@asynccontextmanager
async def opened(host: Literal["forge", "connect"]) -> AsyncIterator[House]:
    """Open a site with the app on it."""
    site = make_site()
    token = ",".join(scopes(host))
    gateway = f"/ex/confluence/{site.cloud_id}" if host == "forge" else ""
    way = SiteAccess(
        host=host,
        base_url=f"{site.origin}{gateway}/wiki",
        secret=token,
        app_key=APP_KEY,
    )
    transport = httpx.ASGITransport(create_app(site, hosts=[StubHost(site)]))

    async def no_wait(_seconds: float) -> None:
        pass

    async with open_pool(transport) as http:
        client = ConfluenceClient(
            http, way, sign=lambda *_args, **_named: token, sleep=no_wait
        )
        yield House(site, client)


@pytest.fixture(params=["forge", "connect"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """Yield a site with the app, once for each host."""
    async with opened(request.param) as one:
        yield one


def lose_answers(site: Site, method: str, times: int = 1) -> None:
    """Let the next writes be done, and their answers say that they were not."""
    site.faults.order(
        {
            "match": {"method": method, "principal": "app"},
            "times": times,
            "answer": {"after_effect": {"status": 503}},
        }
    )


class TestPages:
    """Tests for pages that are written."""

    async def test_an_excerpt_comes_and_goes(self, house: House) -> None:
        """Put in, changed and taken out; the site's own bytes are as before."""
        page = await house.client.get_page(house.add())
        first = page
        for text in ("Підсумок.", "Інше.\nДва рядки.", None):
            body = _MARKUP.with_excerpt(page.body or "", "confluence-ai", text)
            page = await house.client.update_page(page, body=body, message="ours")
            again = await house.client.get_page(page.id)
            assert _MARKUP.excerpt(again.body or "", "confluence-ai") == text

        assert page.body == first.body
        assert page.version == first.version + 3
        assert house.site.pages[page.id].latest.message == "ours"
        assert page.edited_at is not None
        assert page.edited_at > (page.created_at or page.edited_at)

    async def test_title_and_place(self, house: House) -> None:
        """A page gets another title and another parent in one version."""
        page_id, parent = house.add(), house.add("Parent")
        page = await house.client.get_page(page_id)

        written = await house.client.update_page(
            page, title="Нова назва", parent_id=parent, message=""
        )

        assert (written.title, written.parent_id) == ("Нова назва", parent)
        assert house.site.pages[page_id].latest.number == 2

    async def test_somebody_was_first(self, house: House) -> None:
        """Their version stays."""
        page = await house.client.get_page(house.add())
        house.site.update_page(
            page.id, version=2, body="<p>theirs</p>", actor=house.site.admin
        )

        with pytest.raises(VersionConflict):
            await house.client.update_page(page, body="<p>ours</p>", message="")

        assert house.site.pages[page.id].latest.body == "<p>theirs</p>"

    async def test_a_lost_answer_is_found_out(self, house: House) -> None:
        """The version is written once, and known for ours."""
        page = await house.client.get_page(house.add())
        lose_answers(house.site, "PUT")

        written = await house.client.update_page(
            page, body=f"{_BODY}<p>ours</p>", message=""
        )

        assert written.version == 2
        assert house.site.pages[page.id].latest.number == 2

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"title": "Parent"}, "^A page with this title already exists"),
            ({"title": ""}, "Title must not be empty"),
            ({"body": "<p>x"}, "^the body is not well-formed$"),
            ({"parent_id": "999"}, "no such parent"),
            ({"body": "x" * (5 * 2**20 + 1)}, "larger than the site takes"),
        ],
        ids=["title", "no title", "markup", "parent", "large"],
    )
    async def test_refusals(
        self, house: House, changes: dict[str, str], reason: str
    ) -> None:
        """The site's no is told, and nothing is written."""
        page_id, _ = house.add(), house.add("Parent")
        page = await house.client.get_page(page_id)

        with pytest.raises(WriteRefused, match=reason):
            await house.client.update_page(page, **changes, message="")

        assert house.site.pages[page_id].latest.number == 1

    async def test_below_itself(self, house: House) -> None:
        """A page is not hung below its own child."""
        page_id = house.add()
        child = house.add("Child", parent_id=page_id)
        page = await house.client.get_page(page_id)

        with pytest.raises(WriteRefused, match="below itself"):
            await house.client.update_page(page, parent_id=child, message="")

    async def test_gone_and_hidden(self, house: House) -> None:
        """What is binned or hidden meanwhile is gone; what is read only, out of reach.

        The site restores what is written from the bin: it is put back there.
        """
        pages = [await house.client.get_page(house.add(title)) for title in "abc"]
        house.site.trash_page(pages[0].id, house.site.admin)
        house.site.restrict_page(pages[1].id, [], house.site.admin)
        house.site.faults.order(
            {"match": {"page_id": pages[2].id}, "answer": {"status": 403}}
        )

        for page, error in zip(
            pages, (PageGone, PageGone, PageOutOfReach), strict=True
        ):
            with pytest.raises(error):
                await house.client.update_page(page, title="x", message="")
        assert house.site.pages[pages[0].id].status == "trashed"


class TestNewPages:
    """Tests for pages that are made and taken back."""

    async def test_a_draft(self, house: House) -> None:
        """It can be read, changed and discarded; people never saw it."""
        space = eng(house.site)
        draft = NewPage(space_id=space.id, title="Чернетка", body=_BODY)
        made = await house.client.create_page(draft)

        page = await house.client.get_page(made.id)
        changed = await house.client.update_page(page, body="<p>2</p>", message="")
        await house.client.trash_page(made.id)

        assert (made.status, page.status, changed.version) == ("draft", "draft", 1)
        assert made.parent_id == space.homepage_id
        assert made.id not in house.site.pages
        with pytest.raises(PageGone):
            await house.client.get_page(made.id)

    async def test_a_published_page(self, house: House) -> None:
        """It goes to the bin, once and for all tries."""
        parent = house.add("Parent")
        draft = NewPage(
            space_id=eng(house.site).id,
            title="Сторінка",
            body=_BODY,
            parent_id=parent,
            status="current",
        )
        made = await house.client.create_page(draft)
        lose_answers(house.site, "DELETE")

        await house.client.trash_page(made.id)
        await house.client.trash_page(made.id)

        assert (made.parent_id, made.status) == (parent, "current")
        assert house.site.pages[made.id].status == "trashed"

    @pytest.mark.parametrize(
        "changes", [{"title": "Taken"}, {"parent_id": "999"}, {"space_id": "999"}]
    )
    async def test_refused(self, house: House, changes: dict[str, str]) -> None:
        """A taken title, no such parent, no such space."""
        house.add("Taken")
        fields = {"space_id": eng(house.site).id, "title": "A", "body": "", **changes}

        with pytest.raises(WriteRefused):
            await house.client.create_page(NewPage(**fields, status="current"))

    async def test_what_is_gone_already(self, house: House) -> None:
        """No error."""
        await house.client.trash_page("999")


class TestComments:
    """Tests for footer comments."""

    async def test_one_comment_all_its_life(self, house: House) -> None:
        """Written, changed though the answer was lost, deleted twice."""
        page_id = house.add()
        made = await house.client.add_comment(
            page_id, _MARKUP.from_text("- раз\n- два")
        )
        lose_answers(house.site, "PUT")
        changed = await house.client.update_comment(made, "<p>нове<br/></p>")
        found = await house.client.get_comment(made.id)
        await house.client.delete_comment(made.id)
        await house.client.delete_comment(made.id)

        assert made.page_id == page_id
        assert made.body == "<ul><li><p>раз</p></li><li><p>два</p></li></ul>"
        assert changed == found
        assert (changed.version, changed.body) == (2, "<p>нове<br /></p>")
        assert await house.client.get_comment(made.id) is None

    async def test_conflicts(self, house: House) -> None:
        """A comment that changed or went is looked at again."""
        made = await house.client.add_comment(house.add(), "<p>1</p>")
        newer = await house.client.update_comment(made, "<p>2</p>")

        with pytest.raises(VersionConflict):
            await house.client.update_comment(made, "<p>3</p>")
        await house.client.delete_comment(made.id)
        with pytest.raises(VersionConflict):
            await house.client.update_comment(newer, "<p>3</p>")


class TestFinding:
    """Tests for trees and queries."""

    async def test_tree(self, house: House) -> None:
        """Level by level, from where it is asked."""
        top = house.add("Top")
        below = [house.add(f"Below {n}", parent_id=top) for n in range(3)]
        deep = house.add("Deep", parent_id=below[1])

        found = [one async for one in house.client.tree_page_ids(top)]

        assert found == [top, *below, deep]

    async def test_query(self, house: House) -> None:
        """Pages by label, from more than one part, at what they cost."""
        wanted = [house.add(f"Page {n}") for n in range(251)]
        for page_id in wanted:
            house.site.add_labels(page_id, [("global", "ї")], house.site.admin)

        found = [
            one async for one in house.client.search_page_ids("label = ї order by id")
        ]

        assert found == wanted
        assert house.client.meter.points == 253
        spent = house.site.points.report()[APP_KEY]["total"]
        assert spent == house.client.meter.points

    async def test_bad_query(self, house: House) -> None:
        """The site's own words, without an exception's name."""
        with pytest.raises(
            WriteRefused, match=r"^Could not parse cql : \(label =\) and"
        ):
            await anext(house.client.search_page_ids("label ="))


async def test_property_is_deleted(house: House) -> None:
    """Once and again."""
    page_id = house.add()
    held = await house.client.put_property(page_id, "k", 1, current=None)

    await house.client.delete_property(page_id, held)
    await house.client.delete_property(page_id, held)

    assert await house.client.get_property(page_id, "k") is None


async def test_points_are_counted_as_the_site_counts_them(house: House) -> None:
    """Reads cost by object, writes one each."""
    page = await house.client.get_page(house.add())
    await house.client.update_page(page, title="x", message="")
    comment = await house.client.add_comment(page.id, "<p/>")
    await house.client.get_comment(comment.id)
    await house.client.delete_comment(comment.id)
    await house.client.trash_page(page.id)

    spent = house.site.points.report()[APP_KEY]["total"]
    assert spent == house.client.meter.points == 8
