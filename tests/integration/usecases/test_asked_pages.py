"""Tests for who is asked in app.usecases.label_page, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.domain.byline import BYLINE_PROPERTY_KEY
from app.domain.jobs import Defer, Done
from app.domain.memory import PageMemory
from app.errors import AnswerUnusable, ProviderBusy, ProviderDown, Unavailable
from app.store.database import Database
from app.store.jobs import JobStore
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.store.tables import JobRow, RunRow, UsageRow
from app.usecases.label_page import label_page
from app.usecases.settle_job import claim_jobs, settle_job
from app.worker.retry import verdict_of
from tests.integration.store.stored import rows
from tests.integration.usecases.asking import (
    COST,
    Asking,
    OnePageSite,
    ScriptedProvider,
    a_job,
    a_page,
    asking,
    spent,
)

pytestmark = pytest.mark.anyio
REMOTE = ("openai", "gemini")


async def at_site(
    database: Database, *providers: ScriptedProvider, **more: Any
) -> tuple[Asking, OnePageSite]:
    """Return a tenant with a way to a site of one page."""
    site = OnePageSite(a_page())
    house = await asking(database, *providers, open_confluence=site.open, **more)
    await house.install()
    return house, site


async def set_order(house: Asking, space_id: str, *names: str) -> None:
    await house.database.write(
        lambda s: PolicyStore(s).set_providers(house.tenant, space_id, names)
    )


class TestOnce:
    """Between the answer and the write to the site."""

    async def test_crash_before_the_write_pays_for_one_call(
        self, database: Database
    ) -> None:
        """The answer is on disk first; the next run only writes."""
        house, site = await at_site(database, ScriptedProvider("openai"))
        site.away = True
        with pytest.raises(Unavailable):
            await label_page(house.services, a_job(house.tenant))
        site.away = False

        done = await label_page(house.services, a_job(house.tenant, attempt=2))

        first, second = await rows(database, RunRow)
        assert done == Done(outcome="applied")
        assert (house.calls, site.writes) == ({"openai": 1}, ["property"])
        assert (first["ai_calls"], second["ai_calls"]) == (1, 0)
        assert (first["micro_usd"], second["micro_usd"]) == (COST.micro_usd, 0)

    async def test_unchanged_page_is_not_written_again(
        self, database: Database
    ) -> None:
        """Even where a fallback's answer stands there: it keeps being marked as one."""
        openai = ScriptedProvider(
            "openai", AnswerUnusable("openai", "will not", kind="refused")
        )
        house, site = await at_site(database, openai, ScriptedProvider("gemini"))
        await label_page(house.services, a_job(house.tenant))

        again = await label_page(house.services, a_job(house.tenant))

        assert again == Done(outcome="unchanged_content")
        assert site.writes == ["property"]


