"""Tests for app.store.migrations and the migrations themselves, on both databases."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import asyncpg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.orm import Session

from app.errors import ConfigurationError, Unavailable
from app.store import migrations, tables
from app.store.database import Work, open_database
from app.store.encryption import new_key
from tests.postgres import PostgresServer

ROOT = Path(__file__).parents[3]
METADATA = tables.TenantRow.metadata


def ask(url: str, work: Work[Any]) -> Any:
    """Ask one question of a database, outside of any loop: Alembic runs its own."""

    async def run() -> Any:
        database = open_database(url)
        try:
            return await database.read(work)
        finally:
            await database.close()

    return anyio.run(run)


def table_names(session: Session) -> set[str]:
    return set(sa.inspect(session.connection()).get_table_names())


def drift(session: Session) -> list[Any]:
    """Return what differs between the tables as they are and as they are declared."""
    context = MigrationContext.configure(
        session.connection(),
        opts={"compare_type": True, "compare_server_default": True},
    )
    return list(compare_metadata(context, METADATA))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.clone("template0")
    yield server.url(name)
    server.drop(name)


class TestUpgrade:
    """Tests for app.store.migrations.upgrade()."""

    def test_empty_database_gets_every_table(self, empty_url: str) -> None:
        """From nothing to what the program needs."""
        before = ask(empty_url, migrations.current)

        anyio.run(migrations.upgrade, empty_url)

        assert before is None
        assert ask(empty_url, table_names) == {*METADATA.tables, "alembic_version"}
        assert ask(empty_url, migrations.current) == migrations.head()

    def test_second_upgrade_changes_nothing(self, database_url: str) -> None:
        """A release step may run again."""
        anyio.run(migrations.upgrade, database_url)

        assert ask(database_url, migrations.current) == migrations.head()

    def test_tables_are_as_the_code_declares_them(self, database_url: str) -> None:
        """No column, key, index or type was forgotten in a migration."""
        assert ask(database_url, drift) == []

    def test_way_down_and_up_again(self, database_url: str) -> None:
        """Down leaves nothing of ours behind; up is as before."""
        command.downgrade(migrations.config(database_url), "base")
        down = ask(database_url, table_names)

        anyio.run(migrations.upgrade, database_url)

        assert down <= {"alembic_version"}
        assert ask(database_url, drift) == []

    def test_two_processes_at_once_both_succeed(
        self, empty_url: str, tmp_path: Path
    ) -> None:
        """Two containers of one release start together."""
        env_file = tmp_path / ".env"
        env_file.touch()
        environ = os.environ | {  # noqa: TID251 - handed on to our own processes
            "DATABASE_URL": empty_url,
            "ENCRYPTION_KEYS": new_key(),
        }
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "app", "--env-file", env_file, "migrate"],
                cwd=ROOT,
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]

        ended = [process.communicate(timeout=60) for process in started]

        assert [process.returncode for process in started] == [0, 0], ended
        assert ask(empty_url, migrations.current) == migrations.head()

    def test_second_process_waits_out_a_long_migration(
        self, postgres: PostgresServer
    ) -> None:
        """A release that takes more than a moment does not fail its neighbour."""
        name = postgres.clone("template0")
        url = postgres.url(name)

        async def run() -> None:
            first = await asyncpg.connect(url)
            try:
                # The same lock that `migrations/env.py` takes.
                await first.execute("SELECT pg_advisory_lock(6217318)")
                upgrading = asyncio.create_task(migrations.upgrade(url))
                await asyncio.wait([upgrading], timeout=5.5)
            finally:
                await first.close()
            await upgrading

        anyio.run(run)

        revision = ask(url, migrations.current)
        postgres.drop(name)
        assert revision == migrations.head()

    def test_nobody_waits_for_ever(self, postgres: PostgresServer) -> None:
        """A process that hangs with the lock does not hang all others silently."""
        name = postgres.clone("template0")
        url = postgres.url(name)

        async def run() -> None:
            first = await asyncpg.connect(url)
            try:
                await first.execute("SELECT pg_advisory_lock(6217318)")
                await migrations.upgrade(url, lock_wait=timedelta(seconds=0.5))
            finally:
                await first.close()

        with pytest.raises(Unavailable, match="another process has been migrating"):
            anyio.run(run)

        postgres.drop(name)

    def test_database_of_a_newer_program_is_refused(self, database_url: str) -> None:
        """An old release must not guess at a schema it does not know."""

        async def make_newer() -> None:
            database = open_database(database_url)
            statement = sa.text("UPDATE alembic_version SET version_num = 'newer'")
            try:
                await database.write(lambda session: session.execute(statement))
            finally:
                await database.close()

        anyio.run(make_newer)

        with pytest.raises(ConfigurationError, match="newer than this program"):
            anyio.run(migrations.upgrade, database_url)

    def test_database_that_is_not_there_is_told(self, postgres: PostgresServer) -> None:
        """The operator must make it, or mend its name."""
        with pytest.raises(ConfigurationError, match="does not exist"):
            anyio.run(migrations.upgrade, postgres.url("nowhere"))


class TestMigrations:
    """What every migration must be."""

    def test_there_is_one_line_of_them(self) -> None:
        """Two branches would leave it open which comes first."""
        script = ScriptDirectory(str(ROOT / "migrations"))

        assert len(script.get_heads()) == 1
        assert len(script.get_bases()) == 1

    def test_every_constraint_has_a_name(self) -> None:
        """Without one a later migration could not change it."""
        unnamed = [
            f"{table.name}: {constraint!r}"
            for table in METADATA.tables.values()
            for constraint in table.constraints
            if constraint.name is None
        ]

        assert unnamed == []
