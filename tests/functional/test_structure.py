"""Outlines: what is proposed for a space, what becomes of it, and how it goes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.outline.outline import Outline
from app.domain.outline.proposals import Proposal
from app.domain.selection import Selection
from app.errors import Conflict, MalformedPayload, NotFound
from app.store.plans import StoredPlan
from app.store.policies import PolicyStore
from app.store.tables import PlanRow
from app.usecases.carry_out import carry_out, carry_out_approved
from app.usecases.propose_structure import propose_structure, show_outline
from app.usecases.review import Decided, approve, reject
from app.usecases.services import Services
from app.usecases.show_plan import plan_items, show_plan
from app.usecases.undo import Undo, plan_undo
from tests.functional.crooked_site import bend, grow
from tests.functional.house import House

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
    await carry_out_approved(services(house), tenant, decided.page_ids, actor="cli")
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
        """What waits of the outline before is superseded."""
        await crooked(house)
        first, found = await proposed(house)
        item = only(found, "move").item_ids[0]
        await reject(services(house), await house.tenant_id(), [item], by="cli")

        _, again = await proposed(house)

        assert "move" not in {one.kind for one in again.proposals}
        assert len(again.proposals) == len(found.proposals) - 1
        became = await states(house, first)
        assert became.pop(item) == "rejected"
        assert set(became.values()) == {"superseded"}

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
