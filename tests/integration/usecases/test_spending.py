"""What calls may cost is held before, and what they did cost is written down after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from app.domain.budgets import Budget
from app.domain.completions import Completion, Prompt, Turn, Usage
from app.domain.jobs import BUDGET_REASON, Defer
from app.errors import (
    AnswerUnusable,
    BudgetExceeded,
    MalformedPayload,
    PageTooExpensive,
    ProviderDown,
    ProviderError,
    Stopped,
    Unavailable,
)
from app.store.database import Database
from app.store.jobs import JobStore
from app.store.switches import SwitchStore
from app.store.tables import (
    AuditRow,
    PlanItemRow,
    RunRow,
    SpendHoldRow,
    SpendRow,
    UsageRow,
)
from app.store.tenants import TenantStore
from app.usecases.budgets import (
    almost_spent,
    remove_budget,
    set_budget,
    show_budgets,
    wake_where_money_is,
)
from app.usecases.label_page import label_page
from app.usecases.settle_job import claim_jobs, settle_job, sweep
from app.usecases.spending import LIFETIME, Wallet
from app.worker.retry import verdict_of
from tests.integration.store.stored import new_tenant, rows
from tests.integration.usecases.asking import (
    COST,
    NOON,
    WORST,
    Asking,
    OnePageSite,
    ScriptedProvider,
    a_job,
    a_page,
    asking,
    spent,
)

pytestmark = pytest.mark.anyio

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
DOWN = ProviderDown("openai", "503", kind="overloaded")


class Acting(ScriptedProvider):
    """Does something when its turn has come, before it is really asked."""

    def __init__(
        self, name: str, act: Callable[[], Awaitable[None]], *script: ProviderError
    ) -> None:
        super().__init__(name, *script)
        self._act = act

    @override
    async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
        await self._act()
        return await super().complete(prompt, turn)


async def leave(house: Asking, away: list[int]) -> None:
    """Take the database away, the first time, for the next write."""
    house.database.away_for = away.pop() if away else 0


def costly() -> ProviderDown:
    return ProviderDown("openai", "503", kind="overloaded", usage=spent())


def cut() -> AnswerUnusable:
    return AnswerUnusable("openai", "is cut", kind="truncated", usage=spent())


async def limited(
    database: Database, *providers: ScriptedProvider, **limits: Any
) -> Asking:
    """Return a tenant with a budget of the day."""
    house = await asking(database, *providers)
    await budget(house, **limits)
    return house


async def budget(house: Asking, **limits: Any) -> None:
    wanted = Budget(**({"period": "day"} | limits))
    await set_budget(house.services, house.tenant, None, wanted, by="cli")


async def taken(database: Database) -> list[tuple[int, int]]:
    """Return what each space spent on each day: money and tokens."""
    return [(row["micro_usd"], row["tokens"]) for row in await rows(database, SpendRow)]


class TestCalls:
    """Tests for the wallet of a page's question."""

    async def test_cost_is_written_down_without_any_budget(
        self, database: Database
    ) -> None:
        """A budget that comes later knows what was spent before it."""
        house = await asking(database, ScriptedProvider("openai"))

        await house.complete(a_page())

        assert await taken(database) == [(120, 960)]
        assert await rows(database, SpendHoldRow) == []

    async def test_worst_is_held_and_the_truth_is_settled(
        self, database: Database
    ) -> None:
        """While the call is on its way nobody else may have that money."""
        seen: list[dict[str, Any]] = []

        async def look() -> None:
            seen.extend(await rows(database, SpendHoldRow))

        house = await limited(database, Acting("openai", look), micro_usd=1000)

        await house.complete(a_page())

        (held,) = seen
        assert (held["micro_usd"], held["tokens"]) == (200, 1200)
        assert held["space_id"] == "100"
        assert await rows(database, SpendHoldRow) == []
        assert await taken(database) == [(120, 960)]

    async def test_budget_is_used_to_the_full(self, database: Database) -> None:
        """What was held too much is free again; the next page waits for midnight."""
        house = await limited(database, ScriptedProvider("openai"), micro_usd=10_000)

        for number in range(82):
            await house.complete(a_page(str(number), f"Сторінка {number} {number}"))
        with pytest.raises(BudgetExceeded) as caught:
            await house.complete(a_page("99", "Одна забагато"))

        ((money, _),) = await taken(database)
        assert caught.value.until == MIDNIGHT
        assert "the site's AI budget of the day is spent until" in str(caught.value)
        assert (house.calls["openai"], money) == (82, 9_840)

    async def test_tokens_have_a_limit_of_their_own(self, database: Database) -> None:
        """As the month has."""
        house = await limited(
            database, ScriptedProvider("openai"), tokens=1500, period="month"
        )
        await house.complete(a_page())

        with pytest.raises(BudgetExceeded) as caught:
            await house.complete(a_page("8", "Мережа"))

        assert caught.value.until == datetime(2026, 12, 1, tzinfo=UTC)

    async def test_answer_that_was_paid_before_needs_no_money(
        self, database: Database
    ) -> None:
        """Nor does a copy of its page."""
        house = await limited(database, ScriptedProvider("openai"), micro_usd=250)
        await house.complete(a_page())

        again = await house.complete(a_page())
        copy = await house.complete(a_page("8", "Copy of Резервні копії"))

        assert again.completion == copy.completion
        assert house.calls == {"openai": 1}

    async def test_two_at_once_do_not_take_the_last_money_twice(
        self, database: Database
    ) -> None:
        """The second waits for what the first really costs, and has the rest."""
        house = await limited(database, ScriptedProvider("openai"), micro_usd=330)

        await asyncio.gather(
            house.complete(a_page("7", "Перша")), house.complete(a_page("8", "Друга"))
        )

        assert house.calls == {"openai": 2}
        assert await taken(database) == [(240, 1920)]

    async def test_hold_that_stays_puts_the_page_off_for_a_moment(
        self, database: Database
    ) -> None:
        """Not to the next period: it is not spent yet."""
        house = await limited(database, ScriptedProvider("openai"), micro_usd=330)
        first = Wallet(house.services, house.tenant, "100", pauses=())
        second = Wallet(house.services, house.tenant, "101", pauses=(0.001,))
        await first.hold(lambda: WORST, [])

        with pytest.raises(BudgetExceeded, match="held for calls") as caught:
            await second.hold(lambda: WORST, [])

        assert caught.value.until == NOON + timedelta(seconds=30)
        assert (first.hold_id is None, second.hold_id is None) == (False, True)

    async def test_page_that_never_fits_is_told_apart(self, database: Database) -> None:
        """It becomes a dead letter that a larger budget brings back to life."""
        house = await limited(database, ScriptedProvider("openai"), micro_usd=199)
        with pytest.raises(PageTooExpensive, match="of the day in all") as caught:
            await house.complete(a_page())
        await self._put_off(house, verdict_of(caught.value, a_job(house.tenant)))
        failed = await database.read(lambda s: JobStore(s).failed(house.tenant))
        assert [row.last_error is not None for row in failed] == [True]

        await budget(house, micro_usd=5000)

        assert len(await claim_jobs(database, limit=5)) == 1

    async def _put_off(self, house: Asking, verdict: Any) -> None:
        await house.database.write(
            lambda s: JobStore(s).enqueue(house.tenant, "label_page", "7")
        )
        (job,) = await claim_jobs(house.database, limit=1)
        await settle_job(house.database, job, verdict)

    @pytest.mark.parametrize("way", ["larger", "removed"])
    async def test_waiting_pages_wake_with_the_budget(
        self, database: Database, way: str
    ) -> None:
        """At once, and those of no other tenant or reason."""
        house = await limited(database, ScriptedProvider("openai"), micro_usd=250)
        await house.complete(a_page())
        with pytest.raises(BudgetExceeded) as caught:
            await house.complete(a_page("8", "Мережа"))
        verdict = verdict_of(caught.value, a_job(house.tenant))
        assert isinstance(verdict, Defer)
        assert verdict.reason == BUDGET_REASON
        away = Defer(delay=timedelta(hours=9), reason=BUDGET_REASON)
        await self._put_off(house, away)
        assert await claim_jobs(database, limit=5) == []

        if way == "larger":
            await budget(house, micro_usd=5000)
        else:
            await remove_budget(house.services, house.tenant, None, "day", by="cli")

        assert len(await claim_jobs(database, limit=5)) == 1
        assert house.services.work_arrived.is_set()

    @pytest.mark.parametrize(("limit", "woken"), [(125, 0), (5000, 1)])
    async def test_money_that_is_left_after_all_is_found(
        self, database: Database, limit: int, woken: int
    ) -> None:
        """A budget that grew while a page was put off: the page need not wait long."""
        house = await limited(database, ScriptedProvider("openai"), micro_usd=5000)
        await house.complete(a_page())
        await budget(house, micro_usd=limit)
        await self._put_off(house, Defer(delay=timedelta(days=9), reason=BUDGET_REASON))
        house.services.work_arrived.clear()

        assert await wake_where_money_is(house.services) == woken

        assert len(await claim_jobs(database, limit=5)) == woken
        assert house.services.work_arrived.is_set() is bool(woken)

    async def test_provider_that_costs_nothing_answers_instead(
        self, database: Database
    ) -> None:
        """Where the order has one, and the attempts say why."""
        house = await limited(
            database,
            ScriptedProvider("openai"),
            ScriptedProvider("local"),
            micro_usd=250,
        )
        await house.complete(a_page())

        answer = await house.complete(a_page("8", "Мережа"))

        assert [(one.provider, one.outcome) for one in answer.attempts] == [
            ("openai", "over_budget"),
            ("local", "answered"),
        ]
        assert (answer.is_fallback, answer.attempts[0].was_called) == (True, False)
        assert "is spent until" in answer.attempts[0].reason
        (row, _) = await rows(database, UsageRow)
        assert row["provider"] == "local"
        assert await taken(database) == [(120, 960)]

    async def test_wait_for_a_provider_goes_before_want_of_money(
        self, database: Database
    ) -> None:
        """Who cannot pay for one waits for the other, if it could be paid."""

        class Dear(ScriptedProvider):
            @override
            def estimate(self, prompt: Prompt) -> Usage:
                return Usage(micro_usd=10_000)

        dear, cheap = Dear("openai"), ScriptedProvider("gemini", DOWN)
        house = await limited(database, dear, cheap, micro_usd=1000)

        with pytest.raises(ProviderDown) as caught:
            await house.complete(a_page())

        attempts: Any = caught.value.attempts
        assert [one.outcome for one in attempts] == ["over_budget", "overloaded"]
        assert house.services.awaited_providers == {"gemini"}
        assert await rows(database, SpendHoldRow) == []

    async def test_failed_call_that_cost_is_counted(self, database: Database) -> None:
        """And so is the answer of the next in order; one hold for both."""
        house = await limited(
            database,
            ScriptedProvider("openai", cut()),
            ScriptedProvider("gemini"),
            micro_usd=400,
        )

        await house.complete(a_page())

        assert await taken(database) == [(240, 1920)]
        assert await rows(database, SpendHoldRow) == []

    async def test_what_failed_calls_cost_waits_for_the_database(
        self, database: Database
    ) -> None:
        """It is told with the next question's."""
        away: list[int] = [1]
        house = await limited(
            database,
            Acting("openai", lambda: leave(house, away), costly()),
            tokens=9999,
        )
        with capture_logs() as logs, pytest.raises(ProviderDown):
            await house.complete(a_page())

        assert [one["event"] for one in logs].count("usage_not_kept_yet") == 1
        assert len(house.services.bills_in_hand) == 1
        assert await taken(database) == []
        await house.complete(a_page("8", "Мережа"))
        assert house.services.bills_in_hand == []
        assert await taken(database) == [(240, 1920)]
        assert await rows(database, SpendHoldRow) == []

    async def test_bill_of_a_tenant_that_is_gone_stops_nobody(
        self, database: Database
    ) -> None:
        """It was purged while its bill waited for the database; the other pays its own."""
        away: list[int] = [1]
        house = await limited(
            database,
            Acting("openai", lambda: leave(house, away), costly()),
            tokens=9999,
        )
        other = await new_tenant(database)
        with pytest.raises(ProviderDown):
            await house.complete(a_page())
        await database.write(lambda s: TenantStore(s).purge(house.tenant))

        await house.complete(a_page("8"), tenant=other)

        assert house.services.bills_in_hand == []
        assert [one["tenant_id"] for one in await rows(database, SpendRow)] == [other]

    @pytest.mark.parametrize(("is_sent", "money"), [(True, [(200, 1200)]), (False, [])])
    async def test_question_that_is_cut_off_is_settled(
        self, database: Database, *, is_sent: bool, money: list[tuple[int, int]]
    ) -> None:
        """Once it was sent it may be charged: it is counted as it was held."""
        begun = asyncio.Event()

        class Endless(ScriptedProvider):
            @override
            async def complete(self, _: Any, turn: Any) -> Any:
                if is_sent:
                    await turn.confirm()
                begun.set()
                await asyncio.Event().wait()

        house = await limited(database, Endless("openai"), micro_usd=1000)
        task = asyncio.create_task(house.complete(a_page()))
        await begun.wait()
        assert len(await rows(database, SpendHoldRow)) == 1

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await rows(database, SpendHoldRow) == []
        assert await taken(database) == money

    async def test_answer_in_hand_keeps_its_hold(self, database: Database) -> None:
        """While the database is away the money stays set aside; then it is settled."""
        away: list[int] = [1]
        house = await limited(
            database, Acting("openai", lambda: leave(house, away)), micro_usd=1000
        )
        with pytest.raises(Unavailable):
            await house.complete(a_page(), pauses=())
        assert len(await rows(database, SpendHoldRow)) == 1

        await house.complete(a_page())

        assert house.calls == {"openai": 1}
        assert await rows(database, SpendHoldRow) == []
        assert await taken(database) == [(120, 960)]

    async def test_sweep_clears_what_dead_processes_held(
        self, database: Database
    ) -> None:
        """The page asks again, and pays again, as the crash left no answer."""
        house = await limited(database, ScriptedProvider("openai"), micro_usd=330)
        lost = Wallet(house.services, house.tenant, "100")
        await lost.hold(lambda: WORST, [])
        later = LIFETIME + timedelta(seconds=1)

        def age(session: Any) -> None:
            for row in session.query(SpendHoldRow):
                row.expires_at -= later

        await database.write(age)
        await house.complete(a_page())
        await sweep(database)

        assert await rows(database, SpendHoldRow) == []


