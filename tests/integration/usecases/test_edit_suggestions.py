"""Tests for app.usecases.review.edit() on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.domain.changes import Change, Item
from app.domain.vocabulary.terms import Term
from app.errors import MalformedPayload
from app.store.database import Database
from app.store.ledger import LedgerStore
from app.store.plan_items import NewItem, PlanItemStore
from app.store.plans import PlanStore
from app.store.terms import TermStore
from app.usecases.review import LONGEST_SUMMARY, edit
from app.usecases.services import Services
from tests.integration.store.stored import new_tenant
from tests.unit.worker.services import make_services

pytestmark = pytest.mark.anyio

PAGE = "7"
BYLINE = {"title": "Old.", "tooltip": "Old.", "labels": ["ops"], "page_version": 3}


class Desk:
    """A tenant whose suggestions wait for a person."""

    def __init__(self, services: Services, tenant: str) -> None:
        self.services = services
        self.tenant = tenant

    async def waiting(self, kind: str, value: str = "", after: Any = None) -> int:
        """Return the id of a suggestion."""
        change = Change(kind=kind, page_id=PAGE, value=value, after=after)  # type: ignore[arg-type]

        def work(session: Session) -> int:
            plan = PlanStore(session).create(self.tenant, "event", author="app")
            (item,) = PlanItemStore(session, self.services.cipher).add(
                self.tenant, plan, [NewItem(change=change, state="waiting")]
            )
            return item

        return await self.services.database.write(work)

    async def edited(self, item: int, text: str) -> Item:
        decided = await edit(self.services, self.tenant, item, text, by="olena")
        return decided.items[0]

    async def item(self, item: int) -> Item:
        stored = await self.services.database.read(
            lambda s: PlanItemStore(s, self.services.cipher).item(self.tenant, item)
        )
        return stored.item


@pytest.fixture
async def desk(database: Database) -> Desk:
    tenant = await new_tenant(database)
    for term in (Term(name="backup", synonyms=("копії",)), Term(name="network")):
        await database.write(
            lambda s, one=term: TermStore(s).put(tenant, one, origin="person")  # type: ignore[misc]
        )
    return Desk(make_services(database), tenant)


async def test_another_label_buries_the_one_that_was_meant(desk: Desk) -> None:
    """By any name of it; and the AI's confidence was in another one."""
    item = await desk.waiting("label_add", "network")

    found = await desk.edited(item, " копії ")

    assert (found.state, found.change.value) == ("approved", "backup")
    assert found.change.confidence is None
    ledger = await desk.services.database.read(
        lambda s: dict(LedgerStore(s).labels(desk.tenant, PAGE))
    )
    assert ledger == {"network": "withdrawn"}


async def test_summary_is_a_persons_words_from_then_on(desk: Desk) -> None:
    """What else the byline holds stays."""
    item = await desk.waiting("summary", after=BYLINE)

    found = await desk.edited(item, "Нове.")

    assert found.state == "approved"
    assert found.change.after["title"] == "Нове."
    assert found.change.after["labels"] == ["ops"]


@pytest.mark.parametrize("kind", ["excerpt", "comment"])
async def test_words_of_blocks_and_comments(desk: Desk, kind: str) -> None:
    """The text is another, and nothing else is."""
    item = await desk.waiting(kind, "summary", {"id": "5", "text": "Old."})

    found = await desk.edited(item, "New.")

    assert found.change.after == {"id": "5", "text": "New."}


@pytest.mark.parametrize(
    ("kind", "after", "text", "why"),
    [
        ("label_add", None, "unknown", "no term of the vocabulary"),
        ("label_add", None, "  ", "nothing is said instead"),
        ("summary", None, "New.", "what is taken back has no words"),
        ("summary", BYLINE, "x" * (LONGEST_SUMMARY + 1), "has at most 1000 characters"),
        ("page_title", {"title": "Old"}, "New", "a page_title cannot be edited here"),
    ],
)
async def test_what_cannot_be_said_is_told(
    desk: Desk, kind: str, after: Any, text: str, why: str
) -> None:
    """The suggestion waits on."""
    item = await desk.waiting(kind, "network", after)

    with pytest.raises(MalformedPayload, match=why):
        await desk.edited(item, text)

    assert (await desk.item(item)).state == "waiting"
