"""Outlines: what is proposed for a space, what becomes of it, and how it goes back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.domain.changes import Change, Estimate
from app.domain.modes import WhitelistEntry
from app.domain.outline.outline import Outline
from app.domain.outline.proposals import Proposal
from app.domain.selection import Selection
from app.errors import Conflict, MalformedPayload, NotFound
from app.store.plan_items import NewItem
from app.store.plans import PlanStore, StoredPlan
from app.store.policies import PolicyStore
from app.store.tables import PlanRow
from app.usecases.carry_out import carry_out, carry_out_approved
from app.usecases.page_plans import keep_plan
from app.usecases.propose_structure import propose_structure, show_outline
from app.usecases.review import Decided, approve, reject
from app.usecases.services import Services
from app.usecases.show_plan import plan_items, show_plan
from app.usecases.undo import Undo, plan_undo
from tests.functional.conftest import BuildHouse
from tests.functional.crooked_site import bend, grow, prose
from tests.functional.house import ROOT, House

pytestmark = pytest.mark.anyio


#: The homepage says nothing, and much stands below it.
OVERVIEW = "Overview: Operations"


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def crooked(house: House) -> dict[str, str]:
    """Install on a site with a space that has grown crooked."""
    ids = grow(house)
    bend(house, ids)
    await house.install_forge()
    return ids


async def proposed(
    house: House, kind: Any = "space", value: str = "OPS"
) -> tuple[StoredPlan, Outline]:
    tenant = await house.tenant_id()
    plan = await propose_structure(
        services(house), tenant, Selection.of(kind, value), author="cli"
    )
    return plan, await show_outline(services(house), tenant, plan.id)


def only(found: Outline, kind: str) -> Proposal:
    (one,) = [one for one in found.proposals if one.kind == kind]
    return one


async def approved(house: House, *item_ids: int) -> Decided:
    tenant = await house.tenant_id()
    decided = await approve(services(house), tenant, item_ids, by="cli")
    await carry_out_approved(
        services(house),
        tenant,
        decided.page_ids,
        actor="cli",
        new_pages=decided.new_pages,
    )
    return decided


async def undone(house: House, plan: StoredPlan) -> Mapping[str, Any]:
    tenant = await house.tenant_id()
    made = await plan_undo(services(house), tenant, Undo(plan_id=plan.id), author="cli")
    await carry_out(services(house), tenant, made.id, actor="cli")
    return await show_plan(services(house), tenant, made.id)


async def states(house: House, plan: StoredPlan) -> dict[int, str]:
    rows = await plan_items(services(house), await house.tenant_id(), plan.id)
    return {row["item"]: f"{row['state']} {row['reason']}".strip() for row in rows}


def parent(house: House, page_id: str) -> str | None:
    return house.site.pages[page_id].parent_id


class TestPropose:
    """What is proposed."""

    async def test_one_of_each(self, house: House) -> None:
        """A move, a merge, a split, two missing pages; and nothing is written."""
        ids = await crooked(house)

        plan, found = await proposed(house)

        move, merge, split = (only(found, one) for one in ("move", "merge", "split"))
        missing = {one.title: one for one in found.proposals if one.kind == "missing"}
        assert (move.page_id, move.parent_id) == (ids["strange"], ids["Payroll"])
        assert {merge.page_id, *merge.other_ids} == {ids["first"], ids["copy"]}
        assert (split.page_id, split.sections) == (ids["long"], ("On payroll",))
        assert set(missing) == {"Glossary & terms", "Клієнти runbook", OVERVIEW}
        assert missing["Glossary & terms"].parent_id == ids["Зустрічі"]
        assert missing["Клієнти runbook"].parent_id == ids["Клієнти"]
        assert missing["Клієнти runbook"].sections == ("Steps", "Owner")
        assert house.writes() == []
        assert set((await states(house, plan)).values()) == {"waiting"}
        assert plan.spent.points < found.pages * 2

    async def test_tidy_space_has_nothing(self, house: House) -> None:
        """Its sections are shown all the same."""
        ids = grow(house)
        await house.install_forge()

        _, found = await proposed(house, "tree", ids["Network"])

        assert found.proposals == ()
        assert [(one.title, one.below) for one in found.lines] == [("Network", 5)]

    async def test_what_quotes_the_site_is_sealed(self, house: House) -> None:
        """No title stands in the plan's row, and nothing of it where it is shown."""
        await crooked(house)

        plan, _ = await proposed(house)

        (row,) = await house.rows(PlanRow, PlanRow.id == plan.id)
        assert "Glossary" not in str(row)
        head = await show_plan(services(house), await house.tenant_id(), plan.id)
        assert head["selection"] == {"space": ["OPS"]}

    async def test_what_was_refused_is_not_proposed_again(self, house: House) -> None:
        """What waits of the outline before is superseded, of other places it is not."""
        ids = await crooked(house)
        other, _ = await proposed(house, "tree", ids["services"])
        first, found = await proposed(house)
        item = only(found, "move").item_ids[0]
        await reject(services(house), await house.tenant_id(), [item], by="cli")

        _, again = await proposed(house)

        assert "move" not in {one.kind for one in again.proposals}
        assert len(again.proposals) == len(found.proposals) - 1
        became = await states(house, first)
        assert became.pop(item) == "rejected"
        assert set(became.values()) == {"superseded"}
        assert set((await states(house, other)).values()) == {"waiting"}

    async def test_what_policy_leaves_alone_is_left_alone(self, house: House) -> None:
        """A tree out of scope has no proposals; a closed space has no outline."""
        ids = await crooked(house)
        tenant = await house.tenant_id()
        await house.database.write(
            lambda s: PolicyStore(s).set_fields(
                tenant, "", {"scope.exclude_trees": [ids["Network"]]}
            )
        )

        _, found = await proposed(house)
        await house.database.write(
            lambda s: PolicyStore(s).set_mode(tenant, house.pages.space_id, "off")
        )

        assert not [one for one in found.proposals if one.kind in ("move", "merge")]
        with pytest.raises(Conflict, match="policy of this space is off"):
            await proposed(house)

    async def test_places_that_are_none(self, house: House) -> None:
        """Each is told; so is a plan without an outline."""
        await house.install_forge()
        tenant = await house.tenant_id()

        with pytest.raises(NotFound, match="no space NOPE"):
            await proposed(house, "space", "NOPE")
        with pytest.raises(MalformedPayload, match="a space or a tree"):
            await proposed(house, "pages", "1")
        with pytest.raises(NotFound, match="no plan 9"):
            await show_outline(services(house), tenant, 9)
        number = await house.database.write(
            lambda s: PlanStore(s).create(tenant, "structure", author="cli")
        )
        with pytest.raises(NotFound, match="has no outline"):
            await show_outline(services(house), tenant, number)


