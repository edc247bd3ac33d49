"""Tests for app.store.jobs on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.jobs import Job, Priority
from app.store.base import db_time
from app.store.database import Database
from app.store.jobs import Enqueued, JobStore
from app.store.tables import JobRow, TenantRow
from app.store.tenants import TenantStore

pytestmark = pytest.mark.anyio
LEASE = timedelta(seconds=30)


async def new_tenant(database: Database, name: str = "a") -> str:
    tenant = await database.write(
        lambda s: TenantStore(s).create(site_url=f"https://{name}.atlassian.net")
    )
    return tenant.id


async def enqueue(
    database: Database, tenant_id: str, page: str, version: int = 1, **kw: Any
) -> Enqueued:
    return await database.write(
        lambda s: JobStore(s).enqueue(
            tenant_id,
            "label_page",
            page,
            payload={"page_id": page, "v": version},
            version=version,
            **kw,
        )
    )


async def claim(database: Database, limit: int = 10) -> list[Job]:
    return await database.write(lambda s: JobStore(s).claim(limit=limit, lease=LEASE))


async def state_of(database: Database, job_id: int) -> JobRow:
    def read(session: Session) -> JobRow:
        row = session.get_one(JobRow, job_id)
        session.expunge(row)
        return row

    return await database.read(read)


async def lapse(database: Database, job_id: int) -> None:
    """Let a lease run out by moving its end into the past."""
    await database.write(
        lambda s: s.execute(
            sa.update(JobRow)
            .where(JobRow.id == job_id)
            .values(leased_until=db_time(timedelta(seconds=-1)))
        )
    )


async def end_pause(database: Database, tenant_id: str) -> None:
    """Let a tenant's pause be over by moving its end into the past."""
    await database.write(
        lambda s: s.execute(
            sa.update(TenantRow)
            .where(TenantRow.id == tenant_id)
            .values(blocked_until=db_time(timedelta(seconds=-1)))
        )
    )


class TestEnqueue:
    async def test_storm_of_edits_becomes_one_job_of_the_newest_version(
        self, database: Database
    ) -> None:
        """Twenty events for one page leave one job, with the newest payload."""
        tenant = await new_tenant(database)

        for version in [1, 2, 5, 3, *range(6, 22), 4]:
            await enqueue(database, tenant, "7", version)

        jobs = await claim(database)
        assert [job.version for job in jobs] == [21]
        assert jobs[0].payload["v"] == 21
        assert (await state_of(database, jobs[0].id)).coalesced == 20

    async def test_upsert_survives_prepared_generic_plans(
        self, database: Database
    ) -> None:
        """The partial index is still found after a dozen executions."""
        tenant = await new_tenant(database)

        for version in range(30):
            await enqueue(database, tenant, "7", version)

        assert len(await claim(database)) == 1

    async def test_pages_and_tenants_do_not_share_a_job(
        self, database: Database
    ) -> None:
        """The same page id of another tenant is another page."""
        first, second = await new_tenant(database), await new_tenant(database, "b")

        await enqueue(database, first, "7")
        await enqueue(database, second, "7")
        await enqueue(database, first, "8")

        assert len(await claim(database)) == 3

    async def test_newer_version_gives_the_attempts_back(
        self, database: Database
    ) -> None:
        """New content deserves new tries; a repeated hint does not."""
        tenant = await new_tenant(database)
        await enqueue(database, tenant, "7", 1)
        (job,) = await claim(database)
        await database.write(lambda s: JobStore(s).put_back(job, error="boom"))

        await enqueue(database, tenant, "7", 1)
        same = await state_of(database, job.id)
        await enqueue(database, tenant, "7", 2)
        newer = await state_of(database, job.id)

        assert (same.attempt, newer.attempt) == (1, 0)

    async def test_delay_holds_the_job_back(self, database: Database) -> None:
        """A job that is not due is not claimed."""
        tenant = await new_tenant(database)

        await enqueue(database, tenant, "7", delay=timedelta(minutes=5))

        assert await claim(database) == []


class TestClaim:
    async def test_event_during_a_run_waits_for_it(self, database: Database) -> None:
        """Two runs of one page never overlap; the later one comes after."""
        tenant = await new_tenant(database)
        await enqueue(database, tenant, "7", 1)
        (running,) = await claim(database)
        await enqueue(database, tenant, "7", 2)

        while_running = await claim(database)
        await database.write(
            lambda s: JobStore(s).finish(running, state="done", outcome="done")
        )
        after = await claim(database)

        assert while_running == []
        assert [job.version for job in after] == [2]

    async def test_busy_tenant_does_not_starve_another(
        self, database: Database
    ) -> None:
        """With fifty jobs waiting in front, a newcomer's job is claimed at once."""
        busy, quiet = await new_tenant(database), await new_tenant(database, "b")
        for page in range(50):
            await enqueue(database, busy, str(page))
        await claim(database, 3)
        await enqueue(database, quiet, "7")

        (next_job,) = await claim(database, 1)

        assert next_job.tenant_id == quiet

    async def test_events_go_before_bulk(self, database: Database) -> None:
        """A lower priority number is claimed first, even if it came later."""
        tenant = await new_tenant(database)
        await enqueue(database, tenant, "1", priority=Priority.BULK)
        await enqueue(database, tenant, "2", priority=Priority.EVENT)

        (first,) = await claim(database, 1)

        assert first.payload["page_id"] == "2"

    async def test_paused_tenant_is_left_alone(self, database: Database) -> None:
        """One row pauses all of a tenant's jobs, and ends the pause again."""
        tenant = await new_tenant(database)
        await enqueue(database, tenant, "7")

        hour = timedelta(hours=1)
        await database.write(
            lambda s: TenantStore(s).pause(tenant, delay=hour, reason="rate_limited")
        )
        paused = await claim(database)
        await database.write(lambda s: TenantStore(s).token_arrived(tenant))
        still_paused = await claim(database)
        await end_pause(database, tenant)
        resumed = await claim(database)

        assert (len(paused), len(still_paused), len(resumed)) == (0, 0, 1)

    async def test_tenant_without_a_token_waits_until_one_comes(
        self, database: Database
    ) -> None:
        """The arrival of a token ends the wait at once."""
        tenant = await new_tenant(database)
        await enqueue(database, tenant, "7")

        await database.write(
            lambda s: TenantStore(s).await_token(tenant, longest=timedelta(hours=1))
        )
        waiting = await claim(database)
        await database.write(lambda s: TenantStore(s).token_arrived(tenant))

        assert waiting == []
        assert len(await claim(database)) == 1

    async def test_events_of_one_tenant_do_not_starve_the_background_of_another(
        self, database: Database
    ) -> None:
        """Priority counts within a tenant; between tenants it is turn by turn."""
        busy, quiet = await new_tenant(database), await new_tenant(database, "b")
        for page in range(20):
            await enqueue(database, busy, str(page))
        await claim(database, 1)
        await enqueue(database, quiet, "1", priority=Priority.BACKGROUND)

        (next_job,) = await claim(database, 1)

        assert next_job.tenant_id == quiet


