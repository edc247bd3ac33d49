"""Tests for app.store.sqlite_writer and the engine under it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.errors import Unavailable
from app.store.base import after_commit
from app.store.database import open_database, sqlite_engine, sync_url
from app.store.sqlite_writer import SqliteWriter
from app.store.tables import WhitelistRow

pytestmark = pytest.mark.anyio
PATIENCE = 10.0


def add(value: str) -> Callable[[Session], str]:
    """Return work that adds one row, on the whitelist of tenant `t`."""

    def work(session: Session) -> str:
        session.add(WhitelistRow(tenant_id="t", kind="page", value=value))
        session.flush()
        return value

    return work


def fail(value: str) -> Callable[[Session], None]:
    """Return work that adds a row and then thinks better of it."""

    def work(session: Session) -> None:
        add(value)(session)
        message = f"no {value}"
        raise ValueError(message)

    return work


def values(url: str) -> list[str]:
    """Read the whitelist over a connection of our own."""
    path = url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT value FROM whitelist ORDER BY value")
        return [row[0] for row in found]


def add_tenant(session: Session) -> None:
    session.execute(
        sa.text(
            "INSERT INTO tenants (id, site_url, status, created_at, memory_version)"
            " VALUES ('t', 'https://t', 'active', '2026-01-01 00:00:00.000000', 0)"
        )
    )


@pytest.fixture
async def writer(sqlite_url: str) -> AsyncIterator[SqliteWriter]:
    """A writer over a migrated file, impatient with locks, and its tenant `t`."""
    engine = sqlite_engine(sync_url(sqlite_url))
    sa.event.listen(
        engine, "connect", lambda one, _: one.execute("PRAGMA busy_timeout = 50")
    )
    made = SqliteWriter(engine)
    await made.write(add_tenant)
    yield made
    await made.close()
    engine.dispose()


@contextlib.asynccontextmanager
async def grouped(writer: SqliteWriter) -> AsyncIterator[None]:
    """Hold the writer's thread: all that is queued inside becomes one group."""
    entered, free = threading.Event(), threading.Event()

    def hold(_: Session) -> None:
        entered.set()
        free.wait(PATIENCE)

    holding = asyncio.create_task(writer.write(hold))
    await asyncio.to_thread(entered.wait, PATIENCE)
    try:
        yield
        await asyncio.sleep(0)
    finally:
        free.set()
        await holding


