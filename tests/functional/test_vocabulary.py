"""The vocabulary at work: what people say of terms holds from then on, on every page."""

from __future__ import annotations

import pytest

from app.domain.selection import Selection
from app.store.policies import PolicyStore
from app.usecases.carry_out import carry_out, carry_out_approved
from app.usecases.edit_vocabulary import Place, remove_terms, set_term
from app.usecases.make_plan import draft_plan, start_plan
from app.usecases.review import Waiting, edit, suggestions
from app.usecases.services import Services
from app.usecases.show_plan import plan_items
from app.usecases.show_vocabulary import list_terms
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, GERMAN, SPACE_KEY, UKRAINIAN

pytestmark = pytest.mark.anyio


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def say(house: House, name: str, space: str | None = None, **fields: str) -> None:
    place = Place(tenant_id=await house.tenant_id(), space_key=space)
    await set_term(services(house), place, name, list(fields.items()), by="cli")


async def remove(house: House, *names: str) -> None:
    place = Place(tenant_id=await house.tenant_id())
    await remove_terms(services(house), place, names, by="cli")


async def terms(house: House) -> dict[str, tuple[int, int]]:
    """Return how many pages people, and we, put each term on."""
    place = Place(tenant_id=await house.tenant_id())
    rows = await list_terms(services(house), place)
    return {one["term"]: (one["people"], one["ours"]) for one in rows}


class TestAtWork:
    """On a site, with its events."""

    async def test_a_plan_skips_what_was_removed_or_excluded_since(
        self, any_house: House
    ) -> None:
        """At the moment of writing; what still is a term is written."""
        house = any_house
        for language in (ENGLISH, GERMAN, UKRAINIAN):
            house.write(language)
        await house.install_forge()
        tenant = await house.tenant_id()
        plan = await start_plan(
            services(house), tenant, Selection.of("space", SPACE_KEY), author="cli"
        )
        await draft_plan(services(house), tenant, plan)

        await remove(house, "backup")
        await say(house, "netzwerk", SPACE_KEY, excluded="true")
        await carry_out(services(house), tenant, plan, actor="cli")
        await house.settled()

        found = {
            one["change"]: one["reason"] or one["state"]
            for one in await plan_items(services(house), tenant, plan)
            if one["change"].startswith("+ ") and ":" not in one["change"]
        }
        assert found == {
            "+ backup": "not_in_vocabulary",
            "+ netzwerk": "not_in_vocabulary",
            "+ відпустка": "applied",
        }
        assert house.labels(house.pages.waiting[UKRAINIAN]) == ["відпустка"]
        assert await terms(house) == {"netzwerk": (3, 0), "відпустка": (3, 1)}

    async def test_a_removed_term_stays_away_though_people_use_it(
        self, house: House
    ) -> None:
        """Neither a page that carries it nor a person who puts it on brings it back."""
        await house.install_forge()
        await remove(house, "backup")

        house.edit(house.pages.labelled[0], "The backup is kept in the safe.")
        house.label(house.pages.waiting[GERMAN], "backup")
        house.label(house.pages.waiting[GERMAN], "neu")
        page_id = house.write(ENGLISH)
        await house.settled()

        assert set(await terms(house)) == {"netzwerk", "neu", "відпустка"}
        assert house.labels(page_id) == []

    async def test_a_person_may_put_what_people_alone_may_put(
        self, house: House
    ) -> None:
        """We do not suggest it; who says it instead of what we suggest has it."""
        await house.install_forge()
        tenant = await house.tenant_id()
        await house.database.write(
            lambda s: PolicyStore(s).set_fields(tenant, "", {"mode": "suggest"})
        )
        await say(house, "netzwerk", manual_only="true")
        page_id = house.write(ENGLISH)
        other_id = house.write(GERMAN)
        await house.settled()

        waiting = await suggestions(services(house), tenant, Waiting())
        labels = [one.item for one in waiting if one.item.change.kind == "label_add"]
        (label,) = labels
        decided = await edit(services(house), tenant, label.id, "netzwerk", by="cli")
        await carry_out_approved(services(house), tenant, decided.page_ids, actor="cli")

        assert label.change.page_id == page_id
        assert (house.labels(page_id), house.labels(other_id)) == (["netzwerk"], [])

    async def test_a_ukrainian_synonym_leads_to_the_english_label(
        self, house: House
    ) -> None:
        """What people called one thing is written as the vocabulary calls it."""
        await house.install_forge()
        await remove(house, "відпустка")
        await say(house, "vacation", synonyms="відпустка")

        page_id = house.write(UKRAINIAN)
        await house.settled()

        assert house.labels(page_id) == ["vacation"]
        assert (await terms(house))["vacation"] == (0, 1)
