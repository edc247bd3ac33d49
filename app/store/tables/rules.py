"""What people decided: policies, whitelists, vocabularies, budgets, judgements."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, moment, tenant_fk


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
    #: All other fields of `app.domain.policy.Policy` that somebody set here; the rest
    #: is the tenant's, and the default.
    rules: Mapped[dict[str, Any] | None]


class WhitelistRow(Base):
    """Where SAFE_TEST may write: a space key, a page id, or the root of a tree."""

    __tablename__ = "whitelist"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)


class TermRow(Base):
    """A term of the vocabulary; with a space id, what that space says differently.

    Columns that may be None inherit there, and have their defaults for the site.
    """

    __tablename__ = "terms"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    space_id: Mapped[str] = mapped_column(primary_key=True, default="")
    name: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str | None]
    synonyms: Mapped[list[Any] | None]
    parent: Mapped[str | None]
    excluded: Mapped[bool | None]
    manual_only: Mapped[bool | None]
    min_confidence: Mapped[float | None]
    #: `site` (people use it there), `person`, `import`, `proposal`.
    origin: Mapped[str]
    changed_at: Mapped[moment]


class DifferentTermsRow(Base):
    """Two terms that a person has called different: they are not proposed as one."""

    __tablename__ = "different_terms"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    #: The lesser of the two names; `other` is the greater.
    one: Mapped[str] = mapped_column(primary_key=True)
    other: Mapped[str] = mapped_column(primary_key=True)
    decided_by: Mapped[str]
    decided_at: Mapped[moment]


class ProposalRow(Base):
    """A label that the AI would like and the vocabulary lacks, until somebody decides.

    A term that a person removed is here too, as rejected: it does not come back.
    """

    __tablename__ = "proposals"
    __table_args__ = (sa.Index(None, "tenant_id", "state", "seen_at"),)

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    #: The folded name: another spelling is the same proposal.
    key: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    #: `waiting`, `accepted`, `mapped`, `rejected` (for good).
    state: Mapped[str] = mapped_column(default="waiting")
    mapped_to: Mapped[str | None]
    #: Ids of pages that it was proposed for, the latest few.
    pages: Mapped[list[Any]]
    #: On how many pages it was proposed, as far as the latest few can tell.
    count: Mapped[int] = mapped_column(default=0)
    #: The passage of the latest page that speaks for it.
    sealed_evidence: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    seen_at: Mapped[moment]


class FeedbackRow(Base):
    """How people judged one label in one space."""

    __tablename__ = "feedback"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    space_id: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    accepted: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[moment]


class BudgetRow(Base):
    """What a tenant, or one of its spaces, may spend on the AI in a day or a month."""

    __tablename__ = "budgets"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    space_id: Mapped[str] = mapped_column(primary_key=True, default="")
    #: `day` or `month`, in UTC.
    period: Mapped[str] = mapped_column(primary_key=True)
    micro_usd: Mapped[int | None] = mapped_column(sa.BigInteger)
    tokens: Mapped[int | None] = mapped_column(sa.BigInteger)
    #: From this share (0..1) of a limit on, people are warned.
    soft_share: Mapped[float] = mapped_column(default=0.8)
    #: The first day of the period that people were warned about last.
    warned_for: Mapped[date | None] = mapped_column(sa.Date)
