"""What tenants' calls cost, day by day and model by model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.completions import Usage
from app.store.tables import UsageRow


class UsageStore:
    """Adds up and reads what calls cost; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        tenant_id: str,
        day: date,
        *,
        provider: str,
        model: str,
        usage: Usage | None = None,
        calls: int = 0,
        failures: int = 0,
        cache_hits: int = 0,
    ) -> None:
        """Add to a day's sums."""
        counts = {"calls": calls, "failures": failures, "cache_hits": cache_hits}
        amounts = {**counts, **asdict(usage or Usage())}
        own = {
            "tenant_id": tenant_id,
            "day": day,
            "provider": provider,
            "model": model,
        }
        added = self._session.execute(
            sa.update(UsageRow)
            .where(
                UsageRow.tenant_id == tenant_id,
                *(getattr(UsageRow, name) == value for name, value in own.items()),
            )
            .values(
                {
                    name: getattr(UsageRow, name) + value
                    for name, value in amounts.items()
                }
            )
            .returning(UsageRow.day)
            .execution_options(synchronize_session=False)
        )
        if added.first() is None:
            # Of two that begin a day at once one fails here, and runs again.
            self._session.execute(sa.insert(UsageRow).values(**own, **amounts))

    def merge(self, tenant_id: str, *, into: str) -> None:
        """Add one tenant's sums to another's, day by day and model by model."""
        for row in self.since(tenant_id, date.min):
            self.add(
                into,
                row.day,
                provider=row.provider,
                model=row.model,
                usage=Usage(
                    **{name: getattr(row, name) for name in Usage.__dataclass_fields__}
                ),
                calls=row.calls,
                failures=row.failures,
                cache_hits=row.cache_hits,
            )
        self._session.execute(
            sa.delete(UsageRow)
            .where(UsageRow.tenant_id == tenant_id)
            .execution_options(synchronize_session=False)
        )

    def since(self, tenant_id: str, day: date) -> Sequence[UsageRow]:
        """Return a tenant's sums from a day on, newest first."""
        return self._session.scalars(
            sa.select(UsageRow)
            .where(UsageRow.tenant_id == tenant_id, UsageRow.day >= day)
            .order_by(UsageRow.day.desc(), UsageRow.provider, UsageRow.model)
        ).all()
