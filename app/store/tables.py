"""Every table of the house. Rows stay in the store and the use cases.

Tables with a `tenant_id` hold tenant data: every query on them names the tenant
first (a house test looks), but for the queue's own claims and housekeeping.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, BigId, auto_id, moment, tenant_fk

#: Of columns that the release before does not know, and so does not write.
_NONE = sa.text("0")


class TenantRow(Base):
    """One Confluence site, whichever hosts it installed the app through."""

    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(primary_key=True)
    cloud_id: Mapped[str | None] = mapped_column(unique=True)
    site_url: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    created_at: Mapped[moment]
    uninstalled_at: Mapped[datetime | None]
    purge_after: Mapped[datetime | None]
    #: When the queue last handed out work of this tenant: fairness.
    last_served_at: Mapped[datetime | None]
    #: No job of this tenant is claimed before; one row pauses thousands of jobs.
    blocked_until: Mapped[datetime | None]
    blocked_reason: Mapped[str | None]
    #: The same, for a Forge token that is awaited; its arrival ends this wait alone.
    token_wait_until: Mapped[datetime | None]
    #: When the site's pages and labels were last walked as a whole.
    learned_at: Mapped[datetime | None]
    #: Counts changes of `page_memory`, so that caches know when to rebuild.
    memory_version: Mapped[int] = mapped_column(default=0)


class InstallationRow(Base):
    """One Forge installation or Connect client key; kept after it ends."""

    __tablename__ = "installations"
    __table_args__ = (sa.UniqueConstraint("host", "external_id"),)

    id: Mapped[auto_id]
    tenant_id: Mapped[tenant_fk] = mapped_column(index=True)
    host: Mapped[str]
    #: The client key (Connect) or the installation's ARI (Forge).
    external_id: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    #: Where REST paths hang, ending in `/wiki`.
    base_url: Mapped[str]
    #: Connect's shared secret, sealed; None for Forge and after the end.
    sealed_secret: Mapped[str | None]
    #: ARI of the Forge installation behind a Connect-on-Forge install.
    forge_installation_id: Mapped[str | None] = mapped_column(index=True)
    environment: Mapped[str | None]
    app_version: Mapped[str | None]
    #: The app user's account id; its own edits are recognised by it.
    app_account_id: Mapped[str | None]
    installed_at: Mapped[moment]
    ended_at: Mapped[datetime | None]


class TokenRow(Base):
    """A Forge token of an installation, sealed, kept until it expires."""

    __tablename__ = "tokens"

    installation_id: Mapped[int] = mapped_column(
        sa.ForeignKey("installations.id", ondelete="CASCADE"), primary_key=True
    )
    #: `system`, or `user`.
    kind: Mapped[str] = mapped_column(primary_key=True)
    #: Empty for the system token.
    account_id: Mapped[str] = mapped_column(primary_key=True, default="")
    tenant_id: Mapped[tenant_fk] = mapped_column(index=True)
    sealed_token: Mapped[str]
    expires_at: Mapped[moment]


class PolicyRow(Base):
    """What may happen in a space; an empty space id is the tenant's default."""

    __tablename__ = "policies"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    space_id: Mapped[str] = mapped_column(primary_key=True, default="")
    #: None takes the tenant's, and that the default.
    mode: Mapped[str | None]
    #: Comma list of AI providers in the order they are asked; `local` alone keeps the
    #: space's text on our machine. None takes the tenant's, and that the operator's.
    providers: Mapped[str | None]


class WhitelistRow(Base):
    """Where SAFE_TEST may write: a space key, a page id, or the root of a tree."""

    __tablename__ = "whitelist"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)


class SpaceRow(Base):
    """A space as last seen, so that a key is known without asking again."""

    __tablename__ = "spaces"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    space_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]
    name: Mapped[str]
    #: When its pages were last walked to the end.
    learned_at: Mapped[datetime | None]


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


class CompletionRow(Base):
    """A paid answer, sealed: asked once, used as often as its question comes again."""

    __tablename__ = "completions"
    __table_args__ = (
        sa.Index(None, "tenant_id", "text_key"),
        sa.Index(None, "tenant_id", "used_at"),
    )

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    #: Hash of cleaned text and title, versions of prompt and vocabulary, who is asked.
    key: Mapped[str] = mapped_column(primary_key=True)
    #: The same without the title: a copied page has another one.
    text_key: Mapped[str]
    sealed_answer: Mapped[str]
    used_at: Mapped[moment]


class UsageRow(Base):
    """What a tenant's calls to one model cost on one day (UTC)."""

    __tablename__ = "usage"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    calls: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    #: Pages answered by what had been paid before.
    cache_hits: Mapped[int] = mapped_column(default=0)
    input_tokens: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    cached_tokens: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    cache_write_tokens: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    output_tokens: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    thinking_tokens: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    micro_usd: Mapped[int] = mapped_column(sa.BigInteger, default=0)


class GateRow(Base):
    """The shared state of one (provider, key, model): quotas, pauses, calls in flight.

    One row, so that one lock holds all dimensions of a decision together.
    """

    __tablename__ = "ai_gates"

    #: Provider, model and a fingerprint of the key; never the key.
    scope: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[dict[str, Any]]
    changed_at: Mapped[moment]


class LedgerRow(Base):
    """One thing we put on a page: a label, our content property, a page version.

    `planned` is written before the remote call and `written` after it, so that a
    crash between the two never makes our label look like a person's.
    """

    __tablename__ = "ledger"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    page_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    #: `planned`, `written`, or `withdrawn` (a person took it off: a tombstone).
    state: Mapped[str]
    confidence: Mapped[float | None]
    run_id: Mapped[int | None] = mapped_column(BigId)
    changed_at: Mapped[moment]


class PageMemoryRow(Base):
    """What the ranker remembers of one page."""

    __tablename__ = "page_memory"
    __table_args__ = (sa.Index(None, "tenant_id", "changed_seq"),)

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    page_id: Mapped[str] = mapped_column(primary_key=True)
    space_id: Mapped[str]
    parent_id: Mapped[str | None]
    page_version: Mapped[int] = mapped_column(sa.BigInteger)
    title: Mapped[str]
    language: Mapped[str]
    weights: Mapped[dict[str, Any]]
    labels: Mapped[list[Any]]
    #: The tenant's `memory_version` at the last change: readers fetch what is newer.
    changed_seq: Mapped[int] = mapped_column(
        sa.BigInteger, default=0, server_default=_NONE
    )
    #: How the weights' stems were made; others than today's say nothing.
    stems_version: Mapped[int] = mapped_column(
        sa.SmallInteger, default=0, server_default=_NONE
    )


class ForgottenPageRow(Base):
    """A page that the memory dropped, for readers who knew it."""

    __tablename__ = "forgotten_pages"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    page_id: Mapped[str] = mapped_column(primary_key=True)
    changed_seq: Mapped[int] = mapped_column(sa.BigInteger)


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
