"""How people judged labels, space by space."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.domain.teaching import Feedback
from app.store.base import db_time
from app.store.tables import FeedbackRow


class FeedbackStore:
    """Reads and writes judgements; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        tenant_id: str,
        space_id: str,
        label: str,
        *,
        accepted: int = 0,
        rejected: int = 0,
    ) -> None:
        """Count judgements of a label; two people at the same moment both count."""
        is_sqlite = self._session.get_bind().dialect.name == "sqlite"
        insert = (sqlite.insert if is_sqlite else postgresql.insert)(FeedbackRow)
        self._session.execute(
            insert.values(
                tenant_id=tenant_id,
                space_id=space_id,
                label=label,
                accepted=accepted,
                rejected=rejected,
                changed_at=db_time(),
            ).on_conflict_do_update(
                index_elements=["tenant_id", "space_id", "label"],
                set_={
                    "accepted": FeedbackRow.accepted + accepted,
                    "rejected": FeedbackRow.rejected + rejected,
                    "changed_at": db_time(),
                },
            )
        )

    def of_space(self, tenant_id: str, space_id: str) -> Mapping[str, Feedback]:
        """Return what is known of a space's labels, by label."""
        rows = self._session.execute(
            sa.select(
                FeedbackRow.label, FeedbackRow.accepted, FeedbackRow.rejected
            ).where(
                FeedbackRow.tenant_id == tenant_id, FeedbackRow.space_id == space_id
            )
        )
        return {
            row.label: Feedback(accepted=row.accepted, rejected=row.rejected)
            for row in rows
        }
