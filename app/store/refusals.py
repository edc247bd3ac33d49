"""Names that people said no to: rejected proposals, removed terms."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.domain.vocabulary.terms import fold
from app.store.base import Base, db_time
from app.store.tables import ProposalRow

#: Keys in one statement: databases take only so many.
_AT_ONCE = 500
_PROPOSALS = Base.metadata.tables["proposals"]


class RefusalStore:
    """Reads and writes rejections; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self, tenant_id: str) -> frozenset[str]:
        """Return every folded name that was rejected for good."""
        return frozenset(
            self._session.scalars(
                sa.select(ProposalRow.key).where(
                    ProposalRow.tenant_id == tenant_id,
                    ProposalRow.state == "rejected",
                )
            )
        )

    def of(self, tenant_id: str, names: Collection[str]) -> set[str]:
        """Return those of some names that were rejected, under any spelling."""
        keys = {name: fold(name) for name in names}
        wanted = sorted(set(keys.values()))
        found: set[str] = set()
        for at in range(0, len(wanted), _AT_ONCE):
            found.update(
                self._session.scalars(
                    sa.select(ProposalRow.key).where(
                        ProposalRow.tenant_id == tenant_id,
                        ProposalRow.state == "rejected",
                        ProposalRow.key.in_(wanted[at : at + _AT_ONCE]),
                    )
                )
            )
        return {name for name, key in keys.items() if key in found}

    def add(self, tenant_id: str, names: Collection[str], *, by: str) -> None:
        """Reject names for good."""
        rows = {
            fold(name): {
                "tenant_id": tenant_id,
                "key": fold(name),
                "name": name,
                "state": "rejected",
                "pages": [],
                "count": 0,
                "decided_by": by,
            }
            for name in names
        }
        if not rows:
            return
        is_sqlite = self._session.get_bind().dialect.name == "sqlite"
        insert = (sqlite.insert if is_sqlite else postgresql.insert)(_PROPOSALS)
        said = ("state", "decided_by", "decided_at")
        self._session.execute(
            insert.values(
                decided_at=db_time(), seen_at=db_time()
            ).on_conflict_do_update(
                index_elements=["tenant_id", "key"],
                set_={
                    "sealed_evidence": None,
                    **{name: insert.excluded[name] for name in said},
                },
            ),
            [rows[key] for key in sorted(rows)],
        )

    def lift(self, tenant_id: str, names: Collection[str]) -> None:
        """Take rejections back: a person wants these names now."""
        keys = sorted({fold(name) for name in names})
        for at in range(0, len(keys), _AT_ONCE):
            self._session.execute(
                sa.delete(ProposalRow)
                .where(
                    ProposalRow.tenant_id == tenant_id,
                    ProposalRow.state == "rejected",
                    ProposalRow.key.in_(keys[at : at + _AT_ONCE]),
                )
                .execution_options(synchronize_session=False)
            )
