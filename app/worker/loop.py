"""The worker: leases jobs, runs them side by side, settles each, stops in good order."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from app.domain.jobs import Failed, Job, JobKind, Verdict
from app.errors import AppError, RemoteError
from app.usecases.budgets import wake_where_money_is
from app.usecases.relearn import relearn_outdated
from app.usecases.services import Services
from app.usecases.settle_job import (
    LEASE,
    claim_jobs,
    hasten_provider_waits,
    keep_jobs,
    release_job,
    rescue_jobs,
    settle_job,
    sweep,
)
from app.usecases.sweep_receipts import sweep_receipts
from app.worker.retry import verdict_of
from app.worker.tasks import TASKS, Task

log = structlog.get_logger("app")

_POLL_SECONDS = 1.0
_HEARTBEAT_SECONDS = LEASE.total_seconds() / 6
_RESCUE_SECONDS = 10.0
_SWEEP_SECONDS = 300.0
_RELEARN_SECONDS = 3600.0
_MONEY_SECONDS = 900.0
#: How long running jobs may take to finish once the process is told to stop.
GRACE_SECONDS = 20.0


#: A job that was not renewed for this long stops: its lease is about to lapse.
_UNRENEWED_SECONDS = LEASE.total_seconds() * 5 / 6


@dataclass(slots=True)
class _Running:
    job: Job
    task: asyncio.Task[None]
    #: When the lease was last known to be ours, by the monotonic clock.
    renewed_at: float


class Worker:
    """Runs jobs until it is told to stop; `kill -9` is answered by leases."""

    def __init__(
        self,
        services: Services,
        *,
        concurrency: int,
        tasks: Mapping[JobKind, Task] = TASKS,
    ) -> None:
        self._services = services
        self._concurrency = concurrency
        self._tasks = tasks
        # A claim, not a job, is the key: a job that lapsed may come back to us.
        self._running: dict[str, _Running] = {}
        self._freed = asyncio.Event()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when running jobs are finished or back."""
        self._stopping.set()
        self._freed.set()
        self._services.work_arrived.set()

    async def run(self) -> None:
        """Work until `stop`; then drain."""
        log.info("worker_started", concurrency=self._concurrency)
        await self._welcome()
        chores = [
            asyncio.create_task(self._every(_HEARTBEAT_SECONDS, self._heartbeat)),
            asyncio.create_task(self._every(_RESCUE_SECONDS, self._rescue)),
            asyncio.create_task(self._every(_SWEEP_SECONDS, self._sweep)),
            asyncio.create_task(self._every(_RELEARN_SECONDS, self._relearn)),
            asyncio.create_task(self._every(_MONEY_SECONDS, self._wake)),
        ]
        try:
            while not self._stopping.is_set():
                await self._safe_step()
            await self._drain()
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
        log.info("worker_stopped")

    async def _safe_step(self) -> None:
        """Survive a bug of our own: a web process must not lose its worker quietly."""
        try:
            await self._step()
        except Exception:
            log.exception("worker_step_crashed")
            await asyncio.sleep(_POLL_SECONDS)

    async def _step(self) -> None:
        """Fill the free places, else wait for a place, news or the next poll."""
        free = self._concurrency - len(self._running)
        if free == 0:
            self._freed.clear()
            await self._freed.wait()
            return
        # Cleared before looking: what arrives while we look sets it again.
        self._services.work_arrived.clear()
        try:
            jobs = await claim_jobs(self._services.database, limit=free)
        except RemoteError as error:
            log.warning("claim_failed", error=str(error))
            jobs = []
        for job in jobs:
            self._start(job)
        if not jobs:
            await self._idle()

    def _start(self, job: Job) -> None:
        task = asyncio.create_task(self._work(job), name=f"job-{job.id}")
        self._running[_claim_of(job)] = _Running(job, task, time.monotonic())
        task.add_done_callback(lambda _: self._end(job))

    def _end(self, job: Job) -> None:
        self._running.pop(_claim_of(job), None)
        self._freed.set()
        # The page's next job, if one waits, may start now.
        self._services.work_arrived.set()

    async def _idle(self) -> None:
        pause = _POLL_SECONDS * random.uniform(0.7, 1.3)  # noqa: S311 - spreads load
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._services.work_arrived.wait()

    async def _work(self, job: Job) -> None:
        structlog.contextvars.bind_contextvars(job=job.id, job_kind=job.kind)
        metrics = self._services.metrics
        metrics.job_wait_seconds.labels(job.kind).observe(job.waited.total_seconds())
        began = time.monotonic()
        verdict = await self._verdict(job)
        metrics.job_seconds.labels(job.kind).observe(time.monotonic() - began)
        metrics.jobs.labels(job.kind, type(verdict).__name__.lower()).inc()
        # An outcome that is known must not be lost to a cancellation.
        await asyncio.shield(self._settle(job, verdict))

    async def _verdict(self, job: Job) -> Verdict:
        try:
            return await self._tasks[job.kind](self._services, job)
        except AppError as error:
            return verdict_of(error, job)
        except Exception as error:
            log.exception("job_crashed", tenant=job.tenant_id)
            return Failed(error=f"unexpected {type(error).__name__}")

    async def _settle(self, job: Job, verdict: Verdict) -> None:
        try:
            kept = await settle_job(self._services.database, job, verdict)
        except RemoteError as error:
            # The lease lapses and the job runs again: that is what it is for.
            log.warning("settle_failed", error=str(error))
            return
        except Exception:
            log.exception("settle_crashed")
            return
        event = "job_settled" if kept else "job_lease_lost"
        log.info(
            event,
            tenant=job.tenant_id,
            attempt=job.attempt,
            verdict=type(verdict).__name__.lower(),
            reason=getattr(verdict, "error", None)
            or getattr(verdict, "reason", None)
            or getattr(verdict, "outcome", None),
        )

    async def _heartbeat(self) -> None:
        """Renew leases; a job that is no longer ours is stopped at once."""
        running = list(self._running.values())
        if not running:
            return
        began = time.monotonic()
        try:
            kept = await keep_jobs(
                self._services.database, [one.job for one in running]
            )
        except RemoteError:
            self._stop_unrenewed(running)
            raise
        for one in running:
            if (one.job.id, one.job.lease_token) in kept:
                one.renewed_at = began
            else:
                self._lose(one)

    def _stop_unrenewed(self, running: Sequence[_Running]) -> None:
        """Stop what another worker may take over any moment: two must not write."""
        oldest = time.monotonic() - _UNRENEWED_SECONDS
        for one in running:
            if one.renewed_at < oldest:
                self._lose(one)

    def _lose(self, one: _Running) -> None:
        if not one.task.done():
            log.warning("job_lease_lost", job=one.job.id)
            one.task.cancel()

    async def _rescue(self) -> None:
        if rescued := await rescue_jobs(self._services.database):
            log.warning("jobs_rescued", count=rescued)
            self._services.work_arrived.set()

    async def _sweep(self) -> None:
        more = True
        while more:
            more = await sweep(self._services.database)
        await sweep_receipts(self._services.database, self._services.cipher)

    async def _welcome(self) -> None:
        """Look anew at what waits for an AI provider: the operator may have acted."""
        try:
            await hasten_provider_waits(self._services.database)
        except RemoteError as error:
            log.warning("waits_not_hastened", error=str(error))

    async def _relearn(self) -> None:
        await relearn_outdated(self._services)

    async def _wake(self) -> None:
        if woken := await wake_where_money_is(self._services):
            log.info("money_left", pages=woken)

    async def _every(
        self, seconds: float, chore: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            try:
                await chore()
            except RemoteError as error:
                log.warning("chore_failed", error=str(error))
            except Exception:
                # A chore that ends would be missed only when it is too late.
                log.exception("chore_crashed")
            await asyncio.sleep(seconds * random.uniform(0.9, 1.1))  # noqa: S311

    async def _drain(self) -> None:
        tasks = [one.task for one in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        for one in list(self._running.values()):
            if one.task.done():
                continue
            one.task.cancel()
            await asyncio.gather(one.task, return_exceptions=True)
            with contextlib.suppress(RemoteError):
                await release_job(self._services.database, one.job)


def _claim_of(job: Job) -> str:
    return f"{job.id}:{job.lease_token}"


@contextlib.asynccontextmanager
async def running_worker(
    services: Services, *, concurrency: int
) -> AsyncIterator[Worker]:
    """Run a worker beside something else, and drain it at the end."""
    worker = Worker(services, concurrency=concurrency)
    task = asyncio.create_task(worker.run(), name="worker")
    try:
        yield worker
    finally:
        worker.stop()
        await task
