"""Receipts: what runs asked and were answered, sealed, for a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.receipts import packed, unpacked
from app.errors import ConfigurationError
from app.store.base import db_time
from app.store.encryption import Cipher
from app.store.tables import ReceiptRow, RunRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFilter:
    """Which receipts of a tenant are meant; what is None does not narrow.

    Attributes:
        since: Of runs that began at this moment or later; `until` is the first that
            is left out.
    """

    page_id: str | None = None
    space_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class ReceiptStore:
    """Seals, reads and drops receipts; commits nothing."""

    def __init__(self, session: Session, cipher: Cipher) -> None:
        self._session = session
        self._cipher = cipher

    def seal(self, receipt: Mapping[str, Any]) -> str:
        """Return a receipt as it is kept."""
        return self._cipher.seal(packed(receipt))

    def keep(
        self, tenant_id: str, run_id: int, sealed: str, *, space_id: str, days: int
    ) -> None:
        """Keep a run's sealed receipt for so many days."""
        self._session.execute(
            sa.insert(ReceiptRow).values(
                tenant_id=tenant_id,
                run_id=run_id,
                space_id=space_id,
                sealed=sealed,
                expires_at=db_time(timedelta(days=days)),
            )
        )

    def find(
        self, tenant_id: str, run_ids: Collection[int]
    ) -> Mapping[int, Mapping[str, Any]]:
        """Return the receipts among these runs that are still there and can be read."""
        rows = self._session.execute(
            sa.select(ReceiptRow.run_id, ReceiptRow.sealed).where(
                ReceiptRow.tenant_id == tenant_id,
                ReceiptRow.run_id.in_(run_ids),
                ReceiptRow.expires_at > db_time(),
            )
        )
        found = {row.run_id: self._opened(row.sealed) for row in rows}
        return {run_id: one for run_id, one in found.items() if one is not None}

    def run_ids(
        self, tenant_id: str, which: ReceiptFilter, *, after: int, limit: int
    ) -> Sequence[int]:
        """Return the next runs with receipts, oldest first."""
        where = [
            (RunRow.page_id, which.page_id),
            (ReceiptRow.space_id, which.space_id),
        ]
        query = (
            sa.select(ReceiptRow.run_id)
            .join(RunRow, RunRow.id == ReceiptRow.run_id)
            .where(
                ReceiptRow.tenant_id == tenant_id,
                RunRow.tenant_id == tenant_id,
                ReceiptRow.expires_at > db_time(),
                ReceiptRow.run_id > after,
                *(column == wanted for column, wanted in where if wanted is not None),
            )
        )
        if which.since is not None:
            query = query.where(RunRow.started_at >= which.since)
        if which.until is not None:
            query = query.where(RunRow.started_at < which.until)
        return self._session.scalars(
            query.order_by(ReceiptRow.run_id).limit(limit)
        ).all()

    def outdated(
        self,
        tenant_id: str,
        *,
        days: int,
        limit: int,
        space_id: str | None = None,
        but: Collection[str] = (),
    ) -> Sequence[int]:
        """Return runs whose receipts are older than so many days.

        Args:
            tenant_id: The tenant.
            days: As today's policy has it.
            limit: At most so many.
            space_id: Only this space's; None for all spaces.
            but: Spaces that are left out.
        """
        newest = (
            sa.select(sa.func.max(RunRow.id))
            .where(
                RunRow.tenant_id == tenant_id,
                RunRow.started_at < db_time(-timedelta(days=days)),
            )
            .scalar_subquery()
        )
        query = sa.select(ReceiptRow.run_id).where(
            ReceiptRow.tenant_id == tenant_id, ReceiptRow.run_id <= newest
        )
        if space_id is not None:
            query = query.where(ReceiptRow.space_id == space_id)
        if but:
            query = query.where(ReceiptRow.space_id.not_in(but))
        return self._session.scalars(query.limit(limit)).all()

    def drop(self, tenant_id: str, run_ids: Collection[int]) -> None:
        """Delete the receipts of runs."""
        self._session.execute(
            sa.delete(ReceiptRow)
            .where(ReceiptRow.tenant_id == tenant_id, ReceiptRow.run_id.in_(run_ids))
            .execution_options(synchronize_session=False)
        )

    def expired(self, *, limit: int) -> Mapping[str, Sequence[int]]:
        """Return runs of all tenants whose receipts have had their time, by tenant."""
        rows = self._session.execute(
            sa.select(ReceiptRow.tenant_id, ReceiptRow.run_id)
            .where(ReceiptRow.expires_at <= db_time())
            .order_by(ReceiptRow.expires_at)
            .limit(limit)
        )
        found: dict[str, list[int]] = {}
        for row in rows:
            found.setdefault(row.tenant_id, []).append(row.run_id)
        return found

    def _opened(self, sealed: str) -> Mapping[str, Any] | None:
        """Return a receipt again; None for one whose key the operator has lost."""
        try:
            return unpacked(self._cipher.open(sealed))
        except (ConfigurationError, ValueError):
            return None
