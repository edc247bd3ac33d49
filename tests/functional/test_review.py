"""Review: what waits for a person, the person's word on it, and what it teaches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from app.domain.changes import Item
from app.errors import Conflict, MalformedPayload, NotFound
from app.store.feedback import FeedbackStore
from app.store.policies import PolicyStore
from app.store.tables import LedgerRow
from app.usecases.carry_out import carry_out_approved
from app.usecases.review import Waiting, approve, edit, reject, suggestions
from app.usecases.services import Services
from tests.functional.conftest import BuildHouse
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, GERMAN, TEXTS, UKRAINIAN

pytestmark = pytest.mark.anyio


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def asking(house: House, **fields: object) -> str:
    """Install on a site whose policy asks before anything is written."""
    await house.install_forge()
    tenant = await house.tenant_id()
    await house.database.write(
        lambda s: PolicyStore(s).set_fields(tenant, "", {"mode": "suggest", **fields})
    )
    return tenant


async def waiting(house: House, **which: object) -> Sequence[Item]:
    found = await suggestions(
        services(house),
        await house.tenant_id(),
        Waiting(**which),  # type: ignore[arg-type]
    )
    return [one.item for one in found]


async def label_item(house: House, page_id: str) -> Item:
    found = await waiting(house, page_id=page_id)
    return next(one for one in found if one.change.kind == "label_add")


async def feedback(house: House, label: str) -> tuple[int, int]:
    tenant = await house.tenant_id()
    found = await house.database.read(
        lambda s: FeedbackStore(s).of_space(tenant, house.pages.space_id)
    )
    one = found.get(label)
    return (one.accepted, one.rejected) if one else (0, 0)


class TestSuggestions:
    """What waits."""

    async def test_nothing_is_written_until_somebody_says_so(
        self, any_house: House
    ) -> None:
        """Label and summary wait, with the passage that speaks for the label."""
        house = any_house
        await asking(house)

        page_id = house.write(ENGLISH)
        await house.settled()

        label, summary = await waiting(house)
        assert (label.change.value, summary.change.kind) == ("backup", "summary")
        assert label.change.evidence
        assert label.change.confidence is not None
        assert label.page_version == 2
        (run,) = await house.runs(page_id)
        assert run["outcome"] == "suggested"
        assert house.writes() == []

    async def test_the_queue_does_not_grow_with_edits(self, house: House) -> None:
        """The same suggestion keeps its place; one that holds no more is gone."""
        await asking(house)
        page_id = house.add_page("Monday", TEXTS[ENGLISH])
        await house.settled()
        first = await waiting(house)

        house.edit(page_id, TEXTS[ENGLISH] + " It is tested every month.")
        await house.settled()
        second = await waiting(house)
        house.edit(page_id, TEXTS[GERMAN])
        await house.settled()
        third = await waiting(house)

        assert [one.id for one in first] == [one.id for one in second]
        assert {one.page_version for one in second} == {2}
        assert "backup" not in {one.change.value for one in third}
        assert "netzwerk" in {one.change.value for one in third}

    async def test_they_can_be_narrowed(self, house: House) -> None:
        """By page, space, label, confidence."""
        await asking(house)
        for language in (ENGLISH, GERMAN, UKRAINIAN):
            house.write(language)
        await house.settled()

        assert len(await waiting(house)) == 6
        assert len(await waiting(house, page_id=house.pages.waiting[GERMAN])) == 2
        assert len(await waiting(house, label="backup")) == 1
        assert len(await waiting(house, space_key="ops")) == 6
        assert len(await waiting(house, label="backup", at_least=1.0)) == 0
        with pytest.raises(NotFound, match="no space NOPE"):
            await waiting(house, space_key="NOPE")


class TestApprove:
    """Saying yes."""

    async def test_what_was_approved_is_written(self, any_house: House) -> None:
        """By name of who said so; and it counts for the label."""
        house = any_house
        tenant = await asking(house)
        page_id = house.write(ENGLISH)
        await house.settled()
        ids = [one.id for one in await waiting(house)]

        decided = await approve(services(house), tenant, ids, by="olena")
        await carry_out_approved(
            services(house), tenant, decided.page_ids, actor="olena"
        )

        byline = house.byline(page_id)
        assert house.labels(page_id) == ["backup"]
        assert byline is not None
        assert byline["labels"] == ["backup"]
        assert await waiting(house) == []
        assert await feedback(house, "backup") == (1, 0)
        (run, *_) = [
            one for one in await house.runs(page_id) if one["outcome"] == "applied"
        ]
        assert run["receipt"]["cause"] == "review"

    async def test_two_people_do_not_decide_the_same(self, any_house: House) -> None:
        """The second is told who was faster, and nothing is done twice."""
        house = any_house
        tenant = await asking(house)
        page_id = house.write(ENGLISH)
        await house.settled()
        item = await label_item(house, page_id)

        one, other = await asyncio.gather(
            approve(services(house), tenant, [item.id], by="olena"),
            reject(services(house), tenant, [item.id], by="taras"),
        )

        assert len(one.items) + len(other.items) == 1
        late = other if one.items else one
        word = "approved by olena" if one.items else "rejected by taras"
        assert late.conflicts == {item.id: f"item {item.id} is {word}"}
        assert sum(await feedback(house, "backup")) == 1

    async def test_guard_stands_before_approvals_too(self, build: BuildHouse) -> None:
        """A person's yes opens what policy asks about, not what the operator closed."""
        house = await build(AGENT_MODE="SAFE_TEST")
        tenant = await asking(house)
        page_id = house.write(ENGLISH)
        await house.settled()
        item = await label_item(house, page_id)

        await approve(services(house), tenant, [item.id], by="olena")
        await carry_out_approved(services(house), tenant, [page_id], actor="olena")

        assert house.labels(page_id) == []
        assert house.writes() == []

    async def test_item_that_is_not_there_is_told(self, house: House) -> None:
        """Another tenant's is none either."""
        tenant = await asking(house)

        with pytest.raises(NotFound, match="no item 999"):
            await approve(services(house), tenant, [999], by="olena")


