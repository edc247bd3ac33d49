"""Tests for app.store.budgets on both databases: nobody takes the last cent twice."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from app.clock import utc_now
from app.domain.budgets import NOTHING, Amount, Budget, judge
from app.store.budgets import BudgetStore
from app.store.database import Database, open_database
from app.store.tables import SpendHoldRow, SpendRow
from app.store.tenants import TenantStore
from tests.integration.store.stored import new_tenant, rows

pytestmark = pytest.mark.anyio
TODAY = date(2026, 11, 29)
FIRST = date(2026, 11, 1)
DAY = Budget(period="day", micro_usd=1000)
MINUTE = timedelta(minutes=1)


def amount(micro_usd: int, tokens: int = 0) -> Amount:
    return Amount(micro_usd=micro_usd, tokens=tokens)


class TestBudgets:
    """Set, read, removed."""

    async def test_one_of_a_space_and_period(self, database: Database) -> None:
        """A new one takes its place, and people are warned anew."""
        tenant = await new_tenant(database)
        space = Budget(period="month", space_id="9", tokens=7, soft_share=0.5)

        def work(session: Session) -> list[bool]:
            store = BudgetStore(session)
            store.set(tenant, DAY)
            store.set(tenant, space)
            warned = [store.warn(tenant, DAY, TODAY), store.warn(tenant, DAY, TODAY)]
            warned.append(store.warn(tenant, DAY, TODAY + timedelta(days=1)))
            store.set(tenant, Budget(period="day", tokens=5))
            return warned

        assert await database.write(work) == [True, False, True]
        found = await database.read(lambda s: BudgetStore(s).budgets(tenant))
        assert list(found) == [Budget(period="day", tokens=5), space]

    async def test_space_sees_its_own_and_the_site_s(self, database: Database) -> None:
        """And no other space's, nor another tenant's."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")

        def work(session: Session) -> None:
            store = BudgetStore(session)
            store.set(other, DAY)
            store.set(tenant, Budget(period="month", tokens=1))
            for space in ("9", "10"):
                store.set(tenant, Budget(period="day", space_id=space, tokens=1))

        await database.write(work)
        found = await database.read(lambda s: BudgetStore(s).budgets(tenant, "9"))
        assert [(one.space_id, one.period) for one in found] == [
            ("", "month"),
            ("9", "day"),
        ]

    async def test_removed_is_gone(self, database: Database) -> None:
        """Twice is told."""
        tenant = await new_tenant(database)
        await database.write(lambda s: BudgetStore(s).set(tenant, DAY))

        gone = [
            await database.write(lambda s: BudgetStore(s).remove(tenant, "", "day"))
            for _ in range(2)
        ]

        assert gone == [True, False]


class TestSpends:
    """What was spent, by day and space."""

    async def test_sums_by_period_and_space(self, database: Database) -> None:
        """Days before the period are not counted, nor other spaces."""
        tenant = await new_tenant(database)

        def work(session: Session) -> None:
            store = BudgetStore(session)
            store.spend(tenant, "9", TODAY, amount(5, 50))
            store.spend(tenant, "9", TODAY, amount(1, 10))
            store.spend(tenant, "10", FIRST, amount(100))
            store.spend(tenant, "9", FIRST - timedelta(days=1), amount(1000))

        await database.write(work)

        def read(session: Session) -> list[Amount]:
            store = BudgetStore(session)
            return [
                store.spent(tenant, "", since=TODAY),
                store.spent(tenant, "", since=FIRST),
                store.spent(tenant, "9", since=FIRST),
            ]

        assert await database.read(read) == [
            amount(6, 60),
            amount(106, 60),
            amount(6, 60),
        ]

    async def test_days_that_begin_at_once_are_summed(self, database: Database) -> None:
        """Of two that write the first row one runs again."""
        tenant = await new_tenant(database)

        await asyncio.gather(
            *(
                database.write(
                    lambda s: BudgetStore(s).spend(tenant, "9", TODAY, amount(1))
                )
                for _ in range(8)
            )
        )

        (row,) = await rows(database, SpendRow)
        assert row["micro_usd"] == 8

    async def test_merged_tenants_have_spent_both(self, database: Database) -> None:
        """No budget is refilled by a second record of the same site."""
        old, new = await new_tenant(database), await new_tenant(database, "b")

        def work(session: Session) -> None:
            store = BudgetStore(session)
            store.spend(old, "9", TODAY, amount(5))
            store.spend(old, "9", FIRST, amount(2))
            store.spend(new, "9", TODAY, amount(1))
            TenantStore(session).merge(old, into=new)

        await database.write(work)

        found = [
            (one["tenant_id"], one["micro_usd"])
            for one in await rows(database, SpendRow)
        ]
        assert sorted(found) == [(new, 2), (new, 6)]


class TestHolds:
    """Money set aside for calls on their way."""

    async def test_holds_count_until_they_are_released(
        self, database: Database
    ) -> None:
        """A new one in the place of an old one counts alone."""
        tenant = await new_tenant(database)

        def work(session: Session) -> list[Amount]:
            store = BudgetStore(session)
            first = store.hold(tenant, "9", amount(5), lifetime=MINUTE)
            second = store.hold(
                tenant, "9", amount(7), lifetime=MINUTE, instead_of=first
            )
            third = store.hold(tenant, "10", amount(1), lifetime=MINUTE)
            seen = [
                store.held(tenant, ""),
                store.held(tenant, "9"),
                store.held(tenant, "", but=second),
            ]
            for hold in (second, third, third):
                store.release(tenant, hold)
            return [*seen, store.held(tenant, "")]

        assert await database.write(work) == [amount(8), amount(7), amount(1), NOTHING]

    async def test_hold_of_a_dead_process_expires(self, database: Database) -> None:
        """It stops to count by itself, and is swept away."""
        tenant = await new_tenant(database)
        await database.write(
            lambda s: BudgetStore(s).hold(
                tenant, "9", amount(5), lifetime=timedelta(seconds=-1)
            )
        )

        held = await database.read(lambda s: BudgetStore(s).held(tenant, "9"))
        await database.write(lambda s: BudgetStore(s).prune())

        assert held == NOTHING
        assert await rows(database, SpendHoldRow) == []

    async def test_last_cent_is_held_once(
        self, database: Database, database_url: str
    ) -> None:
        """Two processes that ask at once for a tenth each get ten of twenty."""
        tenant = await new_tenant(database)
        await database.write(lambda s: BudgetStore(s).set(tenant, DAY))
        other = open_database(database_url)

        def work(session: Session) -> bool:
            store = BudgetStore(session)
            standings = store.standings(tenant, TODAY, "9", lock=True)
            fits = judge(standings, amount(100), utc_now()) is None
            if fits:
                store.hold(tenant, "9", amount(100), lifetime=MINUTE)
            return fits

        try:
            taken = await asyncio.gather(
                *(one.write(work) for one in (database, other) for _ in range(10))
            )
        finally:
            await other.close()

        assert sum(taken) == 10
        held = await database.read(lambda s: BudgetStore(s).held(tenant, ""))
        assert held == amount(1000)
