"""Tells what making a plan will cost, before anybody is asked and paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.domain.budgets import Amount, usd
from app.domain.changes import Estimate
from app.domain.completions import Candidate, Prompt
from app.domain.estimating import PageCost, cost_of_making
from app.domain.pages import PageText
from app.domain.quota.values import MINUTE, Unit
from app.store.gates import GateStore
from app.store.planned_pages import TO_DO, PlannedPageStore
from app.store.plans import PlanStore, StoredPlan
from app.store.policies import PolicyStore
from app.store.usage import UsageStore
from app.usecases.ai_ports import Respondent
from app.usecases.budgets import budget_rows
from app.usecases.services import Services

#: What pages have cost of late.
_LATELY = timedelta(days=30)
#: Fewer calls make no average.
_ENOUGH = 5
#: A page that is longer than most, where a site has no averages yet.
_SENTENCE = (
    "Whoever is on duty checks that the backup has finished, and writes it down. "
)
_TYPICAL = Prompt(
    page=PageText(title="A page", paragraphs=(_SENTENCE * 50,), text=_SENTENCE * 50),
    language="en",
    candidates=tuple(Candidate(name=f"label-{one}", score=0.5) for one in range(30)),
    max_labels=5,
    summary_language="en",
    draft=_SENTENCE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanForecast:
    """What making a plan will cost at most.

    Attributes:
        asked: Who answers, if all goes well.
        known_from: `averages` of the tenant's own pages, or `prices` where there are
            none.
        budgets: How the tenant's budgets stand.
    """

    cost: Estimate
    asked: Respondent
    known_from: str
    budgets: Sequence[Mapping[str, Any]]

    @property
    def costs_money(self) -> bool:
        """Whether anybody is to be paid, as far as prices are known."""
        return self.cost.micro_usd > 0

    def as_row(self) -> Mapping[str, Any]:
        """Return it as scripts read it; money in dollars, as exact text."""
        cost = asdict(self.cost)
        return {
            **cost,
            "usd": usd(cost.pop("micro_usd")),
            "provider": self.asked.provider,
            "model": self.asked.model,
            "known_from": self.known_from,
            "budgets": list(self.budgets),
        }


async def estimate_plan(
    services: Services, tenant_id: str, plan_id: int
) -> PlanForecast:
    """Return what the pages that nobody has looked at will cost.

    Raises:
        NotFound: There is no such plan.
    """
    today = services.now().date()

    def work(session: Session) -> PlanForecast:
        plan = PlanStore(session).plan(tenant_id, plan_id)
        counts = PlannedPageStore(session).counts(tenant_id, plan_id)
        order = _order(session, tenant_id, plan)
        asked = services.ai.respondents(order)[0]
        average = _average(session, tenant_id, asked, today)
        page = average or Amount.of(services.ai.estimate(_TYPICAL, order))
        now = services.now().timestamp()
        return PlanForecast(
            cost=cost_of_making(
                counts.get(TO_DO, 0),
                PageCost(
                    tokens=page.tokens,
                    micro_usd=page.micro_usd,
                    calls_a_minute=_quota(session, asked, "requests", now),
                    tokens_a_minute=_quota(session, asked, "tokens", now),
                ),
            ),
            asked=asked,
            known_from="averages" if average else "prices",
            budgets=[
                one
                for one in budget_rows(services, session, tenant_id)
                if one["state"] != "no limit"
            ],
        )

    return await services.database.read(work)


def _order(session: Session, tenant_id: str, plan: StoredPlan) -> tuple[str, ...]:
    """Return who is asked: as the space says where the plan is about one space."""
    policies = PolicyStore(session)
    space_id = ""
    for key in plan.selection.get("space", ()):
        space_id = policies.space_id(tenant_id, key) or ""
    return policies.policy(tenant_id, space_id).order


def _average(
    session: Session, tenant_id: str, asked: Respondent, today: date
) -> Amount | None:
    """Return what a call to this model has cost the tenant of late, rounded up."""
    rows = [
        row
        for row in UsageStore(session).since(tenant_id, today - _LATELY)
        if (row.provider, row.model) == (asked.provider, asked.model)
    ]
    calls = sum(row.calls for row in rows)
    if calls < _ENOUGH:
        return None
    tokens = sum(row.input_tokens + row.output_tokens for row in rows)
    micro_usd = sum(row.micro_usd for row in rows)
    return Amount(micro_usd=-(-micro_usd // calls), tokens=-(-tokens // calls))


def _quota(session: Session, asked: Respondent, unit: Unit, now: float) -> int | None:
    """Return what a provider lets through in a minute, if that is known."""
    found = [
        state.meter(unit, MINUTE).limit(now)
        for scope, state in GateStore(session).all().items()
        if scope.startswith(f"{asked.provider}/{asked.model}/")
    ]
    return min((one for one in found if one is not None), default=None)