class TestReject:
    """Saying no."""

    async def test_what_was_rejected_is_not_suggested_again(
        self, any_house: House
    ) -> None:
        """On that page; and it counts against the label."""
        house = any_house
        tenant = await asking(house)
        page_id = house.write(ENGLISH)
        await house.settled()

        item = await label_item(house, page_id)
        await reject(services(house), tenant, [item.id], by="olena")
        house.edit(page_id, TEXTS[ENGLISH] + " It is tested every month.")
        await house.settled()

        assert "backup" not in {one.change.value for one in await waiting(house)}
        assert await feedback(house, "backup") == (0, 1)
        (label,) = await house.rows(LedgerRow, LedgerRow.kind == "label")
        assert label["state"] == "withdrawn"

    async def test_rejections_raise_the_bar_for_other_pages(self, house: House) -> None:
        """A label that was written before waits now."""
        tenant = await asking(house)
        page_id = house.write(ENGLISH)
        await house.settled()
        sure = (await label_item(house, page_id)).change.confidence
        assert sure is not None
        before = {"mode": "auto", "thresholds.backup": round(sure - 0.01, 4)}
        space_id = house.pages.space_id
        await house.database.write(
            lambda s: PolicyStore(s).set_fields(tenant, "", before)
        )
        await house.database.write(
            lambda s: FeedbackStore(s).add(tenant, space_id, "backup", rejected=3)
        )

        house.edit(page_id, TEXTS[ENGLISH] + " ")
        await house.settled()
        taught = house.labels(page_id)
        await house.database.write(
            lambda s: FeedbackStore(s).add(tenant, space_id, "backup", accepted=1)
        )
        house.edit(page_id, TEXTS[ENGLISH])
        await house.settled()

        assert (taught, house.labels(page_id)) == ([], ["backup"])

    async def test_summary_that_was_rejected_is_not_offered_again(
        self, house: House
    ) -> None:
        """The same words; others may be."""
        tenant = await asking(house)
        page_id = house.write(ENGLISH)
        await house.settled()
        (summary,) = [
            one for one in await waiting(house) if one.change.kind == "summary"
        ]

        await reject(services(house), tenant, [summary.id], by="olena")
        house.edit(page_id, TEXTS[ENGLISH] + " ")
        await house.settled()

        assert "summary" not in {one.change.kind for one in await waiting(house)}


