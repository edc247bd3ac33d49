"""Walks a site once and remembers its pages and the labels that people put there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from app.domain.jobs import Done, Job
from app.domain.languages import detect
from app.domain.memory import PageMemory
from app.domain.pages import Page, PageText, Space
from app.domain.stems import weigh
from app.store.database import Database
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.usecases.ports import Confluence
from app.usecases.services import Services
from app.usecases.site import open_site
from app.usecases.vocabularies import seed

log = structlog.get_logger("app")
T = TypeVar("T")

#: Pages written in one transaction: small enough that events need not wait.
_BATCH = 20


async def learn_site(services: Services, job: Job) -> Done:
    """Remember every page that the app may read; forget those that are gone.

    A walk that is interrupted goes on with the space it had not finished.
    Costs about one point a page plus one a label and page that carries it.
    """
    tenant_id = job.tenant_id
    pages = 0
    async with open_site(services, tenant_id) as (confluence, _, _):
        done = await services.database.read(
            lambda s: PolicyStore(s).learned_spaces(tenant_id)
        )
        async for space in confluence.spaces():
            if space.id in done:
                continue
            pages += await _learn_space(services, confluence, tenant_id, space)
        points = confluence.meter.points
    await services.database.write(lambda s: seed(s, tenant_id))
    services.metrics.points.inc(points)
    log.info("site_learned", tenant=tenant_id, pages=pages, points=points)
    return Done(outcome="learned")


async def _learn_space(
    services: Services, confluence: Confluence, tenant_id: str, space: Space
) -> int:
    database = services.database
    await database.write(lambda s: PolicyStore(s).keep_space(tenant_id, space))
    known = await database.read(lambda s: MemoryStore(s).page_ids(tenant_id, space.id))
    labels = await human_labels(database, confluence, tenant_id, space.id)
    seen: set[str] = set()
    async for batch in _batched(confluence.space_pages(space.id), _BATCH):
        memories = await asyncio.to_thread(_remember_all, services, batch, labels)
        await database.write(partial(_keep, tenant_id=tenant_id, memories=memories))
        seen.update(page.id for page in batch)
    if gone := known - seen:
        await database.write(lambda s: MemoryStore(s).forget(tenant_id, gone))
    await database.write(lambda s: PolicyStore(s).space_learned(tenant_id, space.id))
    return len(seen)


async def human_labels(
    database: Database, confluence: Confluence, tenant_id: str, space_id: str
) -> Mapping[str, set[str]]:
    """Return page id -> labels that people put there.

    What stands in our ledger is left out: a ranker that learns from its own answers
    grows sure of its mistakes.
    """
    ours = await database.read(lambda s: LedgerStore(s).all_labels(tenant_id))
    found: defaultdict[str, set[str]] = defaultdict(set)
    async for label in confluence.space_labels(space_id):
        if label.prefix != "global":
            continue
        async for page_id in confluence.label_page_ids(label.id):
            if (page_id, label.name) not in ours:
                found[page_id].add(label.name)
    return found


def remember(page: Page, text: PageText, labels: set[str]) -> PageMemory:
    """Return what the ranker keeps of a page."""
    return PageMemory(
        page_id=page.id,
        parent_id=page.parent_id,
        space_id=page.space_id,
        language=detect(f"{text.title}\n{text.text}"),
        weights=weigh(text),
        labels=frozenset(labels),
        # The cleaned title: the raw one may hold what a database refuses.
        title=text.title,
    )


def _remember_all(
    services: Services, pages: Sequence[Page], labels: Mapping[str, set[str]]
) -> list[tuple[PageMemory, int]]:
    return [
        (
            remember(page, services.read_page(page), labels.get(page.id, set())),
            page.version,
        )
        for page in pages
    ]


def _keep(
    session: Session, *, tenant_id: str, memories: Sequence[tuple[PageMemory, int]]
) -> None:
    store = MemoryStore(session)
    for memory, version in memories:
        store.keep(tenant_id, memory, page_version=version)


async def _batched(source: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for item in source:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