class TestReceipt:
    """What a run says of who was asked."""

    async def test_fallback_is_marked_in_receipt_and_byline(
        self, database: Database
    ) -> None:
        """Who was asked, what came of it, and what it cost."""
        cut = AnswerUnusable("openai", "cut short", kind="truncated", usage=spent())
        house, site = await at_site(
            database, ScriptedProvider("openai", cut), ScriptedProvider("gemini")
        )

        await label_page(house.services, a_job(house.tenant))

        (run,) = await rows(database, RunRow)
        receipt = run["receipt"]
        told = [
            (one["provider"], one["outcome"], one["usage"]["micro_usd"])
            for one in receipt["ai_attempts"]
        ]
        byline = site.page.property(BYLINE_PROPERTY_KEY)
        assert receipt["fallback"] is True
        assert told == [
            ("openai", "truncated", COST.micro_usd),
            ("gemini", "answered", COST.micro_usd),
        ]
        assert receipt["ai_attempts"][0]["reason"] == "cut short"
        assert (run["provider"], run["ai_calls"]) == ("gemini", 2)
        assert run["micro_usd"] == 2 * COST.micro_usd
        assert run["input_tokens"] == 2 * COST.input_tokens
        assert byline is not None
        assert byline.value["fallback"] is True

    async def test_first_choice_is_no_fallback(self, database: Database) -> None:
        """Nothing to explain."""
        house, site = await at_site(database, ScriptedProvider("openai"))

        await label_page(house.services, a_job(house.tenant))

        (run,) = await rows(database, RunRow)
        byline = site.page.property(BYLINE_PROPERTY_KEY)
        assert run["receipt"]["fallback"] is False
        assert byline is not None
        assert byline.value["fallback"] is False

    async def test_run_in_vain_tells_who_was_asked_and_what_it_cost(
        self, database: Database
    ) -> None:
        """No answer came; the money is gone all the same."""
        cut = ProviderDown("openai", "failed", kind="server_error", usage=spent())
        down = ProviderDown("gemini", "503", kind="overloaded")
        house, site = await at_site(
            database, ScriptedProvider("openai", cut), ScriptedProvider("gemini", down)
        )

        with pytest.raises(ProviderDown):
            await label_page(house.services, a_job(house.tenant))

        (run,) = await rows(database, RunRow)
        assert (run["outcome"], run["provider"]) == ("provider_error", None)
        assert (run["ai_calls"], run["micro_usd"]) == (2, COST.micro_usd)
        assert [one["outcome"] for one in run["receipt"]["ai_attempts"]] == [
            "server_error",
            "overloaded",
        ]
        assert site.writes == []


class TestOrder:
    """Whose pages go to whom."""

    @pytest.mark.parametrize("space_id", ["", "100"], ids=["tenant", "space"])
    async def test_local_alone_never_leaves_the_machine(
        self, database: Database, space_id: str
    ) -> None:
        """Whatever the operator prefers."""
        house, site = await at_site(database, *map(ScriptedProvider, REMOTE))
        await set_order(house, space_id, "local")

        await label_page(house.services, a_job(house.tenant))

        (run,) = await rows(database, RunRow)
        assert (house.calls, run["provider"]) == ({"local": 1}, "local")
        assert [row["provider"] for row in await rows(database, UsageRow)] == ["local"]
        assert site.writes == ["property"]

    async def test_space_s_order_goes_before_the_tenant_s(
        self, database: Database
    ) -> None:
        """And the tenant's before the operator's."""
        house, _ = await at_site(database, *map(ScriptedProvider, REMOTE))
        await set_order(house, "", "local")
        await set_order(house, "100", "gemini", "local")

        await label_page(house.services, a_job(house.tenant))

        assert house.calls == {"gemini": 1}

    async def test_priority_goes_along(self, database: Database) -> None:
        """Events are served before bulk work, there as here."""
        openai = ScriptedProvider("openai")
        house, _ = await at_site(database, openai)

        await label_page(house.services, a_job(house.tenant, priority=20))

        ((_, turn),) = openai.asked
        assert (turn.tenant_id, turn.priority) == (house.tenant, 20)


