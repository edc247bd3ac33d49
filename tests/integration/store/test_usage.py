"""Tests for app.store.usage on both databases."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.domain.completions import Usage
from app.store.database import Database
from app.store.tables import UsageRow
from app.store.usage import UsageStore
from tests.integration.store.stored import new_tenant, rows

pytestmark = pytest.mark.anyio
TODAY = date(2026, 11, 22)
COST = Usage(
    input_tokens=900,
    cached_tokens=400,
    cache_write_tokens=50,
    output_tokens=60,
    thinking_tokens=10,
    micro_usd=120,
)


def add(session: Session, tenant: str, day: date = TODAY, **more: Any) -> None:
    fields: dict[str, Any] = {
        "provider": "openai",
        "model": "m",
        "usage": COST,
        "calls": 1,
    }
    UsageStore(session).add(tenant, day, **(fields | more))


class TestAdd:
    """Tests for add() and since()."""

    async def test_sums_grow(self, database: Database) -> None:
        """Every count and every kind of token, and money."""
        tenant = await new_tenant(database)

        await database.write(lambda s: add(s, tenant))
        await database.write(lambda s: add(s, tenant, calls=2, failures=1))
        await database.write(
            lambda s: add(s, tenant, usage=None, calls=0, cache_hits=1)
        )

        (row,) = await rows(database, UsageRow)
        assert row == {
            "tenant_id": tenant,
            "day": TODAY,
            "provider": "openai",
            "model": "m",
            "calls": 3,
            "failures": 1,
            "cache_hits": 1,
            "input_tokens": 1800,
            "cached_tokens": 800,
            "cache_write_tokens": 100,
            "output_tokens": 120,
            "thinking_tokens": 20,
            "micro_usd": 240,
        }

    async def test_big_sums_stay_exact(self, database: Database) -> None:
        """A year's tokens of a big site are more than 32 bits."""
        tenant = await new_tenant(database)
        much = Usage(input_tokens=2**40, micro_usd=2**50)

        for _ in range(2):
            await database.write(lambda s: add(s, tenant, usage=much))

        (row,) = await rows(database, UsageRow)
        assert (row["input_tokens"], row["micro_usd"]) == (2**41, 2**51)

    async def test_tenant_day_provider_and_model_are_apart(
        self, database: Database
    ) -> None:
        """Each has its own sum."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        whose: list[tuple[str, dict[str, Any]]] = [
            (tenant, {}),
            (tenant, {"day": TODAY - timedelta(days=1)}),
            (tenant, {"provider": "gemini"}),
            (tenant, {"model": "модель"}),
            (other, {}),
        ]

        for owner, fields in whose:
            await database.write(lambda s, o=owner, f=fields: add(s, o, **f))  # type: ignore[misc]

        assert [row["calls"] for row in await rows(database, UsageRow)] == [1] * 5

    async def test_newest_days_come_first_and_only_one_s_own(
        self, database: Database
    ) -> None:
        """From a day on, that day included."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        for ago in (2, 0, 1, 40):
            day = TODAY - timedelta(days=ago)
            await database.write(lambda s, d=day: add(s, tenant, d))  # type: ignore[misc]
        await database.write(lambda s: add(s, tenant, provider="gemini"))
        await database.write(lambda s: add(s, other))

        found = await database.read(
            lambda s: [
                ((TODAY - row.day).days, row.provider)
                for row in UsageStore(s).since(tenant, TODAY - timedelta(days=2))
            ]
        )

        assert found == [(0, "gemini"), (0, "openai"), (1, "openai"), (2, "openai")]

    async def test_all_who_add_at_once_are_counted(self, database: Database) -> None:
        """The day's first call of all of them included: none is lost, none doubled."""
        tenant = await new_tenant(database)

        await asyncio.gather(
            *(database.write(lambda s: add(s, tenant)) for _ in range(40))
        )

        (row,) = await rows(database, UsageRow)
        assert (row["calls"], row["micro_usd"]) == (40, 40 * COST.micro_usd)


class TestMerge:
    """Tests for merge()."""

    async def test_sums_of_one_day_are_added_and_others_moved(
        self, database: Database
    ) -> None:
        """What both have spent is what the one has spent."""
        old, new = await new_tenant(database), await new_tenant(database, "b")
        third = await new_tenant(database, "c")
        yesterday = TODAY - timedelta(days=1)

        def work(session: Session) -> None:
            add(session, old, failures=1, cache_hits=2)
            add(session, old, yesterday)
            add(session, new, calls=5)
            add(session, third)
            UsageStore(session).merge(old, into=new)

        await database.write(work)

        found = {
            (row["tenant_id"], row["day"]): row
            for row in await rows(database, UsageRow)
        }
        both = found[new, TODAY]
        assert set(found) == {(new, TODAY), (new, yesterday), (third, TODAY)}
        assert (both["calls"], both["failures"], both["cache_hits"]) == (6, 1, 2)
        assert both["thinking_tokens"] == 2 * COST.thinking_tokens
        assert both["micro_usd"] == 2 * COST.micro_usd
        assert found[third, TODAY]["calls"] == 1
