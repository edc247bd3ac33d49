"""Pairs of terms that a person has called different: nobody proposes to merge them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.store.base import db_time
from app.store.tables import DifferentTermsRow


class DifferentTermsStore:
    """Reads and writes what people said of pairs; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self, tenant_id: str) -> frozenset[frozenset[str]]:
        """Return every pair; which name comes first makes no difference."""
        rows = self._session.execute(
            sa.select(DifferentTermsRow.one, DifferentTermsRow.other).where(
                DifferentTermsRow.tenant_id == tenant_id
            )
        )
        return frozenset(frozenset((row.one, row.other)) for row in rows)

    def add(self, tenant_id: str, one: str, other: str, *, by: str) -> None:
        """Note that two terms are different; saying it twice changes nothing."""
        first, second = sorted((one, other))
        self._session.merge(
            DifferentTermsRow(
                tenant_id=tenant_id,
                one=first,
                other=second,
                decided_by=by,
                decided_at=db_time(),
            )
        )

    def remove(self, tenant_id: str, one: str, other: str) -> bool:
        """Forget it again; False if nobody had said so."""
        first, second = sorted((one, other))
        gone = self._session.execute(
            sa.delete(DifferentTermsRow)
            .where(
                DifferentTermsRow.tenant_id == tenant_id,
                DifferentTermsRow.one == first,
                DifferentTermsRow.other == second,
            )
            .returning(DifferentTermsRow.one)
            .execution_options(synchronize_session=False)
        )
        return gone.first() is not None