class TestHeld:
    """A provider that is known to take no calls for a while."""

    async def test_page_is_not_even_read(self, database: Database) -> None:
        """Reading it in vain would cost the site's points."""
        house, site = await at_site(database, ScriptedProvider("openai", held=3600.0))

        verdict = await label_page(house.services, a_job(house.tenant))

        assert verdict == Defer(delay=timedelta(seconds=3600), reason="provider")
        assert (site.reads, site.meter.points, house.calls) == (0, 0, {})
        assert await rows(database, RunRow) == []

    async def test_short_wait_is_spent_with_the_page(self, database: Database) -> None:
        """A minute at the gate is no reason to go back to the queue."""
        house, site = await at_site(database, ScriptedProvider("openai", held=60.0))

        verdict = await label_page(house.services, a_job(house.tenant))

        assert verdict == Done(outcome="applied")
        assert site.reads == 1

    async def test_somebody_else_who_is_free_is_asked(self, database: Database) -> None:
        """Nobody waits where another one could answer."""
        house, _ = await at_site(
            database,
            ScriptedProvider("openai", held=3600.0),
            ScriptedProvider("gemini"),
        )

        verdict = await label_page(house.services, a_job(house.tenant))

        assert verdict == Done(outcome="applied")

    @pytest.mark.parametrize("is_known", [True, False])
    async def test_space_with_another_order_does_not_wait(
        self, database: Database, *, is_known: bool
    ) -> None:
        """Its pages are answered on this machine; a new page may be one of them."""
        house, _ = await at_site(database, ScriptedProvider("openai", held=3600.0))
        await set_order(house, "100", "local")
        if is_known:
            await remember(house, "100")

        verdict = await label_page(house.services, a_job(house.tenant))

        assert verdict == Done(outcome="applied")
        assert house.calls == {"local": 1}

    async def test_page_of_a_space_that_waits_is_not_read(
        self, database: Database
    ) -> None:
        """Another space's order says nothing of it."""
        house, site = await at_site(database, ScriptedProvider("openai", held=3600.0))
        await set_order(house, "200", "local")
        await remember(house, "100")

        verdict = await label_page(house.services, a_job(house.tenant))

        assert isinstance(verdict, Defer)
        assert site.reads == 0


async def remember(house: Asking, space_id: str) -> None:
    memory = PageMemory(
        page_id="7", parent_id=None, space_id=space_id, language="uk",
        weights={}, labels=frozenset(),
    )  # fmt: skip
    await house.database.write(
        lambda s: MemoryStore(s).keep(house.tenant, memory, page_version=1)
    )


class TestOutage:
    """The queue and an AI that is away."""

    async def test_outage_uses_up_no_attempt(self, database: Database) -> None:
        """However often the page comes back, it is on its first try."""
        down = ProviderDown("openai", "503", kind="overloaded")
        busy = ProviderBusy(
            "openai", "429", kind="quota_of_the_day", retry_after=timedelta(hours=9)
        )
        house, site = await at_site(
            database, ScriptedProvider("openai", down, down, busy)
        )
        await house.database.write(
            lambda s: JobStore(s).enqueue(
                house.tenant, "label_page", "7", payload={"page_id": "7"}
            )
        )

        told = []
        for _ in range(3):
            (job,) = await claim_jobs(database, limit=1)
            with pytest.raises((ProviderDown, ProviderBusy)) as caught:
                await label_page(house.services, job)
            verdict = verdict_of(caught.value, job)
            assert isinstance(verdict, Defer)
            told.append(verdict.reason)
            await settle_job(database, job, Defer(delay=timedelta(), reason="over"))
        (job,) = await claim_jobs(database, limit=1)
        done = await label_page(house.services, job)

        (row,) = await rows(database, JobRow)
        assert told == [
            "provider_overloaded",
            "provider_overloaded",
            "provider_quota_of_the_day",
        ]
        assert (job.attempt, row["deferrals"]) == (1, 3)
        assert done == Done(outcome="applied")
        assert site.writes == ["property"]

    async def test_wait_is_the_shortest_that_anybody_asked_for(
        self, database: Database
    ) -> None:
        """Who comes back first is asked first."""
        day = ProviderBusy(
            "openai", "429", kind="quota_of_the_day", retry_after=timedelta(hours=9)
        )
        minute = ProviderBusy(
            "gemini", "429", kind="rate_limited", retry_after=timedelta(minutes=1)
        )
        house, _ = await at_site(
            database,
            ScriptedProvider("openai", day),
            ScriptedProvider("gemini", minute),
        )
        job = a_job(house.tenant)

        with pytest.raises(ProviderBusy) as caught:
            await label_page(house.services, job)

        verdict = verdict_of(caught.value, job)
        assert isinstance(verdict, Defer)
        assert verdict.reason == "provider_rate_limited"
        assert timedelta(minutes=1) <= verdict.delay <= timedelta(seconds=66)
