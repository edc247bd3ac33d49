"""The main job: a page is edited, and soon it has labels and a summary."""

from __future__ import annotations

import pytest

from app.store.tables import AuditRow, EventRow, LedgerRow, PageMemoryRow
from tests.functional.conftest import BuildHouse
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, FITTING, GERMAN, TEXTS, UKRAINIAN

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("host", ["forge", "connect"])
async def test_each_language_gets_its_label_and_byline(
    any_house: House, host: str
) -> None:
    """Through either host, pages in three languages get a fitting label and byline."""
    house = any_house
    await (house.install_forge() if host == "forge" else house.install_connect())

    pages = {name: house.write(name) for name in (ENGLISH, GERMAN, UKRAINIAN)}
    await house.settled()

    for language, page_id in pages.items():
        byline = house.byline(page_id)
        assert house.labels(page_id) == [FITTING[language]]
        assert byline is not None
        assert byline["summary"]
        assert byline["summary"] in TEXTS[language]
        assert byline["labels"] == [FITTING[language]]
        assert byline["page_version"] == 2


async def test_labels_of_people_stay(house: House) -> None:
    """What a person put on a page stays there, and the app adds its own beside it."""
    await house.install_forge()
    page_id = house.pages.waiting[ENGLISH]
    house.label(page_id, "mail")

    house.write(ENGLISH)
    await house.settled()

    assert house.labels(page_id) == ["mail", "backup"]
    assert not house.requests("DELETE")


async def test_a_label_already_there_is_not_ours(house: House) -> None:
    """A fitting label that a person put there first is kept and never becomes ours."""
    await house.install_forge()
    page_id = house.pages.waiting[ENGLISH]
    house.label(page_id, "backup")

    house.write(ENGLISH)
    await house.settled()

    assert house.labels(page_id) == ["backup"]
    assert await house.rows(LedgerRow) == []
    assert not house.requests("POST", "/label")


@pytest.mark.parametrize("told", [True, False], ids=["told", "event-lost"])
async def test_a_removed_label_is_not_put_back(house: House, *, told: bool) -> None:
    """A label that a person took off stays off, even if no event told us of it."""
    await house.install_forge()
    page_id = house.write(ENGLISH)
    await house.settled()
    assert house.labels(page_id) == ["backup"]

    if not told:
        await house.order("/deliveries/settings", drop_next=1)
    house.unlabel(page_id, "backup")
    await house.delivered()
    house.edit(page_id, TEXTS[ENGLISH] + " The backup is tested.")
    await house.settled()

    (ledger,) = await house.rows(LedgerRow, LedgerRow.kind == "label")
    byline = house.byline(page_id)
    assert house.labels(page_id) == []
    assert ledger["state"] == "withdrawn"
    assert byline is not None
    assert byline["labels"] == []


async def test_a_label_put_back_by_a_person_is_theirs(house: House) -> None:
    """Who takes our label off and puts it on again owns it: later edits keep it."""
    await house.install_forge()
    page_id = house.write(ENGLISH)
    await house.settled()
    house.unlabel(page_id, "backup")
    house.label(page_id, "backup")
    await house.delivered()

    house.edit(page_id, TEXTS[ENGLISH] + " The backup is tested.")
    await house.settled()

    (memory,) = await house.rows(PageMemoryRow, PageMemoryRow.page_id == page_id)
    assert house.labels(page_id) == ["backup"]
    assert memory["labels"] == ["backup"]


async def test_a_page_run_twice_changes_nothing(house: House) -> None:
    """A second run of the same content asks no AI and sends no write."""
    await house.install_forge()
    page_id = house.write(ENGLISH)
    await house.settled()
    byline, writes = house.byline(page_id), len(house.writes())

    # Moving a page tells an event of the same version.
    house.site.move_page(page_id, house.pages.labelled[0], house.olena)
    await house.settled()

    first, second = await house.runs(page_id)
    assert [first["ai_calls"], second["ai_calls"]] == [1, 0]
    assert second["outcome"] == "unchanged_content"
    assert house.labels(page_id) == ["backup"]
    assert house.byline(page_id) == byline
    assert len(house.writes()) == writes


async def test_an_edit_that_changes_no_text_costs_no_call(house: House) -> None:
    """A new version with the same text uses the answer that is there."""
    await house.install_forge()
    page_id = house.write(ENGLISH)
    await house.settled()

    house.edit(page_id, TEXTS[ENGLISH])
    await house.settled()

    assert await house.ai_calls(page_id) == 1
    assert [run["page_version"] for run in await house.runs(page_id)] == [2, 3]
    assert house.labels(page_id) == ["backup"]


