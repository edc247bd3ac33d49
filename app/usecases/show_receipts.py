"""Receipts as people and scripts read them: one run at length, or many in a row."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.store.policies import PolicyStore
from app.store.receipts import ReceiptFilter, ReceiptStore
from app.store.runs import PastRun, RunStore
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant

Row = dict[str, Any]

#: Receipts read at a time: some megabytes at most.
_PORTION = 50
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which receipts are exported; what is None does not narrow.

    Attributes:
        since: Of runs that began at this moment or later; `until` is the first that
            is left out.
    """

    page_id: str | None = None
    space_key: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def as_json(self) -> Row:
        """Return what is named."""
        return {
            "page": self.page_id,
            "space": self.space_key,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
        }


async def show_receipt(services: Services, tenant_id: str, run_id: int) -> Row:
    """Return all that explains a run; `receipt` is None where none is there or readable.

    Raises:
        NotFound: There is no such tenant, or no such run.
    """

    def work(session: Session) -> Row:
        require_tenant(session, tenant_id)
        run = RunStore(session).run(tenant_id, run_id)
        kept = ReceiptStore(session, services.cipher).find(tenant_id, [run_id])
        return _told(session, tenant_id, run, kept.get(run_id))

    return await services.database.read(work)


async def export_receipts(
    services: Services, tenant_id: str, wanted: Wanted, *, by: str
) -> AsyncIterator[Row]:
    """Walk receipts, oldest first, a portion in memory at a time; the audit knows of it.

    Raises:
        NotFound: There is no such tenant, or no such space on its site.
    """

    def begin(session: Session) -> ReceiptFilter:
        require_tenant(session, tenant_id)
        which = _filter(session, tenant_id, wanted)
        # Before the first one leaves: who breaks off has read some all the same.
        RunStore(session).audit(
            tenant_id, actor=by, action="receipts_exported", after=wanted.as_json()
        )
        return which

    which = await services.database.write(begin)
    last = 0
    while found := await services.database.read(
        lambda s, after=last: _portion(s, services, tenant_id, which, after)  # type: ignore[misc]
    ):
        last, rows = found
        for row in rows:
            yield row


def _filter(session: Session, tenant_id: str, wanted: Wanted) -> ReceiptFilter:
    space_id = None
    if wanted.space_key is not None:
        space_id = PolicyStore(session).space_named(tenant_id, wanted.space_key)
    return ReceiptFilter(
        page_id=wanted.page_id,
        space_id=space_id,
        since=wanted.since,
        until=wanted.until,
    )


def _portion(
    session: Session,
    services: Services,
    tenant_id: str,
    which: ReceiptFilter,
    after: int,
) -> tuple[int, Sequence[Row]] | None:
    """Return the last run of the next portion, and its rows; None at the end."""
    store = ReceiptStore(session, services.cipher)
    run_ids = store.run_ids(tenant_id, which, after=after, limit=_PORTION)
    if not run_ids:
        return None
    kept = store.find(tenant_id, run_ids)
    return run_ids[-1], [
        _told(session, tenant_id, run, kept.get(run.id))
        for run in RunStore(session).runs(tenant_id, run_ids)
    ]


def _told(
    session: Session,
    tenant_id: str,
    run: PastRun,
    receipt: Mapping[str, Any] | None,
) -> Row:
    """Return a run with its receipt, and which run first got an answer that was reused."""
    whole = dict(receipt) if receipt else None
    if whole and whole["reused"]:
        reused = whole["reused"]
        first = RunStore(session).first_asked(
            tenant_id, reused["page"] or run.page_id, reused["key"]
        )
        whole["reused"] = {**reused, "run": first}
    return {
        "run": run.id,
        "page": run.page_id,
        "version": run.page_version,
        "outcome": run.outcome,
        "cause": run.figures.get("cause"),
        "started_at": run.started_at.isoformat(timespec="milliseconds"),
        "finished_at": run.finished_at.isoformat(timespec="milliseconds"),
        "provider": run.provider,
        "model": run.model,
        "ai_calls": run.ai_calls,
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
        "usd": run.micro_usd / _MICRO,
        "requests": run.requests,
        "points": run.points,
        "figures": dict(run.figures),
        "receipt": whole,
    }
