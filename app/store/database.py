"""Opens the database and runs transactions: one way to work, two engines.

Work is a plain function of a session. SQLite runs it in one writer thread with
synchronous SQLAlchemy (three times cheaper than an async driver, whose every call
is a thread hop); PostgreSQL runs the same function over asyncpg.
"""

from __future__ import annotations

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from typing_extensions import override

from app.errors import ConfigurationError, Unavailable
from app.store.base import notices
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
    try:
        if database_url.startswith("sqlite:///"):
            return sa.make_url(database_url)
        for prefix in _PREFIXES:
            if database_url.startswith(prefix):
                rest = database_url.removeprefix(prefix)
                return _for_asyncpg(sa.make_url(f"postgresql+asyncpg://{rest}"))
    except (ValueError, sa.exc.ArgumentError):
        # The text may hold a password: it is not repeated, nor chained.
        raise ConfigurationError(["DATABASE_URL: is no address"]) from None
    message = "DATABASE_URL: expected sqlite:///path or postgresql://..."
    raise ConfigurationError([message])


def _for_asyncpg(url: sa.URL) -> sa.URL:
    """Say `ssl` where libpq (and every hosting service) says `sslmode`."""
    mode = url.query.get("sslmode")
    if mode is None:
        return url
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


def open_database(database_url: str, *, pool_size: int = 10) -> Database:
    """Open the database that `database_url` names; connects lazily."""
    url = sync_url(database_url)
    if url.drivername == "sqlite":
        return SqliteDatabase(url)
    return PostgresDatabase(url, pool_size=pool_size)


class _Engine(ABC):
    """What both engines share: rivals are met again, lost connections get a name."""

    dialect: str

    async def write(self, work: Work[T]) -> T:
        """Run `work` in one transaction; once more if a rival came in between.

        Two transactions that look for a row and both insert it, or lock two rows
        crosswise, are no fault of either: the one that lost runs again and finds
        what the other wrote.
        """
        for _ in range(_TRIES - 1):
            try:
                return await self._transaction(work)
            except Exception as error:  # noqa: BLE001 - raised again, or tried again
                if not _met_rival(error):
                    _raise_named(error)
        try:
            return await self._transaction(work)
        except Exception as error:  # noqa: BLE001 - raised again, with a name
            _raise_named(error)

    async def read(self, work: Work[T]) -> T:
        """Run `work`, which only reads."""
        try:
            return await self._looked_up(work)
        except Exception as error:  # noqa: BLE001 - raised again, with a name
            _raise_named(error)

    @abstractmethod
    async def _transaction(self, work: Work[T]) -> T: ...

    @abstractmethod
    async def _looked_up(self, work: Work[T]) -> T: ...


class PostgresDatabase(_Engine):
    """PostgreSQL over asyncpg."""

    dialect = "postgresql"

    def __init__(self, url: sa.URL, *, pool_size: int) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "timeout": 10,
                # A server behind a network that swallows packets answers never.
                "command_timeout": 60,
                "server_settings": {
                    "application_name": "confluence-ai",
                    "statement_timeout": "30000",
                    "idle_in_transaction_session_timeout": "60000",
                },
            },
        )

    @override
    async def _transaction(self, work: Work[T]) -> T:
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            async with session.begin():
                result = await session.run_sync(work)
            for notice in notices(session.sync_session):
                notice()
            return result

    @override
    async def _looked_up(self, work: Work[T]) -> T:
        return await self._transaction(work)

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()


class SqliteDatabase(_Engine):
    """SQLite in one writer thread and a few reader threads."""

    dialect = "sqlite"

    def __init__(self, url: sa.URL) -> None:
        if url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        self._engine = sqlite_engine(url)
        self._writer = SqliteWriter(self._engine)

    @override
    async def _transaction(self, work: Work[T]) -> T:
        return await self._writer.write(work)

    @override
    async def _looked_up(self, work: Work[T]) -> T:
        return await self._writer.read(work)

    async def close(self) -> None:
        """Finish what is queued and close."""
        await self._writer.close()
        self._engine.dispose()


#: Times that a transaction is tried when rivals come in between.
_TRIES = 3
#: A rival changed or locked the same rows: deadlock, serialisation.
_RIVAL_STATES = ("40",)
#: The connection or the server is at fault, and time may cure it: connection, resources,
#: operator's intervention (shutdown, statement timeout), lock not available, no such
#: database. https://www.postgresql.org/docs/current/errcodes-appendix.html
_LOST_STATES = ("08", "53", "57", "55P03", "3D000", "40")
_LOST = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, OSError)


def _met_rival(error: Exception) -> bool:
    if isinstance(error, sa.exc.IntegrityError):
        return True
    return _sqlstate(error).startswith(_RIVAL_STATES)


def _raise_named(error: Exception) -> NoReturn:
    """Raise `Unavailable` for what time may cure, else the error itself."""
    lost = isinstance(error, _LOST) or _sqlstate(error).startswith(_LOST_STATES)
    if isinstance(error, sa.exc.DBAPIError):
        lost = lost or error.connection_invalidated
    if lost:
        raise _unavailable(error) from error
    raise error


def _sqlstate(error: Exception) -> str:
    """Return PostgreSQL's five characters; the driver's own errors carry them too."""
    cause = getattr(error, "orig", None) or error
    return str(getattr(cause, "sqlstate", None) or "")


def _use_write_ahead_log(cursor: Any) -> None:
    """Switch to WAL; while another process does so first, it fails without waiting."""
    for pause in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            time.sleep(pause)
        else:
            return
    cursor.execute("PRAGMA journal_mode = WAL")


def _unavailable(error: Exception) -> Unavailable:
    """Say what the driver said; the statement and its values stay out."""
    cause = getattr(error, "orig", None) or error
    return Unavailable("database", f"{type(cause).__name__}: {str(cause)[:200]}")


def sqlite_engine(url: sa.URL) -> sa.Engine:
    """Create an engine whose transactions are durable and never deadlock on upgrade."""
    engine = sa.create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        # Python's own transaction handling would begin deferred; see `_on_begin`.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "busy_timeout = 10000",
            "synchronous = FULL",
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        _use_write_ahead_log(cursor)
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        # A deferred transaction that turns to writing fails at once with SQLITE_BUSY,
        # whatever the busy timeout: https://simonwillison.net/2025/Feb/17/sqlite-busy
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