class TestEdit:
    """Saying yes in other words."""

    async def test_another_label_takes_its_place(self, house: House) -> None:
        """The first has a tombstone; both teach."""
        tenant = await asking(house)
        page_id = house.write(ENGLISH)
        await house.settled()
        item = await label_item(house, page_id)

        decided = await edit(services(house), tenant, item.id, "Netzwerk", by="olena")
        await carry_out_approved(
            services(house), tenant, decided.page_ids, actor="olena"
        )

        assert house.labels(page_id) == ["netzwerk"]
        assert await feedback(house, "backup") == (0, 1)
        assert await feedback(house, "netzwerk") == (1, 0)
        with pytest.raises(Conflict, match="is applied by olena"):
            await edit(services(house), tenant, item.id, "backup", by="taras")

    async def test_summary_in_a_person_s_words(self, house: House) -> None:
        """Told as theirs."""
        tenant = await asking(house)
        page_id = house.write(ENGLISH)
        await house.settled()
        (summary,) = [
            one for one in await waiting(house) if one.change.kind == "summary"
        ]

        decided = await edit(services(house), tenant, summary.id, " Коротко. ", by="o")
        await carry_out_approved(services(house), tenant, decided.page_ids, actor="o")

        byline = house.byline(page_id)
        assert byline is not None
        assert (byline["summary"], byline["model"]) == ("Коротко.", "")

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("  ", "nothing is said instead"),
            ("invented", "'invented' is no term of the vocabulary"),
        ],
    )
    async def test_what_cannot_be_said_is_refused(
        self, house: House, text: str, told: str
    ) -> None:
        """And the item waits on."""
        tenant = await asking(house)
        page_id = house.write(ENGLISH)
        await house.settled()
        item = await label_item(house, page_id)

        with pytest.raises(MalformedPayload, match=told):
            await edit(services(house), tenant, item.id, text, by="olena")

        assert (await label_item(house, page_id)).id == item.id


class TestTeaching:
    """What people do by hand says as much."""

    async def test_label_put_by_hand_was_a_good_suggestion(self, house: House) -> None:
        """It counts, and waits no more."""
        await asking(house)
        page_id = house.write(ENGLISH)
        await house.settled()

        house.label(page_id, "backup")
        await house.settled()
        house.edit(page_id, TEXTS[ENGLISH] + " It is tested every month.")
        await house.settled()

        assert await feedback(house, "backup") == (1, 0)
        assert {one.change.kind for one in await waiting(house)} == {"summary"}

    async def test_label_of_ours_taken_off_was_a_bad_one(self, house: House) -> None:
        """Once, however it is noticed."""
        await house.install_forge()
        page_id = house.write(ENGLISH)
        await house.settled()

        house.unlabel(page_id, "backup")
        await house.settled()
        house.edit(page_id, TEXTS[ENGLISH] + " It is tested every month.")
        await house.settled()

        assert await feedback(house, "backup") == (0, 1)

    async def test_labels_that_are_always_accepted_need_no_asking(
        self, house: House
    ) -> None:
        """Where the policy allows that; the summary is still asked about."""
        tenant = await asking(house, unlock_auto=True, unlock_after=3)
        space_id = house.pages.space_id
        await house.database.write(
            lambda s: FeedbackStore(s).add(tenant, space_id, "backup", accepted=3)
        )

        page_id = house.write(ENGLISH)
        await house.settled()

        assert house.labels(page_id) == ["backup"]
        assert {one.change.kind for one in await waiting(house)} == {"summary"}
