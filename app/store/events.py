"""Receipts of delivered events: what makes a second delivery a no-op."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.domain.events import Host
from app.store.base import db_time
from app.store.tables import EventRow


class EventStore:
    """Writes receipts; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_sqlite = session.get_bind().dialect.name == "sqlite"

    def receive(
        self,
        tenant_id: str,
        delivery_key: str,
        *,
        host: Host,
        name: str,
        page_id: str | None,
        page_version: int | None,
        outcome: str,
    ) -> int | None:
        """Write the receipt; None if this delivery has one already."""
        insert = (sqlite.insert if self._is_sqlite else postgresql.insert)(EventRow)
        statement = (
            insert.values(
                tenant_id=tenant_id,
                delivery_key=delivery_key,
                host=host,
                name=name,
                page_id=page_id,
                page_version=page_version,
                outcome=outcome,
                received_at=db_time(),
            )
            .on_conflict_do_nothing(index_elements=["tenant_id", "delivery_key"])
            .returning(EventRow.id)
        )
        return self._session.execute(statement).scalar()

    def link(self, tenant_id: str, event_id: int, job_id: int) -> None:
        """Note which job answers an event."""
        self._session.execute(
            sa.update(EventRow)
            .where(EventRow.tenant_id == tenant_id, EventRow.id == event_id)
            .values(job_id=job_id)
        )

    def of_page(self, tenant_id: str, page_id: str) -> list[EventRow]:
        """Return the receipts of one page, oldest first."""
        return list(
            self._session.scalars(
                sa.select(EventRow)
                .where(EventRow.tenant_id == tenant_id, EventRow.page_id == page_id)
                .order_by(EventRow.id)
            )
        )
