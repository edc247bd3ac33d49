"""What two records of one site have learned, spent and chosen becomes one's."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.domain.memory import PageMemory
from app.store.completions import CompletionStore
from app.store.database import Database
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.store.tables import CompletionRow, ForgottenPageRow, UsageRow
from app.store.tenants import TenantStore
from app.store.usage import UsageStore
from app.usecases.memories import SiteMemories
from tests.integration.store.stored import new_tenant, rows
from tests.unit.worker.script import until

pytestmark = pytest.mark.anyio
TODAY = date(2026, 11, 22)


def remember(session: Session, tenant: str, page: str, title: str = "") -> None:
    memory = PageMemory(
        page_id=page,
        parent_id=None,
        space_id="100",
        language="uk",
        weights={"копі": 1.0},
        labels=frozenset({"копії"}),
        title=title,
    )
    MemoryStore(session).keep(tenant, memory, page_version=1)


async def two(database: Database) -> tuple[str, str]:
    return await new_tenant(database), await new_tenant(database, "b")


async def merge(database: Database, old: str, new: str) -> None:
    await database.write(lambda s: TenantStore(s).merge(old, into=new))


class TestMemory:
    """Readers of the survivor's memory learn of the other's pages."""

    async def test_moved_pages_are_news(self, database: Database) -> None:
        """Whoever has read the survivor's pages reads just what came to them."""
        old, new = await two(database)
        for tenant, page in ((old, "1"), (old, "2"), (new, "3")):
            await database.write(lambda s, t=tenant, p=page: remember(s, t, p))  # type: ignore[misc]
        # The loser has counted far more changes than the survivor.
        for _ in range(20):
            await database.write(lambda s: remember(s, old, "2"))
        seen = await database.read(lambda s: MemoryStore(s).version(new))

        await merge(database, old, new)

        def news(since: int) -> Any:
            return database.read(
                lambda s: [one.page_id for one in MemoryStore(s).load(new, since=since)]
            )

        version = await database.read(lambda s: MemoryStore(s).version(new))
        assert version == seen + 1
        assert await news(seen) == ["1", "2"]
        assert await news(version) == []
        assert await news(-1) == ["1", "2", "3"]

    async def test_memory_at_work_has_them(self, database: Database) -> None:
        """The ranker's own reader, which knew the survivor's pages before."""
        old, new = await two(database)
        await database.write(lambda s: remember(s, old, "1"))
        memories = SiteMemories(database)
        before = await memories.of(new)

        await merge(database, old, new)

        async def learned() -> bool:
            return list((await memories.of(new)).traces) == ["1"]

        assert list(before.traces) == []
        # A reader may lag behind, by a multiple of the milliseconds that it took.
        await until(learned)

    async def test_page_that_both_know_is_the_survivor_s(
        self, database: Database
    ) -> None:
        """It is no news, and stays as it was."""
        old, new = await two(database)
        await database.write(lambda s: remember(s, old, "1", "стара"))
        await database.write(lambda s: remember(s, new, "1", "нова"))
        seen = await database.read(lambda s: MemoryStore(s).version(new))

        await merge(database, old, new)

        found = await database.read(lambda s: MemoryStore(s).load(new))
        fresh = await database.read(lambda s: MemoryStore(s).load(new, since=seen))
        assert [one.title for one in found] == ["нова"]
        assert fresh == []

    async def test_what_the_other_forgot_is_not_forgotten_here(
        self, database: Database
    ) -> None:
        """A page that the survivor remembers does not vanish from its readers."""
        old, new = await two(database)
        await database.write(lambda s: remember(s, new, "1"))

        def forget(session: Session) -> None:
            remember(session, old, "1")
            MemoryStore(session).forget(old, ["1"])

        await database.write(forget)

        await merge(database, old, new)

        gone = await database.read(lambda s: MemoryStore(s).forgotten(new, since=-1))
        assert gone == []
        assert await rows(database, ForgottenPageRow) == []

    async def test_page_that_comes_back_with_the_other_is_learned_after_all(
        self, database: Database
    ) -> None:
        """Readers drop what was forgotten first, then learn what is new."""
        old, new = await two(database)
        await database.write(lambda s: remember(s, old, "1"))

        def forget(session: Session) -> None:
            remember(session, new, "1")
            MemoryStore(session).forget(new, ["1"])

        await database.write(forget)
        seen = await database.read(lambda s: MemoryStore(s).version(new))

        await merge(database, old, new)

        def read(session: Session) -> tuple[list[str], list[str]]:
            store = MemoryStore(session)
            fresh = [one.page_id for one in store.load(new, since=seen)]
            return store.forgotten(new, since=seen), fresh

        assert await database.read(read) == ([], ["1"])


class TestMoney:
    """What both have spent, and what it bought."""

    async def test_usage_of_one_day_is_summed(self, database: Database) -> None:
        """Nothing that was paid for disappears from the books."""
        old, new = await two(database)
        for tenant, calls in ((old, 2), (new, 3)):
            await database.write(
                lambda s, t=tenant, c=calls: UsageStore(s).add(  # type: ignore[misc]
                    t, TODAY, provider="openai", model="m", calls=c
                )
            )

        await merge(database, old, new)

        (row,) = await rows(database, UsageRow)
        assert (row["tenant_id"], row["calls"]) == (new, 5)

    async def test_answers_of_both_are_of_use(self, database: Database) -> None:
        """Of one question the survivor's."""
        old, new = await two(database)
        for tenant, key, answer in (
            (old, "aaaa", "theirs"),
            (old, "bbbb", "theirs"),
            (new, "bbbb", "ours"),
        ):
            await database.write(
                lambda s, t=tenant, k=key, a=answer: CompletionStore(s).keep(  # type: ignore[misc]
                    t, k, "t", a
                )
            )

        await merge(database, old, new)

        found = {
            row["key"]: (row["tenant_id"], row["sealed_answer"])
            for row in await rows(database, CompletionRow)
        }
        assert found == {"aaaa": (new, "theirs"), "bbbb": (new, "ours")}


class TestOrder:
    """Who is asked about whose pages."""

    async def test_survivor_s_order_stands_and_other_spaces_keep_theirs(
        self, database: Database
    ) -> None:
        """What was to stay on this machine does so after the merge as well."""
        old, new = await two(database)

        def work(session: Session) -> None:
            policies = PolicyStore(session)
            policies.set_providers(old, "", ["openai"])
            policies.set_providers(old, "200", ["local"])
            policies.set_providers(new, "", ["gemini"])

        await database.write(work)

        await merge(database, old, new)

        def read(session: Session) -> list[tuple[str, ...]]:
            policies = PolicyStore(session)
            return [policies.providers(new, space) for space in ("", "100", "200")]

        assert await database.read(read) == [("gemini",), ("gemini",), ("local",)]
