"""Budgets as people set and read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from app.domain.budgets import (
    Amount,
    Budget,
    Period,
    Standing,
    period_end,
    period_start,
    usd,
)
from app.domain.jobs import BUDGET_REASON
from app.errors import MalformedPayload, NotFound, PageTooExpensive
from app.store.budgets import BudgetStore
from app.store.jobs import JobStore
from app.store.policies import PolicyStore
from app.store.runs import RunStore
from app.store.tenants import TenantStore
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant

Row = Mapping[str, Any]

#: Dead letters of pages that were too expensive, which are looked at anew.
_MOST_REVIVED = 1_000


async def set_budget(
    services: Services,
    tenant_id: str,
    space_key: str | None,
    budget: Budget,
    *,
    by: str,
) -> None:
    """Set what may be spent in a period, in the place of what was set before.

    What waits for money looks anew at once, and so do pages that were too expensive.

    Args:
        services: The bundle.
        tenant_id: The tenant.
        space_key: One of its spaces; None for the whole site.
        budget: The budget, whose space id is filled in here.
        by: Who sets it.

    Raises:
        NotFound: No such tenant, or no such space on its site.
        MalformedPayload: It limits nothing, or the soft share is no share.
    """
    if budget.micro_usd is None and budget.tokens is None:
        raise MalformedPayload("budget", "give dollars, tokens, or both")
    if not 0 < budget.soft_share <= 1:
        reason = "the soft share is above 0 and at most 1, such as 0.8"
        raise MalformedPayload("budget", reason)

    def work(session: Session) -> None:
        require_tenant(session, tenant_id)
        space_id = _space_id(session, tenant_id, space_key)
        before = _find(session, tenant_id, space_id, budget.period)
        after = replace(budget, space_id=space_id)
        BudgetStore(session).set(tenant_id, after)
        RunStore(session).audit(
            tenant_id,
            actor=by,
            action="budget_set",
            before={"space": space_key, **_limits(before)} if before else None,
            after={"space": space_key, **_limits(after)},
        )
        _wake(session, tenant_id)

    await services.database.write(work)
    services.work_arrived.set()


async def remove_budget(
    services: Services,
    tenant_id: str,
    space_key: str | None,
    period: Period,
    *,
    by: str,
) -> None:
    """Take a budget away; what waited for its money goes on.

    Raises:
        NotFound: No such tenant, space or budget.
    """

    def work(session: Session) -> None:
        require_tenant(session, tenant_id)
        space_id = _space_id(session, tenant_id, space_key)
        before = _find(session, tenant_id, space_id, period)
        if before is None:
            whose = "the site" if space_key is None else f"space {space_key}"
            raise NotFound(f"{whose} has no budget of the {period}")
        BudgetStore(session).remove(tenant_id, space_id, period)
        RunStore(session).audit(
            tenant_id,
            actor=by,
            action="budget_removed",
            before={"space": space_key, **_limits(before)},
        )
        _wake(session, tenant_id)

    await services.database.write(work)
    services.work_arrived.set()


async def show_budgets(services: Services, tenant_id: str) -> Sequence[Row]:
    """Return how a tenant's budgets stand, with what it spent today and this month.

    Money is in dollars, as exact text. The first two rows are what the whole site
    spent, whether or not that is limited.

    Raises:
        NotFound: There is no such tenant.
    """

    def work(session: Session) -> Sequence[Row]:
        require_tenant(session, tenant_id)
        return budget_rows(services, session, tenant_id)

    return await services.database.read(work)


async def almost_spent(services: Services) -> Mapping[str, Sequence[Row]]:
    """Return, by tenant, the budgets that are past their soft limit."""

    def work(session: Session) -> Mapping[str, Sequence[Row]]:
        found = {
            tenant.id: [
                row
                for row in budget_rows(services, session, tenant.id)
                if row["state"] in ("almost spent", "spent")
            ]
            for tenant in TenantStore(session).all()
        }
        return {tenant_id: rows for tenant_id, rows in found.items() if rows}

    return await services.database.read(work)


async def wake_where_money_is(services: Services) -> int:
    """Wake pages that wait for money where there is some after all; return how many.

    A budget may have grown while they were being put off, or calls have cost less than
    was held for them.
    """

    def work(session: Session) -> int:
        store, jobs = BudgetStore(session), JobStore(session)
        today = services.now().date()
        return sum(
            jobs.hasten(BUDGET_REASON, tenant.id)
            for tenant in TenantStore(session).all()
            if all(one.has_room for one in store.standings(tenant.id, today))
        )

    woken = await services.database.write(work)
    if woken:
        services.work_arrived.set()
    return woken


def budget_rows(services: Services, session: Session, tenant_id: str) -> list[Row]:
    """Return how a tenant's budgets stand, row by row; see `show_budgets`."""
    now = services.now()
    standings = BudgetStore(session).standings(tenant_id, now.date())
    limited = {one.budget.period for one in standings if not one.budget.space_id}
    periods: tuple[Period, ...] = ("day", "month")
    free = [
        Standing(
            budget=Budget(period=period),
            spent=_spent(services, session, tenant_id, period),
        )
        for period in periods
        if period not in limited
    ]
    policies = PolicyStore(session)
    keys = {
        one.budget.space_id: policies.space_key(tenant_id, one.budget.space_id)
        for one in standings
        if one.budget.space_id
    }
    return [
        {
            "space": keys.get(one.budget.space_id) or one.budget.space_id or None,
            "period": one.budget.period,
            "state": _state(one),
            "spent_usd": usd(one.spent.micro_usd),
            "held_usd": usd(one.held.micro_usd),
            "of_usd": _usd(one.budget.micro_usd),
            "left_usd": _usd(one.left["micro_usd"]),
            "spent_tokens": one.spent.tokens,
            "held_tokens": one.held.tokens,
            "of_tokens": one.budget.tokens,
            "left_tokens": one.left["tokens"],
            "soft": one.budget.soft_share if _is_limited(one.budget) else None,
            "until": period_end(one.budget.period, now).isoformat(timespec="minutes"),
        }
        for one in sorted(
            [*free, *standings],
            key=lambda one: (one.budget.space_id, one.budget.period),
        )
    ]


