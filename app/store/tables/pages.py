"""What we planned for pages, wrote to them, and remember of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, BigId, auto_id, moment, tenant_fk

#: Of columns that the release before does not know, and so does not write.
_NONE = sa.text("0")


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


class PlanRow(Base):
    """What would be done, or was: to one page or to thousands."""

    __tablename__ = "plans"
    __table_args__ = (
        sa.Index(None, "tenant_id", "id"),
        sa.Index(None, "tenant_id", "state", "id"),
    )

    id: Mapped[auto_id]
    tenant_id: Mapped[tenant_fk]
    #: See `app.domain.changes.PlanCause` and `PlanState`.
    cause: Mapped[str]
    state: Mapped[str]
    #: What was asked for: pages, a tree, a space, CQL; what is undone; which labels merge.
    selection: Mapped[dict[str, Any]]
    #: `app.domain.changes.Estimate` of carrying it out, and what making it cost.
    estimate: Mapped[dict[str, Any]]
    spent: Mapped[dict[str, Any]]
    #: `app`, `cli`, or an account id.
    author: Mapped[str]
    #: The plan that this one takes back.
    undoes: Mapped[int | None] = mapped_column(BigId)
    created_at: Mapped[moment]
    finished_at: Mapped[datetime | None]


class PlanItemRow(Base):
    """One change of a plan; see `app.domain.changes.Item`."""

    __tablename__ = "plan_items"
    __table_args__ = (
        sa.Index(None, "tenant_id", "plan_id", "id"),
        sa.Index(None, "tenant_id", "page_id", "id"),
        sa.Index(None, "tenant_id", "state", "id"),
        sa.Index(None, "tenant_id", "kind", "value"),
    )

    id: Mapped[auto_id]
    tenant_id: Mapped[tenant_fk]
    plan_id: Mapped[int] = mapped_column(BigId)
    #: None for a page that is yet to be made.
    page_id: Mapped[str | None]
    space_id: Mapped[str] = mapped_column(default="")
    page_version: Mapped[int | None] = mapped_column(sa.BigInteger)
    kind: Mapped[str]
    value: Mapped[str] = mapped_column(default="")
    agent: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    confidence: Mapped[float | None]
    #: `before`, `after`, `evidence` and the page's title: they quote the page.
    sealed_detail: Mapped[str]
    run_id: Mapped[int | None] = mapped_column(BigId)
    #: The item that this one takes back.
    undoes: Mapped[int | None] = mapped_column(BigId)
    #: Whether it takes back what was done; taking that back does it again.
    takes_back: Mapped[bool] = mapped_column(default=False)
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]


class PlannedPageRow(Base):
    """A page that a plan looked at, or is yet to: a plan that was cut off goes on."""

    __tablename__ = "planned_pages"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    page_id: Mapped[str] = mapped_column(primary_key=True)
    #: `to_do`, or the outcome in a constant word.
    outcome: Mapped[str] = mapped_column(default="to_do")


class FindingRow(Base):
    """One recommendation for a page, as it stands now."""

    __tablename__ = "findings"
    __table_args__ = (sa.Index(None, "tenant_id", "space_id", "severity"),)

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    page_id: Mapped[str] = mapped_column(primary_key=True)
    #: Kind and place: the same finding keeps its key from run to run.
    key: Mapped[str] = mapped_column(primary_key=True)
    space_id: Mapped[str]
    kind: Mapped[str]
    #: 1 (a hint) to 3 (it misleads readers).
    severity: Mapped[int] = mapped_column(sa.SmallInteger)
    #: `open`, `fixed`, `dismissed`.
    state: Mapped[str]
    #: What is wrong, the passage, what to do.
    sealed_detail: Mapped[str]
    found_at: Mapped[moment]
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
