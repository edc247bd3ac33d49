"""Plans as people and scripts read them: what would be done, what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, get_args

from sqlalchemy.orm import Session

from app.domain.changes import Change, Estimate, ItemState
from app.errors import NotFound
from app.store.plan_items import ItemFilter, PlanItemStore, StoredItem
from app.store.planned_pages import TO_DO, PlannedPageStore
from app.store.plans import PlanStore, StoredPlan
from app.store.tenants import TenantStore
from app.usecases.page_diffs import diff_of
from app.usecases.services import Services

Row = Mapping[str, Any]

#: What a plan keeps beside its selection that quotes the site.
SEALED = "sealed"

#: What a change does, told by a sign as well as by a word: colours alone tell not all.
_SIGNS = {"label_add": "+", "page_create": "+", "label_remove": "-", "page_trash": "-"}
_MICRO = 1_000_000


async def list_plans(services: Services, tenant_id: str, *, limit: int) -> list[Row]:
    """Return a tenant's plans, newest first.

    Raises:
        NotFound: There is no such tenant.
    """

    def work(session: Session) -> list[Row]:
        require_tenant(session, tenant_id)
        return [
            _head(session, services, tenant_id, plan)
            for plan in PlanStore(session).plans(tenant_id, limit=limit)
        ]

    return await services.database.read(work)


async def show_plan(services: Services, tenant_id: str, plan_id: int) -> Row:
    """Return a plan's head: counts, what it costs, what making it did.

    Raises:
        NotFound: There is no such plan.
    """

    def work(session: Session) -> Row:
        plan = PlanStore(session).plan(tenant_id, plan_id)
        pages = PlannedPageStore(session).counts(tenant_id, plan_id)
        skips = PlanItemStore(session, services.cipher).skips(tenant_id, plan_id)
        return {
            **_head(session, services, tenant_id, plan),
            "selection": {
                name: one for name, one in plan.selection.items() if name != SEALED
            },
            "pages": dict(pages),
            "left": pages.get(TO_DO, 0),
            "skipped_for": dict(skips),
            "estimate": cost(plan.estimate),
            "spent": cost(plan.spent),
        }

    return await services.database.read(work)


async def plan_items(
    services: Services,
    tenant_id: str,
    plan_id: int,
    *,
    after: int = 0,
    limit: int | None = None,
) -> list[Row]:
    """Return what a plan would change or changed, item by item."""

    def work(session: Session) -> Sequence[StoredItem]:
        PlanStore(session).plan(tenant_id, plan_id)
        return PlanItemStore(session, services.cipher).items(
            tenant_id, ItemFilter(plan_id=plan_id), after=after, limit=limit
        )

    return [
        {**item_row(one), "diff": diff_of(services.read_page, one)}
        for one in await services.database.read(work)
    ]


def item_row(one: StoredItem) -> Row:
    """Return an item as people read it."""
    item, change = one.item, one.item.change
    return {
        "item": item.id,
        "page": change.page_id,
        "title": one.page_title,
        "change": told(change),
        "state": item.state,
        "reason": item.reason if item.state == "skipped" else "",
        "confidence": change.confidence,
        "evidence": change.evidence,
    }


def told(change: Change) -> str:
    """Return what a change does, in a line."""
    sign = _SIGNS.get(change.kind, "~")
    if change.kind in ("label_add", "label_remove"):
        return f"{sign} {change.value}"
    what = change.kind.removeprefix("page_")
    if change.after is None:
        return f"- {what} {change.value}".rstrip()
    said = change.after if isinstance(change.after, Mapping) else {}
    words = next(
        (
            said[key]
            for key in ("summary", "text", "title", "parent_id")
            if said.get(key)
        ),
        change.value,
    )
    return f"{'+' if change.before is None else sign} {what}: {words}"


def cost(estimate: Estimate) -> Row:
    """Return an estimate, money in dollars."""
    told_as = asdict(estimate)
    return {**told_as, "usd": told_as.pop("micro_usd") / _MICRO}


def require_tenant(session: Session, tenant_id: str) -> None:
    """Refuse a tenant that does not exist.

    Raises:
        NotFound: It does not.
    """
    if TenantStore(session).get(tenant_id) is None:
        raise NotFound(f"no tenant {tenant_id}")


def _head(
    session: Session, services: Services, tenant_id: str, plan: StoredPlan
) -> dict[str, Any]:
    counts = PlanItemStore(session, services.cipher).counts(tenant_id, plan.id)
    return {
        "plan": plan.id,
        "at": plan.created_at.isoformat(timespec="seconds"),
        "cause": plan.cause,
        "state": plan.state,
        "author": plan.author,
        "undoes": plan.undoes,
        "changes": sum(counts.values()),
        **{state: counts.get(state, 0) for state in get_args(ItemState)},
    }
