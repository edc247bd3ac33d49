"""Budgets, what was spent of them, and what is held for calls on their way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.budgets import Amount, Budget, Period, Standing, period_start
from app.store.base import db_time
from app.store.tables import BudgetRow, SpendHoldRow, SpendRow


class BudgetStore:
    """Reads and changes budgets, spends and holds; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # ---------------------------------------------------------------- what may be spent

    def budgets(
        self, tenant_id: str, space_id: str | None = None, *, lock: bool = False
    ) -> Sequence[Budget]:
        """Return a tenant's budgets, or those alone that hold for a space.

        Args:
            tenant_id: The tenant.
            space_id: The space; None for the budgets of all.
            lock: Whether everybody else who would lock them waits until the transaction
                ends: who holds money decides alone.
        """
        query = (
            sa.select(BudgetRow)
            .where(BudgetRow.tenant_id == tenant_id)
            .order_by(BudgetRow.space_id, BudgetRow.period)
            .execution_options(populate_existing=True)
        )
        if space_id is not None:
            query = query.where(BudgetRow.space_id.in_(["", space_id]))
        if lock:
            query = query.with_for_update()
        return [_budget(row) for row in self._session.scalars(query)]

    def set(self, tenant_id: str, budget: Budget) -> None:
        """Put a budget in the place of the one of the same space and period, if any."""
        self._session.merge(
            BudgetRow(
                tenant_id=tenant_id,
                space_id=budget.space_id,
                period=budget.period,
                micro_usd=budget.micro_usd,
                tokens=budget.tokens,
                soft_share=budget.soft_share,
                warned_for=None,
            )
        )
        self._session.flush()

    def remove(self, tenant_id: str, space_id: str, period: Period) -> bool:
        """Take a budget away; False if there was none."""
        removed = self._session.execute(
            sa.delete(BudgetRow)
            .where(
                BudgetRow.tenant_id == tenant_id,
                BudgetRow.space_id == space_id,
                BudgetRow.period == period,
            )
            .returning(BudgetRow.period)
            .execution_options(synchronize_session=False)
        )
        return removed.first() is not None

    def warn(self, tenant_id: str, budget: Budget, today: date) -> bool:
        """Note that people are warned in this period; False if somebody did already."""
        began = period_start(budget.period, today)
        noted = self._session.execute(
            sa.update(BudgetRow)
            .where(
                BudgetRow.tenant_id == tenant_id,
                BudgetRow.space_id == budget.space_id,
                BudgetRow.period == budget.period,
                sa.or_(BudgetRow.warned_for.is_(None), BudgetRow.warned_for < began),
            )
            .values(warned_for=began)
            .returning(BudgetRow.period)
            .execution_options(synchronize_session=False)
        )
        return noted.first() is not None

    # --------------------------------------------------------------------- how it stands

    def standings(
        self,
        tenant_id: str,
        today: date,
        space_id: str | None = None,
        *,
        lock: bool = False,
        but: int | None = None,
    ) -> list[Standing]:
        """Return how budgets stand in their present periods.

        Args:
            tenant_id: The tenant.
            today: In UTC.
            space_id: Only what holds for this space.
            lock: As of `budgets`.
            but: A hold that is not counted.
        """
        return [
            self._standing(tenant_id, one, today, but)
            for one in self.budgets(tenant_id, space_id, lock=lock)
        ]

    def _standing(
        self, tenant_id: str, budget: Budget, today: date, but: int | None
    ) -> Standing:
        # In this order: a call that is settled in between counts twice for a moment,
        # never not at all.
        held = self.held(tenant_id, budget.space_id, but=but)
        began = period_start(budget.period, today)
        spent = self.spent(tenant_id, budget.space_id, since=began)
        return Standing(budget=budget, spent=spent, held=held)

    def spent(self, tenant_id: str, space_id: str, *, since: date) -> Amount:
        """Return what was spent from a day on; an empty space id means everywhere."""
        query = sa.select(
            sa.func.sum(SpendRow.micro_usd), sa.func.sum(SpendRow.tokens)
        ).where(SpendRow.tenant_id == tenant_id, SpendRow.day >= since)
        if space_id:
            query = query.where(SpendRow.space_id == space_id)
        return self._sum(query)

    def held(self, tenant_id: str, space_id: str, *, but: int | None = None) -> Amount:
        """Return what is held; an empty space id means everywhere.

        What nobody settled in time is not: the process that held it is gone.
        """
        query = sa.select(
            sa.func.sum(SpendHoldRow.micro_usd), sa.func.sum(SpendHoldRow.tokens)
        ).where(
            SpendHoldRow.tenant_id == tenant_id, SpendHoldRow.expires_at > db_time()
        )
        if space_id:
            query = query.where(SpendHoldRow.space_id == space_id)
        if but is not None:
            query = query.where(SpendHoldRow.id != but)
        return self._sum(query)

    def _sum(self, query: sa.Select[int, int]) -> Amount:
        micro_usd, tokens = self._session.execute(query).one()
        # PostgreSQL adds big numbers up as decimals, and nothing up to None.
        return Amount(micro_usd=int(micro_usd or 0), tokens=int(tokens or 0))

    # ------------------------------------------------------------------ holds and spends

    def hold(
        self,
        tenant_id: str,
        space_id: str,
        amount: Amount,
        *,
        lifetime: timedelta,
        instead_of: int | None = None,
    ) -> int:
        """Set an amount aside, in the place of an earlier hold; return the hold's id."""
        if instead_of is not None:
            self.release(tenant_id, instead_of)
        return self._session.execute(
            sa.insert(SpendHoldRow)
            .values(
                tenant_id=tenant_id,
                space_id=space_id,
                micro_usd=amount.micro_usd,
                tokens=amount.tokens,
                expires_at=db_time(lifetime),
            )
            .returning(SpendHoldRow.id)
        ).scalar_one()

    def release(self, tenant_id: str, hold_id: int) -> None:
        """Let go of what was held; twice is once."""
        self._session.execute(
            sa.delete(SpendHoldRow)
            .where(SpendHoldRow.tenant_id == tenant_id, SpendHoldRow.id == hold_id)
            .execution_options(synchronize_session=False)
        )

    def spend(self, tenant_id: str, space_id: str, day: date, amount: Amount) -> None:
        """Add to what a space has spent on a day."""
        added = self._session.execute(
            sa.update(SpendRow)
            .where(
                SpendRow.tenant_id == tenant_id,
                SpendRow.space_id == space_id,
                SpendRow.day == day,
            )
            .values(
                micro_usd=SpendRow.micro_usd + amount.micro_usd,
                tokens=SpendRow.tokens + amount.tokens,
            )
            .returning(SpendRow.day)
            .execution_options(synchronize_session=False)
        )
        if added.first() is None:
            # Of two that begin a day at once one fails here, and runs again.
            self._session.execute(
                sa.insert(SpendRow).values(
                    tenant_id=tenant_id,
                    space_id=space_id,
                    day=day,
                    micro_usd=amount.micro_usd,
                    tokens=amount.tokens,
                )
            )

    def merge(self, tenant_id: str, *, into: str) -> None:
        """Add one tenant's spends to another's."""
        rows = self._session.scalars(
            sa.select(SpendRow)
            .where(SpendRow.tenant_id == tenant_id)
            .order_by(SpendRow.space_id, SpendRow.day)
        ).all()
        for row in rows:
            amount = Amount(micro_usd=row.micro_usd, tokens=row.tokens)
            self.spend(into, row.space_id, row.day, amount)
        self._session.execute(
            sa.delete(SpendRow)
            .where(SpendRow.tenant_id == tenant_id)
            .execution_options(synchronize_session=False)
        )

    def prune(self) -> None:
        """Delete what processes held that are gone."""
        self._session.execute(
            sa.delete(SpendHoldRow)
            .where(SpendHoldRow.expires_at <= db_time())
            .execution_options(synchronize_session=False)
        )


def _budget(row: BudgetRow) -> Budget:
    return Budget(
        period="day" if row.period == "day" else "month",
        space_id=row.space_id,
        micro_usd=row.micro_usd,
        tokens=row.tokens,
        soft_share=row.soft_share,
        warned_for=row.warned_for,
    )
