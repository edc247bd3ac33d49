"""People's hands teach on a whole site: by events, by runs, by walks, each edit once."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy.orm import Session

from app.domain.changes import Change
from app.domain.vocabulary.terms import Term
from app.store.feedback import FeedbackStore
from app.store.jobs import JobStore
from app.store.plan_items import NewItem, PlanItemStore
from app.store.plans import PlanStore
from app.store.policies import PolicyStore
from app.store.tables import AuditRow, EventRow, LedgerRow, PlanItemRow, SpaceRow
from app.store.terms import TermStore
from app.usecases.review import approve, reject
from app.usecases.services import Services
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, GERMAN, TEXTS, UKRAINIAN

pytestmark = pytest.mark.anyio


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def policy(house: House, **fields: object) -> None:
    tenant = await house.tenant_id()
    await house.database.write(lambda s: PolicyStore(s).set_fields(tenant, "", fields))


async def feedback(house: House) -> dict[str, tuple[int, int]]:
    tenant = await house.tenant_id()
    found = await house.database.read(
        lambda s: FeedbackStore(s).of_space(tenant, house.pages.space_id)
    )
    return {name: (one.accepted, one.rejected) for name, one in found.items()}


async def walk(house: House) -> None:
    """Walk the whole site again."""
    tenant = await house.tenant_id()
    await house.change(SpaceRow, learned_at=None)
    await house.database.write(
        lambda s: JobStore(s).enqueue(tenant, "learn_site", "site")
    )
    services(house).work_arrived.set()
    await house.settled()


async def unheard(house: House) -> None:
    """Let the next event be lost."""
    await house.order("/deliveries/settings", drop_next=1)


async def test_a_walk_finds_what_no_event_told_and_counts_it_once(
    any_house: House,
) -> None:
    """A label of ours taken off, a suggestion followed, a tombstone lifted."""
    house = any_house
    await house.install_forge()
    removed, lifted = house.write(ENGLISH), house.write(UKRAINIAN)
    await house.settled()
    house.unlabel(lifted, "відпустка")
    await house.settled()
    await policy(house, mode="suggest")
    followed = house.write(GERMAN)
    house.add_page("Monday", TEXTS[ENGLISH])
    await house.settled()
    long_ago = await house.database_time(-3600)
    await house.change(LedgerRow, changed_at=long_ago)

    await unheard(house)
    house.unlabel(removed, "backup")
    await unheard(house)
    house.label(followed, "netzwerk")
    await unheard(house)
    house.label(lifted, "відпустка")
    await house.settled()
    before = await feedback(house)
    await walk(house)
    after = await feedback(house)
    await walk(house)
    for page_id in (removed, followed, lifted):
        house.edit(page_id, house.site.pages[page_id].latest.body[3:-4] + " Neu.")
    await house.settled()

    assert before == {"відпустка": (0, 1)}
    assert after == {"backup": (0, 1), "netzwerk": (1, 0), "відпустка": (1, 1)}
    assert await feedback(house) == after
    assert house.labels(removed) == []
    assert house.labels(lifted) == ["відпустка"]
    ledger = {
        row["value"]: row["state"]
        for row in await house.rows(LedgerRow, LedgerRow.kind == "label")
    }
    assert ledger == {"backup": "withdrawn"}


async def test_a_page_that_goes_during_a_walk_stops_nobody(house: House) -> None:
    """What is not there any more says nothing; the others are looked at."""
    await house.install_forge()
    gone, removed = house.write(ENGLISH), house.write(GERMAN)
    await house.settled()
    for page_id, label in ((gone, "backup"), (removed, "netzwerk")):
        await unheard(house)
        house.unlabel(page_id, label)
    house.fault(rf"/pages/{gone}$", times=0, answer={"status": 404})

    await walk(house)

    assert await feedback(house) == {"netzwerk": (0, 1)}


async def test_taken_off_before_our_own_write_was_settled(any_house: House) -> None:
    """The person is faster than our note of having written; the person wins."""
    house = any_house
    await house.install_forge()
    page_id = house.pages.waiting[ENGLISH]

    with house.holding("POST", rf"/pages/{page_id}/properties$") as hold:
        house.write(ENGLISH)
        await hold.caught()
        house.unlabel(page_id, "backup")

        async def told() -> bool:
            events = await house.rows(EventRow, EventRow.page_id == page_id)
            return "label_removed" in {one["name"] for one in events}

        await house.wait_for(told, what="the event")
        hold.released.set()
        await house.settled()
    house.edit(page_id, TEXTS[ENGLISH] + " It is tested every month.")
    await house.settled()

    (label,) = await house.rows(LedgerRow, LedgerRow.kind == "label")
    assert label["state"] == "withdrawn"
    assert house.labels(page_id) == []
    assert await feedback(house) == {"backup": (0, 1)}


async def test_a_person_follows_a_suggestion_by_another_name(house: House) -> None:
    """It waits no more, at once, and the term learns; the name is no term of its own."""
    await house.install_forge()
    tenant = await house.tenant_id()
    await policy(house, mode="suggest")
    term = Term(name="backup", synonyms=("datensicherung",))
    await house.database.write(
        lambda s: TermStore(s).put(tenant, term, origin="person")
    )
    page_id = house.write(ENGLISH)
    await house.settled()

    house.label(page_id, "datensicherung")
    await house.settled()

    (item,) = await house.rows(PlanItemRow, PlanItemRow.kind == "label_add")
    assert (item["state"], item["reason"]) == ("superseded", "by_hand")
    assert await feedback(house) == {"backup": (1, 0)}
    terms = await house.database.read(lambda s: TermStore(s).terms(tenant))
    assert "datensicherung" not in {one.name for one in terms}


async def test_a_thousand_suggestions_hold_up_no_event(any_house: House) -> None:
    """They are decided in seconds, in batches between which events are taken in."""
    house = any_house
    await house.install_forge()
    tenant = await house.tenant_id()
    ids = await house.database.write(lambda s: _suggest(s, services(house), tenant))
    taken_in = 0

    async def others() -> None:
        nonlocal taken_in
        while True:
            await services(house).database.write(
                lambda s: PolicyStore(s).set_fields(tenant, "", {"max_labels": 5})
            )
            taken_in += 1
            await asyncio.sleep(0)

    meanwhile = asyncio.create_task(others())
    began = time.process_time()
    yes = await approve(services(house), tenant, ids[:1000], by="olena")
    no = await reject(services(house), tenant, ids[1000:], by="olena")
    again = await approve(services(house), tenant, ids[:60], by="taras")
    took = time.process_time() - began
    meanwhile.cancel()

    audits = [
        len(row["after"]["items"])
        for row in await house.rows(AuditRow)
        if row["action"].startswith("suggestions_")
    ]
    assert (len(yes.items), len(no.items), len(again.conflicts)) == (1000, 1000, 60)
    assert again.conflicts[ids[0]] == f"item {ids[0]} is approved by olena"
    assert await feedback(house) == {"backup": (1000, 1000)}
    assert (sum(audits), max(audits)) == (2000, 50)
    assert taken_in > len(audits) / 4
    assert took < 15


def _suggest(session: Session, app: Services, tenant: str) -> list[int]:
    """Let two thousand labels wait for a person, each on a page of its own."""
    plan = PlanStore(session).create(
        tenant, "bulk", author="cli", state="done", selection={}
    )
    space_id = PolicyStore(session).space_id(tenant, "OPS")
    assert space_id is not None
    return PlanItemStore(session, app.cipher).add(
        tenant,
        plan,
        [
            NewItem(
                change=Change(kind="label_add", page_id=f"p{number}", value="backup"),
                state="waiting",
                space_id=space_id,
            )
            for number in range(2_000)
        ],
    )
