"""Has sites walked again whose memories were made by another version of the program."""

from __future__ import annotations

from functools import partial

import structlog
from sqlalchemy.orm import Session

from app.store.jobs import JobStore
from app.store.memory import MemoryStore
from app.store.tenants import TenantStore
from app.usecases.services import Services

log = structlog.get_logger("app")


async def relearn_outdated(services: Services) -> int:
    """Enqueue a walk of every site with outdated memories; return how many.

    Until a page is read again it says nothing to the ranker: its stems are not today's.
    """
    sites = await services.database.read(lambda s: list(TenantStore(s).all()))
    count = 0
    for tenant in sites:
        if tenant.is_active and await services.database.write(
            partial(_walk_again, tenant_id=tenant.id)
        ):
            log.info("memories_outdated", tenant=tenant.id)
            count += 1
    if count:
        services.work_arrived.set()
    return count


def _walk_again(session: Session, *, tenant_id: str) -> bool:
    if not MemoryStore(session).have_walked_again(tenant_id):
        return False
    # As urgent as an event: every page of the site waits for it.
    JobStore(session).enqueue(tenant_id, "learn_site", "site")
    return True
