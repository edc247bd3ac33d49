"""What came in, what is to be done, what was done, and the record of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, BigId, auto_id, moment, tenant_fk

#: Of columns that the release before does not know, and so does not write.
_NONE = sa.text("0")
_EMPTY = sa.text("''")


class EventRow(Base):
    """The receipt of one delivered event; its key makes a second delivery a no-op."""

    __tablename__ = "events"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "delivery_key"),
        sa.Index(None, "received_at"),
    )

    id: Mapped[auto_id]
    tenant_id: Mapped[tenant_fk]
    delivery_key: Mapped[str]
    host: Mapped[str]
    name: Mapped[str]
    page_id: Mapped[str | None]
    page_version: Mapped[int | None] = mapped_column(sa.BigInteger)
    #: `queued`, or why nothing was queued.
    outcome: Mapped[str]
    job_id: Mapped[int | None] = mapped_column(BigId)
    received_at: Mapped[moment]


class JobRow(Base):
    """One request to do one thing; see `app.store.jobs` for its states."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.Index(
            "uq_jobs_ready",
            "tenant_id",
            "dedupe_key",
            unique=True,
            postgresql_where=sa.text("state = 'ready'"),
            sqlite_where=sa.text("state = 'ready'"),
        ),
        sa.Index(
            "uq_jobs_running",
            "tenant_id",
            "dedupe_key",
            unique=True,
            postgresql_where=sa.text("state = 'running'"),
            sqlite_where=sa.text("state = 'running'"),
        ),
        sa.Index(
            "ix_jobs_due",
            "tenant_id",
            "priority",
            "run_at",
            "id",
            postgresql_where=sa.text("state = 'ready'"),
            sqlite_where=sa.text("state = 'ready'"),
        ),
        sa.Index(
            "ix_jobs_leased",
            "leased_until",
            postgresql_where=sa.text("state = 'running'"),
            sqlite_where=sa.text("state = 'running'"),
        ),
        sa.Index(
            "ix_jobs_finished",
            "finished_at",
            postgresql_where=sa.text("finished_at IS NOT NULL"),
            sqlite_where=sa.text("finished_at IS NOT NULL"),
        ),
    )

    id: Mapped[auto_id]
    tenant_id: Mapped[tenant_fk]
    kind: Mapped[str]
    dedupe_key: Mapped[str]
    #: Lower is sooner: events 0, a person's wish 10, bulk 20, background 30.
    priority: Mapped[int] = mapped_column(sa.SmallInteger)
    state: Mapped[str] = mapped_column(default="ready")
    payload: Mapped[dict[str, Any]]
    #: Orders hints about one page: an older one never replaces a newer one.
    version: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    run_at: Mapped[moment]
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=20)
    #: Waits that were nobody's failure (rate limits, missing tokens).
    deferrals: Mapped[int] = mapped_column(default=0)
    #: Further events that this one job answers.
    coalesced: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    created_at: Mapped[moment]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    last_error: Mapped[str | None]


class RunRow(Base):
    """One processing of one page, with the receipt that explains it."""

    __tablename__ = "runs"
    __table_args__ = (
        sa.Index(None, "tenant_id", "page_id", "id"),
        sa.Index(None, "tenant_id", "started_at"),
    )

    id: Mapped[auto_id]
    tenant_id: Mapped[tenant_fk]
    job_id: Mapped[int | None] = mapped_column(BigId)
    page_id: Mapped[str]
    page_version: Mapped[int | None] = mapped_column(sa.BigInteger)
    outcome: Mapped[str]
    content_hash: Mapped[str | None]
    provider: Mapped[str | None]
    model: Mapped[str | None]
    ai_calls: Mapped[int] = mapped_column(default=0)
    requests: Mapped[int] = mapped_column(default=0)
    points: Mapped[int] = mapped_column(default=0)
    input_tokens: Mapped[int] = mapped_column(default=0, server_default=_NONE)
    output_tokens: Mapped[int] = mapped_column(default=0, server_default=_NONE)
    micro_usd: Mapped[int] = mapped_column(
        sa.BigInteger, default=0, server_default=_NONE
    )
    receipt: Mapped[dict[str, Any]]
    started_at: Mapped[moment]
    finished_at: Mapped[moment]


class ReceiptRow(Base):
    """What a run asked and was answered, word by word, sealed, for a time."""

    __tablename__ = "receipts"
    __table_args__ = (
        sa.Index(None, "expires_at"),
        sa.Index(None, "tenant_id", "space_id", "run_id"),
    )

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Whose policy says how long it is kept.
    space_id: Mapped[str] = mapped_column(default="", server_default=_EMPTY)
    sealed: Mapped[str]
    expires_at: Mapped[moment]


class AuditRow(Base):
    """Every write to a site and every administrative act; the record, not the log."""

    __tablename__ = "audit"
    __table_args__ = (sa.Index(None, "tenant_id", "id"),)

    id: Mapped[auto_id]
    tenant_id: Mapped[tenant_fk]
    at: Mapped[moment]
    #: `app`, `host:forge`, `host:connect`, `cli`, or an account id.
    actor: Mapped[str]
    action: Mapped[str]
    page_id: Mapped[str | None]
    run_id: Mapped[int | None] = mapped_column(BigId)
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
