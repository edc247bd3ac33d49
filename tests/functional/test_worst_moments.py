"""People, refusals and crashes at the worst moment of a write: nobody's word is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.selection import Selection
from app.store.ledger import LedgerStore
from app.store.plan_items import SENT
from app.store.plans import StoredPlan
from app.store.tables import LedgerRow, PlanItemRow
from app.usecases.carry_out import carry_out
from app.usecases.make_plan import draft_plan, start_plan
from app.usecases.services import Services
from app.usecases.show_plan import show_plan
from app.usecases.undo import plan_reset
from tests.functional.house import House
from tests.functional.small_site import ENGLISH

pytestmark = pytest.mark.anyio


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def learned(house: House) -> tuple[str, str]:
    """Install on a site with a page to label; return the tenant's id and the page's."""
    page_id = house.write(ENGLISH)
    await house.install_forge()
    return await house.tenant_id(), page_id


async def planned(house: House, page_id: str) -> StoredPlan:
    tenant = await house.tenant_id()
    selection = Selection.of("pages", page_id)
    plan_id = await start_plan(services(house), tenant, selection, author="cli")
    return await draft_plan(services(house), tenant, plan_id)


async def applied(house: House, plan: StoredPlan) -> Mapping[str, Any]:
    tenant = await house.tenant_id()
    await carry_out(services(house), tenant, plan.id, actor="cli")
    return await show_plan(services(house), tenant, plan.id)


async def reset(house: House) -> StoredPlan:
    tenant = await house.tenant_id()
    return await plan_reset(services(house), tenant, "OPS", author="cli")


async def ledger(house: House) -> dict[str, str]:
    rows = await house.rows(LedgerRow, LedgerRow.kind == "label")
    return {row["value"]: row["state"] for row in rows}


async def test_label_that_a_person_took_off_untold_is_not_put_back(
    any_house: House,
) -> None:
    """The event is lost, and labels change no version: an older plan must see it."""
    house = any_house
    _, page_id = await learned(house)
    older, newer = await planned(house, page_id), await planned(house, page_id)
    await applied(house, newer)
    await house.order("/deliveries/settings", drop_next=1)
    house.unlabel(page_id, "backup")

    head = await applied(house, older)

    assert head["skipped_for"]["tombstone"] == 1
    assert house.labels(page_id) == []


async def test_label_that_the_site_did_not_take_is_not_ours(house: House) -> None:
    """A person puts it there later, and a reset leaves it alone."""
    _, page_id = await learned(house)
    plan = await planned(house, page_id)
    house.fault(
        rf"/content/{page_id}/label",
        method="POST",
        times=1,
        answer={"status": 200, "body": {"results": [], "size": 0}},
    )

    head = await applied(house, plan)

    assert head["skipped_for"] == {"refused_by_site": 1}
    assert await ledger(house) == {}


async def test_label_that_may_not_be_taken_off_stays_ours(any_house: House) -> None:
    """The page is restricted for a while; the next reset finds it."""
    house = any_house
    _, page_id = await learned(house)
    await applied(house, await planned(house, page_id))
    house.fault(
        rf"/content/{page_id}/label", method="DELETE", times=1, answer={"status": 403}
    )

    first = await applied(house, await reset(house))
    between = await ledger(house)
    second = await applied(house, await reset(house))

    assert first["skipped_for"] == {"out_of_reach": 1}
    assert between == {"backup": "written"}
    assert second["applied"] == 1
    assert house.labels(page_id) == []


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "untold"])
async def test_reset_that_was_killed_forgets_no_tombstone(
    house: House,
    is_told: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Between two tries a person takes the label off: it does not come again."""
    tenant, page_id = await learned(house)
    await applied(house, await planned(house, page_id))
    plan = await reset(house)
    await house.change(PlanItemRow, PlanItemRow.plan_id == plan.id, reason=SENT)
    if not is_told:
        await house.order("/deliveries/settings", drop_next=1)
    house.unlabel(page_id, "backup")
    await house.settled()

    head = await applied(house, plan)
    await applied(house, await planned(house, page_id))

    assert head["skipped_for"] == {"not_there": 1}
    assert house.labels(page_id) == []
    state = await house.database.read(lambda s: LedgerStore(s).labels(tenant, page_id))
    assert state == {"backup": "withdrawn"}
