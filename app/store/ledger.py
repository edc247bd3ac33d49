"""The ledger: what we put on pages, thing by thing, and what people took off again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.plans import LedgerState, PlanItem
from app.store.base import Base, db_time
from app.store.tables import LedgerRow

LedgerKind = Literal["label", "property", "version"]


class LedgerStore:
    """Reads and writes the ledger; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def labels(self, tenant_id: str, page_id: str) -> Mapping[str, LedgerState]:
        """Return the state of every label we ever planned for a page."""
        rows = self._session.execute(
            sa.select(LedgerRow.value, LedgerRow.state).where(
                LedgerRow.tenant_id == tenant_id,
                LedgerRow.page_id == page_id,
                LedgerRow.kind == "label",
            )
        )
        return {row.value: row.state for row in rows}

    def all_labels(self, tenant_id: str) -> set[tuple[str, str]]:
        """Return (page id, label) of all that we wrote or may have written."""
        rows = self._session.execute(
            sa.select(LedgerRow.page_id, LedgerRow.value).where(
                LedgerRow.tenant_id == tenant_id,
                LedgerRow.kind == "label",
                LedgerRow.state.in_(["planned", "written"]),
            )
        )
        return {(row.page_id, row.value) for row in rows}

    def has(self, tenant_id: str, page_id: str, kind: LedgerKind, value: str) -> bool:
        """Whether we wrote, or were about to write, exactly this."""
        found = (
            self._session.connection()
            .execute(
                _HAS,
                {"tenant": tenant_id, "page": page_id, "kind": kind, "value": value},
            )
            .scalar()
        )
        return found is not None

    def plan(
        self, tenant_id: str, page_id: str, items: Collection[PlanItem]
    ) -> set[str]:
        """Note labels that are about to be written, before they are.

        Return those that still may be: a person may have taken one off, and so made
        a tombstone of it, while the plan was being made.
        """
        refused = {
            label
            for label, state in self.labels(tenant_id, page_id).items()
            if state == "withdrawn"
        }
        for item in items:
            if item.label in refused:
                continue
            self._session.merge(
                LedgerRow(
                    tenant_id=tenant_id,
                    page_id=page_id,
                    kind="label",
                    value=item.label,
                    state="planned",
                    confidence=item.confidence,
                    changed_at=db_time(),
                )
            )
        return {item.label for item in items} - refused

    def take_back(self, tenant_id: str, page_id: str, labels: Collection[str]) -> None:
        """Forget labels that were planned and then refused: they were never sent."""
        self._session.execute(
            sa.delete(LedgerRow)
            .where(
                LedgerRow.tenant_id == tenant_id,
                LedgerRow.page_id == page_id,
                LedgerRow.kind == "label",
                LedgerRow.value.in_(labels),
                LedgerRow.state == "planned",
            )
            .execution_options(synchronize_session=False)
        )

    def settle(
        self,
        tenant_id: str,
        page_id: str,
        labels: Collection[str],
        *,
        state: LedgerState,
        run_id: int | None,
    ) -> None:
        """Move labels to `written` (they stand there) or `withdrawn` (taken off)."""
        if not labels:
            return
        self._session.execute(
            sa.update(LedgerRow)
            .where(
                LedgerRow.tenant_id == tenant_id,
                LedgerRow.page_id == page_id,
                LedgerRow.kind == "label",
                LedgerRow.value.in_(labels),
                LedgerRow.state != state,
            )
            .values(
                state=state,
                changed_at=db_time(),
                run_id=sa.func.coalesce(run_id, LedgerRow.run_id),
            )
            .execution_options(synchronize_session=False)
        )


_LEDGER = Base.metadata.tables["ledger"]
_HAS = sa.select(_LEDGER.c.value).where(
    _LEDGER.c.tenant_id == sa.bindparam("tenant"),
    _LEDGER.c.page_id == sa.bindparam("page"),
    _LEDGER.c.kind == sa.bindparam("kind"),
    _LEDGER.c.value == sa.bindparam("value"),
    _LEDGER.c.state.in_(["planned", "written"]),
)
