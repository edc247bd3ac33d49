"""Tests for app.usecases.purge_tenant on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from app.clock import utc_now
from app.domain.jobs import Discarded, Done, Job
from app.domain.tenants import PURGE_GRACE
from app.store.base import db_time
from app.store.database import Database
from app.store.tables import JobRow, TenantRow
from app.store.tenants import TenantStore
from app.usecases.purge_tenant import purge_tenant
from tests.integration.store.stored import counted, fill, new_tenant, rows
from tests.integration.usecases.asking import a_job
from tests.unit.worker.services import make_services

pytestmark = pytest.mark.anyio


def purge_of(tenant: str) -> Job:
    return replace(a_job(tenant), kind="purge_tenant", payload={})


async def grace(database: Database, tenant: str, left: timedelta) -> None:
    """Let a tenant be uninstalled, with so much of its grace left."""
    await database.write(
        lambda s: s.execute(
            sa.update(TenantRow)
            .where(TenantRow.id == tenant)
            .values(status="uninstalled", purge_after=db_time(left))
        ).close()
    )


async def test_nothing_is_left_when_the_grace_is_over(database: Database) -> None:
    """Not even the job; the neighbour's rows stay."""
    gone, stays = await new_tenant(database), await new_tenant(database, "b")
    for tenant in (gone, stays):
        await database.write(partial(fill, tenant_id=tenant))
    before = await counted(database, stays)
    await grace(database, gone, -timedelta(seconds=1))

    outcome = await purge_tenant(make_services(database), purge_of(gone))

    assert outcome == Done(outcome="purged")
    assert set((await counted(database, gone)).values()) == {0}
    assert [one["id"] for one in await rows(database, TenantRow)] == [stays]
    assert await counted(database, stays) == before


async def test_a_site_that_came_back_is_left_alone(database: Database) -> None:
    """A purge that is on its way already finds it alive."""
    tenant = await new_tenant(database)
    await grace(database, tenant, -timedelta(seconds=1))
    await database.write(lambda s: TenantStore(s).activate(tenant))

    outcome = await purge_tenant(make_services(database), purge_of(tenant))

    assert outcome == Discarded(outcome="tenant_lives")
    assert [one["id"] for one in await rows(database, TenantRow)] == [tenant]
    assert await rows(database, JobRow) == []


async def test_a_newer_grace_is_waited_for(database: Database) -> None:
    """Gone, back and gone again: the next job comes when the last grace is over."""
    tenant = await new_tenant(database)
    await grace(database, tenant, PURGE_GRACE)

    outcome = await purge_tenant(make_services(database), purge_of(tenant))

    assert outcome == Discarded(outcome="not_yet")
    (job,) = await rows(database, JobRow)
    assert (job["tenant_id"], job["kind"]) == (tenant, "purge_tenant")
    assert job["run_at"] - utc_now() > PURGE_GRACE
    assert job["run_at"] - utc_now() <= PURGE_GRACE + timedelta(minutes=1)
