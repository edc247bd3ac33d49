"""What people do by hand, told by events, runs and walks in any order, counts once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.changes import Change
from app.domain.events import LabelEvent
from app.domain.memory import PageMemory
from app.domain.plans import LedgerState
from app.domain.tenants import Installation
from app.domain.vocabulary.terms import Term, Vocabulary
from app.store.base import db_time
from app.store.database import Database
from app.store.feedback import FeedbackStore
from app.store.installations import InstallationStore
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.store.plan_items import NewItem, PlanItemStore
from app.store.plans import PlanStore
from app.store.tables import LedgerRow, PlanItemRow
from app.store.terms import TermStore
from app.usecases.notice_edits import (
    BY_HAND,
    Sight,
    accept_by_hand,
    notice_edits,
    waiting_labels,
)
from app.usecases.receive_event import receive_event
from app.usecases.services import Services
from tests.integration.store.stored import new_tenant, rows
from tests.unit.worker.services import make_services

pytestmark = pytest.mark.anyio

PAGE, SPACE, BOT = "7", "100", "the-app-itself"
TERMS = Vocabulary.build(
    (Term(name="backup", synonyms=("datensicherung",)), Term(name="ops"))
)


class Site:
    """A tenant with one page, and what its people do."""

    def __init__(
        self, database: Database, services: Services, tenant: str, host: Installation
    ) -> None:
        self.database = database
        self.services = services
        self.tenant = tenant
        self.host = host

    async def suggested(self, *labels: str) -> None:
        """Let labels wait for a person's word."""

        def work(session: Session) -> None:
            plan = PlanStore(session).create(
                self.tenant, "event", author="app", state="done", selection={}
            )
            PlanItemStore(session, self.services.cipher).add(
                self.tenant,
                plan,
                [
                    NewItem(
                        change=Change(kind="label_add", page_id=PAGE, value=label),
                        state="waiting",
                        space_id=SPACE,
                    )
                    for label in labels
                ],
            )

        await self.database.write(work)

    async def in_ledger(
        self, label: str, state: LedgerState, *, minutes: float = 0
    ) -> None:
        """Let a label stand in the ledger since some minutes."""
        await self.database.write(
            lambda s: s.execute(
                sa.insert(LedgerRow).values(
                    tenant_id=self.tenant,
                    page_id=PAGE,
                    kind="label",
                    value=label,
                    state=state,
                    changed_at=db_time(timedelta(minutes=-minutes)),
                )
            ).close()
        )

    async def event(self, verb: str, label: str, **more: object) -> str:
        """Deliver an event without a time, so that no other is taken for its repetition."""
        event = LabelEvent(
            host="forge",
            verb=verb,  # type: ignore[arg-type]
            page_id=PAGE,
            label=label,
            **more,  # type: ignore[arg-type]
        )
        return await receive_event(self.services, self.host, event)

    async def look(
        self, *labels: str, age: timedelta = timedelta()
    ) -> Mapping[str, LedgerState]:
        """Look at the page as a run does."""
        sight = Sight(
            page_id=PAGE,
            space_id=SPACE,
            labels=labels,
            vocabulary=TERMS,
            age=age,
        )
        return await self.database.write(
            lambda s: notice_edits(s, self.services.cipher, self.tenant, sight)
        )

    async def age(self, *, minutes: float) -> None:
        """Let what the ledger holds be older."""
        older = db_time(timedelta(minutes=-minutes))
        await self.database.write(
            lambda s: s.execute(sa.update(LedgerRow).values(changed_at=older)).close()
        )

    async def feedback(self) -> dict[str, tuple[int, int]]:
        """Return label -> how often it was accepted and rejected."""
        found = await self.database.read(
            lambda s: FeedbackStore(s).of_space(self.tenant, SPACE)
        )
        return {name: (one.accepted, one.rejected) for name, one in found.items()}

    async def ledger(self) -> Mapping[str, LedgerState]:
        """Return the page's labels in the ledger."""
        return await self.database.read(
            lambda s: dict(LedgerStore(s).labels(self.tenant, PAGE))
        )

    async def items(self) -> list[tuple[str, str, str]]:
        """Return each suggestion's label, state and reason."""
        found = await rows(self.database, PlanItemRow)
        return [(one["value"], one["state"], one["reason"]) for one in found]


