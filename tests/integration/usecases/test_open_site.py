"""Which way leads to a site at this moment, and who gets none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import jwt
import pytest
from sqlalchemy.orm import Session

from app.connect.lifecycle import InstalledEvent
from app.connect.requests import SignedRequest
from app.domain.events import Host
from app.errors import (
    AccessChanged,
    CredentialsMissing,
    NotAuthenticated,
    TenantInactive,
)
from app.store.database import Database
from app.store.installations import InstallationStore
from app.store.tables import RunRow
from app.store.tenants import TenantStore
from app.usecases.authenticate import authenticate_connect, authenticate_lifecycle
from app.usecases.label_page import label_page
from app.usecases.ports import Confluence, SiteAccess
from app.usecases.services import Services
from app.usecases.site import open_site
from tests.integration.store.stored import new_tenant, rows
from tests.integration.usecases.asking import a_job
from tests.unit.worker.services import RULES, make_services

pytestmark = pytest.mark.anyio

NO_CONNECT = replace(RULES, connect_enabled=False)


@asynccontextmanager
async def anywhere(access: SiteAccess) -> AsyncIterator[Confluence]:
    yield cast("Confluence", access)


async def install(
    services: Services, tenant: str, host: Host, status: str = "active"
) -> None:
    """Give a tenant an installation, which is then enabled, disabled or ended."""

    def work(session: Session) -> None:
        store = InstallationStore(session, services.cipher)
        made = store.save(
            tenant, host, f"{host}-1", base_url="https://a.test", secret="s" * 40
        )
        store.set_status(made, status)

    await services.database.write(work)


async def way(services: Services, tenant: str) -> str:
    """Return the host by which a tenant's site is reached."""
    async with open_site(services, tenant) as (access, _, _):
        return cast("SiteAccess", access).host


class TestOpenSite:
    """Tests for app.usecases.site.open_site()."""

    async def test_connect_is_a_way_while_it_is_switched_on(
        self, database: Database
    ) -> None:
        """Switched off, the tenant waits for a token of Forge."""
        services = make_services(database, open_confluence=anywhere)
        tenant = await new_tenant(database)
        await install(services, tenant, "connect")

        assert await way(services, tenant) == "connect"
        with pytest.raises(CredentialsMissing):
            await way(replace(services, rules=NO_CONNECT), tenant)

    async def test_forge_without_a_token_gives_way_to_connect(
        self, database: Database
    ) -> None:
        """Whichever lets us in."""
        services = make_services(database, open_confluence=anywhere)
        tenant = await new_tenant(database)
        await install(services, tenant, "forge")
        await install(services, tenant, "connect")

        assert await way(services, tenant) == "connect"

    async def test_disabled_is_waited_for(self, database: Database) -> None:
        """It may be enabled again."""
        services = make_services(database, open_confluence=anywhere)
        tenant = await new_tenant(database)
        await install(services, tenant, "connect", "disabled")

        with pytest.raises(CredentialsMissing):
            await way(services, tenant)

    async def test_who_has_left_gets_none(self, database: Database) -> None:
        """Nor who is not there, nor whose last installation has just ended."""
        services = make_services(database, open_confluence=anywhere)
        left, leaving = await new_tenant(database), await new_tenant(database, "b")
        await database.write(lambda s: TenantStore(s).end_if_unused(left))
        await install(services, leaving, "connect", "uninstalled")

        for tenant in (left, leaving):
            with pytest.raises(TenantInactive):
                await way(services, tenant)
        with pytest.raises(AccessChanged):
            await way(services, "nobody")


class TestLabelPage:
    """Tests for app.usecases.label_page.label_page()."""

    async def test_site_that_has_left_keeps_its_memories(
        self, database: Database
    ) -> None:
        """It may come back; only pages that are gone are forgotten."""
        services = make_services(database, open_confluence=anywhere)
        tenant = await new_tenant(database)
        await database.write(lambda s: TenantStore(s).end_if_unused(tenant))

        with pytest.raises(TenantInactive):
            await label_page(services, a_job(tenant))

        (run,) = await rows(database, RunRow)
        assert run["outcome"] == "tenant_inactive"


class TestAuthenticate:
    """Tests for app.usecases.authenticate."""

    @staticmethod
    def request() -> SignedRequest:
        token = jwt.encode({"iss": "connect-1"}, "s" * 40, algorithm="HS256")
        return SignedRequest(
            method="GET",
            raw_path="/ui/api/status",
            raw_query="",
            authorization=f"JWT {token}",
        )

    async def test_disabled_installation_may_only_tell_of_itself(
        self, database: Database
    ) -> None:
        """On other routes it is refused before its signature is looked at."""
        services = make_services(database)
        await install(services, await new_tenant(database), "connect", "disabled")

        with pytest.raises(NotAuthenticated, match="is disabled"):
            await authenticate_connect(services, self.request())
        with pytest.raises(NotAuthenticated) as caught:
            await authenticate_connect(services, self.request(), allow_disabled=True)

        assert "disabled" not in str(caught.value)

    async def test_nothing_comes_in_where_connect_is_switched_off(
        self, database: Database
    ) -> None:
        """No installation, no end of one, no other call."""
        services = make_services(database, rules=NO_CONNECT)

        with pytest.raises(NotAuthenticated, match="switched off"):
            await authenticate_connect(services, self.request())
        with pytest.raises(NotAuthenticated, match="switched off"):
            await authenticate_lifecycle(
                services, self.request(), InstalledEvent, b"{}"
            )
