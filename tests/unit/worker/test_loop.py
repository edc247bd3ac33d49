"""Tests for app.worker.loop: how jobs are run, and what their failures become."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from app.domain.jobs import Done, Job, JobKind, Verdict
from app.errors import PageGone, RateLimited, Unavailable
from app.store.database import Database, Work
from app.usecases.services import Services
from app.worker import loop
from app.worker.loop import Worker
from app.worker.tasks import Task
from tests.unit.worker.script import (
    Script,
    enqueue,
    new_tenant,
    raising,
    row_of,
    until,
    until_state,
    working,
)
from tests.unit.worker.services import make_services

T = TypeVar("T")
pytestmark = pytest.mark.anyio


class FlakyDatabase:
    """Passes work on, but for the first write, which raises."""

    dialect = "sqlite"

    def __init__(self, inner: Database, error: Exception) -> None:
        self._inner = inner
        self._errors = [error]

    async def write(self, work: Work[T]) -> T:
        if self._errors:
            raise self._errors.pop()
        return await self._inner.write(work)

    async def read(self, work: Work[T]) -> T:
        return await self._inner.read(work)

    async def close(self) -> None:
        await self._inner.close()


class TestRunning:
    """How the loop fills its places."""

    async def test_never_more_jobs_at_once_than_allowed(
        self, services: Services
    ) -> None:
        """Nine due jobs on two places run two by two, and all are done."""
        script = Script()
        script.gate.set()
        jobs = [
            await enqueue(services, await new_tenant(services, str(n)), str(page))
            for n in range(3)
            for page in range(3)
        ]

        async with working(services, script, concurrency=2):
            for job_id in jobs:
                await until_state(services, job_id, "done")

        assert script.most == 2
        assert len(script.ended) == 9

    async def test_new_work_wakes_it_before_the_next_poll(
        self, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What this process enqueues does not wait."""
        monkeypatch.setattr(loop, "_POLL_SECONDS", 3600)
        script = Script()
        script.gate.set()
        tenant = await new_tenant(services)

        async with working(services, script):
            await asyncio.sleep(0.2)
            job_id = await enqueue(services, tenant, "7")
            row = await until_state(services, job_id, "done")

        assert row.outcome == "done"

    async def test_work_of_another_process_is_found_by_polling(
        self, services: Services
    ) -> None:
        """Nobody told this process, and still it looks."""
        script = Script()
        script.gate.set()
        tenant = await new_tenant(services)

        async with working(services, script):
            await asyncio.sleep(0.2)
            job_id = await enqueue(services, tenant, "7")
            services.work_arrived.clear()
            await until_state(services, job_id, "done")

        assert script.ended == [f"{tenant}/7"]

    async def test_one_page_is_never_worked_on_twice_at_once(
        self, services: Services
    ) -> None:
        """An edit during a run waits for its end, then runs."""
        script = Script()
        tenant = await new_tenant(services)
        await enqueue(services, tenant, "7", 1)

        async with working(services, script):
            await until(lambda: len(script.began) == 1)
            second = await enqueue(services, tenant, "7", 2)
            await enqueue(services, tenant, "8", 1)
            await until(lambda: len(script.began) == 2)
            script.gate.set()
            await until_state(services, second, "done")

        assert script.began == [f"{tenant}/{page}" for page in ("7", "8", "7")]
        assert script.most_of_a_page == 1

    async def test_two_workers_share_the_queue_without_overlap(
        self, services: Services
    ) -> None:
        """Each job runs once, and no page twice at once."""
        script = Script()
        script.gate.set()
        tenant = await new_tenant(services)
        jobs = [await enqueue(services, tenant, str(page)) for page in range(12)]

        async with working(services, script), working(services, script):
            for job_id in jobs:
                await until_state(services, job_id, "done")

        assert sorted(script.ended) == sorted(set(script.ended))
        assert script.most_of_a_page == 1


