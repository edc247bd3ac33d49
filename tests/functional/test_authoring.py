"""Authoring: pages of templates and proposals, sections of pages, and the way back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.domain.selection import Selection
from app.errors import Conflict, MalformedPayload, MarkupAmbiguous, NotFound
from app.store.plans import StoredPlan
from app.store.policies import PolicyStore
from app.store.tables import EventRow, PlanItemRow
from app.usecases.author_page import NewPageWish, plan_new_page
from app.usecases.author_section import SectionWish, plan_section
from app.usecases.carry_out import carry_out
from app.usecases.propose_structure import propose_structure, show_outline
from app.usecases.services import Services
from app.usecases.show_plan import plan_items, show_plan
from app.usecases.undo import Undo, plan_undo
from tests.functional.conftest import BuildHouse
from tests.functional.crooked_site import bend, grow
from tests.functional.house import House

pytestmark = pytest.mark.anyio

_MACRO = (
    '<ac:structured-macro ac:name="info"><ac:rich-text-body><p>{{owner}}</p>'
    "</ac:rich-text-body></ac:structured-macro>"
)
TEMPLATE = (
    f'<h1>Runbook of {{{{service}}}}</h1>{_MACRO}<p><a href="https://x/{{{{service}}}}">'
    "x</a></p>"
)
BODY = (
    "<p>Lead.</p><h2>Owner</h2><p>Olena &nbsp;K.</p><h2>Steps</h2><p>One.</p>"
    "<h3>More</h3><p>Two.</p><h2>Кінець</h2><p>Так.</p>"
)


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def made(house: House, **wish: Any) -> StoredPlan:
    tenant = await house.tenant_id()
    return await plan_new_page(
        services(house), tenant, NewPageWish(**wish), author="cli"
    )


async def changed(
    house: House, page_id: str, heading: str, text: str = "", **wish: Any
) -> StoredPlan:
    tenant = await house.tenant_id()
    said = SectionWish(page_id=page_id, heading=heading, text=text, **wish)
    return await plan_section(services(house), tenant, said, author="cli")


async def applied(house: House, plan: StoredPlan) -> dict[str, Any]:
    tenant = await house.tenant_id()
    await carry_out(services(house), tenant, plan.id, actor="cli")
    return dict(await show_plan(services(house), tenant, plan.id))


async def undone(house: House, plan: StoredPlan) -> dict[str, Any]:
    tenant = await house.tenant_id()
    back = await plan_undo(services(house), tenant, Undo(plan_id=plan.id), author="cli")
    return await applied(house, back)


async def diff(house: House, plan: StoredPlan) -> list[str]:
    (row,) = await plan_items(services(house), await house.tenant_id(), plan.id)
    found: list[str] = row["diff"]
    return found


def page_of(house: House, body: str, title: str = "Mail", **more: Any) -> str:
    """Add a page with this body as a person."""
    page = house.site.create_page(
        space_id=house.pages.space_id,
        title=title,
        body=body,
        actor=house.olena,
        **{"parent_id": house.pages.homepage_id, **more},
    )
    return page.id


def body_of(house: House, page_id: str) -> str:
    return house.site.pages[page_id].latest.body


def titled(house: House, title: str) -> Any:
    (page,) = [one for one in house.site.pages.values() if one.title == title]
    return page


class TestTemplates:
    """Pages of templates."""

    async def test_draft_and_back(self, any_house: House) -> None:
        """Values are text, the macro survives; the draft goes to the bin again."""
        house = any_house
        template = page_of(house, TEMPLATE, "Runbook: {{service}}")
        await house.install_forge()
        values = {"service": 'Mail & "Files"', "owner": "<b>Olena</b>"}

        plan = await made(house, template_id=template, values=values)
        lines = await diff(house, plan)
        await applied(house, plan)
        page = titled(house, 'Runbook: Mail & "Files"')
        back = await undone(house, plan)

        assert page.status == "draft"
        assert "<h1>Runbook of Mail &amp; &quot;Files&quot;</h1>" in (
            page.latest.body.replace('"Files"', "&quot;Files&quot;")
        )
        assert "<p>&lt;b&gt;Olena&lt;/b&gt;</p>" in page.latest.body
        assert "+<b>Olena</b>" in lines
        assert "+[macro info]" in lines
        assert (back["applied"], page.id in house.site.pages) == (1, False)

    async def test_published_below_a_parent(self, house: House) -> None:
        """From a text; what looks like markup or a heading in a value is none."""
        await house.install_forge()
        parent = house.pages.labelled[0]

        plan = await made(
            house,
            template="# Notes\n\n{{said}}",
            values={"said": "# no <b>heading</b>"},
            title="Нотатки",
            parent_id=parent,
            publish=True,
        )
        head = await applied(house, plan)

        page = titled(house, "Нотатки")
        assert (page.status, page.parent_id, head["applied"]) == ("current", parent, 1)
        assert page.latest.body == (
            "<h1>Notes</h1><p># no &lt;b&gt;heading&lt;/b&gt;</p>"
        )

    @pytest.mark.parametrize(
        ("answer", "somebody", "became"),
        [
            ({"after_effect": {"status": 503}}, False, {}),
            ({"status": 503}, False, {}),
            ({"status": 503}, True, {"title_taken": 1}),
        ],
        ids=["it landed", "it did not", "somebody was faster"],
    )
    async def test_published_once_whatever_crashes(
        self,
        house: House,
        answer: dict[str, Any],
        somebody: bool,  # noqa: FBT001 - a parameter of the test
        became: dict[str, int],
    ) -> None:
        """The answer is lost; the next try knows the page if it is ours."""
        await house.install_forge()
        plan = await made(
            house, template="Text", title="Once", space_key="OPS", publish=True
        )
        house.site.faults.order(
            {
                "match": {"method": "POST", "principal": "app"},
                "times": 1,
                "answer": answer,
            }
        )
        with pytest.raises(Exception, match="confluence"):
            await applied(house, plan)
        if somebody:
            house.add_page("Once", "Mine.")

        head = await applied(house, plan)

        assert head["skipped_for"] == became
        assert titled(house, "Once").status == "current"

    async def test_pages_that_people_took_up_stay(self, house: House) -> None:
        """Edited, or with a page below: an undo leaves them alone."""
        await house.install_forge()
        place = {"template": "x", "space_key": "OPS", "publish": True}
        plans = [await made(house, title=title, **place) for title in ("A", "B", "C")]
        for plan in plans:
            await applied(house, plan)
        house.edit(titled(house, "A").id, "Mine now.")
        house.add_page("Below", "x", parent_id=titled(house, "B").id)
        house.site.trash_page(titled(house, "C").id, house.site.admin)

        heads = [await undone(house, plan) for plan in plans]

        assert [head["skipped_for"] for head in heads] == [
            {"changed_since": 1},
            {"has_children": 1},
            {"gone": 1},
        ]

    async def test_drafts_that_people_took_up_stay(self, house: House) -> None:
        """Their version tells nothing of it; their words do."""
        await house.install_forge()
        place = {"template": "x", "space_key": "OPS"}
        plans = [await made(house, title=title, **place) for title in ("A", "B", "C")]
        for plan in plans:
            await applied(house, plan)
        for title, body, publish in (
            ("A", "<p>Mine</p>", False),
            ("B", "<p>x</p>", True),
        ):
            house.site.save_draft(
                titled(house, title).id,
                title=title,
                body=body,
                publish=publish,
                actor=house.olena,
            )

        heads = [await undone(house, plan) for plan in plans]

        assert [head["skipped_for"] for head in heads] == [
            {"changed_since": 1},
            {"changed_since": 1},
            {},
        ]

    async def test_refusals(self, house: House) -> None:
        """Each says what is wrong, and nothing is planned."""
        template = page_of(house, TEMPLATE, "Template of runbooks")
        live = page_of(house, "<p>x</p>", "Live", live=True)
        draft = page_of(house, "", "Draft", draft=True)
        await house.install_forge()
        other = house.site.create_space(
            key="OTHER", name="Other", actor=house.site.admin
        )
        text = {"template": "x", "title": "T", "space_key": "OPS"}
        values = {"service": "a", "owner": "b"}
        cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
            (MalformedPayload, "one of them", {}),
            (
                MalformedPayload,
                "no value for service, owner",
                {"template_id": template},
            ),
            (
                MalformedPayload,
                "does not ask for place",
                {**text, "values": {"place": "x"}},
            ),
            (NotFound, "no page 999", {"template_id": "999"}),
            (Conflict, "live doc", {"template_id": live}),
            (Conflict, "titled “live” already", {**text, "title": "live "}),
            (Conflict, "already", {"template_id": template, "values": values}),
            (MalformedPayload, "more than 255", {**text, "title": "ї" * 256}),
            (MalformedPayload, "it is empty", {**text, "title": " "}),
            (MalformedPayload, "cannot be seen", {**text, "title": "a\u202eb"}),
            (MalformedPayload, "name one", {"template": "x"}),
            (MalformedPayload, "a space or a parent", {"template": "x", "title": "T"}),
            (NotFound, "no space NOPE", {**text, "space_key": "NOPE"}),
            (NotFound, "no page 999 to hang", {**text, "parent_id": "999"}),
            (
                MalformedPayload,
                "another space",
                {**text, "parent_id": other.homepage_id},
            ),
            (MarkupAmbiguous, "not well-formed", {**text, "template": "<p>"}),
            (NotFound, "no item 99", {"proposal": 99}),
            (Conflict, "is draft", {**text, "parent_id": draft}),
        ]
        for error, reason, wish in cases:
            storage = {"is_storage": True} if error is MarkupAmbiguous else {}
            with pytest.raises(error, match=reason):
                await made(house, **wish, **storage)

        tenant = await house.tenant_id()
        await house.database.write(
            lambda s: PolicyStore(s).set_mode(tenant, house.pages.space_id, "off")
        )
        with pytest.raises(Conflict, match="policy of this space is off"):
            await made(house, **text)

    @pytest.mark.parametrize(
        ("environ", "reason"),
        [
            ({"AGENT_MODE": "SAFE_TEST"}, "not_whitelisted"),
            ({"STRUCTURE_AGENT_MODE": "TEST"}, "mode_test"),
        ],
    )
    async def test_guard_stands(
        self, build: BuildHouse, environ: dict[str, str], reason: str
    ) -> None:
        """Pages are made only where the app may write."""
        house = await build(**environ)
        await house.install_forge()
        plan = await made(house, template="x", title="T", space_key="OPS")

        head = await applied(house, plan)

        assert head["skipped_for"] == {reason: 1}

    async def test_proposal_becomes_a_page(self, house: House) -> None:
        """With another title, in its place; nobody can approve it as well."""
        ids = grow(house)
        bend(house, ids)
        await house.install_forge()
        tenant = await house.tenant_id()
        outline = await propose_structure(
            services(house), tenant, Selection.of("space", "OPS"), author="cli"
        )
        found = await show_outline(services(house), tenant, outline.id)
        (item,) = next(
            one.item_ids for one in found.proposals if one.parent_id == ids["Клієнти"]
        )
        move = next(one.item_ids[0] for one in found.proposals if one.kind == "move")

        wish = {"proposal": item, "title": "Клієнти: дії"}
        both = await asyncio.gather(
            made(house, **wish), made(house, **wish), return_exceptions=True
        )
        (plan,) = [one for one in both if isinstance(one, StoredPlan)]
        await applied(house, plan)

        page = titled(house, "Клієнти: дії")
        assert (page.status, page.parent_id) == ("draft", ids["Клієнти"])
        assert sum(isinstance(one, Conflict) for one in both) == 1
        with pytest.raises(Conflict, match="is superseded"):
            await made(house, proposal=item)
        with pytest.raises(NotFound, match="proposes no page"):
            await made(house, proposal=move)


class TestSections:
    """Sections of pages."""

    @pytest.mark.parametrize(
        ("heading", "wish", "written"),
        [
            ("owner", {"text": "Petro\n\n- a"}, "Olena &nbsp;K.</p>"),
            ("Кінець", {"text": "Ні.", "how": "append"}, None),
            ("Steps", {"how": "remove"}, None),
            ("Кінець", {"how": "remove"}, None),
            ("New", {"text": "Said."}, None),
            ("", {"text": "Another lead."}, "<p>Lead.</p>"),
            ("More", {"text": "<p>ok</p>", "is_storage": True}, "<p>Two.</p>"),
        ],
    )
    async def test_changed_and_back(
        self, house: House, heading: str, wish: dict[str, Any], written: str | None
    ) -> None:
        """Byte for byte as it was, wherever the section stood."""
        page_id = page_of(house, BODY)
        await house.install_forge()
        before = body_of(house, page_id)

        plan = await changed(house, page_id, heading, **wish)
        head = await applied(house, plan)
        after = body_of(house, page_id)
        back = await undone(house, plan)

        assert (head["applied"], back["applied"]) == (1, 1)
        assert after != before
        assert written is None or written not in after
        assert body_of(house, page_id) == before

    async def test_lines_are_shown(self, house: House) -> None:
        """What goes and what comes, by signs; also where only markup changes."""
        page_id = page_of(house, BODY)
        await house.install_forge()

        text = await diff(house, await changed(house, page_id, "Owner", "Petro"))
        markup = await diff(
            house,
            await changed(
                house, page_id, "Owner", "<p><em>Olena</em> K.</p>", is_storage=True
            ),
        )

        assert text[0] == "  section “Owner”"
        assert {"-Olena K.", "+Petro"} <= set(text)
        assert any("<em>" in line for line in markup)

    async def test_headings_are_sealed(self, house: House) -> None:
        """They are the page's own words, as all that a change quotes."""
        page_id = page_of(house, BODY)
        await house.install_forge()

        plan = await changed(house, page_id, "Кінець", "Ні.")

        (row,) = await house.rows(PlanItemRow, PlanItemRow.plan_id == plan.id)
        assert (row["value"], "Кінець" in str(row)) == ("", False)
        assert (await diff(house, plan))[0] == "  section “Кінець”"

    async def test_edited_meanwhile(self, house: House) -> None:
        """The person's words stay, when it is written and when it is taken back."""
        page_id = page_of(house, BODY)
        await house.install_forge()
        early = await changed(house, page_id, "Owner", "Petro")
        await applied(house, await changed(house, page_id, "Steps", "None."))
        late = await changed(house, page_id, "Кінець", "Ні.")
        await applied(house, late)
        house.edit(page_id, "Other.</p><h2>Кінець</h2><p>Може.")
        await house.settled()

        skipped = await applied(house, early)
        back = await undone(house, late)

        assert skipped["skipped_for"] == {"page_changed": 1}
        assert back["skipped_for"] == {"changed_since": 1}
        assert "Може." in body_of(house, page_id)

    @pytest.mark.parametrize("is_faster", [True, False], ids=["person", "refused"])
    async def test_version_that_was_not_written_is_not_ours(
        self,
        house: House,
        is_faster: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        """A person's version of that number is looked at like any other."""
        page_id = page_of(house, BODY)
        await house.install_forge()
        plan = await changed(house, page_id, "Owner", "Petro")
        if not is_faster:
            house.fault(rf"/pages/{page_id}$", method="PUT", answer={"status": 413})

        with house.holding("PUT", rf"/pages/{page_id}$") as hold:
            applying = asyncio.create_task(applied(house, plan))
            await hold.caught()
            if is_faster:
                house.edit(page_id, "Lead.</p><h2>Owner</h2><p>Olena &nbsp;K.")
                # Also where the event is there before the site says no to us.
                await house.settled()
        head = await applying
        if not is_faster:
            house.edit(page_id, "Mine.")
        await house.settled()

        reason = "page_changed" if is_faster else "refused_by_site"
        assert head["skipped_for"] == {reason: 1}
        assert "Petro" not in body_of(house, page_id)
        events = await house.rows(EventRow, EventRow.page_id == page_id)
        assert [one["outcome"] for one in events if one["page_version"] == 2] == [
            "queued"
        ]

    async def test_refusals(self, house: House) -> None:
        """Each says what is wrong, and nothing is planned."""
        page_id = page_of(house, BODY)
        twice = page_of(house, "<h2>A</h2><h2>a</h2>", "Twice")
        cells = "".join(
            f"<ac:layout-cell><h2>{name}</h2></ac:layout-cell>" for name in "AB"
        )
        layout = page_of(
            house,
            f"<ac:layout><ac:layout-section>{cells}</ac:layout-section></ac:layout>",
            "Layout",
        )
        live = page_of(house, "<p>x</p>", "Live", live=True)
        await house.install_forge()
        same: dict[str, Any] = {
            "text": "<p>One.</p><h3>More</h3><p>Two.</p>",
            "is_storage": True,
        }
        cases: list[tuple[type[Exception], str, str, str, dict[str, Any]]] = [
            (NotFound, "no page 999", "999", "A", {"text": "x"}),
            (Conflict, "2 sections", twice, "A", {"text": "x"}),
            (Conflict, "live doc", live, "A", {"text": "x"}),
            (NotFound, "no section", page_id, "Nope", {"how": "remove"}),
            (MalformedPayload, "nothing is said", page_id, "Owner", {"text": " \n"}),
            (MalformedPayload, "would end it", page_id, "Owner", {"text": "# Big"}),
            (MalformedPayload, "first heading", page_id, "", {"text": "# Big"}),
            (Conflict, "says so already", page_id, "Steps", same),
            (Conflict, "exactly", layout, "A", {"how": "remove"}),
            (
                MarkupAmbiguous,
                "not well-formed",
                page_id,
                "Owner",
                {"text": "<p>", "is_storage": True},
            ),
        ]
        for error, reason, page, heading, wish in cases:
            with pytest.raises(error, match=reason):
                await changed(house, page, heading, **wish)