class TestApprove:
    """What people approve of is done, and goes back."""

    async def test_done_and_undone(self, any_house: House) -> None:
        """Moves go back, drafts go to the bin."""
        house = any_house
        ids = await crooked(house)
        plan, found = await proposed(house)
        before = set(house.site.pages)

        await approved(
            house, *(item for one in found.proposals for item in one.item_ids)
        )
        moved = parent(house, ids["strange"])
        made = [house.site.pages[one] for one in set(house.site.pages) - before]
        head = await undone(house, plan)

        assert moved == ids["Payroll"]
        assert {one.status for one in made} == {"draft"}
        assert {one.title for one in made} == {
            "Glossary & terms",
            "Клієнти runbook",
            "On payroll",
            OVERVIEW,
        }
        assert (head["applied"], head["skipped"]) == (6, 0)
        assert parent(house, ids["strange"]) == ids["Network"]
        assert parent(house, ids["copy"]) == ids["Payroll"]
        assert set(house.site.pages) == before

    async def test_drafts_say_what_they_should(self, house: House) -> None:
        """Headings of the siblings with links; the words of the section."""
        await crooked(house)
        _, found = await proposed(house)

        await approved(
            house, *(item for one in found.proposals for item in one.item_ids)
        )

        drafts = {
            one.title: one.latest.body
            for one in house.site.pages.values()
            if one.status == "draft"
        }
        runbook = drafts["Клієнти runbook"]
        assert "<h2>Steps</h2><h2>Owner</h2>" in runbook
        assert 'ri:content-title="Mail runbook"' in runbook
        assert drafts["On payroll"].startswith("<p>")
        assert "salary" in drafts["On payroll"]

    async def test_what_changed_meanwhile_is_skipped(self, house: House) -> None:
        """An edit, a parent in the bin, a title that is taken by now."""
        ids = await crooked(house)
        plan, found = await proposed(house)
        house.edit(ids["copy"], "Other words.")
        house.site.trash_page(ids["Payroll"], house.site.admin)
        house.add_page("Glossary & terms", "Here it is.")
        await house.settled()

        wanted = [one for one in found.proposals if one.kind in ("move", "merge")]
        missing = next(one for one in found.proposals if "Gloss" in one.title)
        await approved(
            house, *(item for one in (*wanted, missing) for item in one.item_ids)
        )

        became = await states(house, plan)
        assert became[only(found, "move").item_ids[0]] == "skipped parent_gone"
        assert became[only(found, "merge").item_ids[0]] == "skipped page_changed"
        assert became[missing.item_ids[0]] == "skipped title_taken"


