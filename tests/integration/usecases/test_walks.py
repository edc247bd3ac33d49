"""Walks over a site's pages: what is remembered, forgotten, measured on, and never read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.jobs import Done
from app.domain.pages import Label, Page, Space
from app.domain.selection import Selection
from app.errors import MalformedPayload, NotFound
from app.store.database import Database
from app.store.installations import InstallationStore
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.store.planned_pages import PlannedPageStore
from app.store.policies import PolicyStore
from app.store.tables import PlanItemRow, SpaceRow, TenantRow
from app.usecases.connect_site import connect_site
from app.usecases.evaluation_pages import read_space
from app.usecases.learn_site import learn_site
from app.usecases.make_plan import Keep, draft_plan, start_plan
from app.usecases.ports import Confluence, PointsMeter, SiteAccess
from app.usecases.record_run import Run
from app.usecases.services import Services
from app.usecases.undo import plan_reset
from tests.integration.store.stored import new_tenant, rows
from tests.integration.usecases.asking import ANY, a_job, a_page, text_of
from tests.unit.worker.services import make_services

pytestmark = pytest.mark.anyio

OPS = Space(id="100", key="OPS", name="Operations")
BACKUP, SECRET = Label(id="1", name="backup"), Label(id="2", name="secret")
MINE = Label(id="3", name="secret", prefix="my")


@dataclass(slots=True, kw_only=True)
class LabelledSite:
    """A site with one space, whose labels are looked up as Confluence does it.

    Attributes:
        labels: Each label with the ids of its pages.
        read: The pages that were read.
    """

    pages: list[Page]
    labels: Mapping[Label, tuple[str, ...]] = field(default_factory=dict)
    meter: PointsMeter = field(default_factory=PointsMeter)
    read: list[str] = field(default_factory=list)

    async def spaces(self) -> AsyncIterator[Space]:
        yield replace(OPS, id="99", key="OTHER")
        yield OPS

    async def space_pages(self, space_id: str) -> AsyncIterator[Page]:
        for page in self.pages:
            if page.space_id == space_id:
                yield page

    async def space_labels(self, space_id: str) -> AsyncIterator[Label]:
        for label in self.labels if space_id == OPS.id else ():
            yield label

    async def label_page_ids(self, label_id: str) -> AsyncIterator[str]:
        for label, page_ids in self.labels.items():
            if label.id == label_id:
                for page_id in page_ids:
                    yield page_id

    async def current_account_id(self) -> str:
        return "bot"

    async def cloud_id(self) -> str:
        return "c-1"

    @asynccontextmanager
    async def open(self, access: SiteAccess) -> AsyncIterator[Confluence]:
        """Yield itself, whoever comes."""
        del access
        yield cast("Confluence", self)

    def text(self, page: Page) -> Any:
        """Read a page, and remember that it was read."""
        self.read.append(page.id)
        return text_of(page)


@dataclass(kw_only=True)
class Here:
    """A tenant with a way to its site."""

    database: Database
    services: Services
    tenant: str
    site: LabelledSite

    async def learn(self) -> Done:
        """Walk the site as if for the first time."""
        job = replace(a_job(self.tenant), kind="learn_site", payload={})
        return await learn_site(self.services, job)

    async def remembered(self) -> set[str]:
        return await self.database.read(
            lambda s: set(MemoryStore(s).page_ids(self.tenant, OPS.id))
        )

    async def policy(self, **fields: Any) -> None:
        await self.database.write(
            lambda s: PolicyStore(s).set_fields(self.tenant, OPS.id, fields)
        )


@pytest.fixture
async def here(database: Database) -> Here:
    site = LabelledSite(
        pages=[a_page("7"), a_page("8", "Паролі"), a_page("9", "Порожня", body="")],
        labels={BACKUP: ("7", "8"), SECRET: ("8",), MINE: ("7",)},
    )
    services = make_services(database, open_confluence=site.open, read_page=site.text)
    tenant = await new_tenant(database)

    def work(session: Session) -> None:
        InstallationStore(session, services.cipher).save(
            tenant,
            "connect",
            "client-key",
            base_url="https://a.atlassian.net/wiki",
            secret="s" * 40,
        )
        PolicyStore(session).keep_space(tenant, OPS)

    await database.write(work)
    return Here(database=database, services=services, tenant=tenant, site=site)


class TestLearnSite:
    """Tests for app.usecases.learn_site.learn_site()."""

    async def test_what_is_gone_is_forgotten(self, here: Here) -> None:
        """A page that was deleted while no event told of it."""
        await here.learn()
        before = await here.remembered()
        del here.site.pages[1:]
        # The walk is one for the whole site, so it begins anew.
        await here.database.write(
            lambda s: s.execute(sa.update(SpaceRow).values(learned_at=None)).close()
        )

        await here.learn()

        assert (before, await here.remembered()) == ({"7", "8", "9"}, {"7"})

    async def test_a_space_that_no_ai_may_see_is_not_read(self, here: Here) -> None:
        """And what was remembered of it goes."""
        await here.policy(never_send=True)

        assert (await here.learn()).outcome == "learned"
        assert (here.site.read, await here.remembered()) == ([], set())

    async def test_pages_that_no_ai_may_see_are_not_read(self, here: Here) -> None:
        """By their labels; a favourite of somebody's is none."""
        await here.policy(never_send_labels=["Secret"])

        await here.learn()

        assert (here.site.read, await here.remembered()) == (["7", "9"], {"7", "9"})


