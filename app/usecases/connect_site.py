"""The first visit to a newly installed site: which site it is, and who we are there."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from app.domain.jobs import Done, Job
from app.domain.tenants import Tenant
from app.store.installations import InstallationStore
from app.store.jobs import JobStore
from app.store.tenants import TenantStore
from app.usecases.services import Services
from app.usecases.site import open_site

#: Two hosts of one site, or a re-install, need not walk it twice.
_LEARN_EVERY = timedelta(hours=1)

log = structlog.get_logger("app")


async def connect_site(services: Services, job: Job) -> Done:
    """Learn cloud id and app user, join tenants of one site, and ask for lessons.

    Connect does not tell the cloud id at installation; once it is known, a site
    that already came in through Forge becomes one tenant with it. A Connect tenant
    whose cloud id was never learned is found by the client key that Atlassian keeps
    for the Forge app.
    """
    async with open_site(services, job.tenant_id) as (confluence, tenant, installation):
        account_id = await confluence.current_account_id()
        cloud_id = tenant.cloud_id or await confluence.cloud_id()
        app_key = services.rules.app_key
        is_both = installation.host == "forge" and services.rules.connect_enabled
        client_key = await confluence.connect_client_key(app_key) if is_both else None

    def work(session: Session) -> str:
        tenants = TenantStore(session)
        installations = InstallationStore(session, services.cipher)
        installations.set_app_account(installation, account_id)
        tenant_id = _one_tenant(tenants, tenant, cloud_id)
        former = installations.find("connect", client_key) if client_key else None
        if former is not None and former.tenant_id != tenant_id:
            tenants.merge(former.tenant_id, into=tenant_id)
        if tenants.begin_learning(tenant_id, at_most_every=_LEARN_EVERY):
            # As urgent as an event: every page of the site waits for it.
            JobStore(session).enqueue(tenant_id, "learn_site", "site")
        return tenant_id

    tenant_id = await services.database.write(work)
    services.work_arrived.set()
    log.info("site_connected", tenant=tenant_id, merged=tenant_id != tenant.id)
    return Done(outcome="connected")


def _one_tenant(tenants: TenantStore, tenant: Tenant, cloud_id: str) -> str:
    """Record the site's cloud id, joining the tenant that has it already."""
    known = tenants.by_cloud_id(cloud_id)
    if known is None:
        tenants.set_cloud_id(tenant.id, cloud_id)
        return tenant.id
    if known.id != tenant.id:
        tenants.merge(tenant.id, into=known.id)
    return known.id
