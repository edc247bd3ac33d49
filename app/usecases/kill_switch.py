"""The kill switch: stops a tenant, or everything, at once; and lets it go on.

Nothing is claimed from the queue, no AI is asked and nothing is written any more. What
is on its way to a provider or a site at that moment still arrives; what it brings is
not written.
"""

from __future__ import annotations

import structlog
from sqlalchemy.orm import Session

from app.domain.jobs import STOP_REASON
from app.errors import NotFound, Stopped
from app.store.jobs import JobStore
from app.store.runs import RunStore
from app.store.switches import SwitchStore, is_stopped
from app.store.tenants import TenantStore
from app.usecases.services import Services

log = structlog.get_logger("security")


async def stop(services: Services, tenant_id: str | None, *, by: str) -> None:
    """Stop a tenant, or everything for None.

    Raises:
        NotFound: There is no such tenant.
    """

    def work(session: Session) -> None:
        concerned = _concerned(session, tenant_id)
        SwitchStore(session).stop(tenant_id, by=by)
        _audit(session, concerned, "stopped", by)

    await services.database.write(work)
    log.warning("stopped", tenant=tenant_id or "all", by=by)


async def resume(services: Services, tenant_id: str | None, *, by: str) -> None:
    """Let a tenant, or everything for None, go on at once.

    Raises:
        NotFound: There is no such tenant.
    """

    def work(session: Session) -> None:
        concerned = _concerned(session, tenant_id)
        SwitchStore(session).resume(tenant_id)
        JobStore(session).hasten(STOP_REASON, tenant_id)
        _audit(session, concerned, "resumed", by)

    await services.database.write(work)
    services.work_arrived.set()
    log.warning("resumed", tenant=tenant_id or "all", by=by)


async def require_going(services: Services, tenant_id: str) -> None:
    """Refuse to go on while a kill switch stands.

    Raises:
        Stopped: It does; the message says who pulled it and when.
    """
    await services.database.read(lambda s: check_going(s, tenant_id))


def check_going(session: Session, tenant_id: str) -> None:
    """Refuse to go on while a kill switch stands, within a transaction.

    Raises:
        Stopped: It does.
    """
    if (why := is_stopped(session, tenant_id)) is not None:
        raise Stopped(why)


async def standstills(services: Services) -> dict[str, str]:
    """Return what stands still (`all`, or a tenant's id), and who stopped it when."""

    def work(session: Session) -> dict[str, str]:
        switches = SwitchStore(session)
        found = {"all": switches.reason()} | {
            tenant.id: switches.reason_of_tenant(tenant.id)
            for tenant in TenantStore(session).all()
        }
        return {name: why for name, why in found.items() if why is not None}

    return await services.database.read(work)


def _concerned(session: Session, tenant_id: str | None) -> list[str]:
    tenants = TenantStore(session)
    if tenant_id is None:
        return [tenant.id for tenant in tenants.all()]
    if tenants.get(tenant_id) is None:
        raise NotFound(f"no tenant {tenant_id}")
    return [tenant_id]


def _audit(session: Session, tenants: list[str], action: str, by: str) -> None:
    for tenant_id in tenants:
        RunStore(session).audit(tenant_id, actor=by, action=action)
