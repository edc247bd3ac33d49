"""Plans that make, move and write pages: kept with their items; refused where closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.domain.changes import Estimate, PlanCause
from app.domain.estimating import cost_of_applying
from app.errors import Conflict
from app.store.plan_items import NewItem, PlanItemStore
from app.store.plans import PlanStore, StoredPlan
from app.store.policies import PolicyStore
from app.store.runs import RunStore
from app.usecases.services import Services


async def require_open(services: Services, tenant_id: str, space_id: str) -> None:
    """Refuse to plan anything where nothing may be written anyway.

    Raises:
        Conflict: The policy of the space is `off`.
    """
    mode = await services.database.read(
        lambda s: PolicyStore(s).mode(tenant_id, space_id)
    )
    if mode == "off":
        raise Conflict("the policy of this space is off: its pages are left alone")


def keep_plan(
    session: Session,
    services: Services,
    tenant_id: str,
    items: Sequence[NewItem],
    *,
    cause: PlanCause,
    author: str,
    selection: Mapping[str, Any],
    spent: Estimate,
) -> tuple[StoredPlan, list[int]]:
    """Write a plan down, ready to be carried out; return it and its items' ids."""
    plans = PlanStore(session)
    plan_id = plans.create(tenant_id, cause, author=author, selection=selection)
    ids = PlanItemStore(session, services.cipher).add(tenant_id, plan_id, items)
    plans.note_costs(
        tenant_id,
        plan_id,
        estimate=cost_of_applying(one.change for one in items),
        spent=spent,
    )
    RunStore(session).audit(
        tenant_id,
        actor=author,
        action="plan_made",
        after={"plan": plan_id, "cause": cause, "changes": len(items)},
    )
    return plans.plan(tenant_id, plan_id), ids
