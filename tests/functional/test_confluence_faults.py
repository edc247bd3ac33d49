"""What Confluence may answer instead of what was asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.store.jobs import MAX_ATTEMPTS, JobStore
from app.store.tables import AuditRow, JobRow, LedgerRow
from tests.functional.apps import impatient_app
from tests.functional.conftest import BuildHouse
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, TEXTS

pytestmark = pytest.mark.anyio

READ, LABEL, PROPERTY = (
    r"/pages/{0}$",
    r"/content/{0}/label$",
    r"/pages/{0}/properties$",
)
_METHODS = {READ: "GET", LABEL: "POST", PROPERTY: "POST"}


async def _struck(
    house: House, path: str, times: int = 1, **answer: Any
) -> tuple[str, str]:
    """Write on a new page whose reading or writing fails; return page and fault."""
    house.site.faults.clear()
    page_id = str(900_000 + len(house.site.pages))
    fault = house.fault(
        path.format(page_id), method=_METHODS[path], times=times, answer=answer
    )
    house.add_page(f"Mail {page_id}", TEXTS[ENGLISH], page_id=page_id)
    await house.wait_for(lambda: house.hits(fault) == times)
    return page_id, fault


async def _is_whole(house: House, page_id: str) -> None:
    """Check that all is as if nothing had happened, and was paid once."""
    (ledger,) = await house.rows(LedgerRow, LedgerRow.page_id == page_id)
    byline = house.byline(page_id)
    assert house.labels(page_id) == ["backup"]
    assert byline is not None
    assert byline["labels"] == ["backup"]
    assert ledger["state"] == "written"
    assert await house.ai_calls(page_id) == 1
    assert (await house.page_jobs(page_id))[-1]["state"] == "done"


@pytest.mark.parametrize("path", [READ, LABEL, PROPERTY])
async def test_a_refused_token_waits_for_the_next(busy_house: House, path: str) -> None:
    """On 401 the job waits for the next token, keeps its attempts, and then ends."""
    house = busy_house
    page_id, _ = await _struck(house, path, status=401)
    job = await house.put_back(page_id)

    (tenant,) = await house.tenants()
    await house.order("/forge/schedule")
    await house.settled()

    assert job["attempt"] == 0
    assert tenant["token_wait_until"] is not None
    await _is_whole(house, page_id)


@pytest.mark.parametrize(("status", "outcome"), [(403, "out_of_reach"), (404, "gone")])
async def test_a_page_out_of_reach_is_dropped(
    busy_house: House, status: int, outcome: str
) -> None:
    """On 403 and 404 for the page the job ends quietly, without an AI call."""
    house = busy_house
    page_id, _ = await _struck(house, READ, status=status)
    await house.settled()

    job = (await house.page_jobs(page_id))[-1]
    assert (job["state"], job["outcome"]) == ("discarded", outcome)
    assert await house.ai_calls(page_id) == 0
    assert house.labels(page_id) == []


@pytest.mark.parametrize("status", [403, 404])
async def test_a_refused_label_ends_the_run(busy_house: House, status: int) -> None:
    """On 403 and 404 for the label nothing more is written, and the run says why."""
    house = busy_house
    page_id, _ = await _struck(house, LABEL, status=status)
    await house.settled()

    job = (await house.page_jobs(page_id))[-1]
    assert job["state"] == "discarded"
    assert (await house.runs(page_id))[-1]["outcome"] == job["outcome"]
    assert house.labels(page_id) == []
    assert house.byline(page_id) is None


async def test_a_label_by_a_person_after_a_refused_one_is_theirs(
    busy_house: House,
) -> None:
    """What a person puts where our own write was refused never counts as ours."""
    house = busy_house
    page_id, _ = await _struck(house, LABEL, status=403)
    await house.settled()

    house.label(page_id, "backup")
    await house.settled()
    house.edit(page_id, TEXTS[ENGLISH] + " It is tested.")
    await house.settled()

    ledger = await house.rows(LedgerRow, LedgerRow.page_id == page_id)
    assert "written" not in [row["state"] for row in ledger]


@pytest.mark.parametrize("path", [LABEL, PROPERTY])
async def test_a_conflict_is_read_and_decided_anew(
    busy_house: House, path: str
) -> None:
    """On 409 the page is read again; labels are put there once."""
    house = busy_house
    page_id, _ = await _struck(house, path, status=409)
    await house.put_back(page_id)
    await house.hasten()
    await house.settled()

    await _is_whole(house, page_id)


async def test_the_audit_knows_labels_of_a_run_that_was_cut_short(
    busy_house: House,
) -> None:
    """A label whose run failed after it was put there stands in the audit, too."""
    house = busy_house
    page_id, _ = await _struck(house, PROPERTY, status=409)
    await house.put_back(page_id)
    await house.hasten()
    await house.settled()

    audit = await house.rows(AuditRow, AuditRow.page_id == page_id)
    added = [name for row in audit for name in row["after"]["added"]]
    assert added == ["backup"]


async def test_a_real_version_conflict_while_writing(house: House) -> None:
    """Somebody who edits between our reading and writing gets the right byline."""
    await house.install_forge()
    page_id = house.write(ENGLISH)
    await house.settled()
    house.edit(page_id, TEXTS[ENGLISH] + " It is tested.")

    # Another process writes our property after it was read.
    with house.holding("PUT", r"/properties/\d+$") as hold:
        await hold.caught()
        held = house.site.pages[page_id].properties["confluence-ai-byline"]
        house.site.put_property(
            page_id, held.key, {"title": "x"}, house.olena, version=held.version + 1
        )
    await house.put_back(page_id)
    await house.hasten()
    await house.settled()

    byline = house.byline(page_id)
    assert byline is not None
    assert byline["page_version"] == 3
    assert await house.ai_calls(page_id) == 2


async def test_what_is_gone_for_good_is_a_dead_letter(busy_house: House) -> None:
    """On 410 the job fails visibly, and can be tried again by hand."""
    house = busy_house
    page_id, _ = await _struck(house, READ, status=410)
    await house.settled()
    failed = (await house.page_jobs(page_id))[-1]

    revived = await house.database.write(
        lambda s: JobStore(s).retry_failed(failed["tenant_id"], failed["id"])
    )
    await house.settled()

    assert (failed["state"], "410" in failed["last_error"]) == ("failed", True)
    assert revived
    await _is_whole(house, page_id)


@pytest.mark.parametrize("path", [READ, LABEL, PROPERTY])
async def test_a_rate_limit_with_a_wait_is_obeyed(busy_house: House, path: str) -> None:
    """On 429 nothing is sent for the tenant before the wait is over."""
    house = busy_house
    headers = {"Retry-After": "30", "RateLimit-Reason": "confluence-quota-tenant-based"}
    page_id, _ = await _struck(house, path, status=429, headers=headers)
    job = await house.put_back(page_id)

    (tenant,) = await house.tenants()
    earliest = await house.database_time(25)
    sent = len(house.requests())
    other = house.add_page(f"Other {page_id}", TEXTS[ENGLISH])
    await house.delivered()
    waiting = await house.page_jobs(other)
    quiet = len(house.requests()) == sent
    await house.hasten()
    await house.settled()

    assert job["attempt"] == 0
    assert tenant["blocked_reason"] == "rate_limited"
    assert earliest < tenant["blocked_until"] < earliest + timedelta(seconds=15)
    assert [one["state"] for one in waiting] == ["ready"]
    assert quiet
    await _is_whole(house, page_id)


async def test_a_rate_limit_without_a_wait_backs_off(busy_house: House) -> None:
    """On 429 that tells no time the tenant rests for seconds; the job is not failed."""
    house = busy_house
    page_id, _ = await _struck(house, READ, status=429)
    job = await house.put_back(page_id)

    (tenant,) = await house.tenants()
    now = await house.database_time(0)
    await house.hasten()
    await house.settled()

    assert job["attempt"] == 0
    assert timedelta(seconds=1) < tenant["blocked_until"] - now < timedelta(minutes=1)
    await _is_whole(house, page_id)


async def test_a_burst_limit_binds_the_job_alone(busy_house: House) -> None:
    """A burst limit stops one job; other pages of the tenant go on."""
    house = busy_house
    headers = {"Retry-After": "30", "RateLimit-Reason": "confluence-burst-based"}
    page_id, _ = await _struck(house, READ, status=429, headers=headers)
    await house.put_back(page_id)

    (tenant,) = await house.tenants()
    other = house.add_page(f"Other {page_id}", TEXTS[ENGLISH])
    await house.wait_for(lambda: house.byline(other))
    still = (await house.page_jobs(page_id))[-1]["state"]
    await house.hasten()
    await house.settled()

    assert tenant["blocked_until"] is None
    assert still == "ready"
    await _is_whole(house, page_id)


@pytest.mark.parametrize("path", [READ, LABEL, PROPERTY])
@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 503, "headers": {"Retry-After": "30"}},
        {"half_body": True},
        {"drop": True},
        {"after_effect": {"status": 502}},
    ],
    ids=["500", "503-retry-after", "half-body", "drop", "done-yet-502"],
)
async def test_a_broken_answer_is_tried_again(
    busy_house: House, path: str, answer: dict[str, Any]
) -> None:
    """A server that breaks is asked again; the page ends whole, and labelled once."""
    house = busy_house
    # Reading is repeated on the spot unless the site asks for time.
    spots = 1 if "headers" in answer or path != READ else 3
    page_id, _ = await _struck(house, path, spots, **answer)
    job = await house.put_back(page_id)
    await house.hasten()
    await house.settled()

    assert job["attempt"] == 1
    assert house.labels(page_id).count("backup") == 1
    await _is_whole(house, page_id)


async def test_a_short_trouble_is_over_at_once(busy_house: House) -> None:
    """One failed reading is repeated at once and not told to the queue."""
    house = busy_house
    page_id, _ = await _struck(house, READ, status=500)
    await house.settled()

    job = (await house.page_jobs(page_id))[-1]
    assert (job["state"], job["attempt"]) == ("done", 1)
    await _is_whole(house, page_id)


@pytest.mark.parametrize("path", [READ, LABEL, PROPERTY])
async def test_a_silent_site_is_tried_again(build: BuildHouse, path: str) -> None:
    """A site that does not answer in time is asked again later."""
    house = await build(make_app=impatient_app)
    await house.install_forge()
    spots = 3 if path == READ else 1
    page_id, _ = await _struck(house, path, spots, timeout_seconds=2)
    job = await house.put_back(page_id)
    await house.hasten()
    await house.settled()

    assert "timeout" in job["last_error"]
    await _is_whole(house, page_id)


async def test_a_site_that_never_recovers_ends_as_a_dead_letter(
    busy_house: House,
) -> None:
    """Attempts are counted: at the last one the job fails and can be seen."""
    house = busy_house
    page_id, _ = await _struck(house, LABEL, status=500)
    job = await house.put_back(page_id)
    house.fault(LABEL.format(page_id), method="POST", times=0, answer={"status": 500})
    await house.change(JobRow, JobRow.id == job["id"], attempt=MAX_ATTEMPTS - 1)
    await house.hasten()
    await house.settled()
    house.site.faults.clear()

    failed = (await house.page_jobs(page_id))[-1]
    assert failed["state"] == "failed"
    assert "500" in failed["last_error"]
    assert await house.ai_calls(page_id) == 1


async def test_no_page_text_and_no_credential_reaches_a_log(house: House) -> None:
    """Whatever goes wrong, logs hold neither words of a page nor tokens."""
    await house.install_forge()
    await house.install_connect()
    page_id, _ = await _struck(house, LABEL, status=410, body=f"about {TEXTS[ENGLISH]}")
    await house.settled()

    logs = house.all_logs()
    assert page_id in logs
    assert "server" not in logs.lower().replace("server process", "")
    assert "eyJ" not in logs
    assert house.connect._apps.get("confluence-ai").shared_secret not in logs
