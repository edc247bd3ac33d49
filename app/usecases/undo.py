"""Takes back what was done: by run, plan, page, label, space or time; or all labels.

An undo is a plan like any other: it can be looked at, is carried out item by item, and
can be undone itself. It touches only what we wrote and nobody has changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.domain.changes import OURS, Change, Estimate, Item, PlanCause
from app.domain.estimating import cost_of_applying
from app.domain.undo import inverse
from app.errors import MalformedPayload, NotFound
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.store.plan_items import ItemFilter, NewItem, PlanItemStore, StoredItem
from app.store.plans import PlanStore, StoredPlan
from app.store.policies import PolicyStore
from app.store.runs import RunStore
from app.usecases.merged_terms import would_change_terms
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant
from app.usecases.site import open_site


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What is to be taken back: all that fits everything that is named.

    Attributes:
        space_key: Of the pages as they were then.
        since: From this moment on; `until` is the first that is spared.
    """

    run_id: int | None = None
    plan_id: int | None = None
    page_id: str | None = None
    label: str | None = None
    space_key: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what is named."""
        said = {name: value for name, value in asdict(self).items() if value}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in said.items()
        }


async def plan_undo(
    services: Services, tenant_id: str, what: Undo, *, author: str
) -> StoredPlan:
    """Plan to take back what was done; nothing is written to the site yet.

    Raises:
        MalformedPayload: Nothing is named, so everything would be meant.
        NotFound: There is nothing of it that could be taken back.
    """
    if not what.as_json():
        reason = "name a run, a plan, a page, a label, a space or a time"
        raise MalformedPayload("undo", reason)

    def work(session: Session) -> StoredPlan:
        require_tenant(session, tenant_id)
        if what.plan_id is not None:
            PlanStore(session).plan(tenant_id, what.plan_id)
        items = PlanItemStore(session, services.cipher).items(
            tenant_id, _filter(session, tenant_id, what), newest_first=True
        )
        if not items and not (
            what.plan_id and would_change_terms(session, tenant_id, what.plan_id)
        ):
            raise NotFound("nothing of it stands, so there is nothing to take back")
        return _keep(
            session,
            services,
            tenant_id,
            [(inverse(one.item), one.item, one.page_title) for one in items],
            cause="undo",
            author=author,
            selection=what.as_json(),
            undoes=what.plan_id,
        )

    return await services.database.write(work)


def _filter(session: Session, tenant_id: str, what: Undo) -> ItemFilter:
    space_id = None
    if what.space_key is not None:
        space_id = _space_id(session, tenant_id, what.space_key)
    return ItemFilter(
        plan_id=what.plan_id,
        run_id=what.run_id,
        page_ids=None if what.page_id is None else [what.page_id],
        space_id=space_id,
        value=what.label,
        kinds=None if what.label is None else ["label_add", "label_remove"],
        states=["applied"],
        # An undo is taken back only by its own name, not in passing.
        takes_back=None if what.plan_id or what.run_id else False,
        since=what.since,
        until=what.until,
    )


def _space_id(session: Session, tenant_id: str, space_key: str) -> str:
    require_tenant(session, tenant_id)
    return PolicyStore(session).space_named(tenant_id, space_key)


async def plan_reset(
    services: Services,
    tenant_id: str,
    space_key: str,
    *,
    root_id: str | None = None,
    labels: Collection[str] = (),
    author: str,
) -> StoredPlan:
    """Plan to take off every label of ours in a space or a tree of it.

    What counts is the ledger: no label is taken for ours by its name. Labels that are
    taken off so leave nothing behind; the next run may choose them again.

    Args:
        services: The bundle.
        tenant_id: The tenant.
        space_key: The space.
        root_id: Only this page and what stands below it.
        labels: Only these labels.
        author: Who asks.

    Raises:
        NotFound: No such space, or no label of ours in it.
        MalformedPayload: The root stands in another space.
    """
    space_id = await services.database.read(
        lambda s: _space_id(s, tenant_id, space_key)
    )
    tree = await _tree(services, tenant_id, space_id, root_id)

    selection = {
        "space": [space_key],
        "tree": [root_id] if root_id else [],
        "labels": sorted(labels),
    }

    def work(session: Session) -> StoredPlan:
        found = [
            one
            for one in _ours(session, services, tenant_id, space_id)
            if (tree is None or one[0].page_id in tree)
            and (not labels or one[0].value in labels)
        ]
        if not found:
            raise NotFound("there is no label of ours in it")
        return _keep(
            session,
            services,
            tenant_id,
            found,
            cause="reset",
            author=author,
            selection=selection,
            space_id=space_id,
        )

    return await services.database.write(work)


_Found = tuple[Change, Item | None, str]


def _ours(
    session: Session, services: Services, tenant_id: str, space_id: str
) -> list[_Found]:
    """Return the removal of every label that the ledger holds for ours in a space."""
    pages = MemoryStore(session).page_ids(tenant_id, space_id)
    which = ItemFilter(space_id=space_id, kinds=["label_add"], states=["applied"])
    items = {
        (one.item.change.page_id, one.item.change.value): one
        for one in PlanItemStore(session, services.cipher).items(tenant_id, which)
    }
    return [
        _reset(page_id, label, items.get((page_id, label)))
        for page_id, label in sorted(LedgerStore(session).all_labels(tenant_id))
        if page_id in pages or (page_id, label) in items
    ]


def _reset(page_id: str, label: str, stored: StoredItem | None) -> _Found:
    change = Change(kind="label_remove", page_id=page_id, value=label, before=OURS)
    if stored is None:
        return change, None, ""
    return change, stored.item, stored.page_title


async def _tree(
    services: Services, tenant_id: str, space_id: str, root_id: str | None
) -> set[str] | None:
    """Return the ids of a tree that stands in the space; None for the whole space."""
    if root_id is None:
        return None
    async with open_site(services, tenant_id) as (confluence, _, _):
        root = await confluence.get_page(root_id)
        if root.space_id != space_id:
            reason = f"page {root_id} does not stand in that space"
            raise MalformedPayload("root", reason)
        return {page_id async for page_id in confluence.tree_page_ids(root_id)}


def _keep(
    session: Session,
    services: Services,
    tenant_id: str,
    found: Sequence[_Found],
    *,
    cause: PlanCause,
    author: str,
    selection: dict[str, Any],
    undoes: int | None = None,
    space_id: str = "",
) -> StoredPlan:
    plans = PlanStore(session)
    plan_id = plans.create(
        tenant_id, cause, author=author, selection=selection, undoes=undoes
    )
    PlanItemStore(session, services.cipher).add(
        tenant_id,
        plan_id,
        [
            NewItem(
                change=change,
                space_id=item.space_id if item else space_id,
                page_title=title,
                undoes=item.id if item else None,
                takes_back=not (item and item.takes_back),
            )
            for change, item, title in found
        ],
    )
    plans.note_costs(
        tenant_id,
        plan_id,
        estimate=cost_of_applying(change for change, _, _ in found),
        spent=Estimate(),
    )
    RunStore(session).audit(
        tenant_id,
        actor=author,
        action="undo_planned",
        after={"plan": plan_id, "cause": cause, "changes": len(found)},
    )
    return plans.plan(tenant_id, plan_id)
