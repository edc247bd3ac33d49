"""Tests for app.store.gates on both databases."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.quota.state import GateState
from app.domain.quota.values import MINUTE, Limits
from app.store.database import Database
from app.store.gates import GateStore
from app.store.tables import GateRow
from tests.integration.store.stored import rows

pytestmark = pytest.mark.anyio
SCOPE = "gemini/gemini-3.5-flash-lite/0123456789ab"


def count(state: GateState, now: float) -> int:
    """Count one call; return how many there are."""
    state.advance(now)
    state.calls += 1
    state.meter("requests", MINUTE).charge(now, 1)
    return state.calls


async def change(database: Database, scope: str = SCOPE) -> int:
    return await database.write(lambda s: GateStore(s).change(scope, count))


async def states(database: Database) -> dict[str, GateState]:
    return await database.read(lambda s: GateStore(s).all())


class TestChange:
    """Tests for GateStore.change()."""

    async def test_state_is_kept_from_one_change_to_the_next(
        self, database: Database
    ) -> None:
        """The first makes the row, the others find it."""
        assert [await change(database) for _ in range(3)] == [1, 2, 3]

        (row,) = await rows(database, GateRow)
        assert row["scope"] == SCOPE
        assert row["changed_at"] is not None

    async def test_scopes_know_nothing_of_one_another(self, database: Database) -> None:
        """Another key, model or address is another quota."""
        await change(database)

        assert await change(database, "openai/gpt/ffffffffffff") == 1
        assert set(await states(database)) == {SCOPE, "openai/gpt/ffffffffffff"}

    async def test_many_at_once_are_counted_one_by_one(
        self, database: Database
    ) -> None:
        """Two that come first at the same moment included."""
        numbers = await asyncio.gather(*(change(database) for _ in range(20)))

        assert sorted(numbers) == list(range(1, 21))
        state = (await states(database))[SCOPE]
        assert sum(amount for _, amount in state.meter("requests", MINUTE).log) == 20

    async def test_rule_that_fails_changes_nothing(self, database: Database) -> None:
        """The transaction is one."""
        await change(database)

        def fail(state: GateState, now: float) -> None:
            count(state, now)
            message = "in the middle"
            raise ValueError(message)

        with pytest.raises(ValueError, match="in the middle"):
            await database.write(lambda s: GateStore(s).change(SCOPE, fail))

        assert (await states(database))[SCOPE].calls == 1

    async def test_time_is_the_databases(self, database: Database) -> None:
        """Epoch seconds, the same for the first change and for later ones."""
        moments = [
            await database.write(
                lambda s: GateStore(s).change(SCOPE, lambda _, now: now)
            )
            for _ in range(2)
        ]

        assert moments[0] <= moments[1]
        assert abs(moments[1] - time.time()) < 5

    async def test_state_of_an_unknown_version_is_read(
        self, database: Database
    ) -> None:
        """A row of a newer or an older program is no end of the work."""

        def write(session: Session) -> None:
            state = {"calls": 41, "of_tomorrow": {"a": 1}}
            session.execute(sa.update(GateRow).values(state=state))

        await change(database)
        await database.write(write)

        assert await change(database) == 42


class TestAtOnce:
    """On PostgreSQL, where two processes really overlap."""

    async def test_two_processes_make_the_row_at_the_same_moment(
        self, on_postgres: Database
    ) -> None:
        """The second finds the first one's row, and loses nothing."""

        def slow(session: Session) -> int:
            number = GateStore(session).change(SCOPE, count)
            session.execute(sa.text("SELECT pg_sleep(0.2)"))
            return number

        first = asyncio.create_task(on_postgres.write(slow))
        await asyncio.sleep(0.1)
        second = await change(on_postgres)

        assert {await first, second} == {1, 2}
        assert (await states(on_postgres))[SCOPE].calls == 2

    async def test_second_change_waits_and_sees_a_later_time(
        self, on_postgres: Database
    ) -> None:
        """The moment is that of the lock, not that of the question."""
        await change(on_postgres)

        def slow(session: Session) -> float:
            at = GateStore(session).change(SCOPE, lambda _, now: now)
            session.execute(sa.text("SELECT pg_sleep(0.3)"))
            return at

        first = asyncio.create_task(on_postgres.write(slow))
        await asyncio.sleep(0.1)
        second = await on_postgres.write(
            lambda s: GateStore(s).change(SCOPE, lambda _, now: now)
        )

        assert second - await first >= 0.3


class TestReset:
    """Tests for GateStore.reset()."""

    async def test_what_was_learned_is_forgotten(self, database: Database) -> None:
        """And nothing of any other scope."""
        await change(database)
        await change(database, "other")

        assert await database.write(lambda s: GateStore(s).reset(SCOPE))
        assert not await database.write(lambda s: GateStore(s).reset(SCOPE))
        assert set(await states(database)) == {"other"}
        assert await change(database) == 1

    async def test_limits_of_the_row_are_the_operators_of_today(
        self, database: Database
    ) -> None:
        """What was configured yesterday does not bind."""

        for rpm in (60, 10, None):
            rule = partial(_configured, rpm)
            found = await database.write(
                lambda s, rule=rule: GateStore(s).change(SCOPE, rule)  # type: ignore[misc]
            )
            assert found == rpm


def _configured(rpm: int | None, state: GateState, now: float) -> int | None:
    state.configure(Limits(rpm=rpm))
    return state.meter("requests", MINUTE).limit(now)
