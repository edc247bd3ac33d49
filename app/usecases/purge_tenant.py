"""Erases a tenant whose grace after uninstalling is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import structlog
from sqlalchemy.orm import Session

from app.domain.jobs import Discarded, Done, Job, Priority
from app.store.jobs import JobStore
from app.store.tenants import TenantStore
from app.usecases.services import Services

log = structlog.get_logger("app")


async def purge_tenant(services: Services, job: Job) -> Done | Discarded:
    """Delete all of the tenant's rows, this job with them, unless it came back.

    A tenant that came back and left again has a new grace: the next job waits for it.
    """
    tenant_id = job.tenant_id

    def work(session: Session) -> Literal["purged", "not_yet", "tenant_lives"]:
        tenants = TenantStore(session)
        remaining = tenants.purge_in(tenant_id)
        if remaining is None:
            return "tenant_lives"
        if remaining > timedelta():
            JobStore(session).enqueue(
                tenant_id,
                "purge_tenant",
                "purge",
                priority=Priority.BACKGROUND,
                delay=remaining + timedelta(minutes=1),
            )
            return "not_yet"
        tenants.purge(tenant_id)
        return "purged"

    outcome = await services.database.write(work)
    if outcome != "purged":
        return Discarded(outcome=outcome)
    log.info("tenant_purged", tenant=tenant_id)
    return Done(outcome=outcome)
