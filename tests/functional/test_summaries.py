"""A page's summary: in one place only, in one piece, with what speaks for it."""

from __future__ import annotations

import pytest

from app.confluence.excerpts import excerpt
from app.domain.pages import OWN_EXCERPT
from app.store.plan_items import ItemFilter, PlanItemStore
from app.usecases.policies import set_policy_fields
from app.usecases.services import Services
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, TEXTS

pytestmark = pytest.mark.anyio

LONG = " ".join(
    f"Step {number} of the nightly job copies share {number} of the wiki's files."
    for number in range(80)
)
SECTIONS = (
    "This page shows how the nightly backup of the wiki is made and restored.</p>"
    f"<h2>The job</h2><p>{LONG}</p><h2>Owners</h2>"
    "<p>You can have a backup of the wiki restored within four hours of a request."
)


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def policy(house: House, **fields: str) -> None:
    """Set fields of the site's policy as a person types them."""
    tenant = await house.tenant_id()
    await set_policy_fields(
        services(house), tenant, None, list(fields.items()), by="olena"
    )


async def looked_at(house: House, page_id: str) -> None:
    """Have the page saved as it stands, so that it is looked at again."""
    save(house, page_id, body(house, page_id))
    await house.settled()


def save(house: House, page_id: str, markup: str) -> None:
    version = house.site.pages[page_id].latest.number + 1
    house.site.update_page(page_id, version=version, body=markup, actor=house.olena)


def body(house: House, page_id: str) -> str:
    return str(house.site.pages[page_id].latest.body)


def summary(house: House, page_id: str) -> str:
    return str((house.byline(page_id) or {}).get("summary"))


def comments(house: House, page_id: str) -> list[str]:
    page = house.site.pages[page_id]
    return [one.latest.body for one in house.site.comments_of(page)]


async def test_a_summary_moves_with_the_policy(any_house: House) -> None:
    """Where it stood before it goes; nothing is written twice, and no AI asked twice."""
    house = any_house
    await house.install_forge()
    page_id = house.write(ENGLISH)
    await house.settled()
    text, before = summary(house, page_id), body(house, page_id)

    await policy(house, summary_place="excerpt")
    await looked_at(house, page_id)

    assert house.byline(page_id) is None
    assert excerpt(body(house, page_id), OWN_EXCERPT) == text
    written = len(house.writes())
    await looked_at(house, page_id)
    assert len(house.writes()) == written

    await policy(house, summary_place="comment")
    await looked_at(house, page_id)

    assert body(house, page_id) == before
    assert comments(house, page_id) == [f"<p>{text}</p>"]
    written = len(house.writes())
    await looked_at(house, page_id)
    assert len(house.writes()) == written

    await policy(house, summary_place="property")
    await looked_at(house, page_id)

    assert comments(house, page_id) == []
    assert summary(house, page_id) == text

    await policy(house, summary_place="nowhere")
    await looked_at(house, page_id)

    assert house.byline(page_id) is None
    assert (body(house, page_id), comments(house, page_id)) == (before, [])
    assert await house.ai_calls(page_id) == 1


async def test_what_people_made_of_our_block_stays(house: House) -> None:
    """Their words are neither written over nor taken away."""
    await house.install_forge()
    await policy(house, summary_place="excerpt")
    page_id = house.write(ENGLISH)
    await house.settled()
    text = excerpt(body(house, page_id), OWN_EXCERPT) or ""
    theirs = body(house, page_id).replace(text, "In our own words.", 1)
    save(house, page_id, theirs)
    await house.settled()

    await policy(house, summary_place="property")
    await looked_at(house, page_id)

    assert body(house, page_id) == theirs
    assert summary(house, page_id) == text


async def test_a_long_page_has_a_summary_of_all_of_it(house: House) -> None:
    """Up to as many sentences as the policy says, each with the passage it is from."""
    await house.install_forge()
    await policy(house, mode="suggest")
    page_id = house.add_page("Backup of the wiki", SECTIONS)
    await house.settled()
    tenant = await house.tenant_id()

    (item,) = await house.database.read(
        lambda s: PlanItemStore(s, services(house).cipher).items(
            tenant, ItemFilter(page_ids=[page_id], kinds=["summary"])
        )
    )

    change = item.item.change
    said = change.after["summary"]
    assert said.startswith("This page shows how the nightly backup")
    assert said.endswith("within four hours of a request.")
    assert "Owners: “You can have a backup" in change.evidence


async def test_a_policy_asks_for_another_language_in_vain(house: House) -> None:
    """The local provider gives the page's own words, and the log says so."""
    await house.install_forge()
    await policy(house, summary_language="de")
    page_id = house.write(ENGLISH)
    await house.settled()

    (run,) = await house.runs(page_id)

    assert summary(house, page_id) in TEXTS[ENGLISH]
    assert run["receipt"]["language"] == "en"
    mended = [one for one in house.log("ai_calls") if one["event"] == "answer_mended"]
    assert "summary_not_translated" in mended[-1]["oddities"]
