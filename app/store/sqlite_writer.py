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
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

T = TypeVar("T")

_Task = tuple[Callable[[Session], Any], "Future[Any]"]

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
        self._thread = threading.Thread(
            target=self._write_forever, name="sqlite-write", daemon=True
        )
        self._thread.start()

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in the writer thread; return once its commit is on disk."""
        done: Future[T] = Future()
        self._tasks.put((work, done))
        return await asyncio.wrap_future(done)

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a reader thread, on one snapshot."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, work)

    async def close(self) -> None:
        """Finish queued writes, then end the threads."""
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
        with contextlib.ExitStack() as stack:
            connection: sa.Connection | None = None
            while (group := self._next_group()) is not None:
                try:
                    if connection is None:
                        connection = stack.enter_context(self._engine.connect())
                    self._commit_group(connection, group)
                except Exception as error:  # noqa: BLE001 - handed to every waiter
                    _fail(group, error)

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
                except Exception as error:
                    if not connection.in_transaction():
                        raise
                    done.set_exception(error)
        for done, result in results:
            done.set_result(result)


def _in_savepoint(connection: sa.Connection, work: Callable[[Session], T]) -> T:
    with (
        Session(
            bind=connection,
            join_transaction_mode="create_savepoint",
            expire_on_commit=False,
        ) as session,
        session.begin(),
    ):
        return work(session)


def _fail(group: list[_Task], error: Exception) -> None:
    for _, done in group:
        if not done.done():
            done.set_exception(error)