class TestFailing:
    """What becomes of jobs and loop when something breaks."""

    async def test_crash_of_a_task_is_a_dead_letter_and_logged(
        self, services: Services
    ) -> None:
        """An unnamed error is a bug: seen once, not repeated, and told without text."""
        job_id = await enqueue(services, await new_tenant(services), "7")

        with capture_logs() as lines:
            async with working(services, raising(ValueError("text of a page"))):
                row = await until_state(services, job_id, "failed")

        assert (row.attempt, row.last_error) == (1, "unexpected ValueError")
        (line,) = [line for line in lines if line["event"] == "job_crashed"]
        assert (line["log_level"], line["exc_info"]) == ("error", True)

    async def test_job_of_an_unknown_kind_is_a_dead_letter(
        self, services: Services
    ) -> None:
        """A newer release's job does not stop an older worker."""
        job_id = await enqueue(services, await new_tenant(services), "7")
        none: Mapping[JobKind, Task] = {}
        worker = Worker(services, concurrency=1, tasks=none)
        run = asyncio.create_task(worker.run())

        row = await until_state(services, job_id, "failed")
        worker.stop()
        await run

        assert row.last_error == "unexpected KeyError"

    async def test_named_failure_is_settled_by_its_verdict(
        self, services: Services
    ) -> None:
        """A page that is gone is discarded with its reason."""
        job_id = await enqueue(services, await new_tenant(services), "7")

        async with working(services, raising(PageGone())):
            row = await until_state(services, job_id, "discarded")

        assert row.outcome == "gone"

    async def test_rate_limit_of_one_tenant_leaves_the_others_alone(
        self, services: Services
    ) -> None:
        """The paused tenant's job waits unharmed; a neighbour's runs."""
        limited = await new_tenant(services)
        free = await new_tenant(services, "b")

        async def task(services: Services, job: Job) -> Verdict:
            del services
            if job.tenant_id == limited:
                raise RateLimited("confluence", "429", retry_after=timedelta(minutes=5))
            return Done()

        waiting = await enqueue(services, limited, "7")

        async def deferred() -> bool:
            return (await row_of(services, waiting)).deferrals == 1

        async with working(services, task):
            await until(deferred)
            job_id = await enqueue(services, free, "7")
            await until_state(services, job_id, "done")

        row = await row_of(services, waiting)
        assert (row.state, row.attempt, row.deferrals) == ("ready", 0, 1)

    @pytest.mark.parametrize(
        ("error", "event"),
        [
            (Unavailable("database", "gone"), "claim_failed"),
            (ValueError("bug"), "worker_step_crashed"),
        ],
        ids=["database gone", "bug of our own"],
    )
    async def test_failed_claim_does_not_end_the_loop(
        self, database: Database, error: Exception, event: str
    ) -> None:
        """The next poll finds the work."""
        steady = make_services(database)
        job_id = await enqueue(steady, await new_tenant(steady), "7")
        script = Script()
        script.gate.set()
        worker = Worker(
            make_services(FlakyDatabase(database, error)),
            concurrency=1,
            tasks={"label_page": script},
        )

        with capture_logs() as lines:
            # Without the chores, which write as well.
            await worker._safe_step()
            worker.stop()
        async with working(steady, script):
            await until_state(steady, job_id, "done")

        assert event in {line["event"] for line in lines}

    async def test_chore_survives_an_error_without_a_name(
        self, services: Services
    ) -> None:
        """Heartbeats go on after one that crashed: else leases lapse under live jobs."""
        calls: list[int] = []

        async def chore() -> None:
            calls.append(1)
            if len(calls) == 1:
                message = "a bug"
                raise ValueError(message)

        worker = Worker(services, concurrency=1, tasks={})
        every = asyncio.create_task(worker._every(0.01, chore))
        await asyncio.wait([every], timeout=1)
        survived = not every.done()
        every.cancel()
        await asyncio.gather(every, return_exceptions=True)

        assert survived
        assert len(calls) > 1


class TestMetrics:
    """What the loop counts."""

    async def test_settled_jobs_are_counted_by_verdict(
        self, services: Services
    ) -> None:
        """An operator sees how work ends, without an id in the labels."""
        script = Script()
        script.gate.set()
        tenant = await new_tenant(services)
        job_id = await enqueue(services, tenant, "7")

        async with working(services, script):
            await until_state(services, job_id, "done")

        text = services.metrics.render().decode()
        counted: Any = 'confluence_ai_jobs_total{kind="label_page",verdict="done"} 1.0'
        assert counted in text
        assert tenant not in text