def _spent(
    services: Services, session: Session, tenant_id: str, period: Period
) -> Amount:
    began = period_start(period, services.now().date())
    return BudgetStore(session).spent(tenant_id, "", since=began)


def _state(one: Standing) -> str:
    if not _is_limited(one.budget):
        return "no limit"
    if any(left == 0 for left in one.left.values()):
        return "spent"
    return "almost spent" if one.is_past_soft_limit else "ok"


def _is_limited(budget: Budget) -> bool:
    return budget.micro_usd is not None or budget.tokens is not None


def _usd(micro_usd: int | None) -> str | None:
    return None if micro_usd is None else usd(micro_usd)


def _limits(budget: Budget) -> dict[str, Any]:
    return {
        "period": budget.period,
        "usd": _usd(budget.micro_usd),
        "tokens": budget.tokens,
        "soft": budget.soft_share,
    }


def _find(
    session: Session, tenant_id: str, space_id: str, period: Period
) -> Budget | None:
    return next(
        (
            one
            for one in BudgetStore(session).budgets(tenant_id, space_id)
            if (one.space_id, one.period) == (space_id, period)
        ),
        None,
    )


def _space_id(session: Session, tenant_id: str, space_key: str | None) -> str:
    if space_key is None:
        return ""
    return PolicyStore(session).space_named(tenant_id, space_key)


def _wake(session: Session, tenant_id: str) -> None:
    jobs = JobStore(session)
    jobs.hasten(BUDGET_REASON, tenant_id)
    for row in jobs.failed(tenant_id, limit=_MOST_REVIVED):
        if (row.last_error or "").startswith(f"{PageTooExpensive.__name__}: "):
            jobs.retry_failed(tenant_id, row.id)
