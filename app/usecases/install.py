"""A host installs the app, changes it, or takes it away: one tenant behind both."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from sqlalchemy.orm import Session

from app.connect.lifecycle import InstalledEvent
from app.domain.jobs import Priority
from app.domain.tenants import PURGE_GRACE, Installation
from app.forge.invocations import Invocation
from app.forge.tokens import token_expiry
from app.store.installations import InstallationStore
from app.store.jobs import JobStore
from app.store.runs import RunStore
from app.store.tenants import TenantStore
from app.usecases.services import Services

log = structlog.get_logger("app")

#: A call this long after the end proves that the site has us again (or still).
_AFTERGLOW = timedelta(minutes=10)
#: A token that lives this much longer than the one at hand is worth a write.
_TOKEN_GAIN = timedelta(minutes=5)


async def install_connect(services: Services, event: InstalledEvent) -> Installation:
    """Make a site a tenant, or bring a known one back with its new secret."""

    def work(session: Session) -> Installation:
        installations = InstallationStore(session, services.cipher)
        known = installations.find("connect", event.client_key)
        tenant_id = known.tenant_id if known else _tenant_for(session, services, event)
        saved = installations.save(
            tenant_id,
            "connect",
            event.client_key,
            base_url=event.base_url,
            secret=event.shared_secret,
            forge_installation_id=event.installation_id,
        )
        _greet(
            session, tenant_id, "host:connect", "reinstalled" if known else "installed"
        )
        return saved

    saved = await services.database.write(work)
    services.work_arrived.set()
    log.info("tenant_installed", host="connect", tenant=saved.tenant_id)
    return saved


async def ensure_forge_installation(
    services: Services,
    invocation: Invocation,
    *,
    system_token: str | None,
    user_token: str | None = None,
    is_event: bool = False,
) -> Installation:
    """Find the installation that a verified invocation speaks for, or make it.

    A token proves more than an event does: where the `installed` event was lost, or
    comes after the first page event, the invocation itself installs the tenant. An
    ended installation comes back to life only when it calls well after its end.

    Args:
        services: The bundle.
        invocation: What was verified.
        system_token: The app's token for the site, if the call brought one.
        user_token: The token of the person before the screen, if it brought one.
        is_event: Events are many: their token is kept only if it lives much longer
            than the one at hand. The hourly call's always is, whatever became of that.
    """
    now = services.now()
    expires_at = token_expiry(system_token, now=now) if system_token else now
    if is_event:
        known = await services.database.read(
            lambda s: _up_to_date(s, services, invocation, expires_at)
        )
        if known is not None:
            return known

    def work(session: Session) -> tuple[Installation, bool]:
        installations = InstallationStore(session, services.cipher)
        found = installations.find("forge", invocation.installation_id)
        if found is not None and _has_ended(found, now):
            return found, False
        fresh = found is None or found.status == "uninstalled"
        if found is None or fresh:
            found = _install_forge(session, services, invocation)
        if system_token and expires_at > now:
            installations.keep_token(
                found, kind="system", token=system_token, expires_at=expires_at
            )
            TenantStore(session).token_arrived(found.tenant_id)
        if user_token and invocation.account_id:
            installations.keep_token(
                found,
                kind="user",
                token=user_token,
                expires_at=token_expiry(user_token, now=now),
                account_id=invocation.account_id,
            )
        return found, fresh

    installation, fresh = await services.database.write(work)
    services.work_arrived.set()
    if fresh:
        log.info("tenant_installed", host="forge", tenant=installation.tenant_id)
    return installation


def _up_to_date(
    session: Session, services: Services, invocation: Invocation, expires_at: datetime
) -> Installation | None:
    """Return the installation if the call brings nothing worth a transaction."""
    installations = InstallationStore(session, services.cipher)
    known = installations.find("forge", invocation.installation_id)
    if known is None or known.status == "uninstalled":
        return None
    kept = installations.token_expiry(known)
    if kept is None or kept < expires_at - _TOKEN_GAIN:
        return None
    return None if TenantStore(session).awaits_token(known.tenant_id) else known


def _has_ended(installation: Installation, now: datetime) -> bool:
    ended = installation.ended_at
    if installation.status != "uninstalled" or ended is None:
        return False
    return now - ended < _AFTERGLOW


async def change_installation(
    services: Services, installation: Installation, status: str
) -> None:
    """Follow `enabled`, `disabled` and `uninstalled`; twice is once."""
    if installation.status == "uninstalled":
        return

    def work(session: Session) -> None:
        InstallationStore(session, services.cipher).set_status(installation, status)
        tenant_id = installation.tenant_id
        RunStore(session).audit(
            tenant_id,
            actor=f"host:{installation.host}",
            action=status,
            before={"status": installation.status},
            after={"status": status},
        )
        if status == "active":
            TenantStore(session).token_arrived(tenant_id)
        if status == "uninstalled" and TenantStore(session).end_if_unused(tenant_id):
            JobStore(session).enqueue(
                tenant_id,
                "purge_tenant",
                "purge",
                priority=Priority.BACKGROUND,
                delay=PURGE_GRACE + timedelta(minutes=1),
            )

    await services.database.write(work)
    log.info(
        "installation_changed",
        host=installation.host,
        tenant=installation.tenant_id,
        status=status,
    )


async def end_connect(services: Services, client_key: str) -> None:
    """Follow `uninstalled`; a site that is not known is no error."""
    installation = await services.database.read(
        lambda s: InstallationStore(s, services.cipher).find("connect", client_key)
    )
    if installation is not None:
        await change_installation(services, installation, "uninstalled")


async def reconnect(services: Services, installation: Installation) -> None:
    """Visit a site again after a lifecycle event: its permissions may have changed."""
    await services.database.write(
        lambda s: JobStore(s).enqueue(
            installation.tenant_id, "connect_site", "site", max_attempts=20
        )
    )
    services.work_arrived.set()


def _tenant_for(session: Session, services: Services, event: InstalledEvent) -> str:
    """Find the tenant of a new client key: the same app may be there through Forge."""
    if event.installation_id:
        forge = InstallationStore(session, services.cipher).find(
            "forge", event.installation_id
        )
        if forge is not None:
            return forge.tenant_id
    site = urlsplit(event.base_url)
    return TenantStore(session).create(site_url=f"{site.scheme}://{site.netloc}").id


def _install_forge(
    session: Session, services: Services, invocation: Invocation
) -> Installation:
    tenants = TenantStore(session)
    installations = InstallationStore(session, services.cipher)
    tenant = tenants.by_cloud_id(invocation.cloud_id)
    former = installations.by_forge_installation(invocation.installation_id)
    if tenant is None and former is not None:
        tenants.set_cloud_id(former.tenant_id, invocation.cloud_id)
        tenant = tenants.get(former.tenant_id)
    if tenant is None:
        tenant = tenants.create(
            site_url=invocation.api_base_url, cloud_id=invocation.cloud_id
        )
    elif former is not None and former.tenant_id != tenant.id:
        tenants.merge(former.tenant_id, into=tenant.id)
    saved = installations.save(
        tenant.id,
        "forge",
        invocation.installation_id,
        base_url=f"{invocation.api_base_url}/wiki",
        environment=invocation.environment_type,
        app_version=invocation.app_version,
    )
    _greet(session, tenant.id, "host:forge", "installed")
    return saved


def _greet(session: Session, tenant_id: str, actor: str, action: str) -> None:
    RunStore(session).audit(tenant_id, actor=actor, action=action)
    TenantStore(session).revive(tenant_id)
    JobStore(session).enqueue(
        tenant_id, "connect_site", "site", priority=Priority.EVENT, max_attempts=20
    )
