"""Quotas of AI providers, what calls cost, sealed answers, changes of the memory.

Rules for every migration:
- The release before this one must keep working on the new schema: expand first,
  backfill, and contract a release later.
- Never hold a lock on a busy table for long; backfill in batches.

Kept answers are a cache and nothing was released with the old table: it is made anew.

Revision: 0002, after: 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "ai_gates",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_ai_gates")),
    )
    op.create_table(
        "forgotten_pages",
        _tenant(),
        sa.Column("page_id", sa.Text(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        *_owned("forgotten_pages", "page_id"),
    )
    op.create_table(
        "usage",
        _tenant(),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("cache_hits", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_write_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("thinking_tokens", sa.BigInteger(), nullable=False),
        sa.Column("micro_usd", sa.BigInteger(), nullable=False),
        *_owned("usage", "day", "provider", "model"),
    )
    op.drop_table("completions")
    op.create_table(
        "completions",
        _tenant(),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("text_key", sa.Text(), nullable=False),
        sa.Column("sealed_answer", sa.Text(), nullable=False),
        sa.Column("used_at", _MOMENT, nullable=False),
        *_owned("completions", "key"),
    )
    for column in ("text_key", "used_at"):
        op.create_index(
            op.f(f"ix_completions_tenant_id_{column}"),
            "completions",
            ["tenant_id", column],
        )
    _add("page_memory", "changed_seq", sa.BigInteger())
    _add("page_memory", "stems_version", sa.SmallInteger())
    op.create_index(
        op.f("ix_page_memory_tenant_id_changed_seq"),
        "page_memory",
        ["tenant_id", "changed_seq"],
    )
    _add("runs", "input_tokens", sa.Integer())
    _add("runs", "output_tokens", sa.Integer())
    _add("runs", "micro_usd", sa.BigInteger())
    with op.batch_alter_table("policies") as batch:
        batch.add_column(sa.Column("providers", sa.Text(), nullable=True))
        batch.alter_column("mode", existing_type=sa.Text(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM policies WHERE mode IS NULL")
    with op.batch_alter_table("policies") as batch:
        batch.alter_column("mode", existing_type=sa.Text(), nullable=False)
        batch.drop_column("providers")
    for table, columns in {
        "runs": ("micro_usd", "output_tokens", "input_tokens"),
        "page_memory": ("stems_version", "changed_seq"),
    }.items():
        with op.batch_alter_table(table) as batch:
            if table == "page_memory":
                batch.drop_index(op.f("ix_page_memory_tenant_id_changed_seq"))
            for column in columns:
                batch.drop_column(column)
    op.drop_table("completions")
    op.create_table(
        "completions",
        _tenant(),
        sa.Column("page_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("answered_at", _MOMENT, nullable=False),
        *_owned("completions", "page_id"),
    )
    op.drop_table("usage")
    op.drop_table("forgotten_pages")
    op.drop_table("ai_gates")


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant_id", sa.Text(), nullable=False)


def _owned(table: str, *key: str) -> tuple[sa.Constraint, ...]:
    """Return the primary key that begins with the tenant, and the tie to it."""
    return (
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f(f"fk_{table}_tenant_id_tenants"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", *key, name=op.f(f"pk_{table}")),
    )


def _add(table: str, name: str, kind: sa.types.TypeEngine[int]) -> None:
    """Add a number; rows of before have 0."""
    op.add_column(
        table, sa.Column(name, kind, nullable=False, server_default=sa.text("0"))
    )
