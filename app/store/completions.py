"""Paid answers, sealed and bounded, tenant by tenant: asked once, used again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.store.base import db_time
from app.store.tables import CompletionRow

#: Answers kept of one tenant; the longest unused go first.
KEPT = 20_000
#: Of so many new answers one looks whether there are too many.
_TRIM_EVERY = 64
#: Pages with the same text that are looked at.
_COPIES = 8


class CompletionStore:
    """Reads and writes sealed answers; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, tenant_id: str, keys: Sequence[str]) -> Mapping[str, str]:
        """Return the sealed answers among `keys`, by key."""
        rows = self._session.execute(
            sa.select(CompletionRow.key, CompletionRow.sealed_answer).where(
                CompletionRow.tenant_id == tenant_id, CompletionRow.key.in_(keys)
            )
        )
        return {row.key: row.sealed_answer for row in rows}

    def copies(
        self, tenant_id: str, text_keys: Sequence[str]
    ) -> Sequence[tuple[str, str]]:
        """Return (key, sealed answer) of pages with the same text, newest first."""
        rows = self._session.execute(
            sa.select(CompletionRow.key, CompletionRow.sealed_answer)
            .where(
                CompletionRow.tenant_id == tenant_id,
                CompletionRow.text_key.in_(text_keys),
            )
            .order_by(CompletionRow.used_at.desc())
            .limit(_COPIES)
        )
        return [(row.key, row.sealed_answer) for row in rows]

    def keep(self, tenant_id: str, key: str, text_key: str, sealed_answer: str) -> None:
        """Keep an answer; now and then the longest unused are dropped."""
        self._session.merge(
            CompletionRow(
                tenant_id=tenant_id,
                key=key,
                text_key=text_key,
                sealed_answer=sealed_answer,
                used_at=db_time(),
            )
        )
        if int(key[:4], 16) % _TRIM_EVERY == 0:
            self.trim(tenant_id)

    def used(self, tenant_id: str, key: str) -> None:
        """Note that an answer was of use."""
        self._session.execute(
            sa.update(CompletionRow)
            .where(CompletionRow.tenant_id == tenant_id, CompletionRow.key == key)
            .values(used_at=db_time())
            .execution_options(synchronize_session=False)
        )

    def trim(self, tenant_id: str, *, keep: int = KEPT) -> None:
        """Drop all but the `keep` answers that were used last."""
        too_many = (
            sa.select(CompletionRow.key)
            .where(CompletionRow.tenant_id == tenant_id)
            .order_by(CompletionRow.used_at.desc(), CompletionRow.key)
            .offset(keep)
        )
        self._session.execute(
            sa.delete(CompletionRow)
            .where(
                CompletionRow.tenant_id == tenant_id, CompletionRow.key.in_(too_many)
            )
            .execution_options(synchronize_session=False)
        )
