"""Both hosts: one tenant behind them, and what is left when one of them goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.store.tables import (
    AuditRow,
    InstallationRow,
    JobRow,
    LedgerRow,
    RunRow,
    TenantRow,
    TokenRow,
)
from tests.functional.conftest import BuildHouse
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, TEXTS, UKRAINIAN

pytestmark = pytest.mark.anyio


async def _install(house: House, hosts: str) -> None:
    for host in hosts.split("-"):
        await (house.install_forge() if host == "forge" else house.install_connect())


@pytest.mark.parametrize("order", ["forge-connect", "connect-forge"])
async def test_both_hosts_are_one_tenant(any_house: House, order: str) -> None:
    """A site that installs through both hosts is one tenant, with its history."""
    house = any_house
    first, second = order.split("-")
    await _install(house, first)
    page_id = house.write(ENGLISH)
    await house.settled()
    before = await house.rows(RunRow)

    await _install(house, second)

    (tenant,) = await house.tenants()
    installations = await house.rows(InstallationRow)
    hosts = {(one["host"], one["status"]) for one in installations}
    assert tenant["cloud_id"] == house.site.cloud_id
    assert hosts == {("forge", "active"), ("connect", "active")}
    assert {one["tenant_id"] for one in installations} == {tenant["id"]}
    assert await house.runs(page_id) == await house.rows(
        RunRow, RunRow.tenant_id == tenant["id"]
    )
    assert [run["id"] for run in await house.rows(RunRow)] == [
        run["id"] for run in before
    ]
    (ledger,) = await house.rows(LedgerRow)
    assert ledger["tenant_id"] == tenant["id"]


async def test_both_hosts_installed_at_once_are_one_tenant(house: House) -> None:
    """Two installations that overlap end as one tenant, too."""
    await house.install_forge(settle=False)
    await house.install_connect(settle=False)
    await house.settled()

    (tenant,) = await house.tenants()
    installations = await house.rows(InstallationRow)
    assert {one["tenant_id"] for one in installations} == {tenant["id"]}
    assert not await house.jobs("failed")


async def test_an_edit_while_two_tenants_become_one(any_house: House) -> None:
    """An edit told to both records of a site is not lost when they are joined."""
    house = any_house
    await house.install_forge()

    with house.holding("GET", r"^/wiki/rest/api/user/current$") as greeting:
        await house.install_connect(settle=False)
        await greeting.caught()
        page_id = house.write(ENGLISH)
        await house.delivered()
        apart = len(await house.tenants())
    await house.settled()

    assert apart == 2
    assert len(await house.tenants()) == 1
    assert await house.jobs("failed") == []
    assert house.labels(page_id) == ["backup"]
    assert await house.ai_calls(page_id) == 1


async def test_an_edit_told_by_both_hosts_is_one_run(build: BuildHouse) -> None:
    """With both hosts installed, one edit is told twice and worked on once."""
    house = await build(EVENT_SETTLE_SECONDS="0.3")
    await _install(house, "forge-connect")

    page_id = house.write(UKRAINIAN)
    await house.settled()

    assert len(await house.runs(page_id)) == 1
    assert len(await house.page_jobs(page_id)) == 1
    assert await house.ai_calls(page_id) == 1
    assert house.labels(page_id) == ["відпустка"]


async def test_installing_twice_is_installing_once(house: House) -> None:
    """Connect's second `installed` brings a new secret and nothing else."""
    await house.install_connect()
    await house.install_connect()

    page_id = house.write(ENGLISH)
    await house.settled()

    assert len(await house.tenants()) == 1
    assert len(await house.rows(InstallationRow)) == 1
    assert house.labels(page_id) == ["backup"]


@pytest.mark.parametrize("host", ["forge", "connect"])
async def test_reinstalling_within_the_grace_finds_everything(
    house: House, host: str
) -> None:
    """Who removes the app and installs it again is the same tenant as before."""
    await _install(house, host)
    page_id = house.write(ENGLISH)
    await house.settled()
    tenant_id = await house.tenant_id()
    runs, ledger = await house.rows(RunRow), await house.rows(LedgerRow)

    await (house.uninstall_forge() if host == "forge" else house.uninstall_connect())
    (gone,) = await house.tenants()
    await _install(house, host)
    house.edit(page_id, TEXTS[ENGLISH] + " It is tested.")
    await house.settled()

    (back,) = await house.tenants()
    assert gone["status"] == "uninstalled"
    assert gone["purge_after"] - gone["uninstalled_at"] >= timedelta(days=29)
    assert (back["id"], back["status"]) == (tenant_id, "active")
    assert back["purge_after"] is None
    assert (await house.rows(RunRow))[: len(runs)] == runs
    assert [row["value"] for row in await house.rows(LedgerRow)] == [
        row["value"] for row in ledger
    ]
    assert (await house.runs(page_id))[-1]["page_version"] == 3


