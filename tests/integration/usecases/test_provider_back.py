"""Pages that wait for an AI provider go on the moment it is back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from typing_extensions import override

from app.domain.completions import Completion, Prompt, Turn
from app.domain.jobs import Defer, Job
from app.errors import ProviderDown
from app.store.database import Database
from app.store.jobs import JobStore
from app.store.tables import TenantRow
from app.usecases.settle_job import (
    claim_jobs,
    hasten_provider_waits,
    settle_job,
)
from app.worker.retry import verdict_of
from tests.integration.store.stored import new_tenant, rows
from tests.integration.usecases.asking import (
    Asking,
    ScriptedProvider,
    a_page,
    asking,
)

pytestmark = pytest.mark.anyio

DOWN = ProviderDown(
    "openai", "503", kind="overloaded", retry_after=timedelta(minutes=15)
)


async def put_off(database: Database, tenant: str, page: str, defer: Defer) -> None:
    """Queue a page's job, claim it, and put it off."""
    await database.write(
        lambda s: JobStore(s).enqueue(
            tenant, "label_page", page, payload={"page_id": page}
        )
    )
    (job,) = await claim_jobs(database, limit=1)
    await settle_job(database, job, defer)


async def due(database: Database) -> list[Job]:
    return await claim_jobs(database, limit=10)


async def test_first_answer_after_an_outage_wakes_the_others(
    database: Database,
) -> None:
    """What waits for something else goes on waiting."""
    house = await asking(database, ScriptedProvider("openai", DOWN))
    with pytest.raises(ProviderDown) as caught:
        await house.complete(a_page())
    job = Job(
        id=1,
        tenant_id=house.tenant,
        kind="label_page",
        payload={},
        version=1,
        priority=0,
        attempt=1,
        max_attempts=20,
        deferrals=0,
        lease_token="t",
        leased_until=house.services.now(),
        waited=timedelta(),
    )
    verdict = verdict_of(caught.value, job)
    assert isinstance(verdict, Defer)
    assert verdict.delay >= timedelta(minutes=15)
    await put_off(database, house.tenant, "7", verdict)
    learning = Defer(delay=timedelta(hours=1), reason="learning")
    await put_off(database, house.tenant, "8", learning)
    assert await due(database) == []

    await house.complete(a_page())

    assert [one.payload["page_id"] for one in await due(database)] == ["7"]


class Upsetting(ScriptedProvider):
    """Answers, and the database goes away the moment after."""

    house: Asking

    @override
    async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
        found = await super().complete(prompt, turn)
        self.house.database.away_for = 1
        return found


async def test_answer_is_not_lost_where_the_others_cannot_be_woken(
    database: Database,
) -> None:
    """They come back by themselves, later."""
    provider = Upsetting("openai")
    house = provider.house = await asking(database, provider)
    house.services.awaited_providers.add("openai")
    waits = Defer(delay=timedelta(hours=1), reason="provider_wait")
    await put_off(database, house.tenant, "8", waits)

    answer = await house.complete(a_page())

    assert house.database.refused == 1
    assert answer.completion.provider == "openai"
    assert await due(database) == []


async def test_a_quota_of_all_pauses_all(database: Database) -> None:
    """What the app itself may ask is spent: no tenant is asked about meanwhile."""
    one, other = await new_tenant(database), await new_tenant(database, "b")
    pause = Defer(delay=timedelta(hours=1), reason="rate_limited", blocks="everyone")

    await put_off(database, one, "7", pause)

    await database.write(lambda s: JobStore(s).enqueue(other, "label_page", "8"))
    assert await due(database) == []
    blocked = await rows(database, TenantRow)
    assert {tenant["blocked_reason"] for tenant in blocked} == {"rate_limited"}


async def test_worker_that_starts_looks_anew(database: Database) -> None:
    """The operator may just have mended a key."""
    house = await asking(database, ScriptedProvider("openai"))
    waits = Defer(delay=timedelta(hours=1), reason="provider_operator_wait")
    await put_off(database, house.tenant, "7", waits)

    assert await hasten_provider_waits(database) == 1
    assert await hasten_provider_waits(database) == 0
    assert len(await due(database)) == 1
