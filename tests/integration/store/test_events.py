"""Tests for app.store.events on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.store.database import Database
from app.store.events import EventStore
from app.store.tables import EventRow
from tests.integration.store.stored import new_tenant, rows

pytestmark = pytest.mark.anyio


async def receive(
    database: Database, tenant: str, key: str, **changes: Any
) -> int | None:
    fields: dict[str, Any] = {
        "host": "forge",
        "name": "avi:confluence:updated:page",
        "page_id": "7",
        "page_version": 3,
        "outcome": "queued",
    }
    return await database.write(
        lambda s: EventStore(s).receive(tenant, key, **(fields | changes))
    )


class TestReceive:
    """Tests for app.store.events.EventStore.receive()."""

    async def test_second_delivery_has_no_receipt_of_its_own(
        self, database: Database
    ) -> None:
        """The first one stands, unchanged."""
        tenant = await new_tenant(database)

        first = await receive(database, tenant, "k")
        second = await receive(database, tenant, "k", outcome="ignored")

        (row,) = await rows(database, EventRow)
        assert first == row["id"]
        assert second is None
        assert row["outcome"] == "queued"

    async def test_of_many_deliveries_at_once_one_is_the_first(
        self, database: Database
    ) -> None:
        """A host that repeats itself in parallel is heard once."""
        tenant = await new_tenant(database)

        ids = await asyncio.gather(*(receive(database, tenant, "k") for _ in range(8)))

        assert len([one for one in ids if one is not None]) == 1

    async def test_same_key_of_another_tenant_is_another_event(
        self, database: Database
    ) -> None:
        """Nobody silences a neighbour."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")

        assert await receive(database, tenant, "k") is not None
        assert await receive(database, other, "k") is not None

    async def test_event_without_page_or_version_is_kept(
        self, database: Database
    ) -> None:
        """Some speak of no version."""
        tenant = await new_tenant(database)

        await receive(database, tenant, "k", page_id=None, page_version=None)

        (row,) = await rows(database, EventRow)
        assert (row["page_id"], row["page_version"]) == (None, None)

    async def test_large_numbers_fit(self, database: Database) -> None:
        """Ids and versions go up to 64 bits."""
        tenant = await new_tenant(database)

        await receive(database, tenant, "k", page_id=str(2**63 - 1), page_version=2**62)

        (row,) = await rows(database, EventRow)
        assert row["page_version"] == 2**62


class TestOfPage:
    """Tests for app.store.events.EventStore.of_page() and link()."""

    async def test_receipts_of_a_page_are_listed_with_their_jobs(
        self, database: Database
    ) -> None:
        """Oldest first; other pages and tenants are left out."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        first = await receive(database, tenant, "1")
        await receive(database, tenant, "2")
        await receive(database, tenant, "3", page_id="8")
        foreign = await receive(database, other, "1")
        assert first is not None
        assert foreign is not None

        await database.write(lambda s: EventStore(s).link(tenant, first, 99))
        await database.write(lambda s: EventStore(s).link(tenant, foreign, 98))

        found = await database.read(
            lambda s: [row.job_id for row in EventStore(s).of_page(tenant, "7")]
        )
        theirs = await database.read(
            lambda s: [row.job_id for row in EventStore(s).of_page(other, "7")]
        )
        assert (found, theirs) == ([99, None], [None])
