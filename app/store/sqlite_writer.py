"""SQLite's threads: one that writes, in group commits, and a few that read.

Whoever waits while a commit is on its way joins the next one: each work runs in its
own savepoint, one commit makes all of them durable, and a work that fails takes
nobody with it. Alone, a work pays nothing for this.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.store.base import Notices, notices

T = TypeVar("T")

_Task = tuple[Callable[[Session], Any], "Future[Any]"]

_CLOSED = "the database is closed"
_ROLLED_BACK = "SQLite rolled the transaction back"

#: Waiters served by one commit at most; bounds how long the first of them waits.
_GROUP = 256


class SqliteWriter:
    """Owns the writer thread and the reader pool of one SQLite database."""

    def __init__(self, engine: sa.Engine, *, readers: int = 4) -> None:
        self._engine = engine
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="sqlite-read")
        self._connections = threading.local()
        self._opened: list[sa.Connection] = []
        self._closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(
            target=self._write_forever, name="sqlite-write", daemon=True
        )
        self._thread.start()

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in the writer thread; return once its commit is on disk.

        Raises:
            OSError: The writer has been closed.
        """
        done: Future[tuple[T, Notices]] = Future()
        with self._closing:
            if self._closed:
                raise OSError(_CLOSED)
            self._tasks.put((work, done))
        committed = asyncio.wrap_future(done)
        # What is committed is told even if nobody waits for it any more.
        committed.add_done_callback(_tell)
        try:
            result, _ = await asyncio.shield(committed)
        except asyncio.CancelledError:
            # Left out if its turn has not come; under way it goes to its end.
            done.cancel()
            raise
        return result

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a reader thread, on one snapshot.

        Raises:
            OSError: The database has been closed.
        """
        if self._closed:
            raise OSError(_CLOSED)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, work)

    async def close(self) -> None:
        """Finish queued writes, then end the threads; closing twice is once."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._tasks.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._opened:
            connection.close()

    def _read(self, work: Callable[[Session], T]) -> T:
        connection = getattr(self._connections, "reader", None)
        if connection is None:
            connection = self._engine.connect().execution_options(read_only=True)
            self._connections.reader = connection
            self._opened.append(connection)
        with connection.begin(), Session(bind=connection) as session:
            return work(session)

    def _write_forever(self) -> None:
        connection: sa.Connection | None = None
        while (group := self._next_group()) is not None:
            try:
                connection = connection or self._engine.connect()
                self._commit_group(connection, group)
            except Exception as error:  # noqa: BLE001 - handed to every waiter
                _fail(group, error)
                # Whatever state it is in, the next group shall not inherit it.
                _discard(connection)
                connection = None
        _discard(connection)

    def _next_group(self) -> list[_Task] | None:
        first = self._tasks.get()
        if first is None:
            return None
        group = [first]
        while len(group) < _GROUP:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                break
            if task is None:
                self._tasks.put(None)
                break
            group.append(task)
        return group

    @staticmethod
    def _commit_group(connection: sa.Connection, group: list[_Task]) -> None:
        results: list[tuple[Future[Any], Any]] = []
        with connection.begin():
            for work, done in group:
                if not done.set_running_or_notify_cancel():
                    continue
                try:
                    results.append((done, _in_savepoint(connection, work)))
                except Exception as error:  # noqa: BLE001 - this waiter's own failure
                    _insist_on_transaction(connection, error)
                    done.set_exception(error)
            _insist_on_transaction(connection, None)
        for done, result in results:
            done.set_result(result)


def _insist_on_transaction(connection: sa.Connection, error: Exception | None) -> None:
    """Fail the whole group where SQLite has rolled back by itself.

    It does so on a full disk or a failed read or write, and then the works before
    are gone and the works after would each commit alone.
    https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
    """
    driver: Any = connection.connection.dbapi_connection
    if not driver.in_transaction:
        raise error or OSError(_ROLLED_BACK)


def _in_savepoint(
    connection: sa.Connection, work: Callable[[Session], T]
) -> tuple[T, Notices]:
    with Session(
        bind=connection,
        join_transaction_mode="create_savepoint",
        expire_on_commit=False,
    ) as session:
        with session.begin():
            result = work(session)
        return result, notices(session)


def _tell(committed: asyncio.Future[tuple[Any, Notices]]) -> None:
    if committed.cancelled() or committed.exception() is not None:
        return
    for notice in committed.result()[1]:
        notice()


def _fail(group: list[_Task], error: Exception) -> None:
    for _, done in group:
        # A waiter may be cancelled at this very moment.
        with contextlib.suppress(InvalidStateError):
            done.set_exception(error)


def _discard(connection: sa.Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(sa.exc.SQLAlchemyError, OSError):
            connection.close()
