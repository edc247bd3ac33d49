"""Site memories, built from the database and kept while they are true."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from app.domain.memory import SiteMemory
from app.store.database import Database
from app.store.memory import MemoryStore

#: A rebuild may take at most this share of the time between two of them.
_REBUILD_SHARE = 0.05
_TENANTS_KEPT = 32


@dataclass(frozen=True, slots=True)
class _Built:
    memory: SiteMemory
    version: int
    fresh_until: float


class SiteMemories:
    """One memory a tenant, rebuilt when the tenant's pages changed.

    A big site's memory takes seconds to build, so it may lag behind by twenty times
    that: a label's neighbours are no less near for being a minute old.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._built: dict[str, _Built] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def of(self, tenant_id: str) -> SiteMemory:
        """Return the tenant's memory, rebuilding it if it is out of date."""
        lock = self._locks.setdefault(tenant_id, asyncio.Lock())
        async with lock:
            known = self._built.get(tenant_id)
            if known is not None and time.monotonic() < known.fresh_until:
                return known.memory
            version = await self._database.read(
                lambda s: MemoryStore(s).version(tenant_id)
            )
            if known is not None and known.version == version:
                return known.memory
            return await self._rebuild(tenant_id, version)

    async def _rebuild(self, tenant_id: str, version: int) -> SiteMemory:
        began = time.monotonic()
        pages = await self._database.read(lambda s: MemoryStore(s).load(tenant_id))
        memory = await asyncio.to_thread(SiteMemory.build, pages)
        took = time.monotonic() - began
        # Least recently built goes first: a process serves few tenants at a time.
        self._built.pop(tenant_id, None)
        if len(self._built) >= _TENANTS_KEPT:
            oldest = next(iter(self._built))
            del self._built[oldest]
            self._locks.pop(oldest, None)
        self._built[tenant_id] = _Built(
            memory, version, time.monotonic() + took / _REBUILD_SHARE
        )
        return memory
