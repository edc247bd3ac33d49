"""Live docs: edited without a publish step, told of by events of their own."""

from __future__ import annotations

import pytest

from tests.functional.house import House
from tests.functional.small_site import ENGLISH, TEXTS

pytestmark = pytest.mark.anyio


def _live_page(house: House, text: str) -> str:
    return house.site.create_page(
        space_id=house.pages.space_id,
        title="Mail server",
        body=f"<p>{text}</p>" if text else "",
        parent_id=house.pages.homepage_id,
        actor=house.olena,
        live=True,
    ).id


async def test_a_live_page_is_labelled_from_its_adf(house: House) -> None:
    """A live doc is read as ADF when it comes into being, and gets its labels."""
    await house.install_forge()

    page_id = _live_page(house, TEXTS[ENGLISH])
    await house.settled()

    reads = [
        one["query"]
        for one in house.requests("GET", f"/pages/{page_id}")
        if "body-format" in one["query"]
    ]
    assert house.labels(page_id) == ["backup"]
    assert house.byline(page_id) is not None
    assert all("atlas_doc_format" in query for query in reads)


async def test_an_edited_live_page_is_run_once(house: House) -> None:
    """`started` and `snapshotted` tell of one editing session: one run."""
    await house.install_forge()
    page_id = _live_page(house, "")
    await house.settled()
    before = len(await house.runs(page_id))

    house.edit(page_id, TEXTS[ENGLISH])
    await house.settled()

    runs = (await house.runs(page_id))[before:]
    assert [run["page_version"] for run in runs] == [2]
    assert house.labels(page_id) == ["backup"]


async def test_a_published_live_page_is_an_ordinary_page(house: House) -> None:
    """Once published the page is read in storage format, and its text costs no call."""
    await house.install_forge()
    page_id = _live_page(house, TEXTS[ENGLISH])
    await house.settled()

    house.site.publish_live_page(page_id, house.olena)
    await house.settled()

    queries = [one["query"] for one in house.requests("GET", f"/pages/{page_id}")]
    assert "body-format=storage" in queries[-1]
    assert house.labels(page_id) == ["backup"]
    assert await house.ai_calls(page_id) == 1
