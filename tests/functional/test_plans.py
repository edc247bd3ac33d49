"""Plan, apply, undo: nothing is done that no plan said, and all of it can be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from app.domain.selection import Selection, SelectionKind
from app.errors import (
    Conflict,
    MalformedPayload,
    NotFound,
    PageGone,
    Unavailable,
    WriteRefused,
)
from app.store.plans import StoredPlan
from app.store.tables import LedgerRow, PlanItemRow
from app.usecases.carry_out import carry_out
from app.usecases.make_plan import draft_plan, start_plan
from app.usecases.services import Services
from app.usecases.show_plan import list_plans, plan_items, show_plan
from app.usecases.undo import Undo, plan_reset, plan_undo
from tests.functional.conftest import BuildHouse
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, GERMAN, TEXTS, UKRAINIAN

pytestmark = pytest.mark.anyio

#: Nobody works but who is asked to: the pages are written without the app's knowledge.
QUIET = {"worker": False}


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def learned(house: House) -> str:
    """Install on a site whose waiting pages have their texts already."""
    for language in (ENGLISH, GERMAN, UKRAINIAN):
        house.write(language)
    await house.install_forge()
    return await house.tenant_id()


async def planned(house: House, kind: SelectionKind, *values: str) -> StoredPlan:
    tenant = await house.tenant_id()
    selection = Selection.of(kind, *values)
    plan_id = await start_plan(services(house), tenant, selection, author="cli")
    return await draft_plan(services(house), tenant, plan_id)


async def applied(house: House, plan: StoredPlan) -> StoredPlan:
    tenant = await house.tenant_id()
    return await carry_out(services(house), tenant, plan.id, actor="cli")


async def undone(house: House, **what: Any) -> StoredPlan:
    tenant = await house.tenant_id()
    made = await plan_undo(services(house), tenant, Undo(**what), author="cli")
    return await applied(house, made)


async def shown(house: House, plan: StoredPlan) -> Mapping[str, Any]:
    return await show_plan(services(house), await house.tenant_id(), plan.id)


async def changes(house: House, plan: StoredPlan) -> dict[str | None, set[str]]:
    """Return what a plan says of each page."""
    found: dict[str | None, set[str]] = {}
    for row in await plan_items(services(house), await house.tenant_id(), plan.id):
        change = row["change"] if row["change"][2:].islower() else row["change"][:9]
        found.setdefault(row["page"], set()).add(change)
    return found


class TestPlan:
    """Making a plan."""

    async def test_says_what_would_be_done_and_does_nothing(
        self, any_house: House
    ) -> None:
        """For a whole space; pages that need nothing have no item."""
        house = any_house
        await learned(house)
        before = len(house.writes())

        plan = await planned(house, "space", "OPS")

        head = await shown(house, plan)
        waiting = house.pages.waiting
        found = await changes(house, plan)
        assert found[waiting[ENGLISH]] == {"+ backup", "+ summary"}
        assert found[waiting[UKRAINIAN]] == {"+ відпустка", "+ summary"}
        assert len(house.writes()) == before
        assert head["state"] == "ready"
        assert head["pages"] == {"planned": 12, "empty": 1}
        assert head["estimate"]["points"] >= 2 * head["estimate"]["pages"]
        assert head["spent"]["points"] > 0
        assert (head["left"], head["applied"]) == (0, 0)

    @pytest.mark.parametrize("kind", ["pages", "tree", "cql"])
    async def test_pages_are_named_in_several_ways(
        self, house: House, kind: SelectionKind
    ) -> None:
        """One page, a tree with a page below, a query."""
        await learned(house)
        page_id = house.pages.waiting[ENGLISH]
        child = house.add_page("Tapes", TEXTS[ENGLISH], parent_id=page_id)
        values = {
            "pages": [page_id, child],
            "tree": [page_id],
            "cql": [f"id = {page_id} or id = {child}"],
        }

        plan = await planned(house, kind, *values[kind])

        assert set(await changes(house, plan)) == {page_id, child}

    async def test_space_that_is_not_there_is_told(self, house: House) -> None:
        """And so is a query that finds nothing, and one that nobody can read."""
        await learned(house)

        with pytest.raises(NotFound, match="no space NOPE"):
            await planned(house, "space", "NOPE")
        with pytest.raises(NotFound, match="no pages"):
            await planned(house, "cql", 'title = "none of that name"')
        with pytest.raises(WriteRefused):
            await planned(house, "cql", "title = (")
        with pytest.raises(PageGone):
            await planned(house, "tree", "999999")

        rows = await list_plans(services(house), await house.tenant_id(), limit=9)
        assert [row["state"] for row in rows] == ["cancelled"] * 4

    async def test_pages_that_are_gone_are_counted(self, house: House) -> None:
        """They stop nobody."""
        await learned(house)
        page_id = house.pages.waiting[ENGLISH]

        plan = await planned(house, "pages", page_id, "999999")

        head = await shown(house, plan)
        assert head["pages"] == {"planned": 1, "gone": 1}

    async def test_plan_that_was_cut_off_goes_on(self, house: House) -> None:
        """What was looked at is not looked at again, nor paid for."""
        tenant = await learned(house)
        page = rf"/pages/{house.pages.waiting[UKRAINIAN]}\b"
        house.fault(page, times=0, answer={"status": 503})
        selection = Selection.of("space", "OPS")
        plan_id = await start_plan(services(house), tenant, selection, author="cli")

        with pytest.raises(Unavailable):
            await draft_plan(services(house), tenant, plan_id, at_once=1)
        cut_off = await show_plan(services(house), tenant, plan_id)
        house.site.faults.clear()
        plan = await draft_plan(services(house), tenant, plan_id)

        head = await shown(house, plan)
        assert cut_off["state"] == "drafting"
        assert 0 < cut_off["left"] < 13
        assert cut_off["spent"]["points"] > 0
        assert (head["state"], head["left"]) == ("ready", 0)
        assert house.pages.waiting[UKRAINIAN] in await changes(house, plan)
        with pytest.raises(Conflict, match="is ready"):
            await draft_plan(services(house), tenant, plan_id)


class TestApply:
    """Carrying a plan out."""

    async def test_does_just_what_was_planned(self, any_house: House) -> None:
        """And asks nobody again."""
        house = any_house
        await learned(house)
        plan = await planned(house, "pages", *house.pages.waiting.values())

        done = await applied(house, plan)

        head = await shown(house, done)
        assert (head["state"], head["planned"], head["skipped"]) == ("done", 0, 0)
        assert house.labels(house.pages.waiting[ENGLISH]) == ["backup"]
        byline = house.byline(house.pages.waiting[GERMAN])
        assert byline is not None
        assert byline["labels"] == ["netzwerk"]
        look, run = await house.runs(house.pages.waiting[ENGLISH])
        assert (look["outcome"], look["ai_calls"]) == ("planned", 1)
        assert (run["outcome"], run["ai_calls"]) == ("applied", 0)
        assert look["receipt"]["cause"] == run["receipt"]["cause"] == "bulk"
        runs = [await house.runs(page_id) for page_id in house.pages.waiting.values()]
        assert sum(one[1]["points"] for one in runs) == plan.estimate.points
        assert run["points"] == run["requests"] + 1 == 4

    async def test_plan_is_carried_out_once(self, house: House) -> None:
        """The second time one is told."""
        await learned(house)
        plan = await planned(house, "pages", house.pages.waiting[ENGLISH])
        await applied(house, plan)
        before = len(house.writes())

        with pytest.raises(Conflict, match=f"plan {plan.id} is done"):
            await applied(house, plan)

        assert len(house.writes()) == before

    async def test_page_that_was_edited_since_is_skipped(self, house: House) -> None:
        """And reported, not guessed; the others are done."""
        await learned(house)
        edited, other = house.pages.waiting[ENGLISH], house.pages.waiting[GERMAN]
        plan = await planned(house, "pages", edited, other)
        await house.order("/deliveries/settings", drop_next=1)
        house.edit(edited, "Something else altogether.")

        await applied(house, plan)

        head = await shown(house, plan)
        assert head["skipped_for"] == {"page_changed": 2}
        assert house.labels(edited) == []
        assert house.labels(other) == ["netzwerk"]

    async def test_tombstone_that_came_meanwhile_holds(self, house: House) -> None:
        """Under another name of the label too."""
        tenant = await learned(house)
        page_id = house.pages.waiting[ENGLISH]
        plan = await planned(house, "pages", page_id)
        await house.database.write(
            lambda s: s.add(
                LedgerRow(
                    tenant_id=tenant,
                    page_id=page_id,
                    kind="label",
                    value="BackUp",
                    state="withdrawn",
                    changed_at=plan.created_at,
                )
            )
        )

        await applied(house, plan)

        head = await shown(house, plan)
        assert head["skipped_for"] == {"tombstone": 1}
        assert house.labels(page_id) == []

    @pytest.mark.parametrize(
        ("environ", "reason"),
        [
            ({"AGENT_MODE": "TEST"}, {"mode_test": 2}),
            ({"AGENT_MODE": "SAFE_TEST"}, {"not_whitelisted": 2}),
            (
                {"AGENT_MODE": "PROD", "TAGGING_AGENT_MODE": "TEST"},
                {"mode_test": 1},
            ),
        ],
    )
    async def test_guard_stands_before_plans_too(
        self, build: BuildHouse, environ: dict[str, str], reason: dict[str, int]
    ) -> None:
        """Whoever made them, whoever asks."""
        house = await build(**environ)
        await learned(house)
        plan = await planned(house, "pages", house.pages.waiting[ENGLISH])

        await applied(house, plan)

        assert (await shown(house, plan))["skipped_for"] == reason
        assert house.labels(house.pages.waiting[ENGLISH]) == []

    async def test_cut_off_in_the_middle_it_goes_on(self, house: House) -> None:
        """Nothing is done twice, and nothing that was done is lost."""
        await learned(house)
        pages = sorted(house.pages.waiting.values())
        plan = await planned(house, "pages", *pages)
        house.fault(rf"/content/{pages[1]}/label", times=0, answer={"status": 503})

        with pytest.raises(Unavailable):
            await carry_out(
                services(house), await house.tenant_id(), plan.id, actor="c", at_once=1
            )
        house.site.faults.clear()
        await applied(house, plan)

        head = await shown(house, plan)
        assert (head["state"], head["skipped"]) == ("done", 0)
        assert all(house.labels(page_id) for page_id in pages)
        assert len(house.requests("POST", f"/content/{pages[0]}/label")) == 1


class TestUndo:
    """Taking back."""

    async def test_page_is_as_it_was(self, any_house: House) -> None:
        """Label, byline, and the ledger knows."""
        house = any_house
        await learned(house)
        page_id = house.pages.waiting[ENGLISH]
        house.label(page_id, "mail")
        await applied(house, await planned(house, "pages", page_id))
        assert house.labels(page_id) == ["mail", "backup"]

        done = await undone(house, page_id=page_id)

        head = await shown(house, done)
        assert (head["applied"], head["skipped"]) == (2, 0)
        assert house.labels(page_id) == ["mail"]
        assert house.byline(page_id) is None

    async def test_what_was_undone_stays_undone(self, house: House) -> None:
        """The next edit does not bring the label back, nor the same summary."""
        await learned(house)
        page_id = house.pages.waiting[ENGLISH]
        await applied(house, await planned(house, "pages", page_id))
        await undone(house, page_id=page_id)

        house.edit(page_id, TEXTS[ENGLISH] + " ")
        await house.settled()

        assert house.labels(page_id) == []
        assert house.byline(page_id) is None

    async def test_undo_of_an_undo_brings_it_back(self, house: House) -> None:
        """As it was, with the label ours again."""
        await learned(house)
        page_id = house.pages.waiting[ENGLISH]
        await applied(house, await planned(house, "pages", page_id))
        before = house.byline(page_id)
        first = await undone(house, page_id=page_id)

        await undone(house, plan_id=first.id)

        assert house.labels(page_id) == ["backup"]
        assert house.byline(page_id) == before
        (label,) = await house.rows(LedgerRow, LedgerRow.kind == "label")
        assert label["state"] == "written"

    async def test_label_that_a_person_put_back_is_theirs(self, house: House) -> None:
        """We had it there, they took it off, they put it on again: it stays."""
        await learned(house)
        page_id = house.pages.waiting[ENGLISH]
        plan = await applied(house, await planned(house, "pages", page_id))
        house.unlabel(page_id, "backup")
        await house.settled()
        house.label(page_id, "backup")
        await house.settled()

        done = await undone(house, plan_id=plan.id)

        assert (await shown(house, done))["skipped_for"] == {"not_ours": 1}
        assert house.labels(page_id) == ["backup"]

    async def test_label_that_a_person_took_off_is_no_work(self, house: House) -> None:
        """It is reported, and the rest is undone."""
        await learned(house)
        page_id = house.pages.waiting[ENGLISH]
        plan = await applied(house, await planned(house, "pages", page_id))
        house.unlabel(page_id, "backup")
        await house.settled()

        done = await undone(house, plan_id=plan.id)

        head = await shown(house, done)
        assert (head["applied"], head["skipped_for"]) == (1, {"not_there": 1})

    async def test_summary_that_changed_since_stays(self, house: House) -> None:
        """A newer run wrote another one."""
        await learned(house)
        page_id = house.pages.waiting[ENGLISH]
        plan = await applied(house, await planned(house, "pages", page_id))
        house.edit(page_id, TEXTS[GERMAN])
        await house.settled()
        before = house.byline(page_id)

        done = await undone(house, plan_id=plan.id)

        assert (await shown(house, done))["skipped_for"] == {"changed_since": 1}
        assert house.byline(page_id) == before

    async def test_run_label_space_and_time_name_what_is_meant(
        self, house: House
    ) -> None:
        """Each takes back its own and leaves the rest."""
        await learned(house)
        plan = await planned(house, "space", "OPS")
        await applied(house, plan)
        waiting = house.pages.waiting
        look, run = await house.runs(waiting[ENGLISH])
        with pytest.raises(NotFound, match="nothing of it stands"):
            await undone(house, run_id=look["id"])

        by_run = await undone(house, run_id=run["id"])
        by_label = await undone(house, label="netzwerk")
        by_time = await undone(house, since=plan.created_at - timedelta(hours=1))

        assert {row["page"] for row in await self._items(house, by_run)} == {
            waiting[ENGLISH]
        }
        assert [row["change"] for row in await self._items(house, by_label)] == [
            "- netzwerk"
        ]
        assert by_time.cause == "undo"
        assert all(house.labels(page_id) == [] for page_id in waiting.values())
        with pytest.raises(NotFound, match="nothing of it stands"):
            await undone(house, space_key="OPS", until=plan.created_at)

    async def _items(self, house: House, plan: StoredPlan) -> Any:
        return await plan_items(services(house), await house.tenant_id(), plan.id)

    async def test_everything_is_never_meant(self, house: House) -> None:
        """An undo without a name undoes nothing."""
        await learned(house)

        with pytest.raises(MalformedPayload, match="name a run"):
            await undone(house)
        with pytest.raises(NotFound, match="no plan 99"):
            await undone(house, plan_id=99)
        with pytest.raises(NotFound, match="no space NOPE"):
            await undone(house, space_key="NOPE")

    async def test_run_of_an_event_can_be_undone(self, house: House) -> None:
        """What nobody planned by hand was a plan all the same."""
        await house.install_forge()
        page_id = house.write(ENGLISH)
        await house.settled()
        (run,) = await house.runs(page_id)

        await undone(house, run_id=run["id"])

        assert house.labels(page_id) == []
        items = await house.rows(PlanItemRow, PlanItemRow.undoes.is_(None))
        assert {item["state"] for item in items} == {"undone"}


class TestReset:
    """Taking all of our labels off."""

    async def test_ours_go_and_people_s_stay(self, any_house: House) -> None:
        """Whatever they are called; and the next run may choose again."""
        house = any_house
        tenant = await learned(house)
        page_id = house.pages.waiting[ENGLISH]
        theirs = house.pages.labelled[0]
        house.label(page_id, "backup-plan")
        await applied(house, await planned(house, "space", "OPS"))

        plan = await plan_reset(services(house), tenant, "ops", author="cli")
        await applied(house, plan)
        after = house.labels(page_id)
        house.edit(page_id, TEXTS[ENGLISH] + " It is tested every month.")
        await house.settled()

        assert after == ["backup-plan"]
        assert house.labels(theirs) == ["backup"]
        assert house.labels(page_id) == ["backup-plan", "backup"]

    async def test_tree_and_labels_narrow_it(self, house: House) -> None:
        """The rest is left alone."""
        tenant = await learned(house)
        waiting = house.pages.waiting
        await applied(house, await planned(house, "pages", *waiting.values()))

        plan = await plan_reset(
            services(house),
            tenant,
            "OPS",
            root_id=waiting[ENGLISH],
            labels=["backup"],
            author="cli",
        )
        await applied(house, plan)

        assert house.labels(waiting[ENGLISH]) == []
        assert house.labels(waiting[GERMAN]) == ["netzwerk"]
        with pytest.raises(NotFound, match="no label of ours"):
            await plan_reset(
                services(house), tenant, "OPS", labels=["other"], author="cli"
            )

    async def test_root_must_stand_in_the_space(self, house: House) -> None:
        """Naming another space opens nothing."""
        tenant = await learned(house)
        other = house.site.create_space(
            key="OTHER", name="Other", actor=house.site.admin
        )
        assert other.homepage_id is not None

        with pytest.raises(MalformedPayload, match="does not stand in that space"):
            await plan_reset(
                services(house), tenant, "OPS", root_id=other.homepage_id, author="c"
            )
        with pytest.raises(NotFound, match="no space NOPE"):
            await plan_reset(services(house), tenant, "NOPE", author="c")
