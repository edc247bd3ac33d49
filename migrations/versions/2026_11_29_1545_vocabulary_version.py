"""A number that counts changes of a tenant's vocabulary.

Rules for every migration:
- The release before this one must keep working on the new schema: expand first,
  backfill, and contract a release later.
- Never hold a lock on a busy table for long; backfill in batches.

The column has a default, so a release that knows nothing of it goes on as before.

Revision: 0005, after: 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "tenants",
        sa.Column(
            "vocabulary_version", sa.Integer(), nullable=False, server_default="0"
        ),
    )


def downgrade() -> None:
    op.drop_column("tenants", "vocabulary_version")
