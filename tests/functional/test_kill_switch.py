"""The kill switch: nothing is claimed, asked or written, nothing is lost, all goes on."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.selection import Selection
from app.errors import Stopped
from app.store.plans import StoredPlan
from app.store.policies import PolicyStore
from app.store.tables import EventRow, PlanItemRow
from app.usecases.carry_out import carry_out
from app.usecases.kill_switch import resume, stop
from app.usecases.make_plan import draft_plan, start_plan
from app.usecases.review import Waiting, approve, edit, reject, suggestions
from app.usecases.services import Services
from app.usecases.show_plan import show_plan
from app.usecases.undo import Undo, plan_undo
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, GERMAN, UKRAINIAN

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


async def begun(house: House, *page_ids: str) -> int:
    tenant = await house.tenant_id()
    selection = Selection.of("pages", *page_ids)
    return await start_plan(services(house), tenant, selection, author="cli")


async def planned(house: House, *page_ids: str) -> StoredPlan:
    plan_id = await begun(house, *page_ids)
    return await draft_plan(services(house), await house.tenant_id(), plan_id)


class TestEvents:
    """Work that comes by itself."""

    @pytest.mark.parametrize("whole", [True, False], ids=["everything", "one site"])
    async def test_events_are_stored_and_wait(
        self, any_house: House, *, whole: bool
    ) -> None:
        """Nobody reads the page or asks about it; then it is done at once."""
        house = any_house
        await house.install_forge()
        tenant = await house.tenant_id()
        whom = None if whole else tenant
        await stop(services(house), whom, by="olena")
        before = len(house.requests())

        page_id = house.write(ENGLISH)
        await house.delivered()
        await asyncio.sleep(1.5)  # longer than the worker's pause between looks

        (job,) = await house.page_jobs(page_id)
        assert (job["state"], job["attempt"]) == ("ready", 0)
        assert await house.rows(EventRow, EventRow.page_id == page_id) != []
        assert len(house.requests()) == before
        health = (await house.app.get("/health")).json()
        told = health["stopped"]
        assert ("by olena at" in told["all"]) if whole else (told == {"tenants": 1})
        assert health["status"] == "ok"

        await resume(services(house), whom, by="olena")
        await house.settled()

        assert house.labels(page_id) == ["backup"]
        assert "stopped" not in (await house.app.get("/health")).json()

    async def test_run_that_is_under_way_writes_nothing_more(
        self, any_house: House
    ) -> None:
        """It waits for the release without losing a try, and leaves no items behind."""
        house = any_house
        await house.install_forge()
        tenant = await house.tenant_id()

        with house.holding("GET", r"/pages/\d+$") as hold:
            page_id = house.write(ENGLISH)
            await hold.caught()
            await stop(services(house), tenant, by="cli")
        job = await house.put_back(page_id)

        (run,) = await house.runs(page_id)
        assert (run["outcome"], house.writes()) == ("stopped", [])
        assert "stopped by cli at" in run["receipt"]["error"]
        assert (job["last_error"], job["attempt"]) == ("waits: stopped", 0)
        await resume(services(house), tenant, by="cli")
        await house.settled()
        assert house.labels(page_id) == ["backup"]
        items = await house.rows(PlanItemRow)
        assert {one["state"] for one in items} == {"applied"}


class TestPlans:
    """Work that somebody asked for."""

    async def test_plan_in_the_making_goes_on_later(self, any_house: House) -> None:
        """It stops between pages, and looks at no page twice."""
        house = any_house
        tenant = await learned(house)
        pages = sorted(house.pages.waiting.values())
        plan_id = await begun(house, *pages)

        with house.holding("GET", rf"/pages/{pages[1]}$") as hold:
            making = asyncio.create_task(
                draft_plan(services(house), tenant, plan_id, at_once=1)
            )
            await hold.caught()
            await stop(services(house), tenant, by="olena")
        with pytest.raises(Stopped, match="stopped by olena at"):
            await making
        with pytest.raises(Stopped):
            await draft_plan(services(house), tenant, plan_id)
        cut_off = await show_plan(services(house), tenant, plan_id)
        await resume(services(house), tenant, by="olena")
        await draft_plan(services(house), tenant, plan_id)

        head = await show_plan(services(house), tenant, plan_id)
        assert (cut_off["state"], cut_off["left"]) == ("drafting", 2)
        assert (head["state"], head["left"]) == ("ready", 0)
        assert head["pages"] == {"planned": 3}

    async def test_plan_under_way_goes_on_later(self, any_house: House) -> None:
        """Nothing of it is skipped for having been stopped, and nothing done twice."""
        house = any_house
        tenant = await learned(house)
        pages = sorted(house.pages.waiting.values())
        plan = await planned(house, *pages)

        with house.holding("GET", rf"/pages/{pages[1]}$") as hold:
            work = asyncio.create_task(
                carry_out(services(house), tenant, plan.id, actor="cli", at_once=1)
            )
            await hold.caught()
            await stop(services(house), None, by="ops")
        with pytest.raises(Stopped, match="everything was stopped by ops at"):
            await work
        with pytest.raises(Stopped):
            await carry_out(services(house), tenant, plan.id, actor="cli")
        cut_off = await show_plan(services(house), tenant, plan.id)
        await resume(services(house), None, by="ops")
        await carry_out(services(house), tenant, plan.id, actor="cli")

        head = await show_plan(services(house), tenant, plan.id)
        assert (cut_off["state"], cut_off["skipped"]) == ("applying", 0)
        assert cut_off["planned"] > 0
        assert cut_off["applied"] + cut_off["planned"] == 6
        assert (head["state"], head["applied"], head["skipped"]) == ("done", 6, 0)

    async def test_undo_is_not_carried_out(self, house: House) -> None:
        """Planning it is no harm; taking back is writing."""
        await house.install_forge()
        tenant = await house.tenant_id()
        page_id = house.write(ENGLISH)
        await house.settled()
        await stop(services(house), tenant, by="cli")
        before = len(house.writes())

        plan = await plan_undo(
            services(house), tenant, Undo(page_id=page_id), author="cli"
        )
        with pytest.raises(Stopped):
            await carry_out(services(house), tenant, plan.id, actor="cli")
        assert len(house.writes()) == before
        await resume(services(house), tenant, by="cli")
        await carry_out(services(house), tenant, plan.id, actor="cli")

        assert house.labels(page_id) == []


class TestReview:
    """What waits for a person."""

    async def test_nothing_is_approved_that_could_not_be_written(
        self, house: House
    ) -> None:
        """A rejection writes nothing, so it stands; the approval is made later."""
        await house.install_forge()
        tenant = await house.tenant_id()
        await house.database.write(
            lambda s: PolicyStore(s).set_fields(tenant, "", {"mode": "suggest"})
        )
        house.write(ENGLISH)
        await house.settled()
        first, second = await suggestions(services(house), tenant, Waiting())
        await stop(services(house), tenant, by="cli")

        with pytest.raises(Stopped):
            await approve(services(house), tenant, [first.item.id], by="olena")
        with pytest.raises(Stopped):
            await edit(services(house), tenant, first.item.id, "netzwerk", by="olena")
        await reject(services(house), tenant, [second.item.id], by="olena")

        left = await suggestions(services(house), tenant, Waiting())
        assert [one.item.id for one in left] == [first.item.id]
        assert house.writes() == []
