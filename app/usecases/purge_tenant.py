"""Erases a tenant whose grace after uninstalling is over."""

from __future__ import annotations

import structlog

from app.domain.jobs import Discarded, Done, Job
from app.store.tenants import TenantStore
from app.usecases.services import Services

log = structlog.get_logger("app")


async def purge_tenant(services: Services, job: Job) -> Done | Discarded:
    """Delete all of the tenant's rows, this job with them, unless it came back."""
    purged = await services.database.write(
        lambda s: TenantStore(s).purge(job.tenant_id)
    )
    if not purged:
        return Discarded(outcome="tenant_lives")
    log.info("tenant_purged", tenant=job.tenant_id)
    return Done(outcome="purged")