@pytest.fixture
async def site(database: Database) -> Site:
    """A site whose page the memory knows."""
    tenant = await new_tenant(database)
    services = make_services(database)

    def work(session: Session) -> Installation:
        for term in TERMS.terms.values():
            TermStore(session).put(tenant, term, origin="person")
        memory = PageMemory(
            page_id=PAGE,
            parent_id=None,
            space_id=SPACE,
            language="en",
            weights={},
            labels=frozenset(),
            title="Backups",
        )
        MemoryStore(session).keep(tenant, memory, page_version=1)
        store = InstallationStore(session, services.cipher)
        host = store.save(tenant, "forge", "ari:cloud:x/1", base_url="https://a.test")
        store.set_app_account(host, BOT)
        return host

    return Site(database, services, tenant, await database.write(work))


class TestAdded:
    """A person puts a label on."""

    async def test_what_was_suggested_was_right(self, site: Site) -> None:
        """The event settles it and counts; the looks that follow do not count again."""
        await site.suggested("backup", "ops")

        told = [await site.event("added", "backup") for _ in range(2)]
        await site.look("backup")
        await site.look("backup")

        assert told == ["noted", "noted"]
        assert await site.feedback() == {"backup": (1, 0)}
        assert await site.items() == [
            ("backup", "superseded", BY_HAND),
            ("ops", "waiting", ""),
        ]

    async def test_a_look_finds_what_no_event_told(self, site: Site) -> None:
        """And the event that comes late counts nothing more."""
        await site.suggested("backup")

        await site.look("backup")
        await site.event("added", "backup")

        assert await site.feedback() == {"backup": (1, 0)}

    async def test_another_name_of_it_counts_for_the_term(self, site: Site) -> None:
        """A person's spelling is a person's."""
        await site.suggested("backup")

        await site.event("added", "datensicherung")

        assert await site.feedback() == {"backup": (1, 0)}

    async def test_who_comes_second_counts_nothing(self, site: Site) -> None:
        """Two who read the same suggestion settle it once."""
        await site.suggested("backup")

        def work(session: Session) -> None:
            cipher = site.services.cipher
            waiting = waiting_labels(session, cipher, site.tenant, PAGE)
            for _ in range(2):
                accept_by_hand(
                    session,
                    cipher,
                    site.tenant,
                    waiting,
                    labels=["backup"],
                    vocabulary=TERMS,
                )

        await site.database.write(work)

        assert await site.feedback() == {"backup": (1, 0)}

    async def test_what_we_put_there_teaches_nothing(self, site: Site) -> None:
        """Whether the host says so, the account is ours, or the ledger knows."""
        await site.suggested("backup")
        await site.in_ledger("ops", "planned")

        told = [
            await site.event("added", "backup", self_generated=True),
            await site.event("added", "backup", account_id=BOT),
            await site.event("added", "ops"),
            await site.event("removed", "ops", account_id=BOT),
        ]
        await site.look("ops")

        assert told == ["own"] * 4
        assert await site.feedback() == {}
        assert await site.ledger() == {"ops": "written"}

    async def test_labels_of_other_prefixes_are_no_labels(self, site: Site) -> None:
        """A favourite says nothing of the page."""
        await site.suggested("backup")

        await site.event("added", "backup", prefix="my")

        assert await site.feedback() == {}

    @pytest.mark.parametrize("name", ["backup", "datensicherung"])
    async def test_a_person_lifts_a_tombstone(self, site: Site, name: str) -> None:
        """By any name of it; from then on it is theirs, and counted once."""
        await site.in_ledger("backup", "withdrawn", minutes=5)

        await site.event("added", name)
        first = await site.look(name)
        second = await site.look(name)

        assert (first, second, await site.ledger()) == ({}, {}, {})
        assert await site.feedback() == {"backup": (1, 0)}

    async def test_a_page_read_before_speaks_against_no_tombstone(
        self, site: Site
    ) -> None:
        """What was taken off a moment ago may still stand in what was read."""
        await site.in_ledger("backup", "withdrawn", minutes=1)

        await site.look("backup")

        assert await site.ledger() == {"backup": "withdrawn"}
        assert await site.feedback() == {}

    async def test_what_was_undone_stays_undone(self, site: Site) -> None:
        """An undo may be on its way to the site just now."""
        await site.in_ledger("backup", "undone", minutes=5)

        await site.look("backup")

        assert await site.ledger() == {"backup": "undone"}