class TestReadSpace:
    """Tests for app.usecases.evaluation_pages.read_space()."""

    async def test_labelled_pages_of_a_space(self, here: Here) -> None:
        """Without those that have no text; the only tenant need not be named."""
        tenant, site = await read_space(here.services, "OPS", None)

        assert (tenant, site.name) == (here.tenant, "OPS")
        assert {one.id: set(one.labels) for one in site.samples} == {
            "7": {"backup"},
            "8": {"backup", "secret"},
        }

    async def test_what_the_site_has_taught_counts_too(self, here: Here) -> None:
        """Its labels may be chosen, as in a run."""
        await here.learn()

        _, site = await read_space(here.services, "OPS", here.tenant)

        assert site.memory.labels == {"backup", "secret"}

    async def test_pages_that_no_ai_may_see_are_not_measured_on(
        self, here: Here
    ) -> None:
        """Not even read."""
        await here.policy(never_send_labels=["secret"])

        _, site = await read_space(here.services, "OPS", here.tenant)

        assert [one.id for one in site.samples] == ["7"]
        assert "8" not in here.site.read

    async def test_nor_is_a_space_that_no_ai_may_see(self, here: Here) -> None:
        """That is told."""
        await here.policy(never_send=True)

        with pytest.raises(MalformedPayload, match="no AI may see that space"):
            await read_space(here.services, "OPS", here.tenant)

        assert here.site.read == []

    async def test_what_is_not_there_is_told(self, here: Here) -> None:
        """No such tenant, no such space, or no labels in it."""
        with pytest.raises(NotFound, match="no tenant nobody"):
            await read_space(here.services, "OPS", "nobody")
        with pytest.raises(NotFound, match="no space NOPE"):
            await read_space(here.services, "NOPE", here.tenant)
        here.site.labels = {}
        with pytest.raises(NotFound, match="no page of OPS has text and a label"):
            await read_space(here.services, "OPS", here.tenant)

    async def test_of_several_tenants_one_must_be_named(self, here: Here) -> None:
        """Nobody measures on the wrong site."""
        await new_tenant(here.database, "b")

        with pytest.raises(NotFound, match="2 sites use the app"):
            await read_space(here.services, "OPS", None)


class TestConnectSite:
    """Tests for app.usecases.connect_site.connect_site()."""

    async def test_site_of_connect_tells_who_it_is(self, here: Here) -> None:
        """It is not asked for the client key that it came with."""
        job = replace(a_job(here.tenant), kind="connect_site", payload={})

        outcome = await connect_site(here.services, job)

        assert outcome == Done(outcome="connected")
        assert [one["cloud_id"] for one in await rows(here.database, TenantRow)] == [
            "c-1"
        ]


class TestDraftPlan:
    """Tests for app.usecases.make_plan.draft_plan()."""

    async def test_a_page_that_another_process_looked_at_is_kept_once(
        self, here: Here
    ) -> None:
        """Who comes second keeps nothing."""
        plan = await start_plan(
            here.services, here.tenant, Selection.of("pages", "7", "8"), author="cli"
        )
        kept: list[str] = []

        async def look(confluence: Confluence, run: Run) -> Keep:
            del confluence
            run.outcome = "planned"
            if run.page_id == "7":
                await here.database.write(
                    lambda s: PlannedPageStore(s).settle(
                        here.tenant, plan, "7", "planned"
                    )
                )

            def keep(session: Session, run_id: int | None) -> None:
                del session, run_id
                kept.append(run.page_id)

            return keep

        drafted = await draft_plan(here.services, here.tenant, plan, look=look)

        assert (drafted.state, kept) == ("ready", ["8"])


class TestReset:
    """Tests for app.usecases.undo.plan_reset()."""

    async def test_label_of_a_run_without_a_plan_is_taken_off_too(
        self, here: Here
    ) -> None:
        """The ledger counts, not the plans; labels of other spaces' pages stay."""
        await here.learn()

        def work(session: Session) -> None:
            ledger = LedgerStore(session)
            for page_id in ("7", "elsewhere"):
                _written(ledger, here.tenant, page_id, "ops")

        await here.database.write(work)

        plan = await plan_reset(here.services, here.tenant, "OPS", author="cli")

        found = await rows(here.database, PlanItemRow)
        assert [
            (one["plan_id"], one["kind"], one["page_id"], one["value"]) for one in found
        ] == [(plan.id, "label_remove", "7", "ops")]


def _written(ledger: LedgerStore, tenant: str, page_id: str, label: str) -> None:
    ledger.plan(tenant, page_id, {label: None}, vocabulary=ANY, again=())
    ledger.settle(tenant, page_id, [label], state="written", run_id=None)
