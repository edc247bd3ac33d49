"""Memories of another version of the program are made anew."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.domain.memory import PageMemory
from app.store.database import Database
from app.store.jobs import JobStore
from app.store.memory import MemoryStore
from app.store.tables import PageMemoryRow
from app.usecases.relearn import relearn_outdated
from tests.integration.store.stored import new_tenant
from tests.unit.worker.services import make_services

pytestmark = pytest.mark.anyio


def page(page_id: str) -> PageMemory:
    return PageMemory(
        page_id=page_id,
        parent_id=None,
        space_id="100",
        language="uk",
        weights={"резерв": 2.0},
        labels=frozenset({"копії"}),
    )


async def waiting(database: Database, tenant: str) -> dict[str, int]:
    return await database.read(lambda s: dict(JobStore(s).counts(tenant)))


async def test_site_with_outdated_pages_is_walked_again_once(
    database: Database,
) -> None:
    """And one whose pages are of today is left alone."""
    old, new = await new_tenant(database), await new_tenant(database, "b")
    for tenant in (old, new):
        await database.write(
            lambda s, t=tenant: MemoryStore(s).keep(t, page("1"), page_version=1)  # type: ignore[misc]
        )
    await database.write(
        lambda s: s.execute(
            sa.update(PageMemoryRow)
            .where(PageMemoryRow.tenant_id == old)
            .values(stems_version=0)
        )
    )
    services = make_services(database)

    found = [await relearn_outdated(services) for _ in range(2)]

    assert found == [1, 1]
    assert services.work_arrived.is_set()
    assert (await waiting(database, old))["ready"] == 1
    assert not (await waiting(database, new)).get("ready")