class TestPlaces:
    """What is held against the site at the moment of writing."""

    async def _became(self, house: House, *changes: Change) -> list[str]:
        """Plan these changes past everybody, carry them out, tell what they became."""
        tenant = await house.tenant_id()

        def plan(session: Session) -> int:
            made, _ = keep_plan(
                session,
                services(house),
                tenant,
                [NewItem(change=one, space_id=house.pages.space_id) for one in changes],
                cause="structure",
                author="cli",
                selection={},
                spent=Estimate(),
            )
            return made.id

        number = await house.database.write(plan)
        await carry_out(services(house), tenant, number, actor="cli")
        rows = await plan_items(services(house), tenant, number)
        return [row["reason"] or row["state"] for row in rows]

    async def test_places_that_cannot_be(self, house: House) -> None:
        """Each is skipped, told apart, and nothing of it is written."""
        await house.install_forge()
        space, home = house.pages.space_id, house.pages.homepage_id
        site, admin = house.site, house.site.admin
        other = site.create_space(key="OTHER", name="Other", actor=admin)
        page_id = house.add_page("Page", "x")
        child = house.add_page("Child", "x", parent_id=page_id)
        draft = site.create_page(
            space_id=space, title="D", body="", actor=house.olena, draft=True
        )

        def move(parent_id: str | None) -> Change:
            return Change(
                kind="page_move",
                page_id=page_id,
                before={"parent_id": home},
                after={"parent_id": parent_id},
            )

        def create(parent_id: str | None, title: str = "New") -> Change:
            after = {"space_id": space, "parent_id": parent_id, "title": title}
            after |= {"status": "current", "body": "<p>x</p>"}
            return Change(kind="page_create", page_id=None, after=after)

        title = Change(
            kind="page_title",
            page_id=page_id,
            before={"title": "Page"},
            after={"title": "child"},
        )
        became = await self._became(
            house,
            move(None),
            move(other.homepage_id),
            move(child),
            move(draft.id),
            move("999999"),
            title,
            create("999999"),
            create(other.homepage_id),
            create(page_id, "CHILD"),
            create(None, "a\u202eb"),
            create(None, "Below the homepage"),
        )

        assert became == [
            "top_of_space",
            "parent_elsewhere",
            "parent_below",
            "parent_not_current",
            "parent_gone",
            "title_taken",
            "parent_gone",
            "parent_elsewhere",
            "title_taken",
            "refused_by_site",
            "applied",
        ]
        assert site.pages[page_id].latest.number == 1

    async def test_only_where_the_guard_allows_both_places(
        self, build: BuildHouse
    ) -> None:
        """A page is not moved out of what the whitelist allows."""
        house = await build(AGENT_MODE="SAFE_TEST")
        await house.install_forge()
        tenant = await house.tenant_id()
        page_id = house.add_page("Page", "x")
        beside = house.add_page("Beside", "x")
        inside = house.add_page("Inside", "x", parent_id=page_id)
        await house.database.write(
            lambda s: PolicyStore(s).allow(
                tenant, WhitelistEntry(kind="tree", value=page_id)
            )
        )
        change = Change(
            kind="page_move",
            page_id=inside,
            before={"parent_id": page_id},
            after={"parent_id": beside},
        )

        became = await self._became(house, change)

        assert became == ["not_whitelisted"]
        assert parent(house, inside) == page_id

    async def test_titles_nobody_can_tell_apart(self, house: House) -> None:
        """One is named after its parent, and gets its own name back."""
        ids = grow(house)
        first = house.add_page("Rules of pay", "x", parent_id=ids["Payroll"])
        second = house.add_page("Rules  of pay", "x", parent_id=ids["Network"])
        await house.install_forge()
        plan, found = await proposed(house)

        await approved(house, *only(found, "retitle").item_ids)
        after = house.site.pages[second].title
        await undone(house, plan)

        assert after == "Rules of pay (Network)"
        assert house.site.pages[second].title == "Rules  of pay"
        assert house.site.pages[first].title == "Rules of pay"

    async def test_live_docs_are_left_to_their_editors(self, house: House) -> None:
        """What would change one is advice."""
        ids = grow(house)
        house.site.create_page(
            space_id=house.pages.space_id,
            title="Who pays whom",
            body=f"<p>{prose('Payroll', 50)}</p>",
            parent_id=ids["Network"],
            actor=house.olena,
            live=True,
        )
        await house.install_forge()

        _, found = await proposed(house)

        one = only(found, "move")
        assert (one.by_hand, one.item_ids) == (
            "a live doc is written by its editors",
            (),
        )

    async def test_sections_that_cannot_be_told_apart(self, house: House) -> None:
        """What should be split is advice then; so is what has pictures."""
        grow(house)
        link = "<ac:link><ac:plain-text-link-body><![CDATA[{}]]>"
        odd = f"{link.format('</h1>')}</ac:plain-text-link-body></ac:link>"
        picture = '<ac:image><ri:attachment ri:filename="a.png" /></ac:image>'
        texts = [
            prose(subject, 70, words=700, own_share=0.9)
            for subject in ("Network", "Payroll")
        ]
        for title, heading, more in (("Odd", odd, ""), ("Seen", "On pay", picture)):
            house.add_page(
                title,
                f"x</p><h1>First</h1><p>{title} {texts[0]}</p>"
                f"<h1>{heading}</h1><p>{texts[1]} {title}</p><p>{more}",
            )
        await house.install_forge()

        _, found = await proposed(house)

        split = {one.title: one for one in found.proposals if one.kind == "split"}
        assert "its sections have changed" in split["Odd"].by_hand
        assert "pictures" in split["Seen"].by_hand
        assert not any(one.item_ids for one in split.values())

    async def test_roots_and_portions(self, house: House) -> None:
        """A draft has no tree; a space may have as many pages as a portion, or more."""
        await house.install_forge()
        space_id = house.pages.space_id
        draft = house.site.create_page(
            space_id=space_id, title="D", body="", actor=house.olena, draft=True
        )
        for number in range(50 - 13):
            house.add_page(f"Page {number:02}", "", parent_id=house.pages.labelled[0])

        _, full = await proposed(house)
        house.add_page("One more", "")
        _, more = await proposed(house)

        assert (full.pages, more.pages) == (50, 51)
        with pytest.raises(NotFound, match="none of its space's current pages"):
            await proposed(house, "tree", draft.id)


