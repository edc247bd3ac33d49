"""Runs with their receipts, and the audit of record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.store.base import after_commit, db_time
from app.store.tables import AuditRow, RunRow

log = structlog.get_logger("audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What one processing of one page came to."""

    page_id: str
    outcome: str
    started_at: datetime
    job_id: int | None = None
    page_version: int | None = None
    content_hash: str | None = None
    provider: str | None = None
    model: str | None = None
    ai_calls: int = 0
    requests: int = 0
    points: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    micro_usd: int = 0
    receipt: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run as it was recorded.

    Attributes:
        figures: What explains it without a word of the page.
    """

    id: int
    page_id: str
    page_version: int | None
    outcome: str
    provider: str | None
    model: str | None
    ai_calls: int
    requests: int
    points: int
    input_tokens: int
    output_tokens: int
    micro_usd: int
    started_at: datetime
    finished_at: datetime
    figures: Mapping[str, Any] = field(repr=False)


class RunStore:
    """Reads and writes runs and audit rows; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, tenant_id: str, run: NewRun) -> int:
        """Write a run; return its id."""
        return self._session.execute(
            sa.insert(RunRow)
            .values(
                tenant_id=tenant_id,
                job_id=run.job_id,
                page_id=run.page_id,
                page_version=run.page_version,
                outcome=run.outcome,
                content_hash=run.content_hash,
                provider=run.provider,
                model=run.model,
                ai_calls=run.ai_calls,
                requests=run.requests,
                points=run.points,
                input_tokens=run.input_tokens,
                output_tokens=run.output_tokens,
                micro_usd=run.micro_usd,
                receipt=dict(run.receipt),
                started_at=run.started_at,
                finished_at=db_time(),
            )
            .returning(RunRow.id)
        ).scalar_one()

    def recent(
        self, tenant_id: str, *, page_id: str | None = None, limit: int = 50
    ) -> Sequence[RunRow]:
        """Return a tenant's latest runs, newest first."""
        query = sa.select(RunRow).where(RunRow.tenant_id == tenant_id)
        if page_id is not None:
            query = query.where(RunRow.page_id == page_id)
        return self._session.scalars(
            query.order_by(RunRow.id.desc()).limit(limit)
        ).all()

    def run(self, tenant_id: str, run_id: int) -> PastRun:
        """Return one run.

        Raises:
            NotFound: The tenant has no such run.
        """
        found = self.runs(tenant_id, [run_id])
        if not found:
            raise NotFound(f"there is no run {run_id} on this site")
        return found[0]

    def runs(self, tenant_id: str, run_ids: Collection[int]) -> Sequence[PastRun]:
        """Return runs by their ids, oldest first."""
        rows = self._session.scalars(
            sa.select(RunRow)
            .where(RunRow.tenant_id == tenant_id, RunRow.id.in_(run_ids))
            .order_by(RunRow.id)
        )
        return [_past(row) for row in rows]

    def first_asked(self, tenant_id: str, page_id: str, key: str) -> int | None:
        """Return the first run that asked about a page and got the answer of this key."""
        return self._session.scalar(
            sa.select(sa.func.min(RunRow.id)).where(
                RunRow.tenant_id == tenant_id,
                RunRow.page_id == page_id,
                RunRow.content_hash == key,
                RunRow.ai_calls > 0,
            )
        )

    def outcomes(self, tenant_id: str) -> dict[str, int]:
        """Count a tenant's runs by outcome."""
        rows = self._session.execute(
            sa.select(RunRow.outcome, sa.func.count())
            .where(RunRow.tenant_id == tenant_id)
            .group_by(RunRow.outcome)
        )
        return {row[0]: row[1] for row in rows}

    def audit(
        self,
        tenant_id: str,
        *,
        actor: str,
        action: str,
        page_id: str | None = None,
        run_id: int | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Record one act, with what was before and after.

        Once the transaction is on disk, the audit log gets the same line.
        """
        self._session.execute(
            sa.insert(AuditRow).values(
                tenant_id=tenant_id,
                at=db_time(),
                actor=actor,
                action=action,
                page_id=page_id,
                run_id=run_id,
                before=dict(before or {}),
                after=dict(after or {}),
            )
        )

        fields = {
            "tenant": tenant_id,
            "actor": actor,
            "page": page_id,
            "run": run_id,
            "before": dict(before or {}),
            "after": dict(after or {}),
        }

        after_commit(self._session, lambda: log.info(action, **fields))

    def audit_trail(
        self, tenant_id: str, *, page_id: str | None = None, limit: int = 50
    ) -> Sequence[AuditRow]:
        """Return a tenant's latest audit rows, newest first."""
        query = sa.select(AuditRow).where(AuditRow.tenant_id == tenant_id)
        if page_id is not None:
            query = query.where(AuditRow.page_id == page_id)
        return self._session.scalars(
            query.order_by(AuditRow.id.desc()).limit(limit)
        ).all()


def _past(row: RunRow) -> PastRun:
    same = (one for one in PastRun.__dataclass_fields__ if one != "figures")
    return PastRun(**{name: getattr(row, name) for name in same}, figures=row.receipt)
