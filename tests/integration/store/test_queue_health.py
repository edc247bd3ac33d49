"""Tests for app.store.queue_health on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.store.base import db_time
from app.store.database import Database
from app.store.queue_health import QueueHealth, QueueHealthStore
from app.store.tables import EventRow, InstallationRow, JobRow, RunRow, TokenRow
from app.store.tenants import TenantStore
from tests.integration.store.stored import new_tenant, rows

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


def job(tenant: str, key: str, **changes: Any) -> JobRow:
    fields: dict[str, Any] = {
        "kind": "label_page",
        "priority": 0,
        "state": "ready",
        "payload": {},
        "run_at": db_time(),
        "created_at": db_time(),
    }
    return JobRow(tenant_id=tenant, dedupe_key=key, **(fields | changes))


def event(tenant: str, key: str, age: timedelta) -> EventRow:
    return EventRow(
        tenant_id=tenant,
        delivery_key=key,
        host="forge",
        name="x",
        outcome="queued",
        received_at=db_time(-age),
    )


async def put(database: Database, *added: Any) -> None:
    await database.write(lambda s: s.add_all(added))


async def prune(database: Database, *, batch: int = 1000) -> int:
    return await database.write(
        lambda s: QueueHealthStore(s).prune(
            keep_done=7 * DAY, keep_failed=30 * DAY, batch=batch
        )
    )


class TestRead:
    """Tests for app.store.queue_health.QueueHealthStore.read()."""

    async def test_empty_queue_is_healthy(self, database: Database) -> None:
        """Nothing waits, nobody is blocked."""
        health = await database.read(lambda s: QueueHealthStore(s).read())

        assert health == QueueHealth(depth={}, oldest_seconds=0.0, blocked_tenants=0)

    async def test_counts_by_kind_and_state_across_tenants(
        self, database: Database
    ) -> None:
        """Finished jobs are history; a paused tenant shows."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await put(
            database,
            job(tenant, "1", run_at=db_time(timedelta(seconds=-90))),
            job(other, "1"),
            job(tenant, "2", state="running", leased_until=db_time()),
            job(tenant, "3", state="failed"),
            job(tenant, "4", state="done"),
            job(tenant, "5", kind="learn_site", run_at=db_time(DAY)),
        )
        await database.write(
            lambda s: TenantStore(s).pause(other, delay=DAY, reason="x")
        )

        health = await database.read(lambda s: QueueHealthStore(s).read())

        assert health.depth == {
            ("label_page", "ready"): 2,
            ("label_page", "running"): 1,
            ("label_page", "failed"): 1,
            ("learn_site", "ready"): 1,
        }
        assert 89 < health.oldest_seconds < 150
        assert health.blocked_tenants == 1

    async def test_work_of_the_future_is_not_late(self, database: Database) -> None:
        """The age of what is not due is nought."""
        await put(database, job(await new_tenant(database), "1", run_at=db_time(DAY)))

        health = await database.read(lambda s: QueueHealthStore(s).read())

        assert health.oldest_seconds == 0.0


class TestPrune:
    """Tests for app.store.queue_health.QueueHealthStore.prune()."""

    async def test_old_finished_jobs_go_and_all_else_stays(
        self, database: Database
    ) -> None:
        """Dead letters are kept longer; what waits or runs is never touched."""
        tenant = await new_tenant(database)
        ages = {
            ("done", 8): False,
            ("done", 6): True,
            ("discarded", 8): False,
            ("failed", 8): True,
            ("failed", 31): False,
            ("ready", 400): True,
            ("running", 400): True,
        }
        await put(
            database,
            *(
                job(
                    tenant,
                    f"{state}-{days}",
                    state=state,
                    finished_at=db_time(-days * DAY)
                    if state in {"done", "discarded", "failed"}
                    else None,
                    created_at=db_time(-days * DAY),
                    run_at=db_time(-days * DAY),
                )
                for state, days in ages
            ),
        )

        count = await prune(database)

        left = {row["dedupe_key"] for row in await rows(database, JobRow)}
        kept = {f"{state}-{days}" for (state, days), stays in ages.items() if stays}
        assert (left, count) == (kept, 3)

    async def test_old_receipts_and_dead_tokens_go(self, database: Database) -> None:
        """Young receipts and living tokens stay; runs are the record and stay."""
        tenant = await new_tenant(database)

        def work(session: Session) -> None:
            session.add_all([event(tenant, "old", 8 * DAY), event(tenant, "new", DAY)])
            installation = InstallationRow(
                tenant_id=tenant,
                host="forge",
                external_id="x",
                base_url="https://x/wiki",
                installed_at=db_time(),
            )
            session.add(installation)
            session.flush()
            for kind, lives in (("system", -DAY), ("user", DAY)):
                session.add(
                    TokenRow(
                        installation_id=installation.id,
                        kind=kind,
                        account_id="",
                        tenant_id=tenant,
                        sealed_token="x",
                        expires_at=db_time(lives),
                    )
                )
            session.add(
                RunRow(
                    tenant_id=tenant,
                    page_id="7",
                    outcome="written",
                    receipt={},
                    started_at=db_time(-900 * DAY),
                    finished_at=db_time(-900 * DAY),
                )
            )

        await database.write(work)

        count = await prune(database)

        assert count == 2
        assert [row["delivery_key"] for row in await rows(database, EventRow)] == [
            "new"
        ]
        assert [row["kind"] for row in await rows(database, TokenRow)] == ["user"]
        assert len(await rows(database, RunRow)) == 1

    async def test_one_batch_at_a_time(self, database: Database) -> None:
        """A long neglected table does not hold up the writers."""
        tenant = await new_tenant(database)
        await put(database, *(event(tenant, str(n), 9 * DAY) for n in range(25)))

        counts = [await prune(database, batch=10) for _ in range(4)]

        assert counts == [10, 10, 5, 0]