class TestRemoved:
    """A person takes a label of ours off."""

    @pytest.mark.parametrize("state", ["planned", "written"])
    async def test_it_was_wrong_there(self, site: Site, state: LedgerState) -> None:
        """Told twice, and seen: it counts once, also before our write was settled."""
        await site.in_ledger("backup", state)

        for _ in range(2):
            await site.event("removed", "backup")
        await site.look()

        assert await site.feedback() == {"backup": (0, 1)}
        assert await site.ledger() == {"backup": "withdrawn"}

    async def test_a_look_finds_what_no_event_told(self, site: Site) -> None:
        """And counts it once; the event that comes late counts nothing more."""
        await site.in_ledger("backup", "written")

        seen = [await site.look() for _ in range(2)]
        await site.event("removed", "backup")

        assert seen == [{"backup": "withdrawn"}] * 2
        assert await site.feedback() == {"backup": (0, 1)}

    async def test_a_page_read_before_speaks_against_no_label_of_ours(
        self, site: Site
    ) -> None:
        """What somebody else wrote since need not stand in it: nobody took it off."""
        await site.in_ledger("backup", "written", minutes=1)

        seen = await site.look(age=timedelta(minutes=2))

        assert seen == {"backup": "withdrawn"}
        assert await site.ledger() == {"backup": "written"}
        assert await site.feedback() == {}

    @pytest.mark.parametrize(
        ("minutes", "left"), [(30, {"backup": "planned"}), (90, {})]
    )
    async def test_what_never_came_is_anybody_s_to_put(
        self, site: Site, minutes: float, left: Mapping[str, LedgerState]
    ) -> None:
        """A run was cut off before it sent: a person's label of that name is theirs."""
        await site.in_ledger("backup", "planned", minutes=minutes)

        seen = await site.look()

        assert (seen, await site.ledger()) == (left, left)
        assert await site.feedback() == {}

    async def test_told_at_the_same_moment_it_counts_once(self, site: Site) -> None:
        """Events and looks side by side."""
        await site.in_ledger("backup", "written")
        await site.suggested("ops")

        await asyncio.gather(
            *(site.event("removed", "backup") for _ in range(4)),
            *(site.event("added", "ops") for _ in range(4)),
            *(site.look("ops") for _ in range(4)),
        )

        assert await site.feedback() == {"backup": (0, 1), "ops": (1, 0)}

    async def test_a_late_event_is_put_right_by_the_page(self, site: Site) -> None:
        """Taken off and put back; of the first the app hears last."""
        await site.in_ledger("backup", "written")

        told = await site.event("added", "backup")
        await site.event("removed", "backup")
        await site.age(minutes=5)
        await site.look("backup")

        assert told == "own"
        assert await site.ledger() == {}
        assert await site.feedback() == {"backup": (1, 1)}

    async def test_a_late_yes_does_not_bring_back(self, site: Site) -> None:
        """Put back and taken off again: the tombstone stands."""
        await site.in_ledger("backup", "withdrawn", minutes=5)

        await site.event("removed", "backup")
        await site.event("added", "backup")
        await site.look()

        assert await site.ledger() == {"backup": "withdrawn"}
        assert await site.feedback() == {}

    async def test_what_people_had_put_is_their_own_affair(self, site: Site) -> None:
        """No judgement of ours."""
        await site.event("removed", "backup")
        await site.look()

        assert await site.feedback() == {}
        assert await site.ledger() == {}

    async def test_on_an_unknown_page_it_is_buried_all_the_same(
        self, site: Site
    ) -> None:
        """Only where to count it is unknown."""
        await site.in_ledger("backup", "written")
        await site.database.write(lambda s: MemoryStore(s).forget(site.tenant, [PAGE]))

        await site.event("removed", "backup")

        assert await site.ledger() == {"backup": "withdrawn"}
        assert await site.feedback() == {}
