"""Tests for app.store.database: transactions, a database that is gone, addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.jobs import Job
from app.domain.modes import WhitelistEntry
from app.errors import ConfigurationError, Unavailable
from app.store.database import Database, open_database, sync_url
from app.store.jobs import JobStore
from app.store.policies import PolicyStore
from app.store.tables import WhitelistRow
from tests.integration.store.stored import new_tenant, rows
from tests.postgres import PostgresServer

pytestmark = pytest.mark.anyio
PATIENCE = 10.0


def add(value: str) -> Callable[[Session], str]:
    """Return work that adds one row, on the whitelist of tenant `t`."""

    def work(session: Session) -> str:
        session.add(WhitelistRow(tenant_id="t", kind="page", value=value))
        session.flush()
        return value

    return work


class TestTransactions:
    """What holds on both databases."""

    async def test_failed_work_leaves_nothing(self, database: Database) -> None:
        """The error comes as it was raised."""
        await new_tenant(database)

        def work(session: Session) -> None:
            session.execute(sa.text("UPDATE tenants SET site_url = 'x'"))
            message = "no"
            raise ValueError(message)

        with pytest.raises(ValueError, match="no"):
            await database.write(work)
        urls = await database.read(
            lambda s: s.execute(sa.text("SELECT site_url FROM tenants")).scalars().all()
        )

        assert urls == ["https://a.atlassian.net"]

    async def test_broken_rule_is_no_lost_connection(self, database: Database) -> None:
        """A bug of ours is not retried as if time could cure it."""
        with pytest.raises(sa.exc.IntegrityError):
            await database.write(add("1"))

    async def test_text_comes_back_as_it_was_written(self, database: Database) -> None:
        """Ukrainian, emoji, quotes, a megabyte."""
        tenant = await new_tenant(database)
        texts = ["Ґанок п'ять", "🚀", "'; DROP TABLE jobs; --", "х" * 500_000]

        for text in texts:
            entry = WhitelistEntry(kind="page", value=text[:1000])
            await database.write(
                lambda s, one=entry: PolicyStore(s).allow(tenant, one)  # type: ignore[misc]
            )

        kept = {row["value"] for row in await rows(database, WhitelistRow)}
        assert kept == {text[:1000] for text in texts}

    @pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"], ids=["nul", "surrogate"])
    async def test_failure_that_tells_odd_characters_is_still_settled(
        self, database: Database, text: str
    ) -> None:
        """What a site answered may hold anything; the job ends all the same."""
        tenant = await new_tenant(database)

        def claim(session: Session) -> Job:
            jobs = JobStore(session)
            jobs.enqueue(tenant, "label_page", "7")
            return jobs.claim(limit=1, lease=timedelta(minutes=1))[0]

        job = await database.write(claim)

        settled = await database.write(
            lambda s: JobStore(s).finish(
                job, state="failed", outcome="failed", error=text
            )
        )

        assert settled


class TestGone:
    """A database that cannot be reached is `Unavailable`, whatever the driver says."""

    async def test_folder_that_vanished(self, tmp_path: Path) -> None:
        """No file can be opened there."""
        database = open_database(f"sqlite:///{tmp_path}/sub/app.db")
        (tmp_path / "sub").rmdir()

        for do in (database.read, database.write):
            with pytest.raises(Unavailable):
                await do(lambda s: s.execute(sa.text("SELECT 1")))
        await database.close()

    async def test_server_that_is_not_there(self) -> None:
        """Nobody listens; the message holds no password."""
        database = open_database("postgresql://u:hunter2@127.0.0.1:1/none")

        with pytest.raises(Unavailable) as caught:
            await database.read(lambda s: s.execute(sa.text("SELECT 1")))
        await database.close()

        assert "hunter2" not in str(caught.value)

    async def test_socket_that_is_not_there(self, tmp_path: Path) -> None:
        """The same over a unix socket."""
        database = open_database(f"postgresql://u@/none?host={tmp_path}")

        with pytest.raises(Unavailable):
            await database.read(lambda s: s.execute(sa.text("SELECT 1")))
        await database.close()

    async def test_connection_cut_in_the_middle(self, on_postgres: Database) -> None:
        """A restarted server ends our transaction; the next one works."""

        def work(session: Session) -> None:
            session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
            session.execute(sa.text("SELECT 1"))

        with pytest.raises(Unavailable):
            await on_postgres.write(work)

        await new_tenant(on_postgres)

    async def test_statement_that_takes_too_long(self, on_postgres: Database) -> None:
        """A timeout is a matter of time."""

        def work(session: Session) -> None:
            session.execute(sa.text("SET LOCAL statement_timeout = 20"))
            session.execute(sa.text("SELECT pg_sleep(5)"))

        with pytest.raises(Unavailable):
            await on_postgres.write(work)

    async def test_deadlock_is_no_matter_at_all(
        self, on_postgres: Database, postgres_url: str
    ) -> None:
        """The victim's work is simply done again, and both succeed."""
        await new_tenant(on_postgres, "a")
        await new_tenant(on_postgres, "b")
        other = open_database(postgres_url)

        def lock(first: str, second: str) -> Callable[[Session], None]:
            update = sa.text("UPDATE tenants SET status = 'active' WHERE site_url = :u")

            def work(session: Session) -> None:
                session.execute(update, {"u": f"https://{first}.atlassian.net"})
                session.execute(sa.text("SELECT pg_sleep(0.2)"))
                session.execute(update, {"u": f"https://{second}.atlassian.net"})

            return work

        told = await asyncio.gather(
            on_postgres.write(lock("a", "b")),
            other.write(lock("b", "a")),
            return_exceptions=True,
        )
        await other.close()

        assert list(told) == [None, None]

    async def test_database_that_was_dropped(
        self, postgres: PostgresServer, postgres_template: str
    ) -> None:
        """A restore in progress is a matter of time."""
        name = postgres.clone(postgres_template)
        database = open_database(postgres.url(name))
        await new_tenant(database)
        postgres.drop(name)

        with pytest.raises(Unavailable):
            await new_tenant(database)
        await database.close()


class TestSyncUrl:
    """Tests for app.store.database.sync_url()."""

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("sqlite:///a.db", "sqlite:///a.db"),
            ("postgresql://u@h/d", "postgresql+asyncpg://u@h/d"),
            ("postgres://u@h/d", "postgresql+asyncpg://u@h/d"),
        ],
    )
    def test_app_picks_the_driver(self, url: str, expected: str) -> None:
        """The operator names a database, not a library."""
        assert sync_url(url).render_as_string(hide_password=False) == expected

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "mysql://u@h/d",
            "sqlite://a.db",
            "postgresql+psycopg://u:hunter2@h/d",
            "postgresql://u:hunter2@h:port/d",
            "postgresql://u:hunter2@[::1/d",
        ],
    )
    def test_bad_address_is_a_named_problem(self, url: str) -> None:
        """And its password is not repeated."""
        with pytest.raises(ConfigurationError, match="DATABASE_URL") as caught:
            sync_url(url)

        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("mode", ["disable", "prefer"])
    async def test_sslmode_of_a_usual_address_is_understood(
        self, postgres_url: str, mode: str
    ) -> None:
        """Hosting services hand out addresses that end in `?sslmode=…`."""
        glue = "&" if "?" in postgres_url else "?"
        database = open_database(f"{postgres_url}{glue}sslmode={mode}")

        try:
            one = await database.read(
                lambda s: s.execute(sa.text("SELECT 1")).scalar_one()
            )
        finally:
            await database.close()

        assert one == 1
