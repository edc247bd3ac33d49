"""Vocabulary, plans, reviews, receipts, budgets, recommendations, kill switches.

Rules for every migration:
- The release before this one must keep working on the new schema: expand first,
  backfill, and contract a release later.
- Never hold a lock on a busy table for long; backfill in batches.

Revision: 0003, after: 0002.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_BIG = sa.BigInteger()
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")

Columns = dict[str, "sa.types.TypeEngine[Any]"]

#: Name -> (key columns after the tenant, columns, columns that may be empty).
_KEYED: dict[str, tuple[Columns, Columns, Columns]] = {
    "terms": (
        {"space_id": sa.Text(), "name": sa.Text()},
        {"origin": sa.Text(), "changed_at": _MOMENT},
        {
            "description": sa.Text(),
            "synonyms": sa.JSON(),
            "parent": sa.Text(),
            "excluded": sa.Boolean(),
            "manual_only": sa.Boolean(),
            "min_confidence": sa.Double(),
        },
    ),
    "proposals": (
        {"key": sa.Text()},
        {
            "name": sa.Text(),
            "state": sa.Text(),
            "pages": sa.JSON(),
            "count": sa.Integer(),
            "seen_at": _MOMENT,
        },
        {
            "mapped_to": sa.Text(),
            "sealed_evidence": sa.Text(),
            "decided_by": sa.Text(),
            "decided_at": _MOMENT,
        },
    ),
    "planned_pages": (
        {"plan_id": _ID, "page_id": sa.Text()},
        {"outcome": sa.Text()},
        {},
    ),
    "receipts": (
        {"run_id": _ID},
        {"sealed": sa.Text(), "expires_at": _MOMENT},
        {},
    ),
    "feedback": (
        {"space_id": sa.Text(), "label": sa.Text()},
        {"accepted": sa.Integer(), "rejected": sa.Integer(), "changed_at": _MOMENT},
        {},
    ),
    "budgets": (
        {"space_id": sa.Text(), "period": sa.Text()},
        {"soft_share": sa.Double()},
        {"micro_usd": _BIG, "tokens": _BIG, "warned_for": sa.Date()},
    ),
    "spend": (
        {"space_id": sa.Text(), "day": sa.Date()},
        {"micro_usd": _BIG, "tokens": _BIG},
        {},
    ),
    "findings": (
        {"page_id": sa.Text(), "key": sa.Text()},
        {
            "space_id": sa.Text(),
            "kind": sa.Text(),
            "severity": sa.SmallInteger(),
            "state": sa.Text(),
            "sealed_detail": sa.Text(),
            "found_at": _MOMENT,
            "changed_at": _MOMENT,
        },
        {},
    ),
}

#: Tables whose rows are numbered.
_NUMBERED: dict[str, tuple[Columns, Columns]] = {
    "plans": (
        {
            "cause": sa.Text(),
            "state": sa.Text(),
            "selection": sa.JSON(),
            "estimate": sa.JSON(),
            "spent": sa.JSON(),
            "author": sa.Text(),
            "created_at": _MOMENT,
        },
        {"undoes": _ID, "finished_at": _MOMENT},
    ),
    "plan_items": (
        {
            "plan_id": _ID,
            "space_id": sa.Text(),
            "kind": sa.Text(),
            "value": sa.Text(),
            "agent": sa.Text(),
            "state": sa.Text(),
            "reason": sa.Text(),
            "sealed_detail": sa.Text(),
            "takes_back": sa.Boolean(),
        },
        {
            "page_id": sa.Text(),
            "page_version": _BIG,
            "confidence": sa.Double(),
            "run_id": _ID,
            "undoes": _ID,
            "decided_by": sa.Text(),
            "decided_at": _MOMENT,
            "applied_at": _MOMENT,
        },
    ),
    "spend_holds": (
        {
            "space_id": sa.Text(),
            "micro_usd": _BIG,
            "tokens": _BIG,
            "expires_at": _MOMENT,
        },
        {},
    ),
}

_INDEXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("proposals", ("tenant_id", "state", "seen_at")),
    ("plans", ("tenant_id", "id")),
    ("plans", ("tenant_id", "state", "id")),
    ("plan_items", ("tenant_id", "plan_id", "id")),
    ("plan_items", ("tenant_id", "page_id", "id")),
    ("plan_items", ("tenant_id", "state", "id")),
    ("plan_items", ("tenant_id", "kind", "value")),
    ("receipts", ("expires_at",)),
    ("spend_holds", ("tenant_id", "expires_at")),
    ("findings", ("tenant_id", "space_id", "severity")),
)


def upgrade() -> None:
    for table, (key, needed, optional) in _KEYED.items():
        op.create_table(
            table,
            _column("tenant_id", sa.Text()),
            *map(_column, key, key.values()),
            *map(_column, needed, needed.values()),
            *map(_optional, optional, optional.values()),
            _tenant(table),
            sa.PrimaryKeyConstraint("tenant_id", *key, name=op.f(f"pk_{table}")),
        )
    for table, (needed, optional) in _NUMBERED.items():
        op.create_table(
            table,
            sa.Column("id", _ID, autoincrement=True, nullable=False),
            _column("tenant_id", sa.Text()),
            *map(_column, needed, needed.values()),
            *map(_optional, optional, optional.values()),
            _tenant(table),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        )
    op.create_table(
        "switches",
        _column("name", sa.Text()),
        _column("set_at", _MOMENT),
        _column("set_by", sa.Text()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_switches")),
    )
    _indexes(lambda table, name, columns: op.create_index(name, table, columns))
    op.add_column("tenants", _optional("stopped_at", _MOMENT))
    op.add_column("tenants", _optional("stopped_by", sa.Text()))
    op.add_column("policies", _optional("rules", sa.JSON()))


def downgrade() -> None:
    # Not in a batch: that makes SQLite's table anew, and everything that hangs on a
    # tenant would go with the old one.
    op.drop_column("policies", "rules")
    op.drop_column("tenants", "stopped_by")
    op.drop_column("tenants", "stopped_at")
    _indexes(lambda table, name, _columns: op.drop_index(name, table))
    for table in ("switches", *_NUMBERED, *_KEYED):
        op.drop_table(table)


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _optional(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def _tenant(table: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id"],
        ["tenants.id"],
        name=op.f(f"fk_{table}_tenant_id_tenants"),
        ondelete="CASCADE",
    )


def _indexes(act: Callable[[str, str, list[str]], None]) -> None:
    for table, columns in _INDEXES:
        act(table, op.f(f"ix_{table}_{'_'.join(columns)}"), list(columns))