class TestCommandLine:
    """The commands, each in a process of its own."""

    async def _run(self, house: House, *arguments: str, said: str = "") -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app",
            *arguments,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **house.environ},  # noqa: TID251
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate(said.encode())
        return f"{out.decode()}exit {process.returncode}"

    async def test_from_outline_to_page(self, house: House) -> None:
        """Drawn, approved, a section written after a question."""
        ids = await crooked(house)
        tenant = await house.tenant_id()

        drawn = await self._run(house, "structure", tenant, "--space", "OPS")
        again = await self._run(house, "structure", tenant, "--plan", "1", "--json")
        await self._run(house, "suggestions", "approve", tenant, "--plan", "1")
        text = ("--heading", "Notes", "--text", "-", "--apply", "--yes")
        written = await self._run(
            house, "author", "section", tenant, ids["strange"], *text, said="- One"
        )
        wrong = await self._run(house, "structure", tenant)

        assert "── → Who pays whom" in drawn
        assert "merge: “Cables”" in drawn
        assert "approve: confluence-ai suggestions approve" in drawn
        assert json.loads(again.splitlines()[0])["plan"] == 1
        assert parent(house, ids["strange"]) == ids["Payroll"]
        assert sum(one.status == "draft" for one in house.site.pages.values()) == 4
        assert "  +One" in written
        assert "exit 0" in written
        assert "<h2>Notes</h2><ul>" in house.site.pages[ids["strange"]].latest.body
        assert "name one of --space, --tree and --plan" in wrong

    async def test_pages_of_templates(self, house: House, tmp_path: Path) -> None:
        """All that is missing is told at once; a plan is shown and not carried out."""
        await house.install_forge()
        tenant = await house.tenant_id()
        file = tmp_path / "runbook.txt"
        file.write_text("# {{name}}\n\nAsk {{who}}.", "utf-8")
        create = ("author", "create", tenant, "--template-file", str(file))
        place = ("--title", "Runbook {{name}}", "--space", "OPS")

        missing = await self._run(house, *create, *place)
        shown = await self._run(
            house, *create, *place, "--set", "name=Mail", "--set", "who=<b>Olena</b>"
        )
        both = await self._run(
            house, "author", "section", tenant, "1", "--heading", "A"
        )
        file.write_bytes(b"\xff\xfe")
        binary = await self._run(house, *create, *place)

        assert "no value for name, who" in missing
        assert "+ draft page “Runbook Mail” below the homepage" in shown
        assert "+Ask <b>Olena</b>." in shown
        assert "give --text" in both
        assert "is not text in UTF-8" in binary
        assert house.writes() == []