class TestWarnings:
    """People are told once a period."""

    async def test_soft_limit_is_told_once(self, database: Database) -> None:
        """In the log, in the audit, and wherever budgets are shown."""
        house = await limited(
            database, ScriptedProvider("openai"), micro_usd=1000, soft_share=0.2
        )
        with capture_logs() as logs:
            for number in range(3):
                await house.complete(a_page(str(number), f"Сторінка {number} {number}"))

        told = [one for one in logs if one["event"] == "budget_past_soft_limit"]
        audited = [
            row["after"]
            for row in await rows(database, AuditRow)
            if row["action"] == "budget_almost_spent"
        ]
        (row,) = (await almost_spent(house.services))[house.tenant]
        assert [one["usd"] for one in told] == ["0.00024"]
        assert [(one["usd"], one["of_usd"]) for one in audited] == [
            ("0.00024", "0.001")
        ]
        assert (row["state"], row["spent_usd"]) == ("almost spent", "0.00036")


class TestSet:
    """Tests for set_budget()."""

    @pytest.mark.parametrize(
        ("limits", "why"),
        [
            ({}, "give dollars, tokens, or both"),
            ({"tokens": 1, "soft_share": 0.0}, "soft share"),
            ({"tokens": 1, "soft_share": 1.5}, "soft share"),
        ],
    )
    async def test_budget_that_limits_nothing_is_refused(
        self, database: Database, limits: dict[str, Any], why: str
    ) -> None:
        """Whoever asks, not the command line alone."""
        house = await asking(database, ScriptedProvider("openai"))

        with pytest.raises(MalformedPayload, match=why):
            await budget(house, **limits)


