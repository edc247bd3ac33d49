"""What the ranker remembers of a site, page by page."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.memory import PageMemory
from app.store.tables import PageMemoryRow, TenantRow


class MemoryStore:
    """Reads and writes page memories; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def version(self, tenant_id: str) -> int:
        """Return a number that grows with every change."""
        version = self._session.scalar(
            sa.select(TenantRow.memory_version).where(TenantRow.id == tenant_id)
        )
        return version or 0

    def load(self, tenant_id: str) -> list[PageMemory]:
        """Return all of a tenant's page memories."""
        rows = self._session.scalars(
            sa.select(PageMemoryRow)
            .where(PageMemoryRow.tenant_id == tenant_id)
            .order_by(PageMemoryRow.page_id)
        )
        return [
            PageMemory(
                page_id=row.page_id,
                parent_id=row.parent_id,
                space_id=row.space_id,
                language=row.language,
                weights=row.weights,
                labels=frozenset(row.labels),
                title=row.title,
            )
            for row in rows
        ]

    def keep(self, tenant_id: str, memory: PageMemory, *, page_version: int) -> None:
        """Remember a page as it is now."""
        self._session.merge(
            PageMemoryRow(
                tenant_id=tenant_id,
                page_id=memory.page_id,
                space_id=memory.space_id,
                parent_id=memory.parent_id,
                page_version=page_version,
                title=memory.title,
                language=memory.language,
                weights={stem: round(w, 3) for stem, w in memory.weights.items()},
                labels=sorted(memory.labels),
            )
        )
        self._bump(tenant_id)

    def change_label(
        self, tenant_id: str, page_id: str, label: str, *, present: bool
    ) -> None:
        """Follow a person who put a label on a remembered page, or took it off."""
        row = self._session.get(PageMemoryRow, (tenant_id, page_id))
        if row is None:
            return
        labels = set(row.labels) - {label}
        row.labels = sorted(labels | {label} if present else labels)
        self._bump(tenant_id)

    def forget(self, tenant_id: str, page_ids: Collection[str]) -> None:
        """Forget pages that are gone."""
        self._session.execute(
            sa.delete(PageMemoryRow).where(
                PageMemoryRow.tenant_id == tenant_id,
                PageMemoryRow.page_id.in_(page_ids),
            )
        )
        self._bump(tenant_id)

    def count(self, tenant_id: str) -> int:
        """Return how many pages are remembered."""
        count = self._session.scalar(
            sa.select(sa.func.count()).where(PageMemoryRow.tenant_id == tenant_id)
        )
        return count or 0

    def page_ids(self, tenant_id: str, space_id: str) -> set[str]:
        """Return the remembered pages of a space."""
        return set(
            self._session.scalars(
                sa.select(PageMemoryRow.page_id).where(
                    PageMemoryRow.tenant_id == tenant_id,
                    PageMemoryRow.space_id == space_id,
                )
            )
        )

    def _bump(self, tenant_id: str) -> None:
        self._session.execute(
            sa.update(TenantRow)
            .where(TenantRow.id == tenant_id)
            .values(memory_version=TenantRow.memory_version + 1)
            .execution_options(synchronize_session=False)
        )
