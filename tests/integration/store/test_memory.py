"""Tests for app.store.memory and app.usecases.memories on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from typing_extensions import override

from app.domain.memory import PageMemory, SiteMemory
from app.domain.pages import Space
from app.store.database import Database, Work
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.store.tables import PageMemoryRow, SpaceRow, TenantRow
from app.store.tenants import TenantStore
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


class TestSince:
    """Tests for load(since=...), forgotten() and what older stems left behind."""

    async def test_only_what_changed_since_comes_back(self, database: Database) -> None:
        """Kept again, labelled, or new: each is told once; the rest stays unread."""
        tenant = await new_tenant(database)
        await keep(database, tenant, page("1"), page("2"), page("3"))
        seen = await version(database, tenant)

        await keep(database, tenant, page("2", title="Нова"), page("4"))
        await database.write(
            lambda s: MemoryStore(s).change_label(tenant, "3", "x", present=True)
        )

        changed = await database.read(lambda s: MemoryStore(s).load(tenant, since=seen))
        nothing = await database.read(
            lambda s: MemoryStore(s).load(tenant, since=seen + 3)
        )
        assert [one.page_id for one in changed] == ["2", "3", "4"]
        assert nothing == []

    async def test_portions_follow_one_another(self, database: Database) -> None:
        """Each begins after the last page of the one before."""
        tenant = await new_tenant(database)
        await keep(database, tenant, *(page(str(n)) for n in range(1, 6)))
        found = []
        after = ""

        while portion := await database.read(
            lambda s, at=after: MemoryStore(s).load(tenant, after=at, limit=2)  # type: ignore[misc]
        ):
            found.append([one.page_id for one in portion])
            after = portion[-1].page_id

        assert found == [["1", "2"], ["3", "4"], ["5"]]

    async def test_forgotten_pages_are_told_until_they_come_back(
        self, database: Database
    ) -> None:
        """Pages that were never known leave no mark."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await keep(database, tenant, page("1"), page("2"), page("3"))
        await keep(database, other, page("1"))
        seen = await version(database, tenant)
        await database.write(
            lambda s: MemoryStore(s).forget(tenant, ["1", "2", "never"])
        )
        await keep(database, tenant, page("2"))

        def work(session: Session) -> tuple[list[str], list[str], list[str]]:
            store = MemoryStore(session)
            return (
                store.forgotten(tenant, since=seen),
                store.forgotten(tenant, since=seen + 1),
                store.forgotten(other, since=-1),
            )

        assert await database.read(work) == (["1"], [], [])

    async def test_thousands_of_pages_are_forgotten(self, database: Database) -> None:
        """More ids than a statement takes."""
        tenant = await new_tenant(database)
        await keep(database, tenant, page("1"), page("40000"))

        gone = [str(n) for n in range(1, 40_001)]
        await database.write(lambda s: MemoryStore(s).forget(tenant, gone))

        assert await load(database, tenant) == []

    async def test_older_stems_say_nothing_and_are_walked_again(
        self, database: Database
    ) -> None:
        """The page is left out until it is kept anew; its space is due for a walk."""
        tenant = await new_tenant(database)
        await keep(database, tenant, page("1"), page("2", space_id="200"))
        for space in ("100", "200"):
            await database.write(partial(_walked, tenant=tenant, space_id=space))
        await database.write(partial(_outdate, page_id="2"))

        again = await database.write(lambda s: MemoryStore(s).have_walked_again(tenant))

        def work(session: Session) -> tuple[list[str], int, set[str], set[str], bool]:
            store = MemoryStore(session)
            return (
                [one.page_id for one in store.load(tenant)],
                store.readable(tenant),
                store.outdated_spaces(tenant),
                _unwalked(session, tenant),
                TenantStore(session).begin_learning(
                    tenant, at_most_every=timedelta(days=1)
                ),
            )

        assert again
        assert await database.write(work) == (["1"], 1, {"200"}, {"200"}, True)
        await keep(database, tenant, page("2", space_id="200"))
        assert not await database.write(
            lambda s: MemoryStore(s).have_walked_again(tenant)
        )
        assert len(await load(database, tenant)) == 2

    async def test_labels_put_on_at_once_are_all_kept(self, database: Database) -> None:
        """No writer reads a page before the other one is through."""
        tenant = await new_tenant(database)
        await keep(database, tenant, page(labels=frozenset()))

        await asyncio.gather(
            *(
                database.write(
                    lambda s, n=number: MemoryStore(s).change_label(  # type: ignore[misc]
                        tenant, "7", f"l{n}", present=True
                    )
                )
                for number in range(8)
            )
        )

        (kept,) = await load(database, tenant)
        assert kept.labels == {f"l{n}" for n in range(8)}