class TestShown:
    """Tests for show_budgets()."""

    async def test_site_is_told_even_without_a_limit(self, database: Database) -> None:
        """What it spent today and this month."""
        house = await asking(database, ScriptedProvider("openai"))
        await house.complete(a_page())

        shown = await show_budgets(house.services, house.tenant)

        assert [(one["period"], one["state"], one["spent_usd"]) for one in shown] == [
            ("day", "no limit", "0.00012"),
            ("month", "no limit", "0.00012"),
        ]
        assert await almost_spent(house.services) == {}

    async def test_limits_holds_and_rests_add_up(self, database: Database) -> None:
        """Of the site first, then of its spaces."""
        house = await limited(database, ScriptedProvider("openai"), micro_usd=330)
        await house.complete(a_page())
        await Wallet(house.services, house.tenant, "100").hold(lambda: WORST, [])

        (day, month) = await show_budgets(house.services, house.tenant)

        assert (day["spent_usd"], day["held_usd"], day["left_usd"]) == (
            "0.00012",
            "0.0002",
            "0.00001",
        )
        assert (day["state"], day["until"]) == ("ok", "2026-11-23T00:00+00:00")
        assert (day["left_tokens"], month["of_usd"]) == (None, None)


class TestStopped:
    """Tests for the kill switch in the way of a call."""

    async def test_nobody_is_asked_while_it_stands(self, database: Database) -> None:
        """Nor if it is pulled while the call waits for its turn."""
        openai = ScriptedProvider("openai")
        house = await limited(database, openai, micro_usd=1000)
        await database.write(lambda s: SwitchStore(s).stop(house.tenant, by="olena"))
        with pytest.raises(Stopped, match="stopped by olena at"):
            await house.complete(a_page())
        assert openai.asked == []
        await database.write(lambda s: SwitchStore(s).resume(house.tenant))

        async def stop() -> None:
            await database.write(lambda s: SwitchStore(s).stop(None, by="ops"))

        slow = Acting("openai", stop)
        house.services.ai._providers["openai"] = slow  # type: ignore[attr-defined]
        with pytest.raises(Stopped, match="everything was stopped by ops"):
            await house.complete(a_page())
        assert await rows(database, SpendHoldRow) == []
        assert await taken(database) == []

    async def test_pulled_between_answer_and_write(self, database: Database) -> None:
        """The answer is kept, nothing is written, no item is left; later it goes on."""

        class Last(ScriptedProvider):
            @override
            async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
                answer = await super().complete(prompt, turn)
                await database.write(lambda s: SwitchStore(s).stop(None, by="ops"))
                return answer

        site = OnePageSite(a_page())
        house = await asking(database, Last("openai"), open_confluence=site.open)
        await house.install()
        job = a_job(house.tenant)

        with pytest.raises(Stopped):
            await label_page(house.services, job)
        stopped = (list(site.writes), await rows(database, PlanItemRow))
        await database.write(lambda s: SwitchStore(s).resume(None))
        await label_page(house.services, job)

        runs = await rows(database, RunRow)
        assert stopped == ([], [])
        assert [one["outcome"] for one in runs] == ["stopped", "applied"]
        assert (site.writes, house.calls) == (["property"], {"openai": 1})


def test_scripted_costs_are_what_these_tests_reckon_with() -> None:
    """120 of 200 millionths, 960 of 1200 tokens."""
    assert (COST.micro_usd, COST.input_tokens + COST.output_tokens) == (120, 960)
    assert (WORST.micro_usd, WORST.input_tokens + WORST.output_tokens) == (200, 1200)