@pytest.mark.parametrize("host", ["forge", "connect"])
async def test_secrets_end_with_the_installation(house: House, host: str) -> None:
    """After an uninstall neither a secret nor a token is kept."""
    await _install(house, host)

    await (house.uninstall_forge() if host == "forge" else house.uninstall_connect())

    (installation,) = await house.rows(InstallationRow)
    assert installation["status"] == "uninstalled"
    assert installation["sealed_secret"] is None
    assert await house.rows(TokenRow) == []


async def test_secrets_are_sealed_at_rest(house: House) -> None:
    """Neither Connect's secret nor a Forge token lies open in the database."""
    await _install(house, "forge-connect")
    secret = house.connect._apps.get("confluence-ai").shared_secret

    rows = [*await house.rows(InstallationRow), *await house.rows(TokenRow)]

    assert len(rows) == 3
    assert secret not in str(rows)
    assert all("eyJ" not in str(value) for row in rows for value in row.values())


async def test_one_host_going_leaves_the_other_working(house: House) -> None:
    """A site that keeps one of its hosts stays a living tenant and gets its labels."""
    await _install(house, "forge-connect")

    await house.uninstall_forge()
    page_id = house.write(ENGLISH)
    await house.settled()

    (tenant,) = await house.tenants()
    assert tenant["status"] == "active"
    assert house.labels(page_id) == ["backup"]
    assert {one["path"].startswith("/wiki/") for one in house.requests("POST")} == {
        True
    }


async def test_a_second_uninstall_starts_the_grace_anew(house: House) -> None:
    """The purge that is waiting comes after the grace of the last uninstall."""
    await house.install_connect()
    await house.uninstall_connect()
    # Ten days go by, and the site comes back for a moment.
    purge = JobRow.kind == "purge_tenant"
    await house.change(JobRow, purge, run_at=await house.database_time(20 * 86_400))
    await house.install_connect()

    await house.uninstall_connect()

    (tenant,) = await house.rows(TenantRow)
    (job,) = await house.rows(JobRow, purge, JobRow.state == "ready")
    assert job["run_at"] >= tenant["purge_after"]


async def test_a_tenant_is_purged_after_its_grace(any_house: House) -> None:
    """When the grace is over, no row of the tenant is left."""
    house = any_house
    await house.install_connect()
    house.write(ENGLISH)
    await house.settled()
    await house.uninstall_connect()

    past = await house.database_time(-5)
    await house.change(TenantRow, purge_after=past)
    await house.change(JobRow, JobRow.kind == "purge_tenant", run_at=past)

    async def purged() -> bool:
        return not await house.tenants()

    await house.wait_for(purged)
    for table in (InstallationRow, JobRow, RunRow, LedgerRow, AuditRow):
        assert await house.rows(table) == []


async def test_a_disabled_connect_app_rests(house: House) -> None:
    """While a site has switched the app off nothing is written; then it goes on."""
    await house.install_connect()
    await house.order("/connect/disable", key="confluence-ai")
    silent = house.write(ENGLISH)
    await house.settled()
    assert house.labels(silent) == []

    await house.order("/connect/enable", key="confluence-ai")
    page_id = house.write(UKRAINIAN)
    await house.settled()

    assert house.labels(page_id) == ["відпустка"]


async def test_an_upgraded_forge_app_goes_on(house: House) -> None:
    """A new major version of the app is the same tenant, and edits are worked on."""
    await house.install_forge()
    await house.order("/forge/upgrade", major=True)

    page_id = house.write(ENGLISH)
    await house.settled()

    assert len(await house.tenants()) == 1
    assert house.labels(page_id) == ["backup"]


async def test_bare_forge_events_are_understood(house: House) -> None:
    """Events that are not wrapped in `payload` work as well."""
    await house.order("/forge/settings", wrap_payload=False)
    await house.install_forge()

    page_id = house.write(ENGLISH)
    await house.settled()

    assert house.labels(page_id) == ["backup"]


async def test_a_lost_installed_event_is_no_loss(house: House) -> None:
    """Where Forge's `installed` is lost, the first page event installs the tenant."""
    await house.order("/deliveries/settings", drop_next=1)
    await house.install_forge()
    assert await house.tenants() == []

    page_id = house.write(ENGLISH)
    await house.settled()

    assert len(await house.tenants()) == 1
    assert await house.ai_calls(page_id) == 1