class TestFencing:
    async def test_late_settlement_of_a_lapsed_lease_changes_nothing(
        self, database: Database
    ) -> None:
        """The first worker comes back after another took over: it is refused."""
        tenant = await new_tenant(database)
        await enqueue(database, tenant, "7")
        (first,) = await claim(database)
        await lapse(database, first.id)
        await database.write(lambda s: JobStore(s).rescue())
        (second,) = await claim(database)

        late = await database.write(
            lambda s: JobStore(s).finish(first, state="done", outcome="done")
        )
        extended = await database.write(
            lambda s: JobStore(s).extend([first, second], lease=LEASE)
        )
        settled = await database.write(
            lambda s: JobStore(s).finish(second, state="done", outcome="done")
        )

        assert (late, extended, settled) == (
            False,
            {(second.id, second.lease_token)},
            True,
        )

    async def test_rescue_supersedes_where_a_newer_job_waits(
        self, database: Database
    ) -> None:
        """A lapsed job gives way to the newer one instead of colliding with it."""
        tenant = await new_tenant(database)
        await enqueue(database, tenant, "7", 1)
        (old,) = await claim(database)
        await enqueue(database, tenant, "7", 2)
        await lapse(database, old.id)

        await database.write(lambda s: JobStore(s).rescue())

        row = await state_of(database, old.id)
        assert (row.state, row.outcome) == ("discarded", "superseded")
        assert [job.version for job in await claim(database)] == [2]

    async def test_job_that_kills_its_worker_ends_as_a_dead_letter(
        self, database: Database
    ) -> None:
        """The attempt counts at the claim, so a poison job dies; it can be revived."""
        tenant = await new_tenant(database)
        job = await enqueue(database, tenant, "7", max_attempts=2)
        for _ in range(2):
            await claim(database)
            await lapse(database, job.job_id)
            await database.write(lambda s: JobStore(s).rescue())

        dead = await state_of(database, job.job_id)
        other = await new_tenant(database, "b")
        foreign = await database.write(
            lambda s: JobStore(s).retry_failed(other, job.job_id)
        )
        revived = await database.write(
            lambda s: JobStore(s).retry_failed(tenant, job.job_id)
        )

        assert (dead.state, dead.outcome) == ("failed", "lease_lapsed")
        assert (foreign, revived) == (False, True)
        assert len(await claim(database)) == 1


class TestPutBack:
    async def test_deferral_gives_the_attempt_back(self, database: Database) -> None:
        """Waiting for a quota is nobody's failure."""
        tenant = await new_tenant(database)
        await enqueue(database, tenant, "7")
        (job,) = await claim(database)

        await database.write(lambda s: JobStore(s).put_back(job, refund=True))

        row = await state_of(database, job.id)
        assert (row.state, row.attempt, row.deferrals) == ("ready", 0, 1)

    async def test_retry_keeps_the_error_for_the_operator(
        self, database: Database
    ) -> None:
        """The last error is kept, cut to a sensible length."""
        tenant = await new_tenant(database)
        await enqueue(database, tenant, "7")
        (job,) = await claim(database)

        await database.write(lambda s: JobStore(s).put_back(job, error="x" * 9000))

        row = await state_of(database, job.id)
        assert (row.attempt, row.last_error) == (1, "x" * 2000)


class TestIsOnFirstTry:
    """Tests for app.store.jobs.JobStore.is_on_first_try()."""

    @pytest.mark.parametrize(
        ("error", "expected"), [(None, True), ("waits: rate_limited", False)]
    )
    async def test_restart_is_no_trouble_but_a_wait_is(
        self, database: Database, error: str | None, *, expected: bool
    ) -> None:
        """A job handed back by a process that ends is as good as new."""
        tenant = await new_tenant(database)
        await enqueue(database, tenant, "7")
        (job,) = await claim(database)
        await database.write(
            lambda s: JobStore(s).put_back(job, error=error, refund=True)
        )

        found = await database.read(
            lambda s: JobStore(s).is_on_first_try(tenant, ["label_page"])
        )

        assert found is expected
