"""The operator's guard stands before every path to the site, whatever came before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from app.domain.changes import OURS, Change, ChangeKind
from app.domain.modes import AgentMode
from app.domain.pages import OWN_EXCERPT
from app.domain.selection import Selection
from app.store.plan_items import NewItem, PlanItemStore
from app.store.plans import PlanStore
from app.store.policies import PolicyStore
from app.store.tables import PlanItemRow
from app.usecases.carry_out import carry_out, carry_out_approved
from app.usecases.label_page import label_page
from app.usecases.make_plan import draft_plan, start_plan
from app.usecases.review import Waiting, approve, suggestions
from app.usecases.services import Services
from app.usecases.undo import Undo, plan_reset, plan_undo
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, GERMAN, TEXTS
from tests.integration.usecases.asking import a_job

pytestmark = pytest.mark.anyio

#: Takes a house where the English page has our label and summary, and services with
#: the guard that is to be shown.
Path = Callable[[House, Services], Awaitable[None]]
CLOSED: tuple[AgentMode, ...] = ("TEST", "SAFE_TEST")
REASONS = {"TEST": "mode_test", "SAFE_TEST": "not_whitelisted"}


def guarded(house: House, mode: AgentMode) -> Services:
    """Return the house's services under another guard."""
    assert house.services is not None
    rules = replace(
        house.services.rules,
        tagging_mode=mode,
        summary_mode=mode,
        recommendation_mode=mode,
        structure_mode=mode,
    )
    return replace(house.services, rules=rules)


async def by_event(house: House, services: Services) -> None:
    await label_page(services, a_job(await house.tenant_id(), _german(house)))


async def by_plan(house: House, services: Services) -> None:
    tenant = await house.tenant_id()
    selection = Selection.of("pages", _german(house))
    plan_id = await start_plan(services, tenant, selection, author="cli")
    await draft_plan(services, tenant, plan_id)
    await carry_out(services, tenant, plan_id, actor="cli")


async def by_undo(house: House, services: Services) -> None:
    tenant = await house.tenant_id()
    what = Undo(page_id=house.pages.waiting[ENGLISH])
    plan = await plan_undo(services, tenant, what, author="cli")
    await carry_out(services, tenant, plan.id, actor="cli")


async def by_reset(house: House, services: Services) -> None:
    tenant = await house.tenant_id()
    plan = await plan_reset(services, tenant, "OPS", author="cli")
    await carry_out(services, tenant, plan.id, actor="cli")


async def by_review(house: House, services: Services) -> None:
    tenant = await house.tenant_id()
    await house.database.write(
        lambda s: PolicyStore(s).set_fields(tenant, "", {"mode": "suggest"})
    )
    await by_event(house, services)
    waiting = await suggestions(services, tenant, Waiting())
    ids = [one.item.id for one in waiting]
    decided = await approve(services, tenant, ids, by="olena")
    await carry_out_approved(services, tenant, decided.page_ids, actor="olena")


def by_change(kind: ChangeKind, **fields: Any) -> Path:
    """Return the path of a plan with one change to the English page."""

    async def path(house: House, services: Services) -> None:
        tenant, page_id = await house.tenant_id(), house.pages.waiting[ENGLISH]
        space_id = house.pages.space_id
        change = Change(kind=kind, page_id=page_id, **fields)
        if kind == "page_create":
            change = replace(
                change, page_id=None, after={**fields["after"], "space_id": space_id}
            )
        if kind == "summary":
            change = replace(change, before=house.byline(page_id))
        if kind == "page_move":
            change = replace(
                change,
                before={"parent_id": house.pages.homepage_id},
                after={"parent_id": house.pages.labelled[0]},
            )

        def keep(session: Any) -> int:
            plan_id = PlanStore(session).create(tenant, "authoring", author="cli")
            new = NewItem(change=change, space_id=space_id)
            PlanItemStore(session, services.cipher).add(tenant, plan_id, [new])
            return plan_id

        plan_id = await house.database.write(keep)
        await carry_out(services, tenant, plan_id, actor="cli")

    return path


def _german(house: House) -> str:
    return house.pages.waiting[GERMAN]


PAGE = {"parent_id": None, "title": "New", "status": "draft", "body": "<p>n</p>"}
PATHS: dict[str, Path] = {
    "event": by_event,
    "plan": by_plan,
    "undo": by_undo,
    "reset": by_reset,
    "review": by_review,
    "label that comes": by_change("label_add", value="netzwerk"),
    "label that goes": by_change("label_remove", value="backup", before=OURS),
    "summary": by_change("summary"),
    "excerpt": by_change("excerpt", value=OWN_EXCERPT, after={"text": "Short."}),
    "comment": by_change("comment", value="recommendations", after={"text": "See."}),
    "page made": by_change("page_create", after=PAGE),
    "section": by_change("page_text", value="New", after={"markup": "<p>n</p>"}),
    "title": by_change(
        "page_title", before={"title": "Mail server backup"}, after={"title": "Mail"}
    ),
    "move": by_change("page_move"),
    "page binned": by_change("page_trash", before={"title": "x", "version": 2}),
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
async def test_nothing_is_written_but_under_prod(house: House, path: Path) -> None:
    """Neither under TEST nor, with an empty whitelist, under SAFE_TEST; then it is."""
    await house.install_forge()
    house.write(ENGLISH)
    await house.settled()
    await house.order("/deliveries/settings", drop_next=1)
    house.edit(_german(house), TEXTS[GERMAN])
    before = len(house.writes())

    for mode in CLOSED:
        await path(house, guarded(house, mode))
        assert len(house.writes()) == before
        skipped = await house.rows(PlanItemRow, PlanItemRow.state == "skipped")
        kept = {one["reason"] for one in skipped}
        assert kept <= set(REASONS.values())

    await path(house, guarded(house, "PROD"))
    assert len(house.writes()) > before
