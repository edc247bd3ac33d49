"""Receipts know their space: it says how long they are kept, and which are exported.

Rules for every migration:
- The release before this one must keep working on the new schema: expand first,
  backfill, and contract a release later.
- Never hold a lock on a busy table for long; backfill in batches.

Revision: 0004, after: 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INDEX = "ix_receipts_tenant_id_space_id_run_id"


def upgrade() -> None:
    op.add_column(
        "receipts",
        sa.Column("space_id", sa.Text(), server_default=sa.text("''"), nullable=False),
    )
    op.create_index(op.f(_INDEX), "receipts", ["tenant_id", "space_id", "run_id"])


def downgrade() -> None:
    op.drop_index(op.f(_INDEX), "receipts")
    op.drop_column("receipts", "space_id")
