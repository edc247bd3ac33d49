"""What the AI said, what it cost, and how its quotas stand."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, auto_id, moment, tenant_fk


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


class SpendRow(Base):
    """What the AI cost a space on one day (UTC)."""

    __tablename__ = "spend"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    space_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    micro_usd: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    tokens: Mapped[int] = mapped_column(sa.BigInteger, default=0)


class SpendHoldRow(Base):
    """Money and tokens set aside for one call; settled after it, or expired."""

    __tablename__ = "spend_holds"
    __table_args__ = (sa.Index(None, "tenant_id", "expires_at"),)

    id: Mapped[auto_id]
    tenant_id: Mapped[tenant_fk]
    space_id: Mapped[str]
    micro_usd: Mapped[int] = mapped_column(sa.BigInteger)
    tokens: Mapped[int] = mapped_column(sa.BigInteger)
    expires_at: Mapped[moment]
