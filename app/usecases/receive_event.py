"""Takes in one product event: verified already, on disk before the answer."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Literal
from uuid import uuid4

from sqlalchemy.orm import Session

from app.domain.events import (
    IgnoredEvent,
    LabelEvent,
    PageEvent,
    PageVerb,
    ProductEvent,
)
from app.domain.plans import LedgerState
from app.domain.tenants import Installation
from app.store.events import EventStore
from app.store.feedback import FeedbackStore
from app.store.findings import forget_findings
from app.store.installations import InstallationStore
from app.store.jobs import JobStore
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.usecases.notice_edits import accept_by_hand, waiting_labels
from app.usecases.services import Services
from app.usecases.vocabularies import note_people_labels, vocabulary_in

#: What became of an event: constant words for receipts and metrics.
EventOutcome = Literal[
    "queued", "joined", "duplicate", "own", "ignored", "inactive", "noted"
]

#: These say that a page is gone; the rest that it may read differently now.
_GONE: frozenset[PageVerb] = frozenset({"trashed", "removed"})
#: In these states a label stands there because of us, or is about to.
_OURS: tuple[LedgerState, ...] = ("planned", "written")
#: A live doc's editing session begins: nothing has changed yet.
_EARLY: frozenset[PageVerb] = frozenset({"started"})


async def receive_event(
    services: Services, installation: Installation, event: ProductEvent
) -> EventOutcome:
    """Write the event's receipt and, in the same transaction, the job it asks for.

    What the app caused itself asks for nothing: the host says so, or the account is
    ours, or the ledger holds just that version or label.
    """
    outcome = await _take_in(services, installation, event)
    services.metrics.events.labels(installation.host, outcome).inc()
    if outcome in {"queued", "joined"}:
        # The job is due when the page has settled: that is when to look for it.
        due_in = services.rules.settle.total_seconds()
        asyncio.get_running_loop().call_later(due_in, services.work_arrived.set)
    return outcome


async def _take_in(
    services: Services, installation: Installation, event: ProductEvent
) -> EventOutcome:
    if isinstance(event, IgnoredEvent):
        return "ignored"
    if installation.status == "uninstalled":
        return "inactive"

    def work(session: Session) -> EventOutcome:
        installations = InstallationStore(session, services.cipher)
        tenant_id = installations.tenant_of(installation)
        accounts = installations.accounts(tenant_id)
        own = event.self_generated or (
            event.account_id is not None and event.account_id in accounts
        )
        if isinstance(event, LabelEvent):
            return _label(session, services, tenant_id, event, own=own)
        is_person = not own and bool(accounts) and event.account_id is not None
        return _page(session, services, tenant_id, event, own=own, is_person=is_person)

    return await services.database.write(work)


def _page(
    session: Session,
    services: Services,
    tenant_id: str,
    event: PageEvent,
    *,
    own: bool,
    is_person: bool,
) -> EventOutcome:
    outcome = (
        "own" if own else _judge_page(session, tenant_id, event, is_person=is_person)
    )
    event_id = _receive(session, tenant_id, event, outcome)
    if event_id is None:
        return "duplicate"
    if outcome == "noted":
        MemoryStore(session).forget(tenant_id, [event.page_id])
        forget_findings(session, tenant_id, [event.page_id])
    if outcome != "queued":
        return outcome
    job = JobStore(session).enqueue(
        tenant_id,
        "label_page",
        event.page_id,
        payload={"page_id": event.page_id, "live": event.live, "cause": event.name},
        version=event.version or 0,
        delay=services.rules.settle,
    )
    EventStore(session).link(tenant_id, event_id, job.job_id)
    return "joined" if job.joined else "queued"


def _judge_page(
    session: Session, tenant_id: str, event: PageEvent, *, is_person: bool
) -> EventOutcome:
    if event.verb in _EARLY:
        return "ignored"
    if event.verb in _GONE:
        return "noted"
    # A person may have been faster with the version that we were about to write.
    ours = (
        event.version is not None
        and not is_person
        and LedgerStore(session).has(
            tenant_id, event.page_id, "version", str(event.version)
        )
    )
    return "own" if ours else "queued"


def _label(
    session: Session,
    services: Services,
    tenant_id: str,
    event: LabelEvent,
    *,
    own: bool,
) -> EventOutcome:
    ledger = LedgerStore(session)
    ours = ledger.has(tenant_id, event.page_id, "label", event.label)
    by_us = own or (event.verb == "added" and ours)
    outcome: EventOutcome = "own" if by_us else "noted"
    if _receive(session, tenant_id, event, outcome) is None:
        return "duplicate"
    if by_us or event.prefix != "global":
        return outcome
    if event.verb == "added":
        _learn_from_added(session, services, tenant_id, event)
    else:
        _learn_from_removed(session, tenant_id, event)
    MemoryStore(session).change_label(
        tenant_id, event.page_id, event.label, present=event.verb == "added"
    )
    return outcome


def _learn_from_added(
    session: Session, services: Services, tenant_id: str, event: LabelEvent
) -> None:
    """Take a person's hand for a yes to what was suggested, and for a label to know.

    Whether it speaks against a tombstone is seen on the page: an event may come so late
    that the label is gone again.
    """
    space_id = MemoryStore(session).space_of(tenant_id, event.page_id) or ""
    vocabulary = vocabulary_in(session, services, tenant_id, space_id)
    # Another name of a term is no term of its own, or it would lead there no more.
    if vocabulary.canonical(event.label) is None:
        note_people_labels(session, tenant_id, [event.label])
    waiting = waiting_labels(session, services.cipher, tenant_id, event.page_id)
    accept_by_hand(
        session,
        services.cipher,
        tenant_id,
        waiting,
        labels=[event.label],
        vocabulary=vocabulary,
    )


def _learn_from_removed(session: Session, tenant_id: str, event: LabelEvent) -> None:
    """Take a person's hand for a no: what it takes off of ours was wrong there."""
    gone = [
        one
        for state in _OURS
        for one in LedgerStore(session).settle(
            tenant_id,
            event.page_id,
            [event.label],
            state="withdrawn",
            run_id=None,
            only_from=state,
        )
    ]
    space_id = MemoryStore(session).space_of(tenant_id, event.page_id)
    if gone and space_id is not None:
        FeedbackStore(session).add(tenant_id, space_id, event.label, rejected=1)


def _receive(
    session: Session,
    tenant_id: str,
    event: PageEvent | LabelEvent,
    outcome: EventOutcome,
) -> int | None:
    """Write the receipt; None if this delivery has one already."""
    return EventStore(session).receive(
        tenant_id,
        _delivery_key(event),
        host=event.host,
        name=event.name,
        page_id=event.page_id,
        page_version=getattr(event, "version", None),
        outcome=outcome,
    )


def _delivery_key(event: PageEvent | LabelEvent) -> str:
    """Name a delivery so that its repetition has the same name.

    Hosts send no delivery id. Without a time or a version two events cannot be told
    from one delivered twice, so then none is taken for a repetition.
    """
    what = event.label if isinstance(event, LabelEvent) else event.version
    if event.occurred_at is None and (what is None or isinstance(what, str)):
        return uuid4().hex
    when = event.occurred_at.isoformat() if event.occurred_at else ""
    parts = (event.host, event.name, event.page_id, str(what), when)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]
