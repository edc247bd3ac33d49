"""Plans: what would be done, or was, to one page or to thousands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.changes import Estimate, PlanCause, PlanState
from app.errors import Conflict, NotFound
from app.store.base import db_time
from app.store.tables import PlanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A plan's head."""

    id: int
    cause: PlanCause
    state: PlanState
    selection: Mapping[str, Any]
    estimate: Estimate
    spent: Estimate
    author: str
    undoes: int | None
    created_at: datetime
    finished_at: datetime | None


class PlanStore:
    """Reads and writes the heads of plans; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(
        self,
        tenant_id: str,
        cause: PlanCause,
        *,
        author: str,
        state: PlanState = "ready",
        selection: Mapping[str, Any] | None = None,
        undoes: int | None = None,
    ) -> int:
        """Begin a plan; return its id."""
        return self._session.execute(
            sa.insert(PlanRow)
            .values(
                tenant_id=tenant_id,
                cause=cause,
                state=state,
                selection=dict(selection or {}),
                estimate={},
                spent={},
                author=author,
                undoes=undoes,
                created_at=db_time(),
            )
            .returning(PlanRow.id)
        ).scalar_one()

    def plan(self, tenant_id: str, plan_id: int) -> StoredPlan:
        """Return a plan's head.

        Raises:
            NotFound: The tenant has no such plan.
        """
        row = self._session.scalar(
            sa.select(PlanRow).where(
                PlanRow.tenant_id == tenant_id, PlanRow.id == plan_id
            )
        )
        if row is None:
            raise NotFound(f"there is no plan {plan_id} on this site")
        return _plan(row)

    def plans(
        self,
        tenant_id: str,
        *,
        causes: Collection[PlanCause] | None = None,
        limit: int = 50,
    ) -> Sequence[StoredPlan]:
        """Return the latest plans, newest first."""
        query = sa.select(PlanRow).where(PlanRow.tenant_id == tenant_id)
        if causes is not None:
            query = query.where(PlanRow.cause.in_(causes))
        rows = self._session.scalars(query.order_by(PlanRow.id.desc()).limit(limit))
        return [_plan(row) for row in rows]

    def move(
        self,
        tenant_id: str,
        plan_id: int,
        state: PlanState,
        *,
        only_from: Collection[PlanState],
    ) -> None:
        """Move a plan on.

        Raises:
            Conflict: It is in another state by now.
        """
        ends = state in ("done", "cancelled")
        moved = self._session.execute(
            sa.update(PlanRow)
            .where(
                PlanRow.tenant_id == tenant_id,
                PlanRow.id == plan_id,
                PlanRow.state.in_(only_from),
            )
            .values(state=state, finished_at=db_time() if ends else None)
            .returning(PlanRow.id)
            .execution_options(synchronize_session=False)
        )
        if moved.first() is None:
            found = self.plan(tenant_id, plan_id).state
            raise Conflict(f"plan {plan_id} is {found}")

    def note_costs(
        self, tenant_id: str, plan_id: int, *, estimate: Estimate, spent: Estimate
    ) -> None:
        """Write down what carrying a plan out will cost, and what making it did."""
        self._session.execute(
            sa.update(PlanRow)
            .where(PlanRow.tenant_id == tenant_id, PlanRow.id == plan_id)
            .values(estimate=asdict(estimate), spent=asdict(spent))
            .execution_options(synchronize_session=False)
        )

    def note_selection(
        self, tenant_id: str, plan_id: int, selection: Mapping[str, Any]
    ) -> None:
        """Write down anew what a plan is about, and what came with it."""
        self._session.execute(
            sa.update(PlanRow)
            .where(PlanRow.tenant_id == tenant_id, PlanRow.id == plan_id)
            .values(selection=dict(selection))
            .execution_options(synchronize_session=False)
        )


def _plan(row: PlanRow) -> StoredPlan:
    return StoredPlan(
        id=row.id,
        cause=row.cause,  # type: ignore[arg-type]
        state=row.state,  # type: ignore[arg-type]
        selection=row.selection,
        estimate=Estimate(**row.estimate),
        spent=Estimate(**row.spent),
        author=row.author,
        undoes=row.undoes,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
