"""Tests for app.store.receipts on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.clock import utc_now
from app.store.base import db_time
from app.store.database import Database
from app.store.encryption import Cipher, new_key
from app.store.receipts import ReceiptFilter, ReceiptStore
from app.store.runs import NewRun, RunStore
from app.store.tables import ReceiptRow, RunRow
from app.store.tenants import TenantStore
from tests.integration.store.stored import CIPHER, new_tenant, rows

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
WORDS = "Резервну копію роблять щоночі."


def store(session: Session) -> ReceiptStore:
    return ReceiptStore(session, CIPHER)


async def keep(
    database: Database,
    tenant: str,
    page: str = "7",
    *,
    space: str = "100",
    days: int = 90,
    age: timedelta = timedelta(),
    **receipt: Any,
) -> int:
    """Record a run of some age with a receipt that says so."""

    def work(session: Session) -> int:
        began = utc_now() - age
        run = NewRun(page_id=page, outcome="applied", started_at=began)
        run_id = RunStore(session).add(tenant, run)
        sealed = store(session).seal({"text": WORDS, **receipt})
        store(session).keep(tenant, run_id, sealed, space_id=space, days=days)
        if age:
            session.execute(
                sa.update(ReceiptRow)
                .where(ReceiptRow.tenant_id == tenant, ReceiptRow.run_id == run_id)
                .values(expires_at=db_time(days * DAY - age))
                .execution_options(synchronize_session=False)
            )
        return run_id

    return await database.write(work)


async def found(database: Database, tenant: str, *run_ids: int) -> list[int]:
    return sorted(await database.read(lambda s: list(store(s).find(tenant, run_ids))))


class TestKeep:
    """What lies there, and who can read it."""

    async def test_receipt_comes_back_and_lies_sealed(self, database: Database) -> None:
        """Nobody reads a page in the database."""
        tenant = await new_tenant(database)
        run = await keep(database, tenant, number=1)

        read = await database.read(lambda s: store(s).find(tenant, [run]))
        (row,) = await rows(database, ReceiptRow)

        assert read == {run: {"text": WORDS, "number": 1}}
        assert "щоночі" not in str(row)

    async def test_other_tenants_and_other_runs_have_none(
        self, database: Database
    ) -> None:
        """Whatever number is asked for."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        run = await keep(database, tenant)

        assert await found(database, other, run) == []
        assert await found(database, tenant, run + 1) == []
        assert await found(database, tenant) == []

    async def test_receipt_whose_time_is_over_is_gone(self, database: Database) -> None:
        """Also before the broom comes."""
        tenant = await new_tenant(database)
        run = await keep(database, tenant, days=3, age=4 * DAY)

        assert await found(database, tenant, run) == []
        assert len(await rows(database, ReceiptRow)) == 1

    @pytest.mark.parametrize(
        "sealed",
        ["", "nonsense", CIPHER.seal("[]"), CIPHER.seal("x")],
        ids=["nothing", "nonsense", "another thing", "no thing"],
    )
    async def test_receipt_that_cannot_be_read_is_none(
        self, database: Database, sealed: str
    ) -> None:
        """A lost key, a broken row: the others are told all the same."""
        tenant = await new_tenant(database)
        good, bad = await keep(database, tenant), await keep(database, tenant)
        lost = sealed or Cipher([new_key()]).seal("{}")

        await database.write(
            lambda s: s.execute(
                sa.update(ReceiptRow)
                .where(ReceiptRow.tenant_id == tenant, ReceiptRow.run_id == bad)
                .values(sealed=lost)
            ).close()
        )

        assert await found(database, tenant, good, bad) == [good]


class TestRunIds:
    """Which receipts are exported."""

    async def test_filters_narrow_and_portions_follow_one_another(
        self, database: Database
    ) -> None:
        """By page, space and time, oldest first."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        old = await keep(database, tenant, age=5 * DAY)
        here = await keep(database, tenant, "8")
        there = await keep(database, tenant, "9", space="200")
        await keep(database, other)
        await keep(database, tenant, days=1, age=2 * DAY)
        yesterday = utc_now() - DAY

        async def ids(after: int = 0, limit: int = 9, **which: Any) -> list[int]:
            return list(
                await database.read(
                    lambda s: store(s).run_ids(
                        tenant, ReceiptFilter(**which), after=after, limit=limit
                    )
                )
            )

        assert await ids() == [old, here, there]
        assert await ids(limit=2) == [old, here]
        assert await ids(after=here) == [there]
        assert await ids(page_id="8") == [here]
        assert await ids(space_id="200") == [there]
        assert await ids(since=yesterday) == [here, there]
        assert await ids(until=yesterday) == [old]
        assert await ids(since=yesterday, space_id="100") == [here]
        assert await ids(until=datetime(2020, 1, 1, tzinfo=yesterday.tzinfo)) == []


class TestBroom:
    """What goes, and when."""

    async def test_expired_ones_are_found_by_tenant_in_batches(
        self, database: Database
    ) -> None:
        """The oldest first."""
        one, two = await new_tenant(database), await new_tenant(database, "b")
        first = await keep(database, one, days=1, age=9 * DAY)
        second = await keep(database, two, days=1, age=8 * DAY)
        await keep(database, one)

        every = await database.read(lambda s: store(s).expired(limit=9))
        batch = await database.read(lambda s: store(s).expired(limit=1))

        assert every == {one: [first], two: [second]}
        assert batch == {one: [first]}

    async def test_outdated_ones_are_those_of_older_runs(
        self, database: Database
    ) -> None:
        """Of one space, or of all but some."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await keep(database, other, age=9 * DAY)
        here = await keep(database, tenant, age=9 * DAY)
        there = await keep(database, tenant, space="200", age=8 * DAY)
        fresh = await keep(database, tenant)

        async def ids(days: int, **which: Any) -> list[int]:
            return sorted(
                await database.read(
                    lambda s: store(s).outdated(
                        tenant, days=days, **({"limit": 9} | which)
                    )
                )
            )

        assert await ids(7) == [here, there]
        assert await ids(10) == []
        assert await ids(7, space_id="200") == [there]
        assert await ids(7, but=["200", "300"]) == [here]
        assert await ids(0) == [here, there, fresh]
        assert len(await ids(7, limit=1)) == 1

    async def test_only_the_named_ones_are_dropped(self, database: Database) -> None:
        """Runs stay: they are the record."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        one, two = await keep(database, tenant), await keep(database, tenant)
        theirs = await keep(database, other)

        await database.write(lambda s: store(s).drop(tenant, [one, theirs]))

        left = sorted(row["run_id"] for row in await rows(database, ReceiptRow))
        assert left == [two, theirs]
        assert len(await rows(database, RunRow)) == 3


class TestTenants:
    """Receipts go where their tenant goes."""

    async def test_merge_moves_them_with_their_runs(self, database: Database) -> None:
        """And they can be read there."""
        old, new = await new_tenant(database), await new_tenant(database, "b")
        theirs, ours = await keep(database, old), await keep(database, new)

        await database.write(lambda s: TenantStore(s).merge(old, into=new))

        assert await found(database, new, theirs, ours) == [theirs, ours]

    async def test_purge_erases_them(self, database: Database) -> None:
        """Those of others stay."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await keep(database, tenant)
        theirs = await keep(database, other)

        await database.write(lambda s: TenantStore(s).purge(tenant))

        assert [row["run_id"] for row in await rows(database, ReceiptRow)] == [theirs]
