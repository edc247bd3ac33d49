"""The first visit to a newly installed site: which site it is, and who we are there."""

from __future__ import annotations

import structlog
from sqlalchemy.orm import Session

from app.domain.jobs import Done, Job, Priority
from app.store.installations import InstallationStore
from app.store.jobs import JobStore
from app.store.tenants import TenantStore
from app.usecases.services import Services
from app.usecases.site import open_site

log = structlog.get_logger("app")


async def connect_site(services: Services, job: Job) -> Done:
    """Learn cloud id and app user, join tenants of one site, and ask for lessons.

    Connect does not tell the cloud id at installation; once it is known, a site
    that already came in through Forge becomes one tenant with it.
    """
    async with open_site(services, job.tenant_id) as (confluence, tenant, installation):
        account_id = await confluence.current_account_id()
        cloud_id = tenant.cloud_id or await confluence.cloud_id()

    def work(session: Session) -> str:
        tenants = TenantStore(session)
        InstallationStore(session, services.cipher).set_app_account(
            installation, account_id
        )
        known = tenants.by_cloud_id(cloud_id)
        tenant_id = tenant.id
        if known is None:
            tenants.set_cloud_id(tenant.id, cloud_id)
        elif known.id != tenant.id:
            tenants.merge(tenant.id, into=known.id)
            tenant_id = known.id
        JobStore(session).enqueue(
            tenant_id, "learn_site", "site", priority=Priority.BACKGROUND
        )
        return tenant_id

    tenant_id = await services.database.write(work)
    services.work_arrived.set()
    log.info("site_connected", tenant=tenant_id, merged=tenant_id != tenant.id)
    return Done(outcome="connected")
