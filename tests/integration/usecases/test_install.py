"""Tests for app.usecases.install on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import utc_now
from app.connect.lifecycle import InstalledEvent
from app.domain.tenants import Installation
from app.forge.invocations import Invocation
from app.store.database import Database
from app.store.tables import AuditRow, InstallationRow, TenantRow
from app.usecases.install import (
    end_connect,
    ensure_forge_installation,
    install_connect,
)
from app.usecases.services import Services
from tests.integration.store.stored import new_tenant, rows
from tests.unit.worker.services import make_services

pytestmark = pytest.mark.anyio
ARI = "ari:cloud:ecosystem::installation/1"
CLOUD_ID = "0b2f7c3e-5d41-4f7a-9c58-1e6a7d3b9f02"
API = f"https://api.atlassian.com/ex/confluence/{CLOUD_ID}"


def event(installation_id: str | None = None) -> InstalledEvent:
    return InstalledEvent(
        app_key="confluence-ai",
        client_key="client-key-1",
        base_url="https://example.atlassian.net/wiki",
        installation_id=installation_id,
        shared_secret="s" * 40,
    )


async def call_by_forge(services: Services, installation_id: str) -> Installation:
    invocation = Invocation(
        app_id="ari:cloud:ecosystem::app/1",
        installation_id=installation_id,
        environment_type="PRODUCTION",
        environment_id=None,
        module_type="core:endpoint",
        module_key="events-ep",
        api_base_url=API,
        cloud_id=CLOUD_ID,
        account_id=None,
        app_version="1.0.0",
        context={},
        expires_at=utc_now() + timedelta(seconds=25),
    )
    return await ensure_forge_installation(services, invocation, system_token=None)


class TestLinkByInstallationId:
    """The Connect payload may name the Forge installation of the same app."""

    async def test_connect_first(self, database: Database) -> None:
        """The first call by Forge finds the tenant that Connect made."""
        services = make_services(database)
        connect = await install_connect(services, event(ARI))

        forge = await call_by_forge(services, ARI)

        (tenant,) = await rows(database, TenantRow)
        assert forge.tenant_id == connect.tenant_id == tenant["id"]
        assert tenant["cloud_id"] == CLOUD_ID

    async def test_forge_first(self, database: Database) -> None:
        """The Connect installation joins the tenant that Forge made."""
        services = make_services(database)
        forge = await call_by_forge(services, ARI)

        connect = await install_connect(services, event(ARI))

        assert connect.tenant_id == forge.tenant_id
        assert len(await rows(database, TenantRow)) == 1

    async def test_another_installation_is_another_tenant(
        self, database: Database
    ) -> None:
        """Without a common name two installations stay apart until the site is known."""
        services = make_services(database)
        connect = await install_connect(services, event("ari:of-another"))

        forge = await call_by_forge(services, ARI)

        assert connect.tenant_id != forge.tenant_id

    async def test_connect_whose_site_is_known_joins_it(
        self, database: Database
    ) -> None:
        """Forge tells the site of an installation that Connect had named before."""
        services = make_services(database)
        await new_tenant(database, cloud_id=CLOUD_ID)
        connect = await install_connect(services, event(ARI))

        forge = await call_by_forge(services, ARI)

        (tenant,) = await rows(database, TenantRow)
        assert forge.tenant_id == tenant["id"] != connect.tenant_id
        found = await rows(database, InstallationRow)
        assert {one["tenant_id"] for one in found} == {tenant["id"]}


class TestEnding:
    """Tests for end_connect() and change_installation()."""

    async def test_unknown_site_is_no_error(self, database: Database) -> None:
        """It may have been purged long ago."""
        await end_connect(make_services(database), "nobody")

        assert await rows(database, AuditRow) == []

    async def test_twice_is_once(self, database: Database) -> None:
        """The second time nothing is noted, and the grace stays as it was."""
        services = make_services(database)
        await install_connect(services, event())
        await end_connect(services, "client-key-1")
        before = await rows(database, AuditRow), await rows(database, TenantRow)

        await end_connect(services, "client-key-1")

        assert before == (
            await rows(database, AuditRow),
            await rows(database, TenantRow),
        )
        assert before[1][0]["status"] == "uninstalled"
