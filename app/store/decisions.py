"""People's words on suggestions: each is decided once, by whoever is first."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.changes import Change, Item, ItemState
from app.errors import Conflict, NotFound
from app.store.base import db_time
from app.store.encryption import Cipher
from app.store.plan_items import ItemFilter, PlanItemStore, StoredItem
from app.store.tables import PlanItemRow

#: Ids in one statement: databases take only so many.
_AT_ONCE = 500


class DecisionStore:
    """Decides on plan items that wait; commits nothing."""

    def __init__(self, session: Session, cipher: Cipher) -> None:
        self._session = session
        self._items = PlanItemStore(session, cipher)

    def require(self, tenant_id: str, ids: Collection[int]) -> None:
        """Refuse items that are not there.

        Raises:
            NotFound: The tenant lacks one of them.
        """
        wanted = sorted(ids)
        for at in range(0, len(wanted), _AT_ONCE):
            some = wanted[at : at + _AT_ONCE]
            found = self._session.scalars(
                sa.select(PlanItemRow.id).where(
                    PlanItemRow.tenant_id == tenant_id, PlanItemRow.id.in_(some)
                )
            )
            lost = sorted(set(some).difference(found))
            if lost:
                raise NotFound(f"there is no item {lost[0]} on this site")

    def decide(
        self, tenant_id: str, ids: Collection[int], state: ItemState, *, by: str
    ) -> tuple[list[StoredItem], dict[int, str]]:
        """Decide on items that are there.

        Return those that were decided now, and by id why the others were not.
        """
        decided = self._decided(tenant_id, ids, state, by=by)
        found = self._items.items(tenant_id, ItemFilter(ids=ids))
        late = [one.item for one in found if one.item.id not in decided]
        return (
            [one for one in found if one.item.id in decided],
            {one.id: _settled_by(one) for one in late},
        )

    def reword(
        self, tenant_id: str, item_id: int, change: Change, *, by: str
    ) -> StoredItem:
        """Approve an item in other words.

        Raises:
            NotFound: The tenant has no such item.
            Conflict: It does not wait (any more): somebody else was first.
        """
        decided = self._decided(tenant_id, [item_id], "approved", by=by)
        found = self._items.item(tenant_id, item_id)
        if not decided:
            raise Conflict(_settled_by(found.item))
        self._items.reword(tenant_id, item_id, change, title=found.page_title)
        self._session.expire_all()
        return self._items.item(tenant_id, item_id)

    def _decided(
        self, tenant_id: str, ids: Collection[int], state: ItemState, *, by: str
    ) -> set[int]:
        """Decide on those that wait; return which did."""
        decided = self._session.scalars(
            sa.update(PlanItemRow)
            .where(
                PlanItemRow.tenant_id == tenant_id,
                PlanItemRow.id.in_(ids),
                PlanItemRow.state == "waiting",
            )
            .values(state=state, decided_by=by, decided_at=db_time())
            .returning(PlanItemRow.id)
            .execution_options(synchronize_session=False)
        )
        found = set(decided)
        self._session.expire_all()
        return found


def _settled_by(item: Item) -> str:
    who = f" by {item.decided_by}" if item.decided_by else ""
    return f"item {item.id} is {item.state}{who}"
