"""The queue: the only module that touches the jobs table.

Every statement is short and decides by the database's clock. Transitions out of
`running` are fenced by id, lease token and state: a worker that lost its lease
changes nothing. Predicates of partial indexes are literals, as PostgreSQL cannot
match a bound parameter to an index once it plans generically.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.jobs import Job, JobKind, Priority
from app.store.base import db_time
from app.store.job_statements import due_heads, enqueue_statement
from app.store.tables import JobRow, TenantRow

_ERROR_LENGTH = 2000
#: With back-off up to a quarter of an hour: three hours of trouble.
MAX_ATTEMPTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueued:
    """Which job answers a request, and whether it was there already."""

    job_id: int
    joined: bool


class JobStore:
    """Enqueue, claim, and look after leases."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_sqlite = session.get_bind().dialect.name == "sqlite"

    def enqueue(
        self,
        tenant_id: str,
        kind: JobKind,
        dedupe_key: str,
        *,
        payload: Mapping[str, Any] | None = None,
        version: int = 0,
        priority: Priority = Priority.EVENT,
        delay: timedelta = timedelta(),
        max_attempts: int = MAX_ATTEMPTS,
    ) -> Enqueued:
        """Add a job, or join the ready one of the same key (newest version wins).

        An older hint joins without replacing anything. A hint of a newer version
        gives the job its attempts back: new content deserves new tries.
        """
        values = {
            "tenant_id": tenant_id,
            "kind": kind,
            "dedupe_key": f"{kind}:{dedupe_key}",
            "priority": int(priority),
            "payload": dict(payload or {}),
            "version": version,
            "max_attempts": max_attempts,
            "delay": delay.total_seconds(),
        }
        # A tenant made in this very transaction has to be there first.
        self._session.flush()
        job_id, coalesced = (
            self._session.connection()
            .execute(enqueue_statement(is_sqlite=self._is_sqlite), values)
            .one()
        )
        return Enqueued(job_id=job_id, joined=coalesced > 0)

    def claim(self, *, limit: int, lease: timedelta) -> list[Job]:
        """Lease up to `limit` due jobs, one a tenant a round, least served first."""
        claimed: list[Job] = []
        while len(claimed) < limit:
            batch = self._claim_heads(limit=limit - len(claimed), lease=lease)
            if not batch:
                break
            claimed.extend(batch)
        return claimed

    def _claim_heads(self, *, limit: int, lease: timedelta) -> list[Job]:
        picked = due_heads(limit)
        token = secrets.token_hex(8)
        statement = (
            sa.update(JobRow)
            .where(
                JobRow.id.in_(sa.select(picked.c.id)),
                JobRow.state == sa.literal_column("'ready'"),
            )
            .values(
                state="running",
                attempt=JobRow.attempt + 1,
                lease_token=token,
                leased_until=db_time(lease),
            )
            .returning(JobRow, db_time().label("now"))
            .execution_options(synchronize_session=False)
        )
        rows = self._session.execute(statement).all()
        self._mark_served({row.JobRow.tenant_id for row in rows})
        return sorted(
            (_claimed(row.JobRow, row.now) for row in rows), key=lambda job: job.id
        )

    def _mark_served(self, tenant_ids: set[str]) -> None:
        if not tenant_ids:
            return
        # Locked rows are skipped: another worker serves that tenant just now, and
        # waiting for it (or deadlocking with it) would buy nothing.
        free = (
            sa.select(TenantRow.id)
            .where(TenantRow.id.in_(tenant_ids))
            .order_by(TenantRow.id)
            .with_for_update(skip_locked=True)
        )
        self._session.execute(
            sa.update(TenantRow)
            .where(TenantRow.id.in_(free))
            .values(last_served_at=db_time())
            .execution_options(synchronize_session=False)
        )

    def extend(self, jobs: Sequence[Job], *, lease: timedelta) -> set[tuple[int, str]]:
        """Renew leases; return (id, lease token) of the claims that are still ours."""
        kept: set[tuple[int, str]] = set()
        for job in jobs:
            renewed = self._session.execute(
                _fenced(job).values(leased_until=db_time(lease)).returning(JobRow.id)
            )
            kept.update((found, job.lease_token) for found in renewed.scalars())
        return kept

    def finish(
        self, job: Job, *, state: str, outcome: str, error: str | None = None
    ) -> bool:
        """Settle as `done`, `failed` or `discarded`; False if the lease was lost."""
        settled = self._session.execute(
            _fenced(job)
            .values(
                state=state,
                outcome=outcome,
                last_error=_capped(error),
                lease_token=None,
                leased_until=None,
                finished_at=db_time(),
            )
            .returning(JobRow.id)
        )
        return settled.first() is not None

    def put_back(
        self,
        job: Job,
        *,
        delay: timedelta = timedelta(),
        error: str | None = None,
        refund: bool = False,
    ) -> bool:
        """Make a running job ready again, or discard it where a newer one waits.

        Args:
            job: The job as claimed.
            delay: How long until it is due.
            error: What went wrong, for the operator.
            refund: Give the attempt back and count a deferral instead.
        """
        values: dict[str, Any] = {
            "state": "ready",
            "run_at": db_time(delay),
            "last_error": _capped(error),
            "lease_token": None,
            "leased_until": None,
        }
        if refund:
            values["attempt"] = JobRow.attempt - 1
            values["deferrals"] = JobRow.deferrals + 1
        try:
            with self._session.begin_nested():
                back = self._session.execute(
                    _fenced(job).values(**values).returning(JobRow.id)
                )
                return back.first() is not None
        except sa.exc.IntegrityError:
            return self.finish(
                job, state="discarded", outcome="superseded", error=error
            )

    def hasten(self, waits_for: str, tenant_id: str | None = None) -> int:
        """Make jobs due that were put off for a reason that begins so; return how many.

        What they waited for is there: for one tenant, or for all of them.
        """
        whose = [] if tenant_id is None else [JobRow.tenant_id == tenant_id]
        hastened = self._session.execute(
            sa.update(JobRow)
            .where(
                # A literal, so that the index of what is ready is enough.
                JobRow.state == sa.literal_column("'ready'"),
                *whose,
                JobRow.run_at > db_time(),
                JobRow.last_error.startswith(f"waits: {waits_for}", autoescape=True),
            )
            .values(run_at=db_time())
            .returning(JobRow.id)
            .execution_options(synchronize_session=False)
        )
        return len(hastened.all())

    def rescue(self) -> int:
        """Return lapsed jobs to the queue, or bury those that are out of attempts."""
        lapsed = self._session.scalars(
            sa.select(JobRow)
            .where(
                JobRow.state == sa.literal_column("'running'"),
                JobRow.leased_until < db_time(),
            )
            .order_by(JobRow.id)
            .limit(100)
            .with_for_update(skip_locked=True)
        ).all()
        for row in lapsed:
            job = _claimed(row, row.run_at)
            self._session.expunge(row)
            error = f"the lease lapsed at attempt {row.attempt}"
            if row.attempt >= row.max_attempts:
                self.finish(job, state="failed", outcome="lease_lapsed", error=error)
            else:
                self.put_back(job, error=error)
        return len(lapsed)

    def retry_failed(self, tenant_id: str, job_id: int) -> bool:
        """Make a dead letter ready again with all its attempts, unless one waits."""
        try:
            with self._session.begin_nested():
                revived = self._session.execute(
                    sa.update(JobRow)
                    .where(
                        JobRow.tenant_id == tenant_id,
                        JobRow.id == job_id,
                        JobRow.state == "failed",
                    )
                    .values(
                        state="ready",
                        attempt=0,
                        run_at=db_time(),
                        finished_at=None,
                        outcome=None,
                    )
                    .returning(JobRow.id)
                )
                return revived.first() is not None
        except sa.exc.IntegrityError:
            return False

    def failed(self, tenant_id: str, *, limit: int = 100) -> Sequence[JobRow]:
        """Return a tenant's dead letters, newest first."""
        return self._session.scalars(
            sa.select(JobRow)
            .where(JobRow.tenant_id == tenant_id, JobRow.state == "failed")
            .order_by(JobRow.id.desc())
            .limit(limit)
        ).all()

    def cancel(self, tenant_id: str, kind: JobKind, *, outcome: str) -> None:
        """Discard what waits of one kind; what runs goes on."""
        self._session.execute(
            sa.update(JobRow)
            .where(
                JobRow.tenant_id == tenant_id,
                JobRow.kind == kind,
                JobRow.state == sa.literal_column("'ready'"),
            )
            .values(state="discarded", outcome=outcome, finished_at=db_time())
            .execution_options(synchronize_session=False)
        )

    def is_on_first_try(self, tenant_id: str, kinds: Collection[JobKind]) -> bool:
        """Whether a job of one of these kinds waits or runs without trouble so far."""
        found = self._session.scalar(
            sa.select(JobRow.id)
            .where(
                JobRow.tenant_id == tenant_id,
                JobRow.state.in_(["ready", "running"]),
                JobRow.kind.in_(kinds),
                JobRow.attempt <= 1,
                # A job handed back at a restart is deferred, but had no trouble.
                JobRow.last_error.is_(None),
            )
            .limit(1)
        )
        return found is not None

    def counts(self, tenant_id: str) -> dict[str, int]:
        """Return how many of a tenant's jobs are in each state."""
        rows = self._session.execute(
            sa.select(JobRow.state, sa.func.count())
            .where(JobRow.tenant_id == tenant_id)
            .group_by(JobRow.state)
        )
        return {row[0]: row[1] for row in rows}


def _claimed(row: JobRow, now: datetime) -> Job:
    return Job(
        id=row.id,
        tenant_id=row.tenant_id,
        kind=row.kind,  # type: ignore[arg-type]
        payload=row.payload,
        version=row.version,
        priority=row.priority,
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        deferrals=row.deferrals,
        lease_token=row.lease_token or "",
        leased_until=row.leased_until or now,
        waited=now - row.run_at,
    )


def _fenced(job: Job) -> sa.Update:
    return (
        sa.update(JobRow)
        .where(
            JobRow.id == job.id,
            JobRow.lease_token == job.lease_token,
            JobRow.state == sa.literal_column("'running'"),
        )
        .execution_options(synchronize_session=False)
    )


def _capped(error: str | None) -> str | None:
    """Cut a text to size, without what a database refuses (NUL, lone surrogates)."""
    if error is None:
        return None
    clean = error.replace("\x00", "").encode("utf-8", "replace").decode()
    return clean[:_ERROR_LENGTH]