async def test_own_writes_cause_no_run(house: House) -> None:
    """Labels and properties that the app writes come back as events and end there."""
    await house.install_forge()
    await house.install_connect()
    before = len(await house.jobs())

    page_id = house.write(ENGLISH)
    await house.settled()

    events = await house.rows(EventRow, EventRow.page_id == page_id)
    told = {(one["name"], one["outcome"]) for one in events}
    new = (await house.jobs())[before:]
    assert ("label_added", "own") in told
    assert {one["outcome"] for one in events if one["name"] == "label_added"} == {"own"}
    assert {job["dedupe_key"] for job in new} == {f"label_page:{page_id}"}
    assert len(house.requests("POST", "/label")) == 1


async def test_a_storm_of_edits_is_few_runs(build: BuildHouse) -> None:
    """Thirty edits in a row cost few runs, and the newest version wins."""
    house = await build(EVENT_SETTLE_SECONDS="1")
    await house.install_forge()
    page_id = house.write(ENGLISH)

    for number in range(29):
        house.edit(page_id, f"{TEXTS[ENGLISH]} Version {number}.")
    await house.settled()

    runs = await house.runs(page_id)
    byline = house.byline(page_id)
    assert len(runs) <= 3
    assert runs[-1]["page_version"] == 31
    assert byline is not None
    assert byline["page_version"] == 31
    # A late event finds the newest version done already, and asks nobody.
    assert 1 <= await house.ai_calls(page_id) <= len(runs)


async def test_events_out_of_order_and_doubled_end_at_the_newest(
    build: BuildHouse,
) -> None:
    """Late and doubled events bring no older state back and no second run."""
    house = await build(EVENT_SETTLE_SECONDS="0.6")
    await house.install_forge()
    await house.order("/deliveries/settings", duplicate=1, reorder=True)

    page_id = house.write(ENGLISH)
    newest = house.edit(page_id, TEXTS[ENGLISH] + " It is tested.")
    await house.settled()

    byline = house.byline(page_id)
    events = await house.rows(EventRow, EventRow.page_id == page_id)
    updates = [one for one in events if one["name"] == "page_updated"]
    assert len(updates) == 2
    assert [run["page_version"] for run in await house.runs(page_id)] == [newest]
    assert byline is not None
    assert byline["page_version"] == newest


async def test_an_edit_during_the_run_is_run_afterwards(house: House) -> None:
    """A version that comes while its page is worked on gets a run of its own."""
    await house.install_forge()

    with house.holding("GET", r"/pages/\d+$") as hold:
        page_id = house.write(ENGLISH)
        await hold.caught()
        newest = house.edit(page_id, TEXTS[ENGLISH] + " It is tested.")
        await house.delivered()
        states = [job["state"] for job in await house.page_jobs(page_id)]
    await house.settled()

    byline = house.byline(page_id)
    assert states == ["running", "ready"]
    assert byline is not None
    assert byline["page_version"] == newest
    assert house.labels(page_id) == ["backup"]
    assert len(house.requests("POST", "/label")) == 1


async def test_an_emptied_page_loses_its_summary(house: House) -> None:
    """A page whose text is gone shows no summary any more; no AI is asked."""
    await house.install_forge()
    page_id = house.write(ENGLISH)
    await house.settled()

    house.edit(page_id, "")
    await house.settled()

    runs = await house.runs(page_id)
    byline = house.byline(page_id)
    assert runs[-1]["outcome"] == "empty"
    assert runs[-1]["ai_calls"] == 0
    assert byline is not None
    assert byline["summary"] == ""
    assert byline["title"] == ""
    assert byline["page_version"] == 3
    assert house.labels(page_id) == ["backup"]


async def test_a_page_empty_from_the_start_gets_nothing(house: House) -> None:
    """A page that never had a text gets neither label nor property."""
    await house.install_forge()

    page_id = house.add_page("Notes", "")
    await house.settled()

    assert [run["outcome"] for run in await house.runs(page_id)] == ["empty"]
    assert house.labels(page_id) == []
    assert house.byline(page_id) is None


async def test_an_emptied_page_has_no_tooltip_about_nothing(house: House) -> None:
    """The tooltip of a page without a summary does not speak of one."""
    await house.install_forge()
    page_id = house.write(ENGLISH)
    await house.settled()

    house.edit(page_id, "")
    await house.settled()

    byline = house.byline(page_id)
    assert byline is not None
    assert "summary by AI" not in byline["tooltip"]


async def test_audit_and_ledger_tell_what_was_written(house: House) -> None:
    """Every write stands in the ledger, in the audit, and in the audit's file."""
    await house.install_forge()
    page_id = house.write(UKRAINIAN)
    await house.settled()

    (run,) = await house.runs(page_id)
    (ledger,) = await house.rows(LedgerRow)
    (audit,) = await house.rows(AuditRow, AuditRow.page_id == page_id)
    logged = [one for one in house.log("audit") if one["event"] == "page_written"]
    assert (ledger["value"], ledger["state"]) == ("відпустка", "written")
    assert ledger["run_id"] == run["id"]
    assert audit["after"] == {
        "added": ["відпустка"],
        "removed": [],
        "written": ["summary"],
    }
    assert [one["page"] for one in logged] == [page_id]
