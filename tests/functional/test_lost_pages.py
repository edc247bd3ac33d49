"""Pages that are gone or hidden by the time their job runs."""

from __future__ import annotations

import pytest

from app.store.tables import PageMemoryRow
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, TEXTS

pytestmark = pytest.mark.anyio


async def test_a_binned_page_is_dropped_quietly(busy_house: House) -> None:
    """A page that lies in the bin when its job runs ends the job without a failure."""
    house = busy_house
    page_id = house.add_page("Binned", "")
    await house.settled()

    with house.holding("GET", rf"/pages/{page_id}$") as hold:
        house.edit(page_id, TEXTS[ENGLISH])
        await hold.caught()
        house.site.trash_page(page_id, house.olena)
    await house.settled()

    job = (await house.page_jobs(page_id))[-1]
    assert (job["state"], job["outcome"]) == ("discarded", "gone")
    assert (await house.runs(page_id))[-1]["outcome"] == "gone"


async def test_a_purged_page_is_dropped_and_forgotten(busy_house: House) -> None:
    """A page that is gone for good is no failure, and the ranker forgets it."""
    house = busy_house
    page_id = house.add_page("Purged", TEXTS[ENGLISH])
    await house.settled()

    with house.holding("GET", rf"/pages/{page_id}$") as hold:
        house.edit(page_id, TEXTS[ENGLISH] + " It is tested.")
        await hold.caught()
        house.site.trash_page(page_id, house.olena)
        house.site.purge_page(page_id, house.site.admin)
    await house.settled()

    job = (await house.page_jobs(page_id))[-1]
    assert (job["state"], job["outcome"]) == ("discarded", "gone")
    assert await house.rows(PageMemoryRow, PageMemoryRow.page_id == page_id) == []


async def test_a_restored_page_is_labelled(busy_house: House) -> None:
    """A page that comes back from the bin is worked on again."""
    house = busy_house
    page_id = house.add_page("Restored", "")
    house.edit(page_id, TEXTS[ENGLISH])
    house.site.trash_page(page_id, house.olena)
    await house.settled()

    house.site.restore_page(page_id, house.olena)
    await house.settled()

    assert house.labels(page_id) == ["backup"]


async def test_a_restricted_page_is_let_alone(busy_house: House) -> None:
    """A page that the app may not see is dropped; no AI is asked about it."""
    house = busy_house
    page_id = house.add_page("Salaries", "")
    await house.settled()

    house.site.restrict_page(page_id, [], house.site.admin)
    house.site.update_page(
        page_id,
        version=2,
        body=f"<p>{TEXTS[ENGLISH]}</p>",
        actor=house.site.admin,
    )
    await house.settled()

    assert {job["state"] for job in await house.page_jobs(page_id)} <= {
        "done",
        "discarded",
    }
    assert (await house.page_jobs(page_id))[-1]["state"] == "discarded"
    assert await house.ai_calls(page_id) == 0
    assert house.labels(page_id) == []


async def test_a_page_opened_again_is_labelled(busy_house: House) -> None:
    """Lifting a restriction is an event, and the page gets what it had to wait for."""
    house = busy_house
    page_id = house.add_page("Plans", "")
    house.site.restrict_page(page_id, [], house.site.admin)
    house.site.update_page(
        page_id, version=2, body=f"<p>{TEXTS[ENGLISH]}</p>", actor=house.site.admin
    )
    await house.settled()

    house.site.restrict_page(page_id, None, house.site.admin)
    await house.settled()

    assert house.labels(page_id) == ["backup"]


async def test_a_hidden_page_is_forgotten(busy_house: House) -> None:
    """What was hidden from the app no longer speaks for labels of other pages."""
    house = busy_house
    page_id = house.add_page("Secret backup", TEXTS[ENGLISH])
    await house.settled()
    where = PageMemoryRow.page_id == page_id
    known = await house.rows(PageMemoryRow, where)

    house.site.restrict_page(page_id, [], house.site.admin)
    await house.settled()

    assert len(known) == 1
    assert await house.rows(PageMemoryRow, where) == []
