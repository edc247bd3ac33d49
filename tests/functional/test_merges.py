"""Merging labels: every page and the terms become one, and all of it can be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.vocabulary.terms import Term, TermPatch
from app.errors import Conflict, MalformedPayload, NotFound, Unavailable
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.store.plans import StoredPlan
from app.store.tables import AuditRow, LedgerRow
from app.store.terms import TermStore
from app.usecases.carry_out import carry_out
from app.usecases.make_plan import draft_plan
from app.usecases.merge_labels import plan_merge
from app.usecases.services import Services
from app.usecases.show_plan import plan_items, show_plan
from app.usecases.undo import Undo, plan_undo
from app.usecases.vocabularies import vocabulary_of
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, GERMAN

pytestmark = pytest.mark.anyio


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def merged(
    house: House, *names: str, into: str, apply: bool = True
) -> StoredPlan:
    tenant = await house.tenant_id()
    plan = await plan_merge(services(house), tenant, names, into, author="cli")
    return await applied(house, plan) if apply else plan


async def applied(house: House, plan: StoredPlan) -> StoredPlan:
    tenant = await house.tenant_id()
    return await carry_out(services(house), tenant, plan.id, actor="cli", at_once=1)


async def undone(house: House, **what: Any) -> StoredPlan:
    tenant = await house.tenant_id()
    made = await plan_undo(services(house), tenant, Undo(**what), author="cli")
    return await applied(house, made)


async def shown(house: House, plan: StoredPlan) -> Mapping[str, Any]:
    return await show_plan(services(house), await house.tenant_id(), plan.id)


async def terms(house: House) -> dict[str, Term]:
    vocabulary = await vocabulary_of(services(house), await house.tenant_id(), "")
    return dict(vocabulary.terms)


async def put_term(house: House, term: Term) -> None:
    tenant = await house.tenant_id()
    await house.database.write(
        lambda s: TermStore(s).put(tenant, term, origin="import")
    )


async def ledger(house: House, page_id: str) -> dict[str, str]:
    tenant = await house.tenant_id()
    return dict(
        await house.database.read(lambda s: LedgerStore(s).labels(tenant, page_id))
    )


async def remembered(house: House, label: str) -> set[str]:
    tenant = await house.tenant_id()
    return await house.database.read(lambda s: MemoryStore(s).labelled(tenant, label))


class TestMerge:
    """Making several labels one."""

    async def test_people_s_labels_become_the_survivor_and_come_back(
        self, any_house: House
    ) -> None:
        """On every page and in the vocabulary; a person's label stays a person's."""
        house = any_house
        first, second, _ = house.pages.labelled[:3]
        house.unlabel(first, "backup")
        house.label(first, "back-up")
        house.label(second, "back-up")
        await house.install_forge()
        await put_term(house, Term(name="back-up", synonyms=("бекап",), parent="disk"))
        await put_term(house, Term(name="tape", parent="back-up"))
        before = await terms(house)

        plan = await merged(house, "back-up", into="backup")
        await house.settled()
        after = await terms(house)
        labels = house.labels(first), house.labels(second)
        noted = await ledger(house, first)
        learned = await remembered(house, "backup")
        back = await undone(house, plan_id=plan.id)
        await house.settled()

        assert (plan.state, plan.cause) == ("done", "merge")
        assert labels == (["backup"], ["backup"])
        assert noted == {}
        assert {first, second} <= learned
        assert "back-up" not in after
        assert after["backup"].synonyms == ("back-up", "бекап")
        assert after["tape"].parent == "backup"
        assert (await shown(house, back))["skipped"] == 0
        assert house.labels(first) == ["back-up"]
        assert sorted(house.labels(second)) == ["back-up", "backup"]
        assert await ledger(house, first) == {}
        assert await remembered(house, "back-up") == {first, second}
        assert await terms(house) == before

    async def test_label_of_ours_becomes_a_survivor_of_ours(
        self, any_house: House
    ) -> None:
        """And an undo brings it back as ours; so does the undo of that, and so on."""
        house = any_house
        await house.install_forge()
        page_id = house.write(ENGLISH)
        await house.settled()
        assert await ledger(house, page_id) == {"backup": "written"}

        plan = await merged(house, "backup", into="netzwerk")
        merged_to = house.labels(page_id), await ledger(house, page_id)
        back = await undone(house, plan_id=plan.id)
        brought_back = house.labels(page_id), await ledger(house, page_id)
        await undone(house, plan_id=back.id)
        again = house.labels(page_id), await ledger(house, page_id)
        synonyms = (await terms(house))["netzwerk"].synonyms

        assert merged_to == (["netzwerk"], {"backup": "undone", "netzwerk": "written"})
        assert brought_back == (
            ["backup"],
            {"backup": "written", "netzwerk": "undone"},
        )
        assert again == merged_to
        assert synonyms == ("backup",)

    async def test_plan_alone_changes_nothing(self, house: House) -> None:
        """It says what it would do and cost; terms change when it is carried out."""
        await house.install_forge()
        before, writes = await terms(house), len(house.writes())

        plan = await merged(house, "netzwerk", into="backup", apply=False)

        head = await shown(house, plan)
        assert (plan.state, head["planned"], head["pages"]) == (
            "ready",
            6,
            {"planned": 3},
        )
        # Three pages are read; each gets a label and loses one.
        assert (plan.estimate.pages, plan.estimate.points) == (3, 12)
        assert plan.spent.points > 0
        assert len(house.writes()) == writes
        assert await terms(house) == before
        (row,) = await house.rows(AuditRow, AuditRow.action == "merge_planned")
        assert row["after"]["pages"] == 3

    async def test_page_whose_person_took_the_survivor_off_loses_nothing(
        self, house: House
    ) -> None:
        """It keeps the label that it has, and is reported; before or after the plan."""
        await house.install_forge()
        early, late = house.write(ENGLISH), house.add_page("Tape", "A backup of tapes.")
        await house.settled()
        for page_id in (early, late):
            house.label(page_id, "back-up")
        if "backup" not in house.labels(late):
            await merged(house, "back-up", into="backup")
            house.label(late, "back-up")
        house.unlabel(early, "backup")
        await house.settled()
        house.label(early, "back-up")
        plan = await merged(house, "back-up", into="backup", apply=False)
        tenant = await house.tenant_id()
        house.unlabel(late, "backup")
        await house.settled()
        await house.database.write(
            lambda s: LedgerStore(s).bury(tenant, late, "backup")
        )

        await applied(house, plan)

        head = await shown(house, plan)
        assert head["pages"] == {"planned": 1, "tombstone": 1}
        assert head["skipped_for"] == {"not_replaced": 1}
        assert house.labels(early) == ["back-up"]
        assert house.labels(late) == ["back-up"]

    async def test_tombstone_that_came_meanwhile_holds_for_people_s_labels_too(
        self, house: House
    ) -> None:
        """The survivor does not come, and so the other does not go."""
        await house.install_forge()
        page_id = house.pages.labelled[3]
        plan = await merged(house, "netzwerk", into="backup", apply=False)
        tenant = await house.tenant_id()
        await house.database.write(
            lambda s: LedgerStore(s).bury(tenant, page_id, "backup")
        )

        await applied(house, plan)

        head = await shown(house, plan)
        assert head["skipped_for"] == {"not_replaced": 1, "tombstone": 1}
        assert house.labels(page_id) == ["netzwerk"]

    async def test_what_stands_for_a_person_s_label_is_the_person_s(
        self, house: House
    ) -> None:
        """A survivor of ours that was there already is taken over."""
        await house.install_forge()
        page_id = house.write(ENGLISH)
        await house.settled()
        house.label(page_id, "back-up")
        await house.settled()

        await merged(house, "back-up", into="backup")

        assert house.labels(page_id) == ["backup"]
        assert "backup" not in await ledger(house, page_id)
        assert page_id in await remembered(house, "backup")

    async def test_pages_out_of_reach_are_reported(self, house: House) -> None:
        """What we remember and may not see is not guessed at; what changed is no matter."""
        await house.install_forge()
        hidden, changed, seen = house.pages.labelled[3:6]
        house.site.restrict_page(hidden, [], house.site.admin)
        await house.order("/deliveries/settings", drop_next=1)
        house.unlabel(changed, "netzwerk")

        plan = await merged(house, "netzwerk", into="backup")

        head = await shown(house, plan)
        assert head["pages"] == {"planned": 1, "out_of_reach": 1}
        assert house.labels(seen) == ["backup"]
        assert house.labels(hidden) == ["netzwerk"]

    async def test_cut_off_in_the_middle_it_goes_on(self, house: House) -> None:
        """Nothing is done twice, nothing is lost, and all of it can be undone."""
        await house.install_forge()
        pages = sorted(house.pages.labelled[3:6])
        plan = await merged(house, "netzwerk", into="backup", apply=False)
        path = rf"/content/{pages[1]}/label"
        house.fault(path, times=0, method="DELETE", answer={"status": 503})

        with pytest.raises(Unavailable):
            await applied(house, plan)
        halfway = house.labels(pages[1])
        house.site.faults.clear()
        # Sent, done, and never heard of: the label is gone when we look again.
        house.unlabel(pages[1], "netzwerk")
        await applied(house, plan)
        labels = [house.labels(page_id) for page_id in pages]
        await undone(house, plan_id=plan.id)

        assert sorted(halfway) == ["backup", "netzwerk"]
        assert labels == [["backup"]] * 3
        assert [house.labels(page_id) for page_id in pages] == [["netzwerk"]] * 3
        assert await house.rows(LedgerRow, LedgerRow.value == "netzwerk") == []

    async def test_what_people_changed_of_terms_since_stays(self, house: House) -> None:
        """An undo takes back what the merge did to terms, and nothing else."""
        await house.install_forge()
        tenant, space = await house.tenant_id(), house.pages.space_id
        patch = TermPatch(name="netzwerk", excluded=True)
        await house.database.write(
            lambda s: TermStore(s).put_patch(tenant, space, patch)
        )
        await put_term(house, Term(name="tape", parent="netzwerk"))
        await put_term(house, Term(name="router", parent="netzwerk"))
        plan = await merged(house, "netzwerk", into="backup")
        now = (await terms(house))["backup"]
        told = "Copies of data"
        await put_term(
            house,
            Term(name="backup", synonyms=(*now.synonyms, "copy"), description=told),
        )
        await put_term(house, Term(name="tape", parent="disk"))
        await house.database.write(
            lambda s: TermStore(s).remove(tenant, "", ["router"])
        )

        await undone(house, plan_id=plan.id)

        found = await terms(house)
        of_space = await house.database.read(
            lambda s: TermStore(s).patches(tenant, space)
        )
        assert now.synonyms == ("netzwerk",)
        assert found["backup"] == Term(
            name="backup", synonyms=("copy",), description=told
        )
        assert found["netzwerk"] == Term(name="netzwerk")
        assert found["tape"].parent == "disk"
        assert "router" not in found
        assert list(of_space) == [patch]

    async def test_terms_without_pages_are_merged_and_parted_too(
        self, house: House
    ) -> None:
        """A plan without a page changes terms alone, and its undo as well."""
        await house.install_forge()
        await put_term(house, Term(name="k8s"))
        await put_term(house, Term(name="kubernetes"))

        plan = await merged(house, "k8s", into="kubernetes")
        after = await terms(house)
        tenant = await house.tenant_id()
        await house.database.write(
            lambda s: TermStore(s).remove(tenant, "", ["kubernetes"])
        )
        await undone(house, plan_id=plan.id)

        assert after["kubernetes"].synonyms == ("k8s",)
        assert "k8s" in await terms(house)
        with pytest.raises(NotFound, match="nothing of it stands"):
            await undone(house, plan_id=plan.id)

    async def test_terms_below_one_another_become_one(self, house: House) -> None:
        """Nobody is its own parent; a name that people used anew meanwhile is theirs."""
        await house.install_forge()
        await put_term(house, Term(name="kubernetes", parent="kube8"))
        await put_term(house, Term(name="kube8"))
        await put_term(house, Term(name="k8s", parent="kube8"))

        plan = await merged(house, "k8s", "kube8", into="kubernetes")
        after = await terms(house)
        anew = Term(name="k8s", description="Something else by now")
        await put_term(house, anew)
        await undone(house, plan_id=plan.id)
        back = await terms(house)

        assert after["kubernetes"].parent is None
        assert after["kubernetes"].synonyms == ("k8s", "kube8")
        assert back["k8s"] == anew
        assert back["kube8"] == Term(name="kube8")
        assert back["kubernetes"] == Term(name="kubernetes", parent="kube8")

    async def test_survivor_need_be_no_term(self, house: House) -> None:
        """A label that stands on a page can survive; it is a term from then on."""
        await house.install_forge()
        tenant = await house.tenant_id()
        await house.database.write(
            lambda s: TermStore(s).remove(tenant, "", ["backup"])
        )

        await merged(house, "netzwerk", into="backup")

        assert (await terms(house))["backup"].synonyms == ("netzwerk",)

    async def test_what_cannot_be_merged_is_said(self, house: House) -> None:
        """Each in a sentence, and nothing is planned."""
        await house.install_forge()
        await put_term(house, Term(name="k8s", synonyms=("kube",)))
        await put_term(house, Term(name="secret", excluded=True))

        with pytest.raises(MalformedPayload, match="into itself"):
            await merged(house, "backup", into="backup")
        with pytest.raises(MalformedPayload, match="'kube' is a name of it"):
            await merged(house, "k8s", into="kube")
        with pytest.raises(MalformedPayload, match="excluded"):
            await merged(house, "backup", into="secret")
        with pytest.raises(NotFound, match="nothing to merge: 'nope'"):
            await merged(house, "nope", "backup", into="k8s")
        with pytest.raises(NotFound, match="'nope' is no term"):
            await merged(house, "backup", into="nope")
        await merged(house, "netzwerk", into="backup")
        with pytest.raises(NotFound, match="nothing to merge: 'netzwerk'"):
            await merged(house, "netzwerk", into="backup")

    async def test_excluded_meanwhile_nothing_is_done(self, house: House) -> None:
        """And a merge is never mistaken for a plan that is still being made."""
        await house.install_forge()
        plan = await merged(house, "netzwerk", into="backup", apply=False)
        await put_term(house, Term(name="backup", excluded=True))
        tenant = await house.tenant_id()

        with pytest.raises(Conflict, match="excluded since"):
            await applied(house, plan)
        with pytest.raises(Conflict, match="is ready"):
            await draft_plan(services(house), tenant, plan.id)

        assert (await shown(house, plan))["state"] == "ready"
        assert house.labels(house.pages.labelled[3]) == ["netzwerk"]

    async def test_undo_of_one_page_leaves_the_terms(self, house: House) -> None:
        """The label is back on that page; what it is called elsewhere stays."""
        await house.install_forge()
        page_id, other = house.pages.labelled[3:5]
        plan = await merged(house, "netzwerk", into="backup")
        items = await plan_items(services(house), await house.tenant_id(), plan.id)

        await undone(house, page_id=page_id)

        assert {row["change"] for row in items} == {"+ backup", "- netzwerk"}
        assert house.labels(page_id) == ["netzwerk"]
        assert house.labels(other) == ["backup"]
        assert (await terms(house))["backup"].synonyms == ("netzwerk",)

    async def test_what_a_run_chooses_next_is_the_survivor(self, house: House) -> None:
        """What people taught under the merged name counts for it."""
        await house.install_forge()
        await merged(house, "netzwerk", into="backup")

        page_id = house.write(GERMAN)
        await house.settled()

        assert house.labels(page_id) == ["backup"]


class TestCommand:
    """Merging from the command line."""

    async def test_merge_is_planned_and_carried_out(self, house: House) -> None:
        """In one go, with its plan as the answer."""
        await house.install_forge()
        tenant = await house.tenant_id()

        process = await house.spawn(
            *("vocabulary", "merge", tenant, "netzwerk", "--into", "backup"),
            *("--apply", "--yes", "--json"),
        )

        assert await process.wait() == 0
        assert house.labels(house.pages.labelled[3]) == ["backup"]
