"""Receipts of delivered events: what makes a second delivery a no-op."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.domain.events import Host
from app.store.base import Base, db_time
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
        values = {
            "tenant_id": tenant_id,
            "delivery_key": delivery_key,
            "host": host,
            "name": name,
            "page_id": page_id,
            "page_version": page_version,
            "outcome": outcome,
        }
        statement = _receive(is_sqlite=self._is_sqlite)
        return self._session.connection().execute(statement, values).scalar()

    def link(self, tenant_id: str, event_id: int, job_id: int) -> None:
        """Note which job answers an event."""
        self._session.connection().execute(
            _LINK, {"of_tenant": tenant_id, "of_event": event_id, "to_job": job_id}
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


_EVENTS = Base.metadata.tables["events"]
_LINK = (
    sa.update(_EVENTS)
    .where(
        _EVENTS.c.tenant_id == sa.bindparam("of_tenant"),
        _EVENTS.c.id == sa.bindparam("of_event"),
    )
    .values(job_id=sa.bindparam("to_job"))
)


@cache
def _receive(*, is_sqlite: bool) -> sa.Executable:
    insert = (sqlite.insert if is_sqlite else postgresql.insert)(_EVENTS)
    names = (
        "tenant_id",
        "delivery_key",
        "host",
        "name",
        "page_id",
        "page_version",
        "outcome",
    )
    return (
        insert.values(
            **{name: sa.bindparam(name) for name in names}, received_at=db_time()
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "delivery_key"])
        .returning(_EVENTS.c.id)
    )
