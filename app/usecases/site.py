"""Opens one tenant's site, whichever host lets us in at this moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.orm import Session

from app.domain.tenants import Installation, Tenant
from app.errors import (
    AccessChanged,
    CredentialsMissing,
    CredentialsRefused,
    TenantInactive,
)
from app.store.installations import InstallationStore
from app.store.tenants import TenantStore
from app.usecases.ports import Confluence, SiteAccess
from app.usecases.services import Services


@asynccontextmanager
async def open_site(
    services: Services, tenant_id: str
) -> AsyncIterator[tuple[Confluence, Tenant, Installation]]:
    """Yield a client of the tenant's site, with who the tenant is.

    Forge with a living token goes first, Connect second. A token that the site
    refuses is forgotten, so that the next one is waited for.

    Raises:
        TenantInactive: It has uninstalled us.
        AccessChanged: It became one with another tenant of the same site.
        CredentialsMissing: No token lives, or we are switched off.
    """
    tenant, installation, access = await services.database.read(
        lambda s: _access(s, services, tenant_id)
    )
    try:
        async with services.open_confluence(access) as confluence:
            yield confluence, tenant, installation
    except CredentialsRefused as error:
        if installation.host != "forge":
            raise
        await services.database.write(
            lambda s: InstallationStore(s, services.cipher).drop_token(
                installation, access.secret
            )
        )
        # Whoever has no other way in waits for the next token; this raises for them.
        await services.database.read(lambda s: _access(s, services, tenant_id))
        raise AccessChanged("the Forge token was refused") from error


def _access(
    session: Session, services: Services, tenant_id: str
) -> tuple[Tenant, Installation, SiteAccess]:
    tenant = TenantStore(session).get(tenant_id)
    if tenant is None:
        raise AccessChanged
    if not tenant.is_active:
        raise TenantInactive
    store = InstallationStore(session, services.cipher)
    living = [one for one in store.of_tenant(tenant_id) if one.status != "uninstalled"]
    active = [one for one in living if one.is_active]
    for forge in (one for one in active if one.host == "forge"):
        token = store.token(forge)
        if token is not None:
            return tenant, forge, _to(services, forge, token.value)
    for connect in (one for one in active if one.host == "connect"):
        if services.rules.connect_enabled:
            return tenant, connect, _to(services, connect, connect.secret)
    if not living:
        raise TenantInactive
    raise CredentialsMissing(living[0].external_id)


def _to(services: Services, installation: Installation, secret: str) -> SiteAccess:
    return SiteAccess(
        host=installation.host,
        base_url=installation.base_url,
        secret=secret,
        app_key=services.rules.app_key,
    )
