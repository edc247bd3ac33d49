"""What the queue looks like as a whole, and the broom that keeps its tables small."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.store.base import db_time
from app.store.tables import EventRow, JobRow, TenantRow, TokenRow


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHealth:
    """Depth by kind and state, and the age of the oldest due job in seconds."""

    depth: dict[tuple[str, str], int]
    oldest_seconds: float
    blocked_tenants: int


class QueueHealthStore:
    """Reads across tenants: counts only, never content."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self) -> QueueHealth:
        """Count what waits, runs and has failed."""
        depth = {
            (kind, state): count
            for kind, state, count in self._session.execute(
                sa.select(JobRow.kind, JobRow.state, sa.func.count())
                .where(JobRow.state.in_(["ready", "running", "failed"]))
                .group_by(JobRow.kind, JobRow.state)
            )
        }
        oldest, now = self._session.execute(
            sa.select(
                sa.select(sa.func.min(JobRow.run_at))
                .where(JobRow.state == "ready")
                .scalar_subquery(),
                db_time(),
            )
        ).one()
        blocked = self._session.scalar(
            sa.select(sa.func.count())
            .select_from(TenantRow)
            .where(
                sa.or_(
                    TenantRow.blocked_until > db_time(),
                    TenantRow.token_wait_until > db_time(),
                )
            )
        )
        age = _age(oldest, now)
        return QueueHealth(
            depth=depth, oldest_seconds=age, blocked_tenants=int(blocked or 0)
        )

    def prune(self, *, keep_done: timedelta, keep_failed: timedelta, batch: int) -> int:
        """Delete finished jobs, old event receipts and dead tokens; return how many."""
        statements = [
            _batch(
                JobRow,
                JobRow.id,
                sa.and_(
                    JobRow.state.in_(["done", "discarded"]),
                    JobRow.finished_at < db_time(-keep_done),
                ),
                batch,
            ),
            _batch(
                JobRow,
                JobRow.id,
                sa.and_(
                    JobRow.state == "failed", JobRow.finished_at < db_time(-keep_failed)
                ),
                batch,
            ),
            _batch(
                EventRow, EventRow.id, EventRow.received_at < db_time(-keep_done), batch
            ),
            sa.delete(TokenRow).where(TokenRow.expires_at < db_time()),
        ]
        return sum(_rowcount(self._session, statement) for statement in statements)


def _batch(
    table: type[JobRow | EventRow],
    key: sa.orm.InstrumentedAttribute[int],
    condition: sa.ColumnElement[bool],
    size: int,
) -> sa.Delete:
    some = sa.select(key).where(condition).limit(size).scalar_subquery()
    return sa.delete(table).where(key.in_(some))


def _rowcount(session: Session, statement: sa.Delete) -> int:
    result = session.execute(
        statement.execution_options(synchronize_session=False),
    )
    return int(getattr(result, "rowcount", 0))


def _age(oldest: datetime | None, now: datetime) -> float:
    return 0.0 if oldest is None else max((now - oldest).total_seconds(), 0.0)
