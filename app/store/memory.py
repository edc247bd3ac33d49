"""What the ranker remembers of a site, page by page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.memory import PageMemory
from app.domain.stems import STEMS_VERSION
from app.store.tables import ForgottenPageRow, PageMemoryRow, SpaceRow, TenantRow

#: Page ids in one statement: databases take only so many.
_AT_ONCE = 500


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

    def load(
        self,
        tenant_id: str,
        *,
        since: int = -1,
        after: str = "",
        limit: int | None = None,
    ) -> list[PageMemory]:
        """Return page memories in the order of page ids.

        Weights made by another version of the stems are as good as none: their pages
        are left out until they are read again.

        Args:
            tenant_id: Whose pages.
            since: Only what changed after that version.
            after: Only pages with greater ids: where the portion before ended.
            limit: At most so many; None is all.
        """
        rows = self._session.scalars(
            sa.select(PageMemoryRow)
            .where(
                PageMemoryRow.tenant_id == tenant_id,
                PageMemoryRow.changed_seq > since,
                PageMemoryRow.page_id > after,
                PageMemoryRow.stems_version == STEMS_VERSION,
            )
            .order_by(PageMemoryRow.page_id)
            .limit(limit)
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

    def forgotten(self, tenant_id: str, *, since: int) -> list[str]:
        """Return the pages that were forgotten after that version."""
        return list(
            self._session.scalars(
                sa.select(ForgottenPageRow.page_id).where(
                    ForgottenPageRow.tenant_id == tenant_id,
                    ForgottenPageRow.changed_seq > since,
                )
            )
        )

    def keep(self, tenant_id: str, memory: PageMemory, *, page_version: int) -> None:
        """Remember a page as it is now."""
        changed_seq = self._next_version(tenant_id)
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
                changed_seq=changed_seq,
                stems_version=STEMS_VERSION,
            )
        )
        self._session.execute(
            sa.delete(ForgottenPageRow).where(
                ForgottenPageRow.tenant_id == tenant_id,
                ForgottenPageRow.page_id == memory.page_id,
            )
        )

    def change_label(
        self, tenant_id: str, page_id: str, label: str, *, present: bool
    ) -> None:
        """Follow a person who put a label on a remembered page, or took it off."""
        # First, since it makes others wait: two labels at once must both be kept.
        changed_seq = self._next_version(tenant_id)
        row = self._session.get(PageMemoryRow, (tenant_id, page_id))
        if row is None:
            return
        labels = set(row.labels) - {label}
        row.labels = sorted(labels | {label} if present else labels)
        row.changed_seq = changed_seq

    def forget(self, tenant_id: str, page_ids: Collection[str]) -> None:
        """Forget pages that are gone; readers who knew them are told."""
        changed_seq = self._next_version(tenant_id)
        wanted = sorted(page_ids)
        for at in range(0, len(wanted), _AT_ONCE):
            gone = self._session.scalars(
                sa.delete(PageMemoryRow)
                .where(
                    PageMemoryRow.tenant_id == tenant_id,
                    PageMemoryRow.page_id.in_(wanted[at : at + _AT_ONCE]),
                )
                .returning(PageMemoryRow.page_id)
            ).all()
            for page_id in gone:
                self._session.merge(
                    ForgottenPageRow(
                        tenant_id=tenant_id, page_id=page_id, changed_seq=changed_seq
                    )
                )

    def outdated_spaces(self, tenant_id: str) -> set[str]:
        """Return spaces with pages whose stems were made by another version."""
        return set(
            self._session.scalars(
                sa.select(PageMemoryRow.space_id)
                .distinct()
                .where(
                    PageMemoryRow.tenant_id == tenant_id,
                    PageMemoryRow.stems_version != STEMS_VERSION,
                )
            )
        )

    def have_walked_again(self, tenant_id: str) -> bool:
        """Mark spaces with outdated pages as never walked; False if there are none.

        The tenant's next walk is then due at once, whenever the last one was.
        """
        outdated = self.outdated_spaces(tenant_id)
        if not outdated:
            return False
        self._session.execute(
            sa.update(SpaceRow)
            .where(SpaceRow.tenant_id == tenant_id, SpaceRow.space_id.in_(outdated))
            .values(learned_at=None)
            .execution_options(synchronize_session=False)
        )
        self._session.execute(
            sa.update(TenantRow)
            .where(TenantRow.id == tenant_id)
            .values(learned_at=None)
            .execution_options(synchronize_session=False)
        )
        return True

    def readable(self, tenant_id: str) -> int:
        """Return how many pages `load` yields in all."""
        count = self._session.scalar(
            sa.select(sa.func.count()).where(
                PageMemoryRow.tenant_id == tenant_id,
                PageMemoryRow.stems_version == STEMS_VERSION,
            )
        )
        return count or 0

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

    def spaces(self, tenant_id: str) -> list[str]:
        """Return the spaces that pages are remembered of."""
        return list(
            self._session.scalars(
                sa.select(PageMemoryRow.space_id)
                .distinct()
                .where(PageMemoryRow.tenant_id == tenant_id)
            )
        )

    def space_of(self, tenant_id: str, page_id: str) -> str | None:
        """Return the space that a page stood in when it was last read."""
        return self._session.scalar(
            sa.select(PageMemoryRow.space_id).where(
                PageMemoryRow.tenant_id == tenant_id, PageMemoryRow.page_id == page_id
            )
        )

    def known(self, tenant_id: str, page_ids: Collection[str]) -> set[str]:
        """Return those of some pages that are remembered: we may still see them."""
        wanted = sorted(page_ids)
        found: set[str] = set()
        for at in range(0, len(wanted), _AT_ONCE):
            found.update(
                self._session.scalars(
                    sa.select(PageMemoryRow.page_id).where(
                        PageMemoryRow.tenant_id == tenant_id,
                        PageMemoryRow.page_id.in_(wanted[at : at + _AT_ONCE]),
                    )
                )
            )
        return found

    def labels(self, tenant_id: str) -> Counter[str]:
        """Return the labels that people put on pages, and on how many pages each."""
        found: Counter[str] = Counter()
        rows = self._session.scalars(
            sa.select(PageMemoryRow.labels)
            .where(PageMemoryRow.tenant_id == tenant_id)
            .execution_options(yield_per=500)
        )
        for labels in rows:
            found.update(labels)
        return found

    def labelled(self, tenant_id: str, label: str) -> set[str]:
        """Return the pages on which people put a label."""
        rows = self._session.execute(
            sa.select(PageMemoryRow.page_id, PageMemoryRow.labels)
            .where(PageMemoryRow.tenant_id == tenant_id)
            .execution_options(yield_per=500)
        )
        return {row.page_id for row in rows if label in row.labels}

    def _next_version(self, tenant_id: str) -> int:
        """Count a change, and make other changes wait until the transaction ends.

        Whoever has read a version has therefore seen all changes up to it.
        """
        version = self._session.scalar(
            sa.update(TenantRow)
            .where(TenantRow.id == tenant_id)
            .values(memory_version=TenantRow.memory_version + 1)
            .returning(TenantRow.memory_version)
            .execution_options(synchronize_session=False)
        )
        return version or 0
