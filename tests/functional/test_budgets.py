"""Budgets with providers that are paid, over real sockets: used to the full, never beyond."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.budgets import Budget
from app.domain.selection import Selection
from app.errors import BudgetExceeded
from app.store.tables import SpendHoldRow, SpendRow
from app.usecases.budgets import set_budget, show_budgets
from app.usecases.estimate_plan import estimate_plan
from app.usecases.make_plan import draft_plan, start_plan
from app.usecases.services import Services
from app.usecases.show_plan import show_plan
from tests.functional.ai_house import AiHouse, open_ai_house
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, TEXTS

pytestmark = pytest.mark.anyio


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def limit(house: House, **limits: int) -> None:
    tenant = await house.tenant_id()
    budget = Budget(period="day", **limits)  # type: ignore[arg-type]
    await set_budget(services(house), tenant, None, budget, by="cli")


async def spent(house: House) -> tuple[int, int]:
    rows = await house.rows(SpendRow)
    return sum(one["micro_usd"] for one in rows), sum(one["tokens"] for one in rows)


async def cost_of_one(ai: AiHouse) -> int:
    """Return what a page costs here, in millionths of a dollar."""
    ai.house.write(ENGLISH)
    await ai.house.settled()
    return (await spent(ai.house))[0]


async def at_rest(house: House) -> bool:
    """Whether nothing is done any more, though pages may wait for money."""
    jobs = await house.jobs("ready", "running")
    return all(one["last_error"] == "waits: budget" for one in jobs)


async def test_budget_is_used_to_the_full_and_not_beyond(
    database_url: str, tmp_path: Path
) -> None:
    """The rest waits for midnight, or for a larger budget, which wakes it at once."""
    async with open_ai_house(database_url, tmp_path, order="openai") as ai:
        house = ai.house
        await house.install_forge()
        one = await cost_of_one(ai)
        await limit(house, micro_usd=one * 60)

        pages = [ai.new_page(TEXTS[ENGLISH]) for _ in range(75)]
        await house.delivered()
        await house.wait_for(lambda: at_rest(house), 90, what="pages that wait")

        money, _ = await spent(house)
        done = [page for page in pages if house.labels(page)]
        runs = [(await house.runs(page))[-1] for page in pages]
        paid = sum(run["micro_usd"] for run in runs)
        (job, *_) = await house.jobs("ready")
        assert 0.95 * one * 60 <= money <= one * 60
        assert paid == money - one
        assert 0 < len(done) < len(pages)
        assert {run["outcome"] for run in runs} == {"applied", "over_budget"}
        assert job["run_at"].hour == job["run_at"].minute == 0
        assert await house.rows(SpendHoldRow) == []
        assert ai.stats()["calls"] == len(done) + 1

        await limit(house, micro_usd=one * 200)
        await house.settled(90)

        assert all(house.labels(page) == ["backup"] for page in pages)
        (day, _) = await show_budgets(services(house), await house.tenant_id())
        assert (day["state"], day["held_usd"]) == ("ok", "0.00")


async def test_free_provider_goes_on_where_the_order_has_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    """And the receipt says why it answered."""
    async with open_ai_house(sqlite_url, tmp_path, order="openai,local") as ai:
        house = ai.house
        await house.install_forge()
        await limit(house, micro_usd=1)

        page_id = ai.new_page(TEXTS[ENGLISH])
        await house.settled()

        assert house.labels(page_id) == ["backup"]
        assert await ai.attempts(page_id) == [
            ("openai", "over_budget"),
            ("local", "answered"),
        ]
        run = await ai.last_run(page_id)
        assert (run["receipt"]["fallback"], run["micro_usd"]) == (True, 0)
        assert ai.stats()["calls"] == 0
        told = ai.told("ai_call", outcome="over_budget")
        assert "more than the site's AI budget of the day" in told[0]["reason"]


async def test_page_that_no_budget_bears_is_a_dead_letter(
    sqlite_url: str, tmp_path: Path
) -> None:
    """It is no loop that nobody notices; a larger budget brings it back."""
    async with open_ai_house(sqlite_url, tmp_path, order="openai") as ai:
        house = ai.house
        await house.install_forge()
        await limit(house, tokens=10)

        page_id = ai.new_page(TEXTS[ENGLISH])
        await house.settled()

        (job,) = await house.page_jobs(page_id)
        (run,) = await house.runs(page_id)
        assert (job["state"], run["outcome"]) == ("failed", "over_budget")
        assert "enlarge the budget" in job["last_error"]
        assert [one["outcome"] for one in run["receipt"]["ai_attempts"]] == [
            "over_budget"
        ]
        await limit(house, tokens=100_000)
        await house.settled()
        assert house.labels(page_id) == ["backup"]


async def test_plan_tells_its_cost_and_stops_where_money_ends(
    sqlite_url: str, tmp_path: Path
) -> None:
    """It goes on with a larger budget, and pays for no page twice."""
    async with open_ai_house(sqlite_url, tmp_path, order="openai") as ai:
        house = ai.house
        pages = [ai.new_page(TEXTS[ENGLISH]) for _ in range(12)]
        await house.install_forge()
        tenant = await house.tenant_id()
        one = await cost_of_one(ai)
        plan_id = await start_plan(
            services(house), tenant, Selection.of("pages", *pages), author="cli"
        )

        before = await estimate_plan(services(house), tenant, plan_id)
        await limit(house, micro_usd=one * 8)
        with pytest.raises(BudgetExceeded, match="budget of the day is spent until"):
            await draft_plan(services(house), tenant, plan_id)
        cut_off = await show_plan(services(house), tenant, plan_id)
        after = await estimate_plan(services(house), tenant, plan_id)
        await limit(house, micro_usd=one * 100)
        await draft_plan(services(house), tenant, plan_id)

        head = await show_plan(services(house), tenant, plan_id)
        money, tokens = await spent(house)
        assert (before.known_from, before.cost.pages, before.budgets) == (
            "prices",
            12,
            [],
        )
        assert before.cost.micro_usd > one * 12
        assert cut_off["state"] == "drafting"
        assert 0 < cut_off["left"] < 12
        assert (after.cost.pages, after.known_from) == (cut_off["left"], "averages")
        assert after.cost.micro_usd == pytest.approx(one * cut_off["left"], rel=0.05)
        (row,) = after.as_row()["budgets"]
        assert row["period"] == "day"
        assert (head["state"], head["left"]) == ("ready", 0)
        assert ai.stats()["calls"] == 13
        assert head["spent"]["usd"] == pytest.approx((money - one) / 1e6)
        assert head["spent"]["tokens"] < tokens
