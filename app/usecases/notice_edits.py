"""What people did to labels by hand: each time a judgement, counted once.

Events tell of it at once, but may be lost, doubled or late; so every look at a page
tells of it too. Whoever is first moves a row and counts; the others find it moved.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from app.domain.plans import LedgerState
from app.domain.vocabulary.terms import Vocabulary
from app.store.encryption import Cipher
from app.store.feedback import FeedbackStore
from app.store.ledger import LedgerStore
from app.store.plan_items import ItemFilter, PlanItemStore, StoredItem
from app.store.runs import RunStore

#: `reason` of a suggestion whose label a person put there without us.
BY_HAND = "by_hand"
#: A page may have been read so long before it is looked at. A label that stands on it
#: speaks only against tombstones that are older.
_STALE = timedelta(minutes=2)

#: A write takes less, with all its waits; what was not there then will not come.
_LOST = timedelta(hours=1)

_OURS: frozenset[LedgerState] = frozenset({"planned", "written"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A page as it was just read.

    Attributes:
        labels: All of its global labels.
        vocabulary: What holds in its space.
        age: How long ago it was asked for: what we wrote since need not be in it.
    """

    page_id: str
    space_id: str
    labels: Collection[str]
    vocabulary: Vocabulary
    age: timedelta = timedelta()


def notice_edits(
    session: Session, cipher: Cipher, tenant_id: str, sight: Sight
) -> Mapping[str, LedgerState]:
    """Bring the ledger in line with a page, and learn what people said by hand.

    A label of ours that is gone was wrong there: it gets a tombstone. One that stands
    there in spite of a tombstone was put there by a person, and so was one that only
    waited: both were right. Return the ledger of the page as it is then.
    """
    store, teaching = LedgerStore(session), FeedbackStore(session)
    page_id, key = sight.page_id, sight.vocabulary.key
    ledger = dict(store.labels(tenant_id, page_id))
    _land(session, tenant_id, sight, ledger)
    _give_up(session, tenant_id, sight, ledger)
    written = [one for one, state in ledger.items() if state == "written"]
    missing = [one for one in written if one not in sight.labels]
    gone = store.settle(
        tenant_id,
        page_id,
        missing,
        state="withdrawn",
        run_id=None,
        only_from="written",
        age=sight.age,
    )
    ledger.update(dict.fromkeys(missing, "withdrawn"))
    theirs = [one for one in sight.labels if ledger.get(one) not in _OURS]
    standing = {key(one) for one in theirs}
    buried = [one for one, state in ledger.items() if state == "withdrawn"]
    lifted = store.lift(
        tenant_id,
        page_id,
        [one for one in buried if key(one) in standing],
        age=_STALE,
    )
    for label in gone:
        teaching.add(tenant_id, sight.space_id, label, rejected=1)
    for label in lifted:
        del ledger[label]
        teaching.add(tenant_id, sight.space_id, label, accepted=1)
    waiting = waiting_labels(session, cipher, tenant_id, page_id)
    accept_by_hand(
        session,
        cipher,
        tenant_id,
        waiting,
        labels=theirs,
        vocabulary=sight.vocabulary,
    )
    return ledger


def waiting_labels(
    session: Session, cipher: Cipher, tenant_id: str, page_id: str
) -> list[StoredItem]:
    """Return the labels that wait for a person's word on a page."""
    which = ItemFilter(page_ids=[page_id], kinds=["label_add"], states=["waiting"])
    return list(PlanItemStore(session, cipher).items(tenant_id, which))


def accept_by_hand(
    session: Session,
    cipher: Cipher,
    tenant_id: str,
    waiting: Collection[StoredItem],
    *,
    labels: Collection[str],
    vocabulary: Vocabulary,
) -> None:
    """Settle suggestions that a person followed without saying so, and count them."""
    standing = {vocabulary.key(one) for one in labels}
    store = PlanItemStore(session, cipher)
    for one in waiting:
        label = one.item.change.value
        if vocabulary.key(label) not in standing:
            continue
        if store.set_state(
            tenant_id,
            [one.item.id],
            "superseded",
            reason=BY_HAND,
            only_from=["waiting"],
        ):
            FeedbackStore(session).add(tenant_id, one.item.space_id, label, accepted=1)


def _give_up(
    session: Session,
    tenant_id: str,
    sight: Sight,
    ledger: dict[str, LedgerState],
) -> None:
    """Forget what was to be written long ago and never was: it is anybody's to put."""
    lost = LedgerStore(session).forget(
        tenant_id,
        sight.page_id,
        [
            one
            for one, state in ledger.items()
            if state == "planned" and one not in sight.labels
        ],
        only_from="planned",
        age=_LOST,
    )
    for label in lost:
        del ledger[label]


def _land(
    session: Session,
    tenant_id: str,
    sight: Sight,
    ledger: dict[str, LedgerState],
) -> None:
    """Note what was sent by a run that never came to tell; the audit learns of it now."""
    landed = [one for one in sight.labels if ledger.get(one) == "planned"]
    LedgerStore(session).settle(
        tenant_id, sight.page_id, landed, state="written", run_id=None
    )
    ledger.update(dict.fromkeys(landed, "written"))
    if landed:
        RunStore(session).audit(
            tenant_id,
            actor="app",
            action="labels_found_written",
            page_id=sight.page_id,
            after={"added": sorted(landed)},
        )
