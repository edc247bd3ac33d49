"""Site memories, built from the database and kept while they are true."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain.memory import Lesson, PageMemory, SiteMemory
from app.store.database import Database
from app.store.memory import MemoryStore

#: Following changes may take at most this share of the time between two of them.
_SHARE = 0.05
_TENANTS_KEPT = 32
#: Of all tenants together; a thousand take some nine megabytes.
_PAGES_KEPT = 50_000
#: Pages read at once. More are hardly faster, and what rows take is not given back:
#: with 500 the process keeps twice as much as a big site's memory needs.
_PORTION = 50
#: Before every change.
_NEVER = -1


@dataclass(frozen=True, slots=True)
class _Built:
    memory: SiteMemory
    version: int
    fresh_until: float


@dataclass(frozen=True, slots=True)
class _State:
    version: int
    pages: int


class SiteMemories:
    """One memory a tenant; what has changed in the database is worked into it.

    A big site's memory takes seconds to build once, and milliseconds a changed page
    after that. It may lag behind by twenty times as long as the last change took: a
    label's neighbours are no less near for being a second old.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._built: dict[str, _Built] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def of(self, tenant_id: str) -> SiteMemory:
        """Return the tenant's memory, brought up to date if need be."""
        lock = self._locks.setdefault(tenant_id, asyncio.Lock())
        async with lock:
            known = self._built.get(tenant_id)
            if known is not None and time.monotonic() < known.fresh_until:
                return known.memory
            state = await self._database.read(lambda s: _state(s, tenant_id))
            if known is not None and known.version == state.version:
                return known.memory
            return await self._follow(tenant_id, known, state)

    async def _follow(
        self, tenant_id: str, known: _Built | None, state: _State
    ) -> SiteMemory:
        began = time.monotonic()
        memory = None
        # A version that went back tells of another database than the one we knew.
        if known is not None and known.version < state.version:
            memory = await self._changed(tenant_id, known.memory, known.version)
        # Fewer pages than there were: rows came in past us. All is read anew.
        if memory is None or len(memory.traces) < state.pages:
            memory = await self._changed(tenant_id, SiteMemory.build(()), _NEVER)
        now = time.monotonic()
        self._make_room(tenant_id, len(memory.traces))
        self._built[tenant_id] = _Built(
            memory, state.version, now + (now - began) / _SHARE
        )
        return memory

    async def _changed(
        self, tenant_id: str, memory: SiteMemory, since: int
    ) -> SiteMemory:
        """Work in what changed after `since`; newer changes do no harm, twice nor."""
        lesson = Lesson(memory)
        if since != _NEVER:
            gone = await self._database.read(
                lambda s: MemoryStore(s).forgotten(tenant_id, since=since)
            )
            await asyncio.to_thread(_forget, lesson, gone)
        after: str | None = ""
        while after is not None:
            pages = await self._portion(tenant_id, since, after)
            await asyncio.to_thread(_learn, lesson, pages)
            after = pages[-1].page_id if len(pages) == _PORTION else None
        return await asyncio.to_thread(lesson.memory)

    async def _portion(
        self, tenant_id: str, since: int, after: str
    ) -> list[PageMemory]:
        return await self._database.read(
            lambda s: MemoryStore(s).load(
                tenant_id, since=since, after=after, limit=_PORTION
            )
        )

    def _make_room(self, tenant_id: str, pages: int) -> None:
        # Least recently changed goes first: a process serves few tenants at a time.
        self._built.pop(tenant_id, None)
        while self._built and (
            len(self._built) >= _TENANTS_KEPT or self._held() + pages > _PAGES_KEPT
        ):
            oldest = next(iter(self._built))
            del self._built[oldest]
            self._locks.pop(oldest, None)

    def _held(self) -> int:
        return sum(len(one.memory.traces) for one in self._built.values())


def _state(session: Session, tenant_id: str) -> _State:
    store = MemoryStore(session)
    return _State(version=store.version(tenant_id), pages=store.readable(tenant_id))


def _forget(lesson: Lesson, page_ids: list[str]) -> None:
    for page_id in page_ids:
        lesson.forget(page_id)


def _learn(lesson: Lesson, pages: list[PageMemory]) -> None:
    for page in pages:
        lesson.learn(page)
