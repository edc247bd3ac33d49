"""People, refusals and crashes at the worst moment of a write: nobody's word is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.changes import Change, ChangeKind, Estimate, Item
from app.domain.selection import Selection
from app.errors import Conflict, Unavailable
from app.store.ledger import LedgerStore
from app.store.plan_items import SENT, ItemFilter, NewItem, PlanItemStore
from app.store.plans import StoredPlan
from app.store.policies import PolicyStore
from app.store.tables import LedgerRow, PlanItemRow, RunRow
from app.usecases.author_page import NewPageWish, plan_new_page
from app.usecases.carry_out import carry_out, carry_out_approved
from app.usecases.make_plan import draft_plan, start_plan
from app.usecases.page_plans import keep_plan
from app.usecases.review import approve
from app.usecases.services import Services
from app.usecases.show_plan import show_plan
from app.usecases.undo import Undo, plan_reset, plan_undo
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


async def kept(house: House, change: Change) -> StoredPlan:
    """Plan one change past everybody."""
    tenant = await house.tenant_id()
    plan, _ = await house.database.write(
        lambda s: keep_plan(
            s,
            services(house),
            tenant,
            [NewItem(change=change, space_id=house.pages.space_id)],
            cause="recommendations",
            author="cli",
            selection={},
            spent=Estimate(),
        )
    )
    return plan


async def cut_off(house: House, plan: StoredPlan, method: str, path: str) -> None:
    """Carry a plan out whose write lands, and die before anybody can tell of it."""
    house.fault(path, method=method, times=0, answer={"after_effect": {"status": 503}})
    with pytest.raises(Unavailable):
        await applied(house, plan)
    house.site.faults.clear()


async def retried(house: House, fault_id: str) -> None:
    """Wait until a fault has struck a job, and the queue has tried it again."""
    await house.wait_for(lambda: house.hits(fault_id), what="the fault")
    await house.hasten()
    await house.settled()


async def reset(house: House) -> StoredPlan:
    tenant = await house.tenant_id()
    return await plan_reset(services(house), tenant, "OPS", author="cli")


async def items(house: House, plan: StoredPlan) -> list[Item]:
    tenant = await house.tenant_id()
    which = ItemFilter(plan_id=plan.id)
    found = await house.database.read(
        lambda s: PlanItemStore(s, services(house).cipher).items(tenant, which)
    )
    return [one.item for one in found]


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


async def test_comment_is_there_once_whatever_crashes(any_house: House) -> None:
    """Posted, rewritten, deleted: each lands, is not heard of, and is known again."""
    house = any_house
    _, page_id = await learned(house)
    site, page = house.site, house.site.pages[page_id]
    site.add_comment(page_id, "<p>One.</p>", house.olena)
    told: list[Any] = []
    texts = ("One.", "Two.", None)
    seen = []

    for text in texts:
        before = told[-1] if told else None
        after = None if text is None else {"text": text}
        change = Change(
            kind="comment", page_id=page_id, value="x", before=before, after=after
        )
        plan = await kept(house, change)
        method = "POST" if before is None else "PUT" if after else "DELETE"
        await cut_off(house, plan, method, r"/footer-comments(/\d+)?$")
        head = await applied(house, plan)
        (item,) = await items(house, plan)
        told.append(item.change.after)
        seen.append(
            (head["applied"], [one.latest.body for one in site.comments_of(page)])
        )

    theirs = "<p>One.</p>"
    assert seen == [
        (1, [theirs, "<p>One.</p>"]),
        (1, [theirs, "<p>Two.</p>"]),
        (1, [theirs]),
    ]
    assert [one and one["version"] for one in told] == [1, 2, None]


async def test_page_that_went_to_the_bin_unheard_is_undone(house: House) -> None:
    """The undo of a new page is cut off after the site did it."""
    await house.install_forge()
    tenant = await house.tenant_id()
    wish = NewPageWish(template="x", title="Once", space_key="OPS", publish=True)
    made = await plan_new_page(services(house), tenant, wish, author="cli")
    await applied(house, made)
    back = await plan_undo(services(house), tenant, Undo(plan_id=made.id), author="cli")

    await cut_off(house, back, "DELETE", r"/pages/\d+$")
    head = await applied(house, back)

    assert (head["applied"], head["skipped"]) == (1, 0)
    assert [one.state for one in await items(house, made)] == ["undone"]


@pytest.mark.parametrize("kind", ["comment", "page_create"])
async def test_plan_carried_out_by_two_adds_no_second(
    any_house: House, kind: ChangeKind
) -> None:
    """The one is about to post it while the other looks; both find the plan done."""
    house = any_house
    _, page_id = await learned(house)
    place = {"space_id": house.pages.space_id, "parent_id": house.pages.homepage_id}
    draft = {**place, "title": "Draft", "status": "draft", "body": "<p>x</p>"}
    changes = {
        "comment": Change(kind=kind, page_id=page_id, after={"text": "One."}),
        "page_create": Change(kind=kind, page_id=None, after=draft),
    }
    plan = await kept(house, changes[kind])
    path = {"comment": "/footer-comments$", "page_create": "/api/v2/pages$"}[kind]

    with house.holding("POST", path) as hold:
        first = asyncio.create_task(applied(house, plan))
        await hold.caught()
        second = asyncio.create_task(applied(house, plan))
        await asyncio.sleep(0.5)
    ends = await asyncio.gather(first, second, return_exceptions=True)

    assert len(house.requests("POST", path.removesuffix("$"))) == 1
    assert [one.state for one in await items(house, plan)] == ["applied"]
    assert [type(one) for one in ends if isinstance(one, Exception)] in ([], [Conflict])
    assert len(await house.rows(RunRow, RunRow.outcome == "applied")) == 1


async def test_comment_of_a_process_that_died_waits_for_nobody_long(
    house: House,
) -> None:
    """Once its claim is old it is looked for, and posted if it is not there."""
    _, page_id = await learned(house)
    change = Change(kind="comment", page_id=page_id, after={"text": "One."})
    plan = await kept(house, change)
    mine = PlanItemRow.plan_id == plan.id
    just_now = await house.database_time(0)
    await house.change(PlanItemRow, mine, reason=SENT, applied_at=just_now)

    applying = asyncio.create_task(applied(house, plan))
    await asyncio.sleep(1)
    early = house.requests("POST", "/footer-comments")
    await house.change(PlanItemRow, mine, applied_at=await house.database_time(-60))
    head = await applying

    assert (len(early), head["applied"]) == (0, 1)
    assert len(house.requests("POST", "/footer-comments")) == 1


async def test_event_s_comment_is_posted_once(any_house: House) -> None:
    """The answer is lost, the queue tries again, and finds it there."""
    house = any_house
    await house.install_forge()
    tenant = await house.tenant_id()
    await house.database.write(
        lambda s: PolicyStore(s).set_fields(tenant, "", {"summary_place": "comment"})
    )
    lost = house.fault(
        r"/footer-comments$",
        method="POST",
        times=1,
        answer={"after_effect": {"status": 503}},
    )

    page_id = house.write(ENGLISH)
    await retried(house, lost)

    rows = await house.rows(PlanItemRow, PlanItemRow.kind == "comment")
    assert len(house.site.comments_of(house.site.pages[page_id])) == 1
    assert [one["state"] for one in rows] == ["superseded", "applied"]


async def test_what_an_event_s_run_never_told_of_can_be_undone(
    any_house: House,
) -> None:
    """The label was written, the summary was not, and the next try did the rest."""
    house = any_house
    await house.install_forge()
    tenant = await house.tenant_id()
    page_id = house.pages.waiting[ENGLISH]
    lost = house.fault(
        rf"/pages/{page_id}/properties$",
        method="POST",
        times=1,
        answer={"after_effect": {"status": 503}},
    )

    house.write(ENGLISH)
    await retried(house, lost)
    seen = house.labels(page_id), house.byline(page_id) is not None
    what = Undo(page_id=page_id)
    head = await applied(
        house, await plan_undo(services(house), tenant, what, author="cli")
    )

    assert seen == (["backup"], True)
    assert (head["applied"], head["skipped"]) == (2, 0)
    assert (house.labels(page_id), house.byline(page_id)) == ([], None)


async def test_approval_that_was_cut_off_is_not_lost(any_house: House) -> None:
    """Approved again it is written, though nothing is decided again."""
    house = any_house
    await house.install_forge()
    tenant = await house.tenant_id()
    await house.database.write(
        lambda s: PolicyStore(s).set_fields(tenant, "", {"mode": "suggest"})
    )
    page_id = house.write(ENGLISH)
    await house.settled()
    ids = [one["id"] for one in await house.rows(PlanItemRow)]

    first = await approve(services(house), tenant, ids, by="olena")
    again = await approve(services(house), tenant, ids, by="taras")
    await carry_out_approved(
        services(house), tenant, again.page_ids, actor="taras", new_pages=()
    )
    late = await approve(services(house), tenant, ids, by="taras")

    assert first.page_ids == again.page_ids == (page_id,)
    assert again.items == ()
    assert set(again.conflicts) == set(ids)
    assert house.labels(page_id) == ["backup"]
    assert late.page_ids == ()
