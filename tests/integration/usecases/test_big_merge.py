"""A merge of thousands of pages: planned in one go, and cut off without harm."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from app.domain.pages import Label, Space
from app.domain.vocabulary.terms import Term
from app.errors import Unavailable
from app.store.database import Database
from app.store.installations import InstallationStore
from app.store.plan_items import PlanItemStore
from app.store.plans import PlanStore
from app.store.terms import TermStore
from app.usecases.merge_labels import plan_merge
from app.usecases.ports import Confluence, PointsMeter, SiteAccess
from app.usecases.services import Services
from tests.integration.store.stored import new_tenant
from tests.unit.worker.services import make_services

pytestmark = pytest.mark.anyio
PAGES = 2_000


class WideSite:
    """A site of one space with a label on thousands of pages.

    Attributes:
        ends_at: After how many pages of the label the site is away.
    """

    def __init__(self, ends_at: int = PAGES) -> None:
        self.meter = PointsMeter()
        self.ends_at = ends_at

    async def spaces(self) -> AsyncIterator[Space]:
        yield Space(id="100", key="DOCS", name="Docs")

    async def space_labels(self, space_id: str) -> AsyncIterator[Label]:
        assert space_id == "100"
        yield Label(id="1", name="old")
        yield Label(id="2", name="mine", prefix="my")

    async def label_page_ids(self, label_id: str) -> AsyncIterator[str]:
        assert label_id == "1"
        for number in range(PAGES):
            if number == self.ends_at:
                raise Unavailable("confluence", "gone away")
            yield str(1_000_000 + number)

    @asynccontextmanager
    async def open(self, access: SiteAccess) -> AsyncIterator[Confluence]:
        assert access.host == "connect"
        yield cast("Confluence", self)


async def opened(database: Database, site: WideSite) -> tuple[Services, str]:
    services = make_services(database, open_confluence=site.open)
    tenant = await new_tenant(database)

    def work(session: Any) -> None:
        InstallationStore(session, services.cipher).save(
            tenant,
            "connect",
            "client-key",
            base_url="https://a.atlassian.net/wiki",
            secret="s" * 40,
        )

    await database.write(work)
    await database.write(
        lambda s: TermStore(s).put(tenant, Term(name="new"), origin="person")
    )
    return services, tenant


async def test_thousands_of_pages_are_one_plan(database: Database) -> None:
    """Two changes on each, and what carrying them out costs, quotas and all."""
    services, tenant = await opened(database, WideSite())

    plan = await plan_merge(services, tenant, ["old"], "new", author="cli")

    counts = await database.read(
        lambda s: PlanItemStore(s, services.cipher).counts(tenant, plan.id)
    )
    assert counts == {"planned": 2 * PAGES}
    assert (plan.estimate.pages, plan.estimate.points) == (PAGES, 4 * PAGES)


async def test_site_that_goes_away_leaves_no_half_plan(database: Database) -> None:
    """What the site did not tell to the end is not planned at all."""
    services, tenant = await opened(database, WideSite(ends_at=500))

    with pytest.raises(Unavailable):
        await plan_merge(services, tenant, ["old"], "new", author="cli")

    assert not await database.read(lambda s: PlanStore(s).plans(tenant))
