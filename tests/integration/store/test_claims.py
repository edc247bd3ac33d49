"""Claims stay quick beside thousands of jobs, also of tenants that somebody stopped."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.jobs import BUDGET_REASON, STOP_REASON, Defer
from app.store.base import db_time
from app.store.database import Database
from app.store.job_statements import due_heads
from app.store.jobs import JobStore
from app.store.switches import SwitchStore
from app.store.tables import JobRow
from app.usecases.settle_job import LEASE, claim_jobs, settle_job
from tests.integration.store.stored import new_tenant

pytestmark = pytest.mark.anyio

TENANTS = 40
JOBS = 500


async def crowd(database: Database) -> list[str]:
    """Return tenants with many due jobs each."""
    tenants = [await new_tenant(database, f"t{one}") for one in range(TENANTS)]
    rows = [
        {
            "tenant_id": tenant,
            "kind": "label_page",
            "dedupe_key": f"label_page:{number}",
            "priority": number % 3 * 10,
            "state": "ready",
            "payload": {},
        }
        for tenant in tenants
        for number in range(JOBS)
    ]

    def work(session: Session) -> None:
        now = session.execute(sa.select(db_time())).scalar_one()
        values = [
            {**row, "run_at": now - timedelta(seconds=5), "created_at": now}
            for row in rows
        ]
        session.execute(sa.insert(JobRow), values)

    await database.write(work)
    if database.dialect == "postgresql":
        # As the server's own housekeeping does within a minute.
        await database.write(lambda s: s.execute(sa.text("ANALYZE jobs")).close())
    return tenants


def plan_of(session: Session) -> str:
    """Return how the database goes about the choice of what is claimed."""
    picked = due_heads(8)
    statement = sa.select(picked.c.id)
    text = statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    told = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    rows = session.execute(sa.text(f"{told} {text}".replace(":", "\\:")))
    return "\n".join(str(row[-1]) for row in rows)


async def test_heads_are_found_by_their_index(database: Database) -> None:
    """No tenant's jobs are read to the end for the sake of its first one."""
    await crowd(database)

    plan = await database.read(plan_of)

    assert "ix_jobs_due" in plan
    assert "SCAN jobs" not in plan
    assert "Seq Scan on jobs" not in plan


@pytest.mark.parametrize("whole", [True, False], ids=["everything", "each of them"])
async def test_stopped_tenants_cost_a_claim_nothing(
    database: Database, *, whole: bool
) -> None:
    """Nothing is claimed, soon; after the release all is."""
    tenants = await crowd(database)
    whom = [None] if whole else tenants
    for one in whom:
        await database.write(lambda s, t=one: SwitchStore(s).stop(t, by="ops"))  # type: ignore[misc]

    began = time.perf_counter()
    claimed = await claim_jobs(database, limit=8)
    took = time.perf_counter() - began
    for one in whom:
        await database.write(lambda s, t=one: SwitchStore(s).resume(t))  # type: ignore[misc]
    after = await claim_jobs(database, limit=8)

    assert claimed == []
    assert took < 1.0
    assert len({job.tenant_id for job in after}) == 8


async def test_release_wakes_all_that_was_put_off_for_it(database: Database) -> None:
    """At once, of that tenant, and for that reason alone."""
    one, other = await new_tenant(database), await new_tenant(database, "b")
    for tenant, reason in (
        (one, STOP_REASON),
        (one, BUDGET_REASON),
        (other, STOP_REASON),
    ):
        await database.write(
            lambda s, t=tenant, r=reason: JobStore(s).enqueue(t, "label_page", r)  # type: ignore[misc]
        )
        (job,) = await claim_jobs(database, limit=1)
        await settle_job(database, job, Defer(delay=LEASE * 60, reason=reason))

    woken = await database.write(lambda s: JobStore(s).hasten(STOP_REASON, one))
    mine = await claim_jobs(database, limit=5)
    rest = await database.write(lambda s: JobStore(s).hasten(STOP_REASON))

    assert (woken, [job.tenant_id for job in mine], rest) == (1, [one], 1)
