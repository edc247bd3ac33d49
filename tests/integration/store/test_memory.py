"""Tests for app.store.memory and app.usecases.memories on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.domain.memory import PageMemory
from app.store.database import Database, Work
from app.store.memory import MemoryStore
from app.usecases.memories import SiteMemories
from tests.integration.store.stored import new_tenant

pytestmark = pytest.mark.anyio


def page(page_id: str = "7", **changes: Any) -> PageMemory:
    fields: dict[str, Any] = {
        "page_id": page_id,
        "parent_id": None,
        "space_id": "100",
        "language": "uk",
        "weights": {"договір": 3.0, "оренд": 1.5},
        "labels": frozenset({"дизайн"}),
        "title": "Договір",
    }
    return PageMemory(**(fields | changes))


async def keep(database: Database, tenant: str, *memories: PageMemory) -> None:
    def work(session: Session) -> None:
        for memory in memories:
            MemoryStore(session).keep(tenant, memory, page_version=1)

    await database.write(work)


async def load(database: Database, tenant: str) -> list[PageMemory]:
    return await database.read(lambda s: MemoryStore(s).load(tenant))


async def version(database: Database, tenant: str) -> int:
    return await database.read(lambda s: MemoryStore(s).version(tenant))


class TestKeep:
    """Tests for app.store.memory.MemoryStore.keep() and load()."""

    async def test_page_comes_back_as_it_was_kept(self, database: Database) -> None:
        """Weights, labels and all."""
        tenant = await new_tenant(database)

        await keep(database, tenant, page(parent_id="1"))

        assert await load(database, tenant) == [page(parent_id="1")]

    async def test_page_kept_again_replaces_itself(self, database: Database) -> None:
        """One memory a page."""
        tenant = await new_tenant(database)
        await keep(database, tenant, page())

        await keep(database, tenant, page(title="Нова назва", labels=frozenset()))

        (kept,) = await load(database, tenant)
        assert (kept.title, kept.labels) == ("Нова назва", frozenset())

    async def test_weights_are_kept_to_three_places(self, database: Database) -> None:
        """Rows stay small."""
        tenant = await new_tenant(database)

        await keep(database, tenant, page(weights={"a": 1 / 3}))

        (kept,) = await load(database, tenant)
        assert kept.weights == {"a": 0.333}

    async def test_tenants_have_memories_of_their_own(self, database: Database) -> None:
        """Nobody learns from a neighbour's pages."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")

        await keep(database, tenant, page())

        assert await load(database, other) == []
        assert await version(database, other) == 0

    async def test_counts_and_ids_are_by_tenant_and_space(
        self, database: Database
    ) -> None:
        """What is gone from a space is found by them."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await keep(database, tenant, page("1"), page("2"), page("3", space_id="200"))
        await keep(database, other, page("4"))

        def work(session: Session) -> tuple[int, set[str], int]:
            store = MemoryStore(session)
            return (
                store.count(tenant),
                store.page_ids(tenant, "100"),
                store.count("nobody"),
            )

        assert await database.read(work) == (3, {"1", "2"}, 0)


class TestChange:
    """Tests for change_label() and forget()."""

    async def test_person_s_label_is_followed(self, database: Database) -> None:
        """Put on, put on again, taken off, taken off again."""
        tenant = await new_tenant(database)
        await keep(database, tenant, page(labels=frozenset({"a"})))
        seen = []

        for label, present in (("б", True), ("б", True), ("a", False), ("a", False)):
            await database.write(
                lambda s, name=label, on=present: MemoryStore(s).change_label(  # type: ignore[misc]
                    tenant, "7", name, present=on
                )
            )
            seen.append(set((await load(database, tenant))[0].labels))

        assert seen == [{"a", "б"}, {"a", "б"}, {"б"}, {"б"}]

    async def test_label_of_a_page_never_seen_is_nobody_s_business(
        self, database: Database
    ) -> None:
        """Events may come before the page was read."""
        tenant = await new_tenant(database)

        await database.write(
            lambda s: MemoryStore(s).change_label(tenant, "7", "a", present=True)
        )

        assert await load(database, tenant) == []

    async def test_forgotten_pages_are_gone_and_others_stay(
        self, database: Database
    ) -> None:
        """The same page id of another tenant stays too."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await keep(database, tenant, page("1"), page("2"))
        await keep(database, other, page("1"))

        await database.write(lambda s: MemoryStore(s).forget(tenant, ["1", "99"]))

        assert [one.page_id for one in await load(database, tenant)] == ["2"]
        assert len(await load(database, other)) == 1

    async def test_version_grows_with_every_change(self, database: Database) -> None:
        """A cache knows by it when to rebuild."""
        tenant = await new_tenant(database)
        versions = [await version(database, tenant)]

        await keep(database, tenant, page())
        versions.append(await version(database, tenant))
        await database.write(
            lambda s: MemoryStore(s).change_label(tenant, "7", "x", present=True)
        )
        versions.append(await version(database, tenant))
        await database.write(lambda s: MemoryStore(s).forget(tenant, ["7"]))
        versions.append(await version(database, tenant))

        assert versions == sorted(set(versions))

    async def test_version_of_nobody_is_nought(self, database: Database) -> None:
        """Asking for a tenant that is gone is no error."""
        assert await version(database, "nobody") == 0


class CountingDatabase:
    """Passes work on and counts the reads."""

    dialect = "any"

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.reads = 0

    async def write(self, work: Work[Any]) -> Any:
        return await self._inner.write(work)

    async def read(self, work: Work[Any]) -> Any:
        self.reads += 1
        return await self._inner.read(work)

    async def close(self) -> None:
        await self._inner.close()


class TestSiteMemories:
    """Tests for app.usecases.memories.SiteMemories.of()."""

    async def test_unchanged_memory_is_built_once(self, database: Database) -> None:
        """However many ask at once."""
        tenant = await new_tenant(database)
        await keep(database, tenant, page())
        counting = CountingDatabase(database)
        memories = SiteMemories(counting)

        found = await asyncio.gather(*(memories.of(tenant) for _ in range(10)))
        await asyncio.sleep(0.2)
        later = await memories.of(tenant)

        assert all(one is later for one in found)
        # One load; versions are asked for anew once the copy is no longer fresh.
        assert counting.reads <= 3

    async def test_changed_memory_is_rebuilt(self, database: Database) -> None:
        """Soon after, not at once: a rebuild may cost seconds."""
        tenant = await new_tenant(database)
        memories = SiteMemories(database)
        before = await memories.of(tenant)

        await keep(database, tenant, page())
        after = before
        for _ in range(100):
            after = await memories.of(tenant)
            if after is not before:
                break
            await asyncio.sleep(0.05)

        assert dict(before.counts) == {}
        assert dict(after.counts) == {"дизайн": 1}

    async def test_many_tenants_do_not_mix(self, database: Database) -> None:
        """More than are kept: the oldest is built again, and is still its own."""
        tenants = [await new_tenant(database, str(n)) for n in range(35)]
        for number, tenant in enumerate(tenants):
            await keep(database, tenant, page(labels=frozenset({f"l{number}"})))
        memories = SiteMemories(database)

        found = [await memories.of(tenant) for tenant in [*tenants, *tenants[:3]]]

        names = [next(iter(one.counts)) for one in found]
        assert names == [f"l{n}" for n in [*range(35), 0, 1, 2]]
        assert len(memories._built) <= 32
