"""Items of plans: one change each, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.changes import OPEN_STATES, Change, Item, ItemState
from app.errors import NotFound
from app.store.base import db_time
from app.store.encryption import Cipher
from app.store.tables import PlanItemRow, PlanRow

#: `reason` of an item whose write was sent and not yet answered: should this process
#: die, the next one knows that what stands there may be ours.
SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """A change on its way into a plan."""

    change: Change
    state: ItemState = "planned"
    space_id: str = ""
    page_version: int | None = None
    page_title: str = field(default="", repr=False)
    undoes: int | None = None
    takes_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """An item with the title that its page had, and when it was carried out.

    While it is open, `applied_at` is when it was sent last.
    """

    item: Item
    page_title: str = field(repr=False)
    applied_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilter:
    """Which items of a tenant are meant; what is None does not narrow."""

    ids: Collection[int] | None = None
    plan_id: int | None = None
    page_ids: Collection[str] | None = None
    space_id: str | None = None
    run_id: int | None = None
    kinds: Collection[str] | None = None
    value: str | None = None
    states: Collection[ItemState] | None = None
    since: datetime | None = None
    until: datetime | None = None
    #: Only items that did something, or only those that took something back.
    takes_back: bool | None = None
    #: Only items of pages that are yet to be made.
    unmade: bool = False

    def on_pages(self, page_ids: Collection[str] | None) -> ItemFilter:
        """Return the same for these pages; None means those yet to be made."""
        return replace(self, page_ids=page_ids, unmade=page_ids is None)


class PlanItemStore:
    """Reads and writes items; commits nothing."""

    def __init__(self, session: Session, cipher: Cipher) -> None:
        self._session = session
        self._cipher = cipher

    def add(
        self,
        tenant_id: str,
        plan_id: int,
        items: Iterable[NewItem],
        *,
        run_id: int | None = None,
    ) -> list[int]:
        """Put items into a plan; return their ids in the same order.

        `run_id` is the run that they come from, until another one carries them out.
        """
        rows = [self._row(tenant_id, plan_id, one) for one in items]
        for row in rows:
            row.run_id = run_id
        self._session.add_all(rows)
        self._session.flush()
        return [row.id for row in rows]

    def item(self, tenant_id: str, item_id: int) -> StoredItem:
        """Return one item.

        Raises:
            NotFound: The tenant has no such item.
        """
        row = self._session.scalar(
            sa.select(PlanItemRow).where(
                PlanItemRow.tenant_id == tenant_id, PlanItemRow.id == item_id
            )
        )
        if row is None:
            raise NotFound(f"there is no item {item_id} on this site")
        return self._stored(row)

    def items(
        self,
        tenant_id: str,
        which: ItemFilter,
        *,
        after: int = 0,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Sequence[StoredItem]:
        """Return items in the order of their ids, or the other way round."""
        order = PlanItemRow.id.desc() if newest_first else PlanItemRow.id
        rows = self._session.scalars(
            sa.select(PlanItemRow)
            .where(PlanItemRow.tenant_id == tenant_id, *_narrowed(which))
            .where(PlanItemRow.id > after)
            .order_by(order)
            .limit(limit)
        )
        return [self._stored(row) for row in rows]

    def page_ids(self, tenant_id: str, plan_id: int) -> Sequence[str | None]:
        """Return the pages with open items, in the order of their first one.

        None stands for pages that are yet to be made.
        """
        rows = self._session.execute(
            sa.select(PlanItemRow.page_id)
            .where(
                PlanItemRow.tenant_id == tenant_id,
                PlanItemRow.plan_id == plan_id,
                PlanItemRow.state.in_(OPEN_STATES),
            )
            .group_by(PlanItemRow.page_id)
            .order_by(sa.func.min(PlanItemRow.id))
        )
        return [row.page_id for row in rows]

    def counts(self, tenant_id: str, plan_id: int) -> Mapping[str, int]:
        """Count a plan's items by state."""
        rows = self._session.execute(
            sa.select(PlanItemRow.state, sa.func.count())
            .where(PlanItemRow.tenant_id == tenant_id, PlanItemRow.plan_id == plan_id)
            .group_by(PlanItemRow.state)
        )
        return {row[0]: row[1] for row in rows}

    def skips(self, tenant_id: str, plan_id: int) -> Mapping[str, int]:
        """Count a plan's skipped items by reason."""
        rows = self._session.execute(
            sa.select(PlanItemRow.reason, sa.func.count())
            .where(
                PlanItemRow.tenant_id == tenant_id,
                PlanItemRow.plan_id == plan_id,
                PlanItemRow.state == "skipped",
            )
            .group_by(PlanItemRow.reason)
        )
        return {row[0]: row[1] for row in rows}

    def set_state(
        self,
        tenant_id: str,
        ids: Collection[int],
        state: ItemState,
        *,
        reason: str = "",
        run_id: int | None = None,
        only_from: Collection[ItemState] | None = None,
    ) -> int:
        """Move items on; return how many."""
        if not ids:
            return 0
        among = [] if only_from is None else [PlanItemRow.state.in_(only_from)]
        values: dict[str, Any] = {"state": state, "reason": reason}
        if run_id is not None:
            values["run_id"] = run_id
        if state == "applied":
            values["applied_at"] = db_time()
        moved = self._session.execute(
            sa.update(PlanItemRow)
            .where(PlanItemRow.tenant_id == tenant_id, PlanItemRow.id.in_(ids), *among)
            .values(**values)
            .returning(PlanItemRow.id)
            .execution_options(synchronize_session=False)
        )
        return len(moved.all())

    def claim(
        self, tenant_id: str, items: Iterable[Item], *, patience: timedelta
    ) -> set[int]:
        """Mark open items as sent; return the ids of those that are the caller's.

        Of two that found an item unsent, one gets it. One that was sent, and of which
        nobody told, is anybody's; but where a second try could do it twice, only once
        it was sent longer ago than `patience`: whoever sent it is gone then.
        """
        claimed: set[int] = set()
        for one in items:
            query = sa.update(PlanItemRow).where(
                PlanItemRow.tenant_id == tenant_id,
                PlanItemRow.id == one.id,
                PlanItemRow.state == one.state,
                PlanItemRow.reason == one.reason,
            )
            if one.reason == SENT and one.change.adds_another:
                long_ago = PlanItemRow.applied_at <= db_time(-patience)
                query = query.where(sa.or_(PlanItemRow.applied_at.is_(None), long_ago))
            found = self._session.scalars(
                query.values(reason=SENT, applied_at=db_time())
                .returning(PlanItemRow.id)
                .execution_options(synchronize_session=False)
            )
            claimed.update(found)
        return claimed

    def let_go(self, tenant_id: str, ids: Collection[int]) -> None:
        """Let others have claimed items that are open still: their sender gave up."""
        self._session.execute(
            sa.update(PlanItemRow)
            .where(
                PlanItemRow.tenant_id == tenant_id,
                PlanItemRow.id.in_(ids),
                PlanItemRow.state.in_(OPEN_STATES),
            )
            .values(applied_at=None)
            .execution_options(synchronize_session=False)
        )

    def applied(
        self, tenant_id: str, item: Item, *, after: Any, run_id: int | None
    ) -> None:
        """Note that an item was carried out, and what stands there now."""
        self.set_state(tenant_id, [item.id], "applied", run_id=run_id)
        if after == item.change.after:
            return
        title = self.item(tenant_id, item.id).page_title
        self._session.execute(
            sa.update(PlanItemRow)
            .where(PlanItemRow.tenant_id == tenant_id, PlanItemRow.id == item.id)
            .values(
                sealed_detail=self._sealed(replace(item.change, after=after), title)
            )
            .execution_options(synchronize_session=False)
        )

    def drop(self, tenant_id: str, item_id: int) -> None:
        """Delete an item of which nothing came, and its plan if nothing is left of it."""
        plan_id = self._session.execute(
            sa.delete(PlanItemRow)
            .where(PlanItemRow.tenant_id == tenant_id, PlanItemRow.id == item_id)
            .returning(PlanItemRow.plan_id)
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
        others = sa.exists().where(
            PlanItemRow.tenant_id == tenant_id, PlanItemRow.plan_id == plan_id
        )
        self._session.execute(
            sa.delete(PlanRow)
            .where(PlanRow.tenant_id == tenant_id, PlanRow.id == plan_id, ~others)
            .execution_options(synchronize_session=False)
        )

    def rewrite(self, tenant_id: str, item_id: int, new: NewItem) -> None:
        """Say an item anew: what a newer look at the page made of it."""
        self._session.execute(
            sa.update(PlanItemRow)
            .where(PlanItemRow.tenant_id == tenant_id, PlanItemRow.id == item_id)
            .values(
                page_version=new.page_version,
                confidence=new.change.confidence,
                sealed_detail=self._sealed(new.change, new.page_title),
            )
            .execution_options(synchronize_session=False)
        )

    def reword(
        self, tenant_id: str, item_id: int, change: Change, *, title: str
    ) -> None:
        """Let an item say what a person says instead."""
        self._session.execute(
            sa.update(PlanItemRow)
            .where(PlanItemRow.tenant_id == tenant_id, PlanItemRow.id == item_id)
            .values(value=_in_clear(change), sealed_detail=self._sealed(change, title))
            .execution_options(synchronize_session=False)
        )

    def _row(self, tenant_id: str, plan_id: int, new: NewItem) -> PlanItemRow:
        change = new.change
        return PlanItemRow(
            tenant_id=tenant_id,
            plan_id=plan_id,
            page_id=change.page_id,
            space_id=new.space_id,
            page_version=new.page_version,
            kind=change.kind,
            value=_in_clear(change),
            agent=change.by,
            state=new.state,
            confidence=change.confidence,
            sealed_detail=self._sealed(change, new.page_title),
            undoes=new.undoes,
            takes_back=new.takes_back,
        )

    def _sealed(self, change: Change, title: str) -> str:
        return self._cipher.seal(
            json.dumps(
                {
                    "before": change.before,
                    "after": change.after,
                    "evidence": change.evidence,
                    "title": title,
                    "value": change.value,
                }
            )
        )

    def _stored(self, row: PlanItemRow) -> StoredItem:
        detail = json.loads(self._cipher.open(row.sealed_detail))
        change = Change(
            kind=row.kind,  # type: ignore[arg-type]
            page_id=row.page_id,
            # What was written before has it in its row alone.
            value=detail.get("value", row.value),
            before=detail["before"],
            after=detail["after"],
            confidence=row.confidence,
            evidence=detail["evidence"],
            agent=row.agent,  # type: ignore[arg-type]
        )
        item = Item(
            id=row.id,
            plan_id=row.plan_id,
            change=change,
            state=row.state,  # type: ignore[arg-type]
            space_id=row.space_id,
            page_version=row.page_version,
            reason=row.reason,
            run_id=row.run_id,
            undoes=row.undoes,
            takes_back=row.takes_back,
            decided_by=row.decided_by or "",
        )
        return StoredItem(
            item=item, page_title=detail["title"], applied_at=row.applied_at
        )


def _in_clear(change: Change) -> str:
    """Return a change's value as anybody may read it: a heading is the page's own."""
    return "" if change.kind == "page_text" else change.value


def _narrowed(which: ItemFilter) -> list[sa.ColumnElement[bool]]:
    row = PlanItemRow
    equal = {
        row.plan_id: which.plan_id,
        row.space_id: which.space_id,
        row.run_id: which.run_id,
        row.value: which.value,
        row.takes_back: which.takes_back,
    }
    among = {
        row.id: which.ids,
        row.page_id: which.page_ids,
        row.kind: which.kinds,
        row.state: which.states,
    }
    where = [column == wanted for column, wanted in equal.items() if wanted is not None]
    where += [
        column.in_(wanted) for column, wanted in among.items() if wanted is not None
    ]
    if which.unmade:
        where.append(row.page_id.is_(None))
    if which.since is not None:
        where.append(row.applied_at >= which.since)
    if which.until is not None:
        where.append(row.applied_at < which.until)
    return where
