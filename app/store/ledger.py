"""The ledger: what we put on pages, thing by thing, and what people took off again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.plans import LedgerState, refuses, withdrawn_labels
from app.domain.vocabulary.terms import Vocabulary
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

    def states(self, tenant_id: str) -> Mapping[str, Mapping[str, LedgerState]]:
        """Return page id -> label -> state, of all pages that we ever planned for."""
        rows = self._session.execute(
            sa.select(LedgerRow.page_id, LedgerRow.value, LedgerRow.state).where(
                LedgerRow.tenant_id == tenant_id, LedgerRow.kind == "label"
            )
        )
        found: defaultdict[str, dict[str, LedgerState]] = defaultdict(dict)
        for row in rows:
            found[row.page_id][row.value] = row.state
        return found

    def counts(self, tenant_id: str) -> Counter[str]:
        """Return the labels that stand on pages because of us, and on how many each."""
        rows = self._session.execute(
            sa.select(LedgerRow.value, sa.func.count().label("pages"))
            .where(
                LedgerRow.tenant_id == tenant_id,
                LedgerRow.kind == "label",
                LedgerRow.state == "written",
            )
            .group_by(LedgerRow.value)
        )
        return Counter({row.value: row.pages for row in rows})

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
        self,
        tenant_id: str,
        page_id: str,
        labels: Mapping[str, float | None],
        *,
        vocabulary: Vocabulary,
        present: Collection[str] | None = None,
        again: Collection[str] = (),
    ) -> set[str]:
        """Note labels that are about to be written, before they are.

        Return those that still may be: a person may have taken one off, and so made
        a tombstone of it, while the plan was being made. A tombstone holds for every
        name of its label.

        Args:
            tenant_id: The tenant.
            page_id: The page.
            labels: Labels, and how sure the chooser is of them.
            vocabulary: Knows which names are one label.
            present: Labels that stand on the page: one of ours that does not was taken
                off, whether or not anybody has told us yet. None if nobody looked.
            again: Of them, labels whose undoing is being taken back.
        """
        known = dict(self.labels(tenant_id, page_id))
        if present is not None:
            known.update(dict.fromkeys(withdrawn_labels(known, present), "withdrawn"))
        kept: set[str] = set()
        for label, confidence in labels.items():
            redone = label in again and known.get(label) == "undone"
            if not redone and refuses(vocabulary, known, label):
                continue
            kept.add(label)
            self._put(
                tenant_id,
                page_id,
                "label",
                label,
                state="planned",
                confidence=confidence,
            )
        return kept

    def bury(self, tenant_id: str, page_id: str, label: str) -> None:
        """Set a tombstone: a person said no to a label on this page."""
        self._put(tenant_id, page_id, "label", label, state="withdrawn")

    def note_version(self, tenant_id: str, page_id: str, version: int) -> bool:
        """Note a version of a page that we are about to write: its event is our own.

        Return whether nobody had noted it before.
        """
        known = self.has(tenant_id, page_id, "version", str(version))
        self._put(tenant_id, page_id, "version", str(version), state="planned")
        return not known

    def forget_version(self, tenant_id: str, page_id: str, version: int) -> None:
        """Take back that a version is ours: the site refused it."""
        self._session.execute(
            sa.delete(LedgerRow)
            .where(
                LedgerRow.tenant_id == tenant_id,
                LedgerRow.page_id == page_id,
                LedgerRow.kind == "version",
                LedgerRow.value == str(version),
            )
            .execution_options(synchronize_session=False)
        )

    def own_versions(
        self, tenant_id: str, page_id: str, versions: range
    ) -> frozenset[int]:
        """Return which of these versions of a page we wrote."""
        found = self._session.scalars(
            sa.select(LedgerRow.value).where(
                LedgerRow.tenant_id == tenant_id,
                LedgerRow.page_id == page_id,
                LedgerRow.kind == "version",
            )
        )
        return frozenset(map(int, found)).intersection(versions)

    def forget(
        self,
        tenant_id: str,
        page_id: str,
        labels: Collection[str],
        *,
        only_from: LedgerState | None = None,
        age: timedelta = timedelta(),
    ) -> set[str]:
        """Drop what is known of labels, at least so old: they may come again.

        Return which.
        """
        if not labels:
            return set()
        query = sa.delete(LedgerRow).where(
            LedgerRow.tenant_id == tenant_id,
            LedgerRow.page_id == page_id,
            LedgerRow.kind == "label",
            LedgerRow.value.in_(labels),
            LedgerRow.changed_at <= db_time(-age),
        )
        if only_from is not None:
            query = query.where(LedgerRow.state == only_from)
        dropped = self._session.scalars(
            query.returning(LedgerRow.value).execution_options(
                synchronize_session=False
            )
        )
        return set(dropped)

    def _put(
        self,
        tenant_id: str,
        page_id: str,
        kind: LedgerKind,
        value: str,
        *,
        state: LedgerState,
        confidence: float | None = None,
    ) -> None:
        self._session.merge(
            LedgerRow(
                tenant_id=tenant_id,
                page_id=page_id,
                kind=kind,
                value=value,
                state=state,
                confidence=confidence,
                changed_at=db_time(),
            )
        )

    def take_back(self, tenant_id: str, page_id: str, labels: Collection[str]) -> None:
        """Forget labels that were planned and then refused: they were never sent."""
        self.forget(tenant_id, page_id, labels, only_from="planned")

    def settle(
        self,
        tenant_id: str,
        page_id: str,
        labels: Collection[str],
        *,
        state: LedgerState,
        run_id: int | None,
        only_from: LedgerState | None = None,
        age: timedelta | None = None,
    ) -> set[str]:
        """Move labels: they stand there, a person took them off, we took them back.

        Return those that moved: of two who see the same, one moves it. With an `age`
        only those move that are as they are for so long.
        """
        if not labels:
            return set()
        query = sa.update(LedgerRow).where(
            LedgerRow.tenant_id == tenant_id,
            LedgerRow.page_id == page_id,
            LedgerRow.kind == "label",
            LedgerRow.value.in_(labels),
            LedgerRow.state != state,
        )
        if only_from is not None:
            query = query.where(LedgerRow.state == only_from)
        if age is not None:
            query = query.where(LedgerRow.changed_at <= db_time(-age))
        moved = self._session.scalars(
            query.values(
                state=state,
                changed_at=db_time(),
                run_id=sa.func.coalesce(run_id, LedgerRow.run_id),
            )
            .returning(LedgerRow.value)
            .execution_options(synchronize_session=False)
        )
        return set(moved)

    def lift(
        self, tenant_id: str, page_id: str, labels: Collection[str], *, age: timedelta
    ) -> set[str]:
        """Take tombstones away, those at least so old; return which.

        A page that was read a moment ago cannot speak against a younger one.
        """
        return self.forget(tenant_id, page_id, labels, only_from="withdrawn", age=age)


_LEDGER = Base.metadata.tables["ledger"]
_HAS = sa.select(_LEDGER.c.value).where(
    _LEDGER.c.tenant_id == sa.bindparam("tenant"),
    _LEDGER.c.page_id == sa.bindparam("page"),
    _LEDGER.c.kind == sa.bindparam("kind"),
    _LEDGER.c.value == sa.bindparam("value"),
    _LEDGER.c.state.in_(["planned", "written"]),
)
