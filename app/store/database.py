"""Opens the database and runs transactions: one way to work, two engines.

Work is a plain function of a session. SQLite runs it in one writer thread with
synchronous SQLAlchemy (three times cheaper than an async driver, whose every call
is a thread hop); PostgreSQL runs the same function over asyncpg.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from app.errors import ConfigurationError, Unavailable
from app.store.sqlite_writer import SqliteWriter

T = TypeVar("T")
Work = Callable[[Session], T]

_PREFIXES = ("postgresql://", "postgres://")


class Database(Protocol):
    """Runs work in transactions."""

    dialect: str

    async def write(self, work: Work[T]) -> T:
        """Run `work` in one transaction and return its result once it is on disk.

        Raises:
            Unavailable: The database cannot be reached, is locked or full.
        """
        ...

    async def read(self, work: Work[T]) -> T:
        """Run `work`, which only reads."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


def sync_url(database_url: str) -> sa.URL:
    """Return the URL for synchronous use on SQLite, or asyncpg's on PostgreSQL.

    Raises:
        ConfigurationError: Neither `sqlite:///path` nor `postgresql://...`.
    """
    if database_url.startswith("sqlite:///"):
        return sa.make_url(database_url)
    for prefix in _PREFIXES:
        if database_url.startswith(prefix):
            rest = database_url.removeprefix(prefix)
            return sa.make_url(f"postgresql+asyncpg://{rest}")
    message = "DATABASE_URL: expected sqlite:///path or postgresql://..."
    raise ConfigurationError([message])


def open_database(database_url: str, *, pool_size: int = 10) -> Database:
    """Open the database that `database_url` names; connects lazily."""
    url = sync_url(database_url)
    if url.drivername == "sqlite":
        return SqliteDatabase(url)
    return PostgresDatabase(url, pool_size=pool_size)


class PostgresDatabase:
    """PostgreSQL over asyncpg."""

    dialect = "postgresql"

    def __init__(self, url: sa.URL, *, pool_size: int) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=True,
            connect_args={
                "timeout": 10,
                "server_settings": {
                    "application_name": "confluence-ai",
                    "statement_timeout": "30000",
                    "idle_in_transaction_session_timeout": "60000",
                },
            },
        )

    async def write(self, work: Work[T]) -> T:
        """Run `work` in one transaction."""
        try:
            async with (
                AsyncSession(self._engine, expire_on_commit=False) as session,
                session.begin(),
            ):
                return await session.run_sync(work)
        except _LOST as error:
            raise _unavailable(error) from error

    async def read(self, work: Work[T]) -> T:
        """Run `work`, which only reads."""
        return await self.write(work)

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()


class SqliteDatabase:
    """SQLite in one writer thread and a few reader threads."""

    dialect = "sqlite"

    def __init__(self, url: sa.URL) -> None:
        if url.database and url.database != ":memory:":
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        self._engine = sqlite_engine(url)
        self._writer = SqliteWriter(self._engine)

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a savepoint of the next group commit."""
        try:
            return await self._writer.write(work)
        except _LOST as error:
            raise _unavailable(error) from error

    async def read(self, work: Work[T]) -> T:
        """Run `work` on a reader's snapshot."""
        try:
            return await self._writer.read(work)
        except _LOST as error:
            raise _unavailable(error) from error

    async def close(self) -> None:
        """Finish what is queued and close."""
        await self._writer.close()
        self._engine.dispose()


#: The connection, not the statement, is at fault; time may cure it.
_LOST = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, OSError)


def _unavailable(error: Exception) -> Unavailable:
    """Say what the driver said; the statement and its values stay out."""
    cause = getattr(error, "orig", None) or error
    return Unavailable("database", f"{type(cause).__name__}: {str(cause)[:200]}")


def sqlite_engine(url: sa.URL) -> sa.Engine:
    """Create an engine whose transactions are durable and never deadlock on upgrade."""
    engine = sa.create_engine(
        url, poolclass=NullPool, connect_args={"check_same_thread": False}
    )

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        # Python's own transaction handling would begin deferred; see `_on_begin`.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "busy_timeout = 10000",
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        # A deferred transaction that turns to writing fails at once with SQLITE_BUSY,
        # whatever the busy timeout: https://simonwillison.net/2025/Feb/17/sqlite-busy
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