def _walked(session: Session, *, tenant: str, space_id: str) -> None:
    policies = PolicyStore(session)
    policies.keep_space(tenant, Space(id=space_id, key=f"K{space_id}", name="Простір"))
    policies.space_learned(tenant, space_id)
    TenantStore(session).begin_learning(tenant, at_most_every=timedelta(days=1))


def _outdate(session: Session, *, page_id: str) -> None:
    session.execute(
        sa.update(PageMemoryRow)
        .where(PageMemoryRow.page_id == page_id)
        .values(stems_version=0)
    )


def _unwalked(session: Session, tenant: str) -> set[str]:
    return set(
        session.scalars(
            sa.select(SpaceRow.space_id).where(
                SpaceRow.tenant_id == tenant, SpaceRow.learned_at.is_(None)
            )
        )
    )


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


class ReadingDatabase(CountingDatabase):
    """Counts the page memories that were read."""

    def __init__(self, inner: Database) -> None:
        super().__init__(inner)
        self.pages = 0

    @override
    async def read(self, work: Work[Any]) -> Any:
        found = await super().read(work)
        if isinstance(found, list):
            self.pages += sum(isinstance(one, PageMemory) for one in found)
        return found


async def _until(
    memories: SiteMemories, tenant: str, there: Callable[[SiteMemory], bool]
) -> SiteMemory:
    for _ in range(500):
        found = await memories.of(tenant)
        if there(found):
            return found
        await asyncio.sleep(0.02)
    message = "the change was not followed"
    raise AssertionError(message)


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

    async def test_changes_are_followed_page_by_page(self, database: Database) -> None:
        """What is followed equals what is built anew; unchanged pages are not read."""
        tenant = await new_tenant(database)
        await keep(database, tenant, *(page(str(n)) for n in range(1, 9)))
        reading = ReadingDatabase(database)
        memories = SiteMemories(reading)
        await memories.of(tenant)
        first = reading.pages

        await keep(database, tenant, page("2", labels=frozenset({"нове"})), page("9"))
        await database.write(lambda s: MemoryStore(s).forget(tenant, ["3", "4"]))
        followed = await _until(
            memories, tenant, lambda memory: "нове" in memory.counts
        )

        anew = await SiteMemories(database).of(tenant)
        assert dict(followed.traces) == dict(anew.traces)
        assert followed.counts == anew.counts
        assert followed.overlaps({"договір": 1.0})
        assert (first, reading.pages) == (8, 10)

    async def test_rows_that_came_past_us_are_found(self, database: Database) -> None:
        """Fewer pages than the database has: everything is read anew."""
        tenant = await new_tenant(database)
        await keep(database, tenant, page("1"))
        memories = SiteMemories(database)
        await memories.of(tenant)

        def work(session: Session) -> None:
            MemoryStore(session).keep(tenant, page("2"), page_version=1)
            MemoryStore(session).keep(tenant, page("1"), page_version=1)
            session.execute(
                sa.update(PageMemoryRow)
                .where(PageMemoryRow.page_id == "2")
                .values(changed_seq=0)
            )

        await database.write(work)
        found = await _until(memories, tenant, lambda memory: "2" in memory.traces)

        assert set(found.traces) == {"1", "2"}

    async def test_a_version_that_went_back_is_no_surprise(
        self, database: Database
    ) -> None:
        """A restored database is read from its beginning."""
        tenant = await new_tenant(database)
        await keep(database, tenant, page("1"), page("2"))
        memories = SiteMemories(database)
        await memories.of(tenant)

        def work(session: Session) -> None:
            session.execute(sa.delete(PageMemoryRow))
            session.execute(sa.update(TenantRow).values(memory_version=0))
            MemoryStore(session).keep(tenant, page("3"), page_version=1)

        await database.write(work)
        found = await _until(memories, tenant, lambda memory: "3" in memory.traces)

        assert set(found.traces) == {"3"}

    async def test_big_sites_come_in_portions(self, database: Database) -> None:
        """More pages than are read at once."""
        tenant = await new_tenant(database)
        await keep(database, tenant, *(page(str(n)) for n in range(1_001)))

        found = await SiteMemories(database).of(tenant)

        assert len(found.traces) == found.counts["дизайн"] == 1_001

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
