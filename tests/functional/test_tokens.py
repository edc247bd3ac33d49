"""Forge's system tokens: work waits for the next one, and goes on by itself."""

from __future__ import annotations

from typing import Any

import pytest

from app.store.tables import TenantRow, TokenRow
from tests.functional.conftest import BuildHouse
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, TEXTS

pytestmark = pytest.mark.anyio


async def _paused(house: House) -> dict[str, Any]:
    """Wait until the tenant waits for a token; return its row."""

    async def blocked() -> Any:
        where = TenantRow.token_wait_until.is_not(None)
        return await house.rows(TenantRow, where)

    found: list[dict[str, Any]] = await house.wait_for(blocked)
    return found[0]


async def test_an_expired_token_is_waited_for(build: BuildHouse) -> None:
    """A token that the site refuses costs no attempt; the hourly trigger heals it."""
    house = await build(EVENT_SETTLE_SECONDS="0.3")
    await house.install_forge()
    page_id = house.write(ENGLISH)
    await house.delivered()
    await house.order("/forge/tokens/expire")

    await _paused(house)
    (waiting,) = await house.page_jobs(page_id)
    await house.order("/forge/schedule")
    await house.settled()

    (tenant,) = await house.tenants()
    assert (waiting["state"], waiting["attempt"]) == ("ready", 0)
    assert await house.jobs("failed") == []
    assert tenant["token_wait_until"] is None
    assert house.labels(page_id) == ["backup"]
    assert await house.ai_calls(page_id) == 1


async def test_a_token_about_to_end_is_not_used(house: House) -> None:
    """A token with half a minute to live is not tried; the next one is waited for."""
    await house.install_forge()
    await house.change(TokenRow, expires_at=await house.database_time(-1))
    await house.order("/forge/tokens", ttl_seconds=30)
    sent = len(house.requests())
    page_id = house.write(ENGLISH)

    await _paused(house)
    quiet = len(house.requests()) == sent
    await house.order("/forge/tokens", ttl_seconds=10_000)
    await house.order("/forge/schedule")
    await house.settled()

    assert quiet
    assert house.labels(page_id) == ["backup"]


async def test_a_token_that_came_during_the_run_is_kept(house: House) -> None:
    """The refusal of an old token does not throw away the new one that came since."""
    await house.install_forge()

    with house.holding("GET", r"/pages/\d+$") as hold:
        page_id = house.write(ENGLISH)
        await hold.caught()
        await house.order("/forge/tokens/expire")
        await house.order("/forge/schedule")
        await house.delivered()
    await house.settled()

    assert house.labels(page_id) == ["backup"]


async def test_connect_helps_out_when_forge_has_no_token(house: House) -> None:
    """A site with both hosts goes on through Connect when Forge's token is refused."""
    await house.install_forge()
    await house.install_connect()
    house.fault(r"^/ex/confluence/", times=1, answer={"status": 401})

    page_id = house.write(ENGLISH)
    await house.settled()

    assert house.labels(page_id) == ["backup"]


async def test_an_event_brings_the_token_that_was_missing(house: House) -> None:
    """The next event carries a token and takes up what has waited."""
    await house.install_forge()
    first = house.pages.waiting[ENGLISH]
    house.fault(rf"/pages/{first}$", times=1, answer={"status": 401})
    house.write(ENGLISH)
    await _paused(house)

    second = house.add_page("Another backup", TEXTS[ENGLISH])
    await house.settled()

    assert house.labels(first) == ["backup"]
    assert house.labels(second) == ["backup"]


async def test_permissions_that_come_late_are_waited_for(house: House) -> None:
    """Right after the installation the site may refuse us; nothing is lost by that."""
    house.fault(r"^/ex/confluence/", times=1, answer={"status": 401})
    await house.install_forge(settle=False)
    await _paused(house)

    await house.order("/forge/schedule")
    await house.settled()
    page_id = house.write(ENGLISH)
    await house.settled()

    assert await house.jobs("failed") == []
    assert house.labels(page_id) == ["backup"]


async def test_connects_refusal_is_tried_again(house: House) -> None:
    """On Connect a 401 is a trouble of the moment: the job comes back."""
    await house.install_connect()
    page_id = house.pages.waiting[ENGLISH]
    house.fault(rf"/pages/{page_id}$", times=1, answer={"status": 401})
    house.write(ENGLISH)
    job = await house.put_back(page_id)

    await house.hasten()
    await house.settled()

    assert job["attempt"] == 1
    assert house.labels(page_id) == ["backup"]
