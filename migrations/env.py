"""Runs migrations on a connection that `app.store.migrations` (or the shell) opens."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

from app.errors import Unavailable
from app.settings import database_url_from_environ
from app.store import tables
from app.store.base import UtcDateTime
from app.store.database import sqlite_engine, sync_url
from app.store.migrations import LOCK_WAIT

#: Importing the tables is what fills the metadata.
_METADATA = tables.TenantRow.metadata
#: Any number will do, if only we use it: one migration at a time.
_ADVISORY_LOCK = 6217318
_LOCK_POLL_SECONDS = 0.25
_CONNECT_SECONDS = 10


def render_item(type_: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Name our own column type as the plain one it stands for."""
    if type_ == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    del autogen_context
    return False


def run(connection: sa.Connection) -> None:
    """Bring the schema to head in one transaction per migration."""
    if connection.dialect.name == "postgresql":
        _wait_for_others(connection)
        # Only now: they hold for what a migration does, not for another's work.
        connection.exec_driver_sql("SET lock_timeout = '5s'")
        connection.exec_driver_sql("SET statement_timeout = '120s'")
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=_METADATA,
        transaction_per_migration=True,
        compare_type=True,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


def _wait_for_others(connection: sa.Connection) -> None:
    """Take the lock of migrations, which ends with the connection.

    It is asked for again and again rather than waited for: a waiting statement is an
    open transaction, and `CREATE INDEX CONCURRENTLY` in the other process would wait
    for its end in turn.

    Raises:
        Unavailable: Somebody else holds it for longer than anybody should wait.
    """
    wait: timedelta = context.config.attributes.get("lock_wait", LOCK_WAIT)
    give_up_at = time.monotonic() + wait.total_seconds()
    ask = f"SELECT pg_try_advisory_lock({_ADVISORY_LOCK})"
    while True:
        taken = connection.exec_driver_sql(ask).scalar_one()
        connection.commit()
        if taken:
            return
        if time.monotonic() >= give_up_at:
            reason = f"another process has been migrating for {wait} and more"
            raise Unavailable("database", reason)
        time.sleep(_LOCK_POLL_SECONDS)


async def _run_on_postgres(url: sa.URL) -> None:
    engine = create_async_engine(
        url,
        poolclass=sa.NullPool,
        hide_parameters=True,
        connect_args={"timeout": _CONNECT_SECONDS},
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
    finally:
        await engine.dispose()


def main() -> None:
    """Use the connection handed over, else open one from DATABASE_URL."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        run(connection)
        return
    url = sync_url(context.config.attributes.get("url") or database_url_from_environ())
    if url.drivername == "sqlite":
        engine = sqlite_engine(url)
        with engine.connect() as opened:
            run(opened)
            opened.commit()
        engine.dispose()
    else:
        asyncio.run(_run_on_postgres(url))


main()
