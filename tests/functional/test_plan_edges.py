"""Plans at their edges: undone thrice, carried out twice at once, killed in between."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from app.domain.selection import Selection
from app.errors import Conflict
from app.store.feedback import FeedbackStore
from app.store.plans import StoredPlan
from app.store.policies import PolicyStore
from app.store.tables import LedgerRow, PlanItemRow
from app.usecases.carry_out import carry_out, carry_out_approved
from app.usecases.make_plan import draft_plan, start_plan
from app.usecases.review import approve
from app.usecases.services import Services
from app.usecases.undo import Undo, plan_undo
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, GERMAN, TEXTS, UKRAINIAN

pytestmark = pytest.mark.anyio


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def learned(house: House) -> str:
    """Install on a site whose waiting pages have their texts already."""
    for language in (ENGLISH, GERMAN, UKRAINIAN):
        house.write(language)
    await house.install_forge()
    return await house.tenant_id()


async def planned(house: House, *pages: str) -> StoredPlan:
    tenant = await house.tenant_id()
    selection = Selection.of("pages", *pages)
    plan_id = await start_plan(services(house), tenant, selection, author="cli")
    return await draft_plan(services(house), tenant, plan_id)


async def applied(house: House, plan: StoredPlan) -> StoredPlan:
    tenant = await house.tenant_id()
    return await carry_out(services(house), tenant, plan.id, actor="cli")


async def undone(house: House, plan: StoredPlan) -> StoredPlan:
    tenant = await house.tenant_id()
    what = Undo(plan_id=plan.id)
    return await applied(
        house, await plan_undo(services(house), tenant, what, author="cli")
    )


async def states(house: House, plan: StoredPlan) -> Counter[str]:
    rows = await house.rows(PlanItemRow, PlanItemRow.plan_id == plan.id)
    return Counter(row["state"] for row in rows)


async def ledger(house: House) -> dict[str, str]:
    rows = await house.rows(LedgerRow, LedgerRow.kind == "label")
    return {row["value"]: row["state"] for row in rows}


class TestUndo:
    """Taking back what took back."""

    async def test_undo_of_an_undo_of_an_undo(self, any_house: House) -> None:
        """There, gone, there, gone; and what is gone stays gone at the next edit."""
        house = any_house
        await learned(house)
        page_id = house.pages.waiting[ENGLISH]
        house.label(page_id, "mail")
        seen = []

        plan = await applied(house, await planned(house, page_id))
        for _ in range(4):
            seen.append((house.labels(page_id), house.byline(page_id) is not None))
            plan = await undone(house, plan)
        house.edit(page_id, TEXTS[ENGLISH] + " ")
        await house.settled()

        assert seen == [
            (["mail", "backup"], True),
            (["mail"], False),
            (["mail", "backup"], True),
            (["mail"], False),
        ]
        # The fourth brought it back once more: what stands there stays.
        assert house.labels(page_id) == ["mail", "backup"]
        assert await ledger(house) == {"backup": "written"}

    async def test_third_undo_holds_at_the_next_edit(self, house: House) -> None:
        """Nothing of it comes back by itself."""
        await learned(house)
        page_id = house.pages.waiting[ENGLISH]
        plan = await applied(house, await planned(house, page_id))
        for _ in range(3):
            plan = await undone(house, plan)

        house.edit(page_id, TEXTS[ENGLISH] + " ")
        await house.settled()

        assert house.labels(page_id) == []
        assert house.byline(page_id) is None
        assert await ledger(house) == {"backup": "undone"}


class TestAtOnce:
    """Two who do the same at the same moment."""

    async def test_a_plan_carried_out_by_two(self, any_house: House) -> None:
        """Each change is there once, and told as done."""
        house = any_house
        await learned(house)
        pages = list(house.pages.waiting.values())
        plan = await planned(house, *pages)

        await asyncio.gather(
            *(applied(house, plan) for _ in range(2)), return_exceptions=True
        )

        assert await states(house, plan) == {"applied": 6}
        assert [house.labels(one) for one in pages] == [
            ["backup"],
            ["netzwerk"],
            ["відпустка"],
        ]
        assert all(house.byline(one) for one in pages)
        assert set((await ledger(house)).values()) == {"written"}
        with pytest.raises(Conflict, match="is done"):
            await applied(house, plan)

    async def test_two_people_approve_the_same(self, any_house: House) -> None:
        """One of them did, both may carry it out, and it counts once."""
        house = any_house
        await house.install_forge()
        tenant = await house.tenant_id()
        await house.database.write(
            lambda s: PolicyStore(s).set_fields(tenant, "", {"mode": "suggest"})
        )
        page_id = house.write(ENGLISH)
        await house.settled()
        ids = [one["id"] for one in await house.rows(PlanItemRow)]

        async def person(name: str) -> Any:
            decided = await approve(services(house), tenant, ids, by=name)
            await carry_out_approved(services(house), tenant, [page_id], actor=name)
            return decided

        one, other = await asyncio.gather(person("olena"), person("taras"))

        feedback = await house.database.read(
            lambda s: FeedbackStore(s).of_space(tenant, house.pages.space_id)
        )
        assert len(one.items) + len(other.items) == len(ids) == 2
        assert {**one.conflicts, **other.conflicts}.keys() == set(ids)
        assert house.labels(page_id) == ["backup"]
        assert {row["state"] for row in await house.rows(PlanItemRow)} == {"applied"}
        assert feedback["backup"].accepted == 1
        assert await ledger(house) == {"backup": "written"}


async def test_apply_killed_between_write_and_note(any_house: House) -> None:
    """The next one finds its work done: no label twice, and the item ends as applied."""
    house = any_house
    tenant = await learned(house)
    page_id = house.pages.waiting[ENGLISH]
    plan = await planned(house, page_id)
    command = ("apply", tenant, str(plan.id), "--yes", "--json")

    with house.holding("POST", rf"/pages/{page_id}/properties$") as hold:
        killed = await house.spawn(*command)
        await hold.caught()
        half_done = house.labels(page_id), await states(house, plan)
        killed.kill()
        await killed.wait()
    again = await house.spawn(*command)
    code = await again.wait()

    assert half_done == (["backup"], {"planned": 2})
    assert code == 0
    assert await states(house, plan) == {"applied": 2}
    assert house.labels(page_id) == ["backup"]
    assert len(house.requests("POST", f"/content/{page_id}/label")) == 1
    assert house.byline(page_id) is not None
    assert await ledger(house) == {"backup": "written"}
