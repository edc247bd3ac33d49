"""Tests for app.store.runs on both databases."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app.clock import utc_now
from app.store.database import Database, open_database
from app.store.runs import NewRun, RunStore
from app.store.tables import AuditRow, RunRow
from tests.integration.store.stored import new_tenant, rows

pytestmark = pytest.mark.anyio


async def add(database: Database, tenant: str, page: str = "7", **changes: Any) -> int:
    fields: dict[str, Any] = {"outcome": "written", "started_at": utc_now()}
    run = NewRun(page_id=page, **(fields | changes))
    return await database.write(lambda s: RunStore(s).add(tenant, run))


class TestRuns:
    """Tests for the runs of app.store.runs.RunStore."""

    async def test_run_is_kept_with_its_receipt(self, database: Database) -> None:
        """Whatever is in the receipt comes back as it was."""
        tenant = await new_tenant(database)
        receipt = {"added": ["дизайн"], "summary": "🚀 " * 1000, "n": None, "x": 0.1}

        await add(
            database,
            tenant,
            receipt=receipt,
            job_id=2**40,
            page_version=2**40,
            points=3,
            model="m",
            input_tokens=2**30,
            output_tokens=7,
            micro_usd=2**40,
        )

        (row,) = await rows(database, RunRow)
        assert row["receipt"] == receipt
        assert (row["job_id"], row["points"], row["model"]) == (2**40, 3, "m")
        assert (row["input_tokens"], row["output_tokens"]) == (2**30, 7)
        assert row["micro_usd"] == 2**40
        assert row["finished_at"] is not None

    async def test_latest_come_first_and_only_one_s_own(
        self, database: Database
    ) -> None:
        """Of a page, of a tenant, up to a limit."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        ids = [await add(database, tenant, page) for page in ("7", "8", "7")]
        foreign = await add(database, other, "7")

        def recent(tenant_id: str, **which: Any) -> Any:
            return database.read(
                lambda s: [run.id for run in RunStore(s).recent(tenant_id, **which)]
            )

        assert await recent(tenant) == ids[::-1]
        assert await recent(tenant, page_id="7") == [ids[2], ids[0]]
        assert await recent(tenant, limit=1) == [ids[2]]
        assert await recent(other, page_id="7") == [foreign]

    async def test_outcomes_are_counted_by_tenant(self, database: Database) -> None:
        """A status page shows its own tenant's."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        for outcome in ("written", "written", "page_gone"):
            await add(database, tenant, outcome=outcome)
        await add(database, other)

        counts = await database.read(lambda s: RunStore(s).outcomes(tenant))

        assert counts == {"written": 2, "page_gone": 1}


class TestAudit:
    """Tests for the audit of record and its mirror in the log."""

    async def test_acts_are_listed_newest_first_by_tenant(
        self, database: Database
    ) -> None:
        """With what was before and after."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        for who, page in ((tenant, "7"), (tenant, None), (other, "7")):
            await database.write(
                lambda s, w=who, p=page: RunStore(s).audit(  # type: ignore[misc]
                    w, actor="cli", action="x", page_id=p, after={"ярлик": 1}
                )
            )

        def trail(tenant_id: str, **which: Any) -> Any:
            return database.read(
                lambda s: [
                    (row.page_id, row.before, row.after)
                    for row in RunStore(s).audit_trail(tenant_id, **which)
                ]
            )

        act: tuple[object, object] = ({}, {"ярлик": 1})
        assert await trail(tenant) == [(None, *act), ("7", *act)]
        assert await trail(tenant, page_id="7") == [("7", *act)]
        assert await trail(tenant, limit=1) == [(None, *act)]
        assert await trail(other) == [("7", *act)]

    async def test_act_on_disk_is_mirrored_in_the_log(self, database: Database) -> None:
        """The same words, once."""
        tenant = await new_tenant(database)

        with capture_logs() as lines:
            await database.write(
                lambda s: RunStore(s).audit(
                    tenant, actor="cli", action="policy_changed", after={"mode": "off"}
                )
            )

        (line,) = lines
        assert (line["event"], line["tenant"]) == ("policy_changed", tenant)
        assert line["after"] == {"mode": "off"}

    async def test_act_that_was_rolled_back_leaves_no_line(
        self, database: Database
    ) -> None:
        """The log does not tell what never happened, not even after a savepoint."""
        tenant = await new_tenant(database)

        def work(session: Session) -> None:
            RunStore(session).audit(tenant, actor="cli", action="x")
            with session.begin_nested():
                session.execute(sa.select(1))
            message = "changed my mind"
            raise ValueError(message)

        with capture_logs() as lines, contextlib.suppress(ValueError):
            await database.write(work)

        assert await rows(database, AuditRow) == []
        assert lines == []

    async def test_act_whose_commit_failed_leaves_no_line(
        self, sqlite_url: str
    ) -> None:
        """On disk means on disk: a savepoint's end is not yet that."""
        database = open_database(sqlite_url)
        tenant = await new_tenant(database)

        def work(session: Session) -> None:
            # Checked at the commit, which so fails.
            session.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
            RunStore(session).audit(tenant, actor="cli", action="x")
            RunStore(session).audit("nobody", actor="cli", action="y")

        with capture_logs() as lines, contextlib.suppress(sa.exc.IntegrityError):
            await database.write(work)
        kept = await rows(database, AuditRow)
        await database.close()

        assert kept == []
        assert lines == []
