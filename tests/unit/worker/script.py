"""A scripted task, and what tests of the loop arrange and wait for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.orm import Session

from app.domain.jobs import Done, Job, Verdict
from app.store.jobs import JobStore
from app.store.tables import JobRow
from app.store.tenants import TenantStore
from app.usecases.services import Services
from app.worker.loop import Worker
from app.worker.tasks import Task

T = TypeVar("T")
PATIENCE = 15.0


@dataclass
class Script:
    """A task that notes who runs, and waits until it is let go.

    Attributes:
        gate: Closed until set; open from the start unless `held`.
        most: The most that ever ran at once, in all and for one page.
    """

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    began: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    active: Counter[str] = field(default_factory=Counter)
    most: int = 0
    most_of_a_page: int = 0

    async def __call__(self, services: Services, job: Job) -> Verdict:
        del services
        page = f"{job.tenant_id}/{job.payload['page_id']}"
        self.began.append(page)
        self.active[page] += 1
        self.most = max(self.most, self.active.total())
        self.most_of_a_page = max(self.most_of_a_page, self.active[page])
        try:
            await self.gate.wait()
            # Room for an overlap to show itself.
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled.append(page)
            raise
        finally:
            self.active[page] -= 1
        self.ended.append(page)
        return Done()


async def new_tenant(services: Services, name: str = "a") -> str:
    tenant = await services.database.write(
        lambda s: TenantStore(s).create(site_url=f"https://{name}.atlassian.net")
    )
    return tenant.id


async def enqueue(services: Services, tenant: str, page: str, version: int = 1) -> int:
    """Enqueue as the web does: the worker is told."""
    made = await services.database.write(
        lambda s: JobStore(s).enqueue(
            tenant, "label_page", page, payload={"page_id": page}, version=version
        )
    )
    services.work_arrived.set()
    return made.job_id


async def row_of(services: Services, job_id: int) -> JobRow:
    def read(session: Session) -> JobRow:
        row = session.get_one(JobRow, job_id)
        session.expunge(row)
        return row

    return await services.database.read(read)


async def until(question: Callable[[], Awaitable[bool] | bool]) -> None:
    """Wait until the answer is yes."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = question()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.01)


async def until_state(services: Services, job_id: int, state: str) -> JobRow:
    async def reached() -> bool:
        return (await row_of(services, job_id)).state == state

    await until(reached)
    return await row_of(services, job_id)


@asynccontextmanager
async def working(
    services: Services, task: Task, *, concurrency: int = 4
) -> AsyncIterator[Worker]:
    worker = Worker(services, concurrency=concurrency, tasks={"label_page": task})
    run = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        async with asyncio.timeout(PATIENCE):
            await run


def raising(error: Exception) -> Task:
    async def task(services: Services, job: Job) -> Verdict:
        del services, job
        raise error

    return task
