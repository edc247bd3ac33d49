"""How a site's old Connect tenant is found when the Forge app is installed."""

from __future__ import annotations

import pytest

from app.store.tables import InstallationRow, LedgerRow, TenantRow
from tests.functional.house import House
from tests.functional.small_site import ENGLISH

pytestmark = pytest.mark.anyio


async def test_the_reserved_property_links_a_tenant_of_unknown_site(
    any_house: House,
) -> None:
    """Atlassian keeps the client key for the Forge app: history comes along by it."""
    house = any_house
    await house.install_connect()
    house.write(ENGLISH)
    await house.settled()
    # As if the tenant's site had never told its cloud id.
    await house.change(TenantRow, TenantRow.cloud_id.is_not(None), cloud_id=None)

    await house.install_forge()

    (tenant,) = await house.tenants()
    installations = await house.rows(InstallationRow)
    (ledger,) = await house.rows(LedgerRow)
    assert tenant["cloud_id"] == house.site.cloud_id
    assert {one["host"] for one in installations} == {"forge", "connect"}
    assert {one["tenant_id"] for one in installations} == {tenant["id"]}
    assert ledger["tenant_id"] == tenant["id"]
