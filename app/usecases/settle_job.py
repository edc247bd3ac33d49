"""The queue's transactions: claim, keep, settle, rescue, sweep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

from sqlalchemy.orm import Session

from app.domain.jobs import (
    WAIT_REASON,
    Defer,
    Discarded,
    Done,
    Failed,
    Job,
    Retry,
    Verdict,
)
from app.store.budgets import BudgetStore
from app.store.database import Database
from app.store.jobs import JobStore
from app.store.queue_health import QueueHealth, QueueHealthStore
from app.store.tenants import TenantStore

#: Lease of a claimed job; renewed at a third of it. Longer than any database pause.
LEASE = timedelta(seconds=60)
_KEEP_DONE = timedelta(days=7)
_KEEP_FAILED = timedelta(days=30)
#: Rows deleted in one transaction: short enough that events need not wait.
_BATCH = 500


async def claim_jobs(database: Database, *, limit: int) -> list[Job]:
    """Lease due jobs, fairly between tenants."""
    return await database.write(lambda s: JobStore(s).claim(limit=limit, lease=LEASE))


async def keep_jobs(database: Database, jobs: Sequence[Job]) -> set[tuple[int, str]]:
    """Renew leases; return (id, lease token) of the claims that are still ours."""
    return await database.write(lambda s: JobStore(s).extend(jobs, lease=LEASE))


async def settle_job(database: Database, job: Job, verdict: Verdict) -> bool:
    """Write a verdict down; False if another worker holds the job by now."""
    return await database.write(lambda s: _settle(s, job, verdict))


async def release_job(database: Database, job: Job) -> None:
    """Hand a job back unharmed: this process ends."""
    await database.write(lambda s: JobStore(s).put_back(job, refund=True))


async def rescue_jobs(database: Database) -> int:
    """Take back jobs whose worker is gone."""
    return await database.write(lambda s: JobStore(s).rescue())


async def hasten_provider_waits(database: Database) -> int:
    """Make jobs due that wait for an AI provider; return how many."""
    return await database.write(lambda s: JobStore(s).hasten(WAIT_REASON))


async def sweep(database: Database) -> bool:
    """Delete a batch of what nobody needs any more; True while there is more."""

    def work(session: Session) -> int:
        BudgetStore(session).prune()
        return QueueHealthStore(session).prune(
            keep_done=_KEEP_DONE, keep_failed=_KEEP_FAILED, batch=_BATCH
        )

    return await database.write(work) >= _BATCH


async def queue_health(database: Database) -> QueueHealth:
    """Return depth, age and pauses."""
    return await database.read(lambda s: QueueHealthStore(s).read())


def _settle(session: Session, job: Job, verdict: Verdict) -> bool:
    jobs = JobStore(session)
    match verdict:
        case Done(outcome=outcome):
            return jobs.finish(job, state="done", outcome=outcome)
        case Discarded(outcome=outcome):
            return jobs.finish(job, state="discarded", outcome=outcome)
        case Failed(error=error):
            return jobs.finish(job, state="failed", outcome="failed", error=error)
        case Retry(delay=delay, error=error):
            return jobs.put_back(job, delay=delay, error=error)
        case Defer():
            return _defer(session, job, verdict)
        case _:
            assert_never(verdict)


def _defer(session: Session, job: Job, verdict: Defer) -> bool:
    tenants = TenantStore(session)
    match verdict.blocks:
        case "everyone":
            tenants.pause_everyone(delay=verdict.delay, reason=verdict.reason)
        case "tenant":
            tenants.pause(job.tenant_id, delay=verdict.delay, reason=verdict.reason)
        case "token":
            tenants.await_token(job.tenant_id, longest=verdict.delay)
        case "job":
            pass
        case _:
            assert_never(verdict.blocks)
    # A paused tenant's job stays due: it goes on the moment the pause ends early.
    own = verdict.delay if verdict.blocks == "job" else timedelta()
    return JobStore(session).put_back(
        job, delay=own, error=f"waits: {verdict.reason}", refund=True
    )