class TestGroupCommit:
    """Tests for app.store.sqlite_writer.SqliteWriter.write()."""

    async def test_row_is_on_disk_when_the_await_returns(
        self, writer: SqliteWriter, sqlite_url: str
    ) -> None:
        """Another connection sees it at once."""
        told = await writer.write(add("1"))

        assert told == "1"
        assert values(sqlite_url) == ["1"]

    async def test_row_is_not_seen_before_its_commit(
        self, writer: SqliteWriter, sqlite_url: str
    ) -> None:
        """Nothing is told that might still be taken back."""
        async with grouped(writer):
            task = asyncio.create_task(writer.write(add("1")))
            await asyncio.sleep(0.05)
            before = (task.done(), values(sqlite_url))
        await task

        assert before == (False, [])
        assert values(sqlite_url) == ["1"]

    async def test_what_is_committed_is_told_though_nobody_waits(
        self, writer: SqliteWriter, sqlite_url: str
    ) -> None:
        """A waiter that is cancelled in the middle takes no line out of the audit log."""
        told: list[str] = []
        begun, go = threading.Event(), threading.Event()

        def work(session: Session) -> None:
            add("1")(session)
            after_commit(session, lambda: told.append("1"))
            begun.set()
            go.wait(PATIENCE)

        task = asyncio.create_task(writer.write(work))
        await asyncio.to_thread(begun.wait, PATIENCE)
        task.cancel()
        go.set()
        await writer.write(add("2"))
        await asyncio.sleep(0.05)

        assert values(sqlite_url) == ["1", "2"]
        assert told == ["1"]

    async def test_full_disk_acknowledges_nobody_of_the_group(
        self, writer: SqliteWriter, sqlite_url: str
    ) -> None:
        """SQLite rolls all back by itself: who came before is told so as well."""

        def fill(session: Session) -> None:
            pages = session.execute(sa.text("PRAGMA page_count")).scalar_one()
            session.execute(sa.text(f"PRAGMA max_page_count = {pages}"))
            session.add(WhitelistRow(tenant_id="t", kind="page", value="x" * 10**6))
            session.flush()

        async with grouped(writer):
            tasks = [
                asyncio.create_task(writer.write(work))
                for work in (add("before"), fill, add("after"))
            ]
            await asyncio.sleep(0.05)
        told = await asyncio.gather(*tasks, return_exceptions=True)
        later = await writer.write(add("later"))

        assert all(isinstance(one, Exception) for one in told)
        assert later == "later"
        assert values(sqlite_url) == ["later"]

    async def test_many_writers_at_once_are_all_served(
        self, writer: SqliteWriter, sqlite_url: str
    ) -> None:
        """More than fit in one commit."""
        names = [f"{n:04}" for n in range(600)]

        async with grouped(writer):
            tasks = [asyncio.create_task(writer.write(add(name))) for name in names]
            await asyncio.sleep(0.05)
        told = await asyncio.gather(*tasks)

        assert told == names
        assert values(sqlite_url) == names

    async def test_one_that_fails_takes_nobody_with_it(
        self, writer: SqliteWriter, sqlite_url: str
    ) -> None:
        """Its own rows are rolled back; its neighbours in the group commit."""
        async with grouped(writer):
            tasks: list[asyncio.Task[Any]] = [
                asyncio.create_task(writer.write(work))
                for work in (add("1"), fail("2"), add("3"), add("1"), add("4"))
            ]
            await asyncio.sleep(0.05)
        told = await asyncio.gather(*tasks, return_exceptions=True)

        assert [told[n] for n in (0, 2, 4)] == ["1", "3", "4"]
        assert isinstance(told[1], ValueError)
        assert isinstance(told[3], sa.exc.IntegrityError)
        assert values(sqlite_url) == ["1", "3", "4"]

    async def test_failed_commit_fails_all_of_its_group(
        self, writer: SqliteWriter, sqlite_url: str
    ) -> None:
        """Nobody is told that a row is on disk which is not; the next write works."""

        def orphan(session: Session) -> None:
            # A broken reference that SQLite only looks at when it commits.
            session.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
            session.add(WhitelistRow(tenant_id="nobody", kind="page", value="x"))
            session.flush()

        async with grouped(writer):
            tasks: list[asyncio.Task[Any]] = [
                asyncio.create_task(writer.write(work))
                for work in (add("1"), orphan, add("2"))
            ]
            await asyncio.sleep(0.05)
        told = await asyncio.gather(*tasks, return_exceptions=True)
        after = await writer.write(add("3"))

        assert [type(one) for one in told] == [sa.exc.IntegrityError] * 3
        assert after == "3"
        assert values(sqlite_url) == ["3"]

    async def test_waiter_that_gives_up_is_left_out(
        self, writer: SqliteWriter, sqlite_url: str
    ) -> None:
        """Cancelled before its turn, its work never runs; neighbours are served."""
        async with grouped(writer):
            tasks = [asyncio.create_task(writer.write(add(v))) for v in ("1", "2", "3")]
            await asyncio.sleep(0.05)
            tasks[1].cancel()
            await asyncio.sleep(0)
        told = await asyncio.gather(*tasks, return_exceptions=True)

        assert isinstance(told[1], asyncio.CancelledError)
        assert values(sqlite_url) == ["1", "3"]

    async def test_waiter_that_gives_up_too_late_harms_nobody(
        self, writer: SqliteWriter, sqlite_url: str
    ) -> None:
        """Its work is under way and commits; the thread lives on."""
        entered, free = threading.Event(), threading.Event()

        def slow(session: Session) -> None:
            entered.set()
            free.wait(PATIENCE)
            add("1")(session)

        task = asyncio.create_task(writer.write(slow))
        await asyncio.to_thread(entered.wait, PATIENCE)
        task.cancel()
        free.set()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await writer.write(add("2"))

        assert values(sqlite_url) == ["1", "2"]

    async def test_locked_file_fails_the_group_and_no_later_one(
        self, writer: SqliteWriter, sqlite_url: str
    ) -> None:
        """Once the other process lets go, writing works again."""
        path = sqlite_url.removeprefix("sqlite:///")
        with contextlib.closing(
            sqlite3.connect(path, isolation_level=None)
        ) as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            with pytest.raises(sa.exc.OperationalError, match="locked"):
                await writer.write(add("1"))
            stranger.execute("ROLLBACK")

        await writer.write(add("2"))

        assert values(sqlite_url) == ["2"]

    async def test_close_finishes_what_is_queued(self, sqlite_url: str) -> None:
        """Accepted is accepted."""
        engine = sqlite_engine(sync_url(sqlite_url))
        writer = SqliteWriter(engine)
        await writer.write(add_tenant)
        names = [f"{n:03}" for n in range(300)]

        async with grouped(writer):
            tasks = [asyncio.create_task(writer.write(add(name))) for name in names]
            await asyncio.sleep(0.05)
            closing = asyncio.create_task(writer.close())
            await asyncio.sleep(0.05)
        await closing
        await asyncio.gather(*tasks)
        engine.dispose()

        assert values(sqlite_url) == names

    async def test_write_after_the_end_is_refused(self, sqlite_url: str) -> None:
        """It is told so, instead of waiting for ever."""
        database = open_database(sqlite_url)
        await database.close()

        with pytest.raises(Unavailable):
            async with asyncio.timeout(2):
                await database.write(lambda s: s.execute(sa.text("SELECT 1")))

    async def test_reader_sees_one_snapshot(
        self, writer: SqliteWriter, sqlite_url: str
    ) -> None:
        """A commit in between does not change what a reader reads."""
        entered, free = threading.Event(), threading.Event()

        def twice(session: Session) -> list[int]:
            count = sa.select(sa.func.count()).select_from(WhitelistRow)
            first = session.execute(count).scalar_one()
            entered.set()
            free.wait(PATIENCE)
            return [first, session.execute(count).scalar_one()]

        reading = asyncio.create_task(writer.read(twice))
        await asyncio.to_thread(entered.wait, PATIENCE)
        await writer.write(add("1"))
        free.set()

        assert await reading == [0, 0]
        assert values(sqlite_url) == ["1"]


class TestSqliteEngine:
    """Tests for app.store.database.sqlite_engine()."""

    def test_file_that_another_process_is_making_is_waited_for(
        self, tmp_path: Path
    ) -> None:
        """Two processes of one fresh start do not trip over one another."""
        path = tmp_path / "new.db"
        engine = sqlite_engine(sync_url(f"sqlite:///{path}"))
        with contextlib.closing(
            sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        ) as stranger:
            stranger.execute("CREATE TABLE x (a)")
            stranger.execute("BEGIN IMMEDIATE")
            freeing = threading.Timer(0.3, stranger.execute, ["COMMIT"])
            freeing.start()

            try:
                with engine.connect() as connection:
                    mode = connection.execute(sa.text("PRAGMA journal_mode")).scalar()
            finally:
                freeing.join()
        engine.dispose()

        assert mode == "wal"

    def test_commit_means_on_disk_and_references_hold(self, tmp_path: Path) -> None:
        """What a power cut may not take, and what SQLite forgets to check unasked."""
        engine = sqlite_engine(sync_url(f"sqlite:///{tmp_path}/new.db"))

        with engine.connect() as connection:
            told = {
                name: connection.execute(sa.text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            }
        engine.dispose()

        assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
