"""Pays for AI calls: holds what one costs at worst, then writes down what it did cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.orm import Session
from typing_extensions import override

from app.domain.budgets import (
    NOTHING,
    Amount,
    Bill,
    Refusal,
    Standing,
    judge,
    usd,
)
from app.domain.completions import Attempt, Usage
from app.errors import (
    BudgetExceeded,
    OverBudget,
    PageTooExpensive,
    Unavailable,
)
from app.store.base import after_commit
from app.store.budgets import BudgetStore
from app.store.runs import RunStore
from app.store.tenants import TenantStore
from app.store.usage import UsageStore
from app.usecases.kill_switch import require_going
from app.usecases.purse import Purse
from app.usecases.services import Services

log = structlog.get_logger("ai_calls")

#: Longer than any call takes with its wait for quota; what is held longer is let go.
LIFETIME = timedelta(minutes=10)
#: Pauses while the rest of a budget is held for calls on their way: they cost less than
#: they might, so some of it comes back within seconds.
PAUSES = (0.2, 0.3, 0.5, *([1.0] * 14))
#: When it is tried again after that.
_SOON = timedelta(seconds=30)
#: Bills that wait for the database in this process, at most.
_IN_HAND = 1000


class Wallet(Purse):
    """Pays for one page's question out of the budgets that hold for its space."""

    def __init__(
        self,
        services: Services,
        tenant_id: str,
        space_id: str,
        *,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        """Hold nothing yet."""
        self._services = services
        self._tenant_id = tenant_id
        self._space_id = space_id
        self._pauses = pauses
        self._hold_id: int | None = None
        self._attempts: tuple[Attempt, ...] = ()
        self._forecast = NOTHING
        self._is_sent = False

    @property
    def hold_id(self) -> int | None:
        """What is held, if anything."""
        return self._hold_id

    @override
    async def hold(
        self, forecast: Callable[[], Usage], attempts: Sequence[Attempt]
    ) -> None:
        self._attempts, self._is_sent, self._forecast = tuple(attempts), False, NOTHING
        if not await self._services.database.read(self._has_budgets):
            return
        self._forecast = Amount.of(await asyncio.to_thread(forecast))
        if self._forecast == NOTHING:
            # Nobody is paid, so nobody is held back.
            return
        pauses = iter((*self._pauses, None))
        while (refusal := await self._services.database.write(self._try)) is not None:
            pause = next(pauses)
            if refusal.reason != "held" or pause is None:
                raise _named(refusal, self._services.now())
            await asyncio.sleep(pause)

    async def confirm(self) -> None:
        """Note that a call is about to be sent.

        Raises:
            Stopped: Somebody pulled the kill switch while it waited for its turn.
        """
        await require_going(self._services, self._tenant_id)
        self._is_sent = True

    def bill(self, attempts: Sequence[Attempt]) -> Bill:
        """Return what is to be written down once all is known."""
        return Bill(
            tenant_id=self._tenant_id,
            space_id=self._space_id,
            attempts=tuple(attempts),
            hold_id=self._hold_id,
        )

    def bill_of_break(self) -> Bill:
        """Return what is to be written down when a question was cut off.

        A call that was sent may be charged, though nobody will tell how much.
        """
        return Bill(
            tenant_id=self._tenant_id,
            space_id=self._space_id,
            attempts=self._attempts,
            hold_id=self._hold_id,
            lost=self._forecast if self._is_sent else NOTHING,
        )

    def _has_budgets(self, session: Session) -> bool:
        return bool(BudgetStore(session).budgets(self._tenant_id, self._space_id))

    def _try(self, session: Session) -> Refusal | None:
        """Hold the forecast if there is room; nobody else decides meanwhile."""
        now = self._services.now()
        store = BudgetStore(session)
        standings = store.standings(
            self._tenant_id, now.date(), self._space_id, lock=True, but=self._hold_id
        )
        before = Bill(
            tenant_id=self._tenant_id,
            space_id=self._space_id,
            attempts=self._attempts,
        )
        wanted = before.amount + self._forecast
        refusal = judge(standings, wanted, now)
        if refusal is None:
            self._hold_id = store.hold(
                self._tenant_id,
                self._space_id,
                wanted,
                lifetime=LIFETIME,
                instead_of=self._hold_id,
            )
        return refusal


async def settle(services: Services, *bills: Bill) -> None:
    """Write bills down; while the database is away they wait in hand for the next time.

    A failure that cost nothing is not worth a write.
    """
    waiting = [*services.bills_in_hand, *(one for one in bills if not one.is_void)]
    services.bills_in_hand.clear()
    if not waiting:
        return
    try:
        await services.database.write(partial(_account_all, services, waiting))
    except Unavailable as error:
        # What the provider said decides what follows, not this.
        services.bills_in_hand.extend(waiting[-_IN_HAND:])
        log.warning("usage_not_kept_yet", bills=len(waiting), error=str(error))


def _account_all(services: Services, bills: Sequence[Bill], session: Session) -> None:
    for one in bills:
        account(services, session, one)


def account(services: Services, session: Session, bill: Bill) -> None:
    """Write down what a page's question cost; what was held for it is free again.

    Of a tenant that is gone nothing is kept, and nobody else's bill fails for it.
    """
    if TenantStore(session).get(bill.tenant_id) is None:
        return
    usage, budgets = UsageStore(session), BudgetStore(session)
    day = services.now().date()
    # Always in the same order: two pages that fell back crosswise would lock each other.
    for one in sorted(bill.attempts, key=lambda one: (one.provider, one.model)):
        usage.add(
            bill.tenant_id,
            day,
            provider=one.provider,
            model=one.model,
            usage=one.usage,
            calls=int(one.was_called),
            failures=int(one.was_called and one.outcome != "answered"),
        )
    if bill.amount != NOTHING:
        budgets.spend(bill.tenant_id, bill.space_id, day, bill.amount)
    if bill.hold_id is not None:
        budgets.release(bill.tenant_id, bill.hold_id)
    if bill.amount != NOTHING:
        _warn(services, session, bill)


def _warn(services: Services, session: Session, bill: Bill) -> None:
    """Tell people, once a period, that a budget is almost spent."""
    today = services.now().date()
    store = BudgetStore(session)
    for one in store.standings(bill.tenant_id, today, bill.space_id):
        due = one.is_to_be_warned_of(today)
        if not (due and store.warn(bill.tenant_id, one.budget, today)):
            continue
        said = _said(one)
        RunStore(session).audit(
            bill.tenant_id, actor="app", action="budget_almost_spent", after=said
        )
        after_commit(
            session,
            partial(
                log.warning, "budget_past_soft_limit", tenant=bill.tenant_id, **said
            ),
        )


def _said(one: Standing) -> dict[str, object]:
    budget = one.budget
    return {
        "space_id": budget.space_id,
        "period": budget.period,
        "usd": usd(one.spent.micro_usd),
        "of_usd": None if budget.micro_usd is None else usd(budget.micro_usd),
        "tokens": one.spent.tokens,
        "of_tokens": budget.tokens,
    }


def _named(refusal: Refusal, now: datetime) -> OverBudget:
    name = refusal.budget.name
    if refusal.reason == "never":
        return PageTooExpensive(name)
    if refusal.reason == "held":
        # Soon: what others hold is more than they will spend.
        what = f"the rest of {name} (held for calls on their way)"
        return BudgetExceeded(what, until=min(now + _SOON, refusal.until))
    return BudgetExceeded(name, until=refusal.until)
