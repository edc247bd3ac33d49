"""Walks a site once and remembers its pages and the labels that people put there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

import structlog
from sqlalchemy.orm import Session

from app.domain.jobs import Done, Job
from app.domain.languages import detect
from app.domain.memory import PageMemory
from app.domain.pages import Page, PageText, Space
from app.domain.stems import weigh
from app.domain.vocabulary.terms import fold
from app.errors import WorkObsolete
from app.store.database import Database
from app.store.findings import forget_findings
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.store.plan_items import ItemFilter, PlanItemStore
from app.store.policies import PolicyStore
from app.usecases.batches import batched
from app.usecases.closed_pages import secret_pages
from app.usecases.notice_edits import Sight, notice_edits
from app.usecases.ports import Confluence
from app.usecases.services import Services
from app.usecases.site import open_site
from app.usecases.vocabularies import seed, vocabulary_of

log = structlog.get_logger("app")

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
    policy = await database.read(lambda s: PolicyStore(s).policy(tenant_id, space.id))
    standing = await _labels(confluence, space.id)
    seen: set[str] = set()
    if not policy.never_send:
        labels = await _of_people(database, tenant_id, standing)
        secret = await secret_pages(services, confluence, tenant_id, space.id, policy)
        pages = (
            page
            async for page in confluence.space_pages(space.id)
            if page.id not in secret
        )
        seen = await _learn_pages(services, tenant_id, pages, labels)
    if gone := known - seen:
        await database.write(lambda s: _forget(s, tenant_id, gone))
    await _catch_up(services, confluence, tenant_id, space.id, standing)
    await database.write(lambda s: PolicyStore(s).space_learned(tenant_id, space.id))
    return len(seen)


async def _learn_pages(
    services: Services,
    tenant_id: str,
    pages: AsyncIterator[Page],
    labels: Mapping[str, set[str]],
) -> set[str]:
    """Remember pages; return their ids."""
    seen: set[str] = set()
    async for batch in batched(pages, _BATCH):
        memories = await asyncio.to_thread(_remember_all, services, batch, labels)
        keep = partial(_keep, tenant_id=tenant_id, memories=memories)
        await services.database.write(keep)
        seen.update(page.id for page in batch)
    return seen


async def _catch_up(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    space_id: str,
    standing: Mapping[str, set[str]],
) -> None:
    """Learn what people did to labels of ours while no event told of it.

    The lists only say where to look: what counts is the page as it is read then.
    """
    suspects = await services.database.read(
        lambda s: _suspects(s, services, tenant_id, space_id, standing)
    )
    for page_id in sorted(suspects):
        read_at = services.now()
        try:
            page = await confluence.get_page(page_id)
        except WorkObsolete:
            continue
        vocabulary = await vocabulary_of(services, tenant_id, page.space_id)
        sight = Sight(
            page_id=page_id,
            space_id=page.space_id,
            labels={one.name for one in page.labels or () if one.prefix == "global"},
            vocabulary=vocabulary,
            age=services.now() - read_at,
        )
        await services.database.write(
            partial(_notice, services, tenant_id=tenant_id, sight=sight)
        )


def _notice(
    services: Services, session: Session, *, tenant_id: str, sight: Sight
) -> None:
    notice_edits(session, services.cipher, tenant_id, sight)


def _suspects(
    session: Session,
    services: Services,
    tenant_id: str,
    space_id: str,
    standing: Mapping[str, set[str]],
) -> set[str]:
    """Return pages of a space where labels and what we know of them do not agree."""
    found = {
        page_id
        for page_id, states in LedgerStore(session).states(tenant_id).items()
        for label, state in states.items()
        if state == ("withdrawn" if label in standing.get(page_id, ()) else "written")
    }
    which = ItemFilter(space_id=space_id, kinds=["label_add"], states=["waiting"])
    for one in PlanItemStore(session, services.cipher).items(tenant_id, which):
        page_id = one.item.change.page_id or ""
        if fold(one.item.change.value) in map(fold, standing.get(page_id, ())):
            found.add(page_id)
    return found & MemoryStore(session).page_ids(tenant_id, space_id)


def _forget(session: Session, tenant_id: str, page_ids: set[str]) -> None:
    MemoryStore(session).forget(tenant_id, page_ids)
    forget_findings(session, tenant_id, page_ids)


async def human_labels(
    database: Database, confluence: Confluence, tenant_id: str, space_id: str
) -> Mapping[str, set[str]]:
    """Return page id -> labels that people put there.

    What stands in our ledger is left out: a ranker that learns from its own answers
    grows sure of its mistakes.
    """
    return await _of_people(database, tenant_id, await _labels(confluence, space_id))


async def _labels(confluence: Confluence, space_id: str) -> Mapping[str, set[str]]:
    """Return page id -> labels, whoever put them there."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    async for label in confluence.space_labels(space_id):
        if label.prefix != "global":
            continue
        async for page_id in confluence.label_page_ids(label.id):
            found[page_id].add(label.name)
    return found


async def _of_people(
    database: Database, tenant_id: str, labels: Mapping[str, set[str]]
) -> Mapping[str, set[str]]:
    ours = await database.read(lambda s: LedgerStore(s).all_labels(tenant_id))
    people = {
        page_id: {name for name in names if (page_id, name) not in ours}
        for page_id, names in labels.items()
    }
    return {page_id: names for page_id, names in people.items() if names}


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
