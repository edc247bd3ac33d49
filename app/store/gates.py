"""The shared states of rate control: one row, one lock, one short transaction each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.quota.state import GateState, from_json, to_json
from app.store.base import db_time
from app.store.tables import GateRow

T = TypeVar("T")


class GateStore:
    """Reads and changes gate states; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_postgresql = session.get_bind().dialect.name == "postgresql"

    def change(self, scope: str, rule: Callable[[GateState, float], T]) -> T:
        """Apply `rule` to a scope's state at the database's time (epoch seconds).

        The row is locked until the transaction ends. What a crash of the database
        server may lose of it is a fraction of a second, which the guards bear: so its
        commit does not wait for the disk on PostgreSQL.
        """
        found = self._session.execute(
            _READ_ON_POSTGRESQL if self._is_postgresql else _READ, {"scope": scope}
        ).first()
        state = from_json(found[0]) if found else GateState()
        now = float(found[1]) if found and self._is_postgresql else self._now()
        result = rule(state, now)
        values = {"in_scope": scope, "new_state": to_json(state)}
        # Of two that come first at once one fails to insert, and runs again.
        self._session.execute(_WRITE if found else _BEGIN, values)
        return result

    def all(self) -> dict[str, GateState]:
        """Return every scope's state, for the operator."""
        rows = self._session.execute(sa.select(GateRow.scope, GateRow.state))
        return {row[0]: from_json(row[1]) for row in rows}

    def reset(self, scope: str) -> bool:
        """Forget what was learned of a scope; False if nothing was."""
        gone = self._session.execute(
            sa.delete(GateRow).where(GateRow.scope == scope).returning(GateRow.scope)
        )
        return gone.first() is not None

    def _now(self) -> float:
        """Return the time: SQLite lives on our machine, and its own clock is coarser."""
        if not self._is_postgresql:
            return time.time()
        return float(self._session.execute(sa.select(_EPOCH)).scalar_one())


# Made once: putting a statement together takes longer than running it.
_EPOCH = sa.extract("epoch", sa.func.clock_timestamp())
_READ = sa.select(GateRow.state).where(GateRow.scope == sa.bindparam("scope"))
_READ_ON_POSTGRESQL = (
    # One round trip: the lock, the state, the time, and no waiting for the disk.
    sa.select(
        GateRow.state,
        _EPOCH,
        sa.func.set_config("synchronous_commit", "off", sa.true()),
    )
    .where(GateRow.scope == sa.bindparam("scope"))
    .with_for_update()
)
_WRITE = (
    sa.update(GateRow)
    .where(GateRow.scope == sa.bindparam("in_scope"))
    .values(state=sa.bindparam("new_state"), changed_at=db_time())
    .execution_options(synchronize_session=False)
)
_BEGIN = sa.insert(GateRow).values(
    scope=sa.bindparam("in_scope"),
    state=sa.bindparam("new_state"),
    changed_at=db_time(),
)
