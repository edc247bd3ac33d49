"""Takes in one product event: verified already, on disk before the answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
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
from app.domain.tenants import Installation
from app.store.events import EventStore
from app.store.jobs import JobStore
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.usecases.services import Services

#: What became of an event: constant words for receipts and metrics.
EventOutcome = Literal[
    "queued", "joined", "duplicate", "own", "ignored", "inactive", "noted"
]

#: These say that a page is gone; the rest that it may read differently now.
_GONE: frozenset[PageVerb] = frozenset({"trashed", "removed"})
#: A live doc's editing session begins: nothing has changed yet.
_EARLY: frozenset[PageVerb] = frozenset({"started"})


@dataclass(frozen=True, slots=True)
class _Receipt:
    outcome: EventOutcome
    event_id: int | None = None


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
        services.work_arrived.set()
    return outcome


async def _take_in(
    services: Services, installation: Installation, event: ProductEvent
) -> EventOutcome:
    if isinstance(event, IgnoredEvent):
        return "ignored"
    if not installation.is_active:
        return "inactive"

    def work(session: Session) -> EventOutcome:
        if isinstance(event, LabelEvent):
            return _label(session, installation, event)
        return _page(session, services, installation, event)

    return await services.database.write(work)


def _page(
    session: Session, services: Services, installation: Installation, event: PageEvent
) -> EventOutcome:
    tenant_id = installation.tenant_id
    receipt = _receive(
        session, installation, event, _judge_page(session, installation, event)
    )
    if receipt.event_id is None:
        return "duplicate"
    if receipt.outcome == "noted":
        MemoryStore(session).forget(tenant_id, [event.page_id])
    if receipt.outcome != "queued":
        return receipt.outcome
    job = JobStore(session).enqueue(
        tenant_id,
        "label_page",
        event.page_id,
        payload={"page_id": event.page_id, "live": event.live, "cause": event.name},
        version=event.version or 0,
        delay=services.rules.settle,
    )
    EventStore(session).link(tenant_id, receipt.event_id, job.job_id)
    return "joined" if job.joined else "queued"


def _judge_page(
    session: Session, installation: Installation, event: PageEvent
) -> EventOutcome:
    if _is_own(installation, event):
        return "own"
    if event.verb in _EARLY:
        return "ignored"
    if event.verb in _GONE:
        return "noted"
    ours = event.version is not None and LedgerStore(session).has(
        installation.tenant_id, event.page_id, "version", str(event.version)
    )
    return "own" if ours else "queued"


def _label(
    session: Session, installation: Installation, event: LabelEvent
) -> EventOutcome:
    tenant_id = installation.tenant_id
    ledger = LedgerStore(session)
    ours = ledger.has(tenant_id, event.page_id, "label", event.label)
    by_us = _is_own(installation, event) or (event.verb == "added" and ours)
    receipt = _receive(session, installation, event, "own" if by_us else "noted")
    if receipt.event_id is None:
        return "duplicate"
    if by_us or event.prefix != "global":
        return receipt.outcome
    if event.verb == "removed" and ours:
        ledger.settle(
            tenant_id, event.page_id, [event.label], state="withdrawn", run_id=None
        )
    MemoryStore(session).change_label(
        tenant_id, event.page_id, event.label, present=event.verb == "added"
    )
    return "noted"


def _receive(
    session: Session,
    installation: Installation,
    event: PageEvent | LabelEvent,
    outcome: EventOutcome,
) -> _Receipt:
    event_id = EventStore(session).receive(
        installation.tenant_id,
        _delivery_key(event),
        host=installation.host,
        name=event.name,
        page_id=event.page_id,
        page_version=getattr(event, "version", None),
        outcome=outcome,
    )
    return _Receipt(outcome, event_id)


def _is_own(installation: Installation, event: PageEvent | LabelEvent) -> bool:
    if event.self_generated:
        return True
    ours = installation.app_account_id
    return ours is not None and event.account_id == ours


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
