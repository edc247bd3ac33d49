"""Tests for app.store.completions on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.store.base import db_time
from app.store.completions import KEPT, CompletionStore
from app.store.database import Database
from app.store.tables import CompletionRow
from tests.integration.store.stored import new_tenant, rows

pytestmark = pytest.mark.anyio


async def keep(
    database: Database, tenant: str, key: str, *, text: str = "t", answer: str = "a"
) -> None:
    """Keep an answer; keys are hexadecimal, as hashes are."""
    await database.write(lambda s: CompletionStore(s).keep(tenant, key, text, answer))


async def age(database: Database, tenant: str, key: str, days: int) -> None:
    """Let an answer have been used so long ago."""
    await database.write(
        lambda s: s.execute(
            sa.update(CompletionRow)
            .where(CompletionRow.tenant_id == tenant, CompletionRow.key == key)
            .values(used_at=db_time(-timedelta(days=days)))
            .execution_options(synchronize_session=False)
        ).close()
    )


async def find(database: Database, tenant: str, *keys: str) -> Mapping[str, str]:
    return await database.read(lambda s: CompletionStore(s).find(tenant, keys))


async def copies(
    database: Database, tenant: str, *texts: str
) -> Sequence[tuple[str, str]]:
    return await database.read(lambda s: CompletionStore(s).copies(tenant, texts))


async def keys_of(database: Database, tenant: str) -> set[str]:
    found = await rows(database, CompletionRow)
    return {row["key"] for row in found if row["tenant_id"] == tenant}


class TestFind:
    """Tests for keep(), find() and copies()."""

    async def test_answer_is_found_by_its_key_and_its_tenant_alone(
        self, database: Database
    ) -> None:
        """Keys are asked for in one go; what is not there is left out."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await keep(database, tenant, "aaaa", answer="одна")
        await keep(database, tenant, "bbbb", answer="друга")

        assert await find(database, tenant, "aaaa", "cccc") == {"aaaa": "одна"}
        assert await find(database, tenant) == {}
        assert await find(database, other, "aaaa", "bbbb") == {}

    async def test_second_answer_takes_the_first_one_s_place(
        self, database: Database
    ) -> None:
        """One row a question."""
        tenant = await new_tenant(database)

        await keep(database, tenant, "aaaa", answer="стара")
        await keep(database, tenant, "aaaa", answer="нова")

        assert await find(database, tenant, "aaaa") == {"aaaa": "нова"}
        assert len(await rows(database, CompletionRow)) == 1

    async def test_pages_with_the_same_text_are_found_newest_first(
        self, database: Database
    ) -> None:
        """Of the tenant alone, and only so many."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        for number in range(10):
            await keep(database, tenant, f"aa0{number}", text="same")
            await age(database, tenant, f"aa0{number}", days=number)
        await keep(database, tenant, "bbbb", text="unlike")
        await keep(database, other, "cccc", text="same")

        found = await copies(database, tenant, "same", "none")

        assert [key for key, _ in found] == [f"aa0{number}" for number in range(8)]
        assert await copies(database, tenant) == []

    async def test_answer_of_megabytes_is_kept(self, database: Database) -> None:
        """Whatever a provider may say."""
        tenant = await new_tenant(database)

        await keep(database, tenant, "aaaa", answer="x" * 3_000_000)

        assert len((await find(database, tenant, "aaaa"))["aaaa"]) == 3_000_000


class TestTrim:
    """Tests for trim() and used(): a cache has an end."""

    async def test_those_that_were_used_last_stay(self, database: Database) -> None:
        """However they were kept."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        for number in range(6):
            await keep(database, tenant, f"aa0{number}")
            await age(database, tenant, f"aa0{number}", days=number)
        await keep(database, other, "bbbb")
        await age(database, other, "bbbb", days=99)
        await database.write(lambda s: CompletionStore(s).used(tenant, "aa05"))

        await database.write(lambda s: CompletionStore(s).trim(tenant, keep=3))

        assert await keys_of(database, tenant) == {"aa00", "aa01", "aa05"}
        assert await keys_of(database, other) == {"bbbb"}

    @pytest.mark.parametrize("most", [2, 3, KEPT])
    async def test_few_are_left_alone(self, database: Database, most: int) -> None:
        """There is nothing to do until there are too many."""
        tenant = await new_tenant(database)
        for key in ("aa00", "aa01"):
            await keep(database, tenant, key)

        await database.write(lambda s: CompletionStore(s).trim(tenant, keep=most))

        assert await keys_of(database, tenant) == {"aa00", "aa01"}

    async def test_answers_of_one_moment_are_not_dropped_together(
        self, database: Database
    ) -> None:
        """So many stay, exactly, however alike their times are."""
        tenant = await new_tenant(database)
        await database.write(lambda s: _fill(s, tenant, 9))

        await database.write(lambda s: CompletionStore(s).trim(tenant, keep=5))

        left = await keys_of(database, tenant)
        assert len(left) == 5
        assert "old" not in left

    async def test_new_answers_make_room_by_themselves(
        self, database: Database
    ) -> None:
        """One in sixty-four looks; it stays, and the longest unused goes."""
        tenant = await new_tenant(database)
        await database.write(lambda s: _fill(s, tenant, KEPT))

        await keep(database, tenant, "0001")
        before = await database.read(lambda s: _count(s, tenant))
        await keep(database, tenant, "0040")
        after = await database.read(lambda s: _count(s, tenant))

        assert (before, after) == (KEPT + 1, KEPT)
        assert set(await find(database, tenant, "0001", "0040", "old")) == {
            "0001",
            "0040",
        }


def _fill(session: Session, tenant: str, count: int) -> None:
    """Keep so many answers at once, all used yesterday but one, which is older."""
    fields = {"tenant_id": tenant, "text_key": "t", "sealed_answer": "a"}
    oldest = sa.insert(CompletionRow).values(
        **fields, key="old", used_at=db_time(-timedelta(days=9))
    )
    session.execute(oldest)
    numbers = sa.select(sa.literal(1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(
        sa.select(numbers.c.n + 1).where(numbers.c.n < count - 1)
    )
    session.execute(
        sa.insert(CompletionRow).from_select(
            ["tenant_id", "key", "text_key", "sealed_answer", "used_at"],
            sa.select(
                sa.literal(tenant),
                sa.literal("f") + sa.cast(numbers.c.n, sa.Text),
                sa.literal("t"),
                sa.literal("a"),
                db_time(-timedelta(days=1)),
            ),
        )
    )


def _count(session: Session, tenant: str) -> int:
    return session.execute(
        sa.select(sa.func.count()).where(CompletionRow.tenant_id == tenant)
    ).scalar_one()
