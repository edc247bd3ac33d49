"""The pages that a plan is about: looked at, or yet to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.store.tables import PlannedPageRow

TO_DO = "to_do"


class PlannedPageStore:
    """Reads and writes which pages a plan has looked at; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, tenant_id: str, plan_id: int, page_ids: Iterable[str]) -> None:
        """Note pages that are to be looked at; those that are known stay as they are."""
        rows = [
            {
                "tenant_id": tenant_id,
                "plan_id": plan_id,
                "page_id": page_id,
                "outcome": TO_DO,
            }
            for page_id in page_ids
        ]
        if not rows:
            return
        is_sqlite = self._session.get_bind().dialect.name == "sqlite"
        insert = sqlite.insert if is_sqlite else postgresql.insert
        self._session.execute(insert(PlannedPageRow).on_conflict_do_nothing(), rows)

    def to_do(self, tenant_id: str, plan_id: int, *, limit: int) -> Sequence[str]:
        """Return pages that nobody has looked at."""
        return self._session.scalars(
            sa.select(PlannedPageRow.page_id)
            .where(
                PlannedPageRow.tenant_id == tenant_id,
                PlannedPageRow.plan_id == plan_id,
                PlannedPageRow.outcome == TO_DO,
            )
            .order_by(PlannedPageRow.page_id)
            .limit(limit)
        ).all()

    def settle(self, tenant_id: str, plan_id: int, page_id: str, outcome: str) -> bool:
        """Note what came of a look at a page; False if somebody looked before."""
        settled = self._session.execute(
            sa.update(PlannedPageRow)
            .where(
                PlannedPageRow.tenant_id == tenant_id,
                PlannedPageRow.plan_id == plan_id,
                PlannedPageRow.page_id == page_id,
                PlannedPageRow.outcome == TO_DO,
            )
            .values(outcome=outcome)
            .returning(PlannedPageRow.page_id)
            .execution_options(synchronize_session=False)
        )
        return settled.first() is not None

    def counts(self, tenant_id: str, plan_id: int) -> Mapping[str, int]:
        """Count a plan's pages by outcome."""
        rows = self._session.execute(
            sa.select(PlannedPageRow.outcome, sa.func.count())
            .where(
                PlannedPageRow.tenant_id == tenant_id,
                PlannedPageRow.plan_id == plan_id,
            )
            .group_by(PlannedPageRow.outcome)
        )
        return {row[0]: row[1] for row in rows}
