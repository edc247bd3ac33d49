"""Tests for app.worker.loop: leases, and the end of the loop."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from app.store.base import db_time
from app.store.jobs import JobStore
from app.store.tables import JobRow
from app.usecases.services import Services
from app.worker import loop
from app.worker.loop import running_worker
from tests.unit.worker.script import (
    Script,
    enqueue,
    new_tenant,
    row_of,
    until,
    until_state,
    working,
)

pytestmark = pytest.mark.anyio


class TestLease:
    """Leases bind a job to its worker."""

    async def test_job_whose_lease_is_lost_is_stopped(self, services: Services) -> None:
        """Another worker has it by now: ours ends at its next heartbeat."""
        script = Script()
        job_id = await enqueue(services, await new_tenant(services), "7")

        async with working(services, script) as worker:
            await until(lambda: len(script.began) == 1)
            await services.database.write(
                lambda s: s.execute(
                    sa.update(JobRow)
                    .where(JobRow.id == job_id)
                    .values(lease_token="another worker's")
                )
            )
            await worker._heartbeat()
            await until(lambda: len(script.cancelled) == 1)

        row = await row_of(services, job_id)
        assert (row.state, row.lease_token) == ("running", "another worker's")
        assert script.ended == []

    async def test_job_that_cannot_be_renewed_is_stopped_in_time(
        self, services: Services
    ) -> None:
        """Before its lease lapses and another worker writes too, ours lets go."""
        script = Script()
        await enqueue(services, await new_tenant(services), "7")

        async with working(services, script) as worker:
            await until(lambda: len(script.began) == 1)
            (running,) = worker._running.values()
            worker._stop_unrenewed([running])
            in_time = list(script.cancelled)
            running.renewed_at -= loop._UNRENEWED_SECONDS + 1
            worker._stop_unrenewed([running])
            await until(lambda: len(script.cancelled) == 1)

        assert in_time == []

    async def test_lapsed_job_that_comes_back_counts_anew(
        self, services: Services
    ) -> None:
        """The end of the first run does not hide the second from its heartbeat."""
        script = Script()
        job_id = await enqueue(services, await new_tenant(services), "7")

        async with working(services, script) as worker:
            await until(lambda: len(script.began) == 1)
            await services.database.write(
                lambda s: s.execute(
                    sa.update(JobRow)
                    .where(JobRow.id == job_id)
                    .values(leased_until=db_time(timedelta(seconds=-1)))
                )
            )
            await worker._rescue()
            await until(lambda: len(script.began) == 2)
            await worker._heartbeat()
            await until(lambda: len(script.cancelled) == 1)

            counted = len(worker._running)
            script.gate.set()

        assert counted == 1

    async def test_heartbeat_keeps_a_long_job(self, services: Services) -> None:
        """A job that still runs is not stopped, and its lease is renewed."""
        script = Script()
        job_id = await enqueue(services, await new_tenant(services), "7")

        async with working(services, script) as worker:
            await until(lambda: len(script.began) == 1)
            await services.database.write(
                lambda s: s.execute(
                    sa.update(JobRow)
                    .where(JobRow.id == job_id)
                    .values(leased_until=db_time(timedelta(seconds=1)))
                )
            )
            before = (await row_of(services, job_id)).leased_until
            await worker._heartbeat()
            after = (await row_of(services, job_id)).leased_until
            script.gate.set()
            await until_state(services, job_id, "done")

        assert before is not None
        assert after is not None
        assert after > before + timedelta(seconds=30)
        assert script.cancelled == []

    async def test_job_of_a_dead_worker_is_run_again(self, services: Services) -> None:
        """A lapsed lease is found at the start, and its job runs to the end."""
        job_id = await enqueue(services, await new_tenant(services), "7")
        await services.database.write(
            lambda s: JobStore(s).claim(limit=1, lease=timedelta(seconds=-1))
        )
        script = Script()
        script.gate.set()

        async with working(services, script):
            row = await until_state(services, job_id, "done")

        assert row.attempt == 2


class TestStopping:
    """How the loop ends."""

    async def test_stop_lets_running_jobs_finish_and_claims_no_more(
        self, services: Services
    ) -> None:
        """Drained in good order: what ran is done, what waited still waits."""
        script = Script()
        tenant = await new_tenant(services)
        first = await enqueue(services, tenant, "1")

        async with working(services, script, concurrency=1) as worker:
            await until(lambda: len(script.began) == 1)
            second = await enqueue(services, tenant, "2")
            worker.stop()
            script.gate.set()

        assert (await row_of(services, first)).state == "done"
        assert (await row_of(services, second)).state == "ready"

    async def test_idle_worker_stops_at_once(
        self, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody waits for the end of a poll."""
        monkeypatch.setattr(loop, "_POLL_SECONDS", 3600)

        async with working(services, Script()):
            await asyncio.sleep(0.1)

    async def test_job_that_outlives_the_grace_is_handed_back_unharmed(
        self, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is ready for the next process at once, with its attempt given back."""
        monkeypatch.setattr(loop, "GRACE_SECONDS", 0.05)
        script = Script()
        job_id = await enqueue(services, await new_tenant(services), "7")

        async with working(services, script):
            await until(lambda: len(script.began) == 1)

        row = await row_of(services, job_id)
        assert len(script.cancelled) == 1
        assert (row.state, row.attempt, row.deferrals) == ("ready", 0, 1)

    async def test_worker_beside_a_web_app_ends_with_it(
        self, services: Services
    ) -> None:
        """The context manager returns once the worker is drained."""
        with capture_logs() as lines:
            async with running_worker(services, concurrency=2):
                await asyncio.sleep(0.05)

        events = [line["event"] for line in lines]
        assert events == ["worker_started", "worker_stopped"]
