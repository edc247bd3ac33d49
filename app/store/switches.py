"""Kill switches: of the whole installation, and of one tenant."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.store.base import db_time
from app.store.tables import SwitchRow, TenantRow

#: Name of the switch that stops everything.
STOPPED = "stopped"


class SwitchStore:
    """Pulls and releases kill switches; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def stop(self, tenant_id: str | None, *, by: str) -> None:
        """Stop a tenant, or everything for None; twice is once."""
        if tenant_id is None:
            self._session.merge(SwitchRow(name=STOPPED, set_at=db_time(), set_by=by))
            return
        self._set(tenant_id, stopped_at=db_time(), stopped_by=by)

    def resume(self, tenant_id: str | None) -> None:
        """Let a tenant, or everything for None, go on."""
        if tenant_id is None:
            self._session.execute(sa.delete(SwitchRow).where(SwitchRow.name == STOPPED))
            return
        self._set(tenant_id, stopped_at=None, stopped_by=None)

    def reason(self) -> str | None:
        """Return who stopped everything, and when; None if nobody did."""
        found = self._session.execute(
            sa.select(SwitchRow.set_by, SwitchRow.set_at).where(
                SwitchRow.name == STOPPED
            )
        ).first()
        if found is None:
            return None
        return f"everything was stopped by {found.set_by} at {_told(found.set_at)}"

    def reason_of_tenant(self, tenant_id: str) -> str | None:
        """Return who stopped a tenant, and when; None if nobody did."""
        found = self._session.execute(
            sa.select(TenantRow.stopped_by, TenantRow.stopped_at).where(
                TenantRow.id == tenant_id, TenantRow.stopped_at.is_not(None)
            )
        ).first()
        if found is None:
            return None
        return f"stopped by {found.stopped_by} at {_told(found.stopped_at)}"

    def _set(self, tenant_id: str, **values: object) -> None:
        self._session.execute(
            sa.update(TenantRow)
            .where(TenantRow.id == tenant_id)
            .values(**values)
            .execution_options(synchronize_session=False)
        )


def is_stopped(session: Session, tenant_id: str) -> str | None:
    """Return why a tenant stands still (who, when); None if it does not."""
    switches = SwitchStore(session)
    return switches.reason() or switches.reason_of_tenant(tenant_id)


def _told(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
