"""The app as processes: killed at the worst moment, and told to stop in good order."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.store.tables import EventRow, JobRow, LedgerRow
from tests.functional.house import House
from tests.functional.opening import fresh_sqlite, open_house
from tests.functional.serving import Hold
from tests.functional.small_site import ENGLISH, TEXTS

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("stuck_worker")]


@asynccontextmanager
async def _process(
    house: House, *arguments: str, **environ: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process of the app; whatever happens, it does not outlive the test."""
    before = _workers_started(house)
    process = await house.spawn(*arguments, **environ)
    try:
        if arguments[0] == "serve":
            await house.wait_for(lambda: _answers(house), 60, what="the web process")
        else:
            await house.wait_for(
                lambda: _more_workers(house, before), 60, what="the worker"
            )
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _answers(house: House) -> bool:
    with suppress(httpx.TransportError):
        return (await house.app.get("/health/live")).is_success
    return False


def _workers_started(house: House) -> int:
    return sum(line["event"] == "worker_started" for line in house.log("app"))


async def _more_workers(house: House, before: int) -> bool:
    return _workers_started(house) > before


async def _stopped(process: asyncio.subprocess.Process, seconds: float) -> int:
    """Tell a process to stop in good order; return its exit code."""
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(seconds):
        return await process.wait()


@pytest.fixture
async def far_house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """A house on each database whose app runs in processes of its own."""
    async with open_house(database_url, tmp_path, make_app=None) as opened:
        # Between two processes nobody answers; the host comes back soon.
        await opened.order("/deliveries/settings", retry_seconds=1)
        yield opened


@pytest.fixture
async def lone_house(sqlite_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """The same on SQLite alone."""
    async with open_house(sqlite_url, tmp_path, make_app=None) as opened:
        # Between two processes nobody answers; the host comes back soon.
        await opened.order("/deliveries/settings", retry_seconds=1)
        yield opened


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stuck:
    house: House
    page_id: str
    hold: Hold
    end: asyncio.Task[tuple[int, float]]


@pytest.fixture(scope="module")
async def stuck_worker(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[_Stuck]:
    """A worker that was told to stop and has a job that does not end.

    It takes its whole grace, so it is begun first and looked at last.
    """
    folder = tmp_path_factory.mktemp("stuck")
    url = fresh_sqlite(sqlite_template, folder)
    async with open_house(url, folder, make_app=None) as house:
        page_id = house.pages.waiting[ENGLISH]
        async with _process(house, "serve", EMBEDDED_WORKER="false"):
            await house.install_forge(settle=False)
            house.write(ENGLISH)
            await house.delivered()
        with house.holding("POST", rf"/pages/{page_id}/properties$") as hold:
            async with _process(house, "worker") as worker:
                await hold.caught()
                end = asyncio.create_task(_end_of(worker))
                yield _Stuck(house=house, page_id=page_id, hold=hold, end=end)
                await end


async def _end_of(process: asyncio.subprocess.Process) -> tuple[int, float]:
    """Tell a process to stop; return its exit code and the seconds that it took."""
    began = time.monotonic()
    code = await _stopped(process, 30)
    return code, time.monotonic() - began


async def test_a_worker_killed_between_label_and_summary(far_house: House) -> None:
    """After kill -9 in the middle of a run the page ends whole, and is paid once."""
    house = far_house
    page_id = house.pages.waiting[ENGLISH]
    stuck = house.fault(
        rf"/pages/{page_id}/properties$", method="POST", answer={"timeout_seconds": 60}
    )
    async with _process(house, "serve") as process:
        await house.install_forge()
        house.write(ENGLISH)
        await house.wait_for(lambda: house.hits(stuck))
        process.kill()
        await process.wait()
    half_done = house.labels(page_id), house.byline(page_id)
    (before,) = await house.rows(LedgerRow)

    # The lease lapses after a minute.
    past = await house.database_time(-1)
    await house.change(JobRow, JobRow.state == "running", leased_until=past)
    async with _process(house, "serve"):
        await house.worked()

    byline = house.byline(page_id)
    (ledger,) = await house.rows(LedgerRow)
    calls = [one for one in house.log("ai_calls") if one["page"] == page_id]
    assert half_done == (["backup"], None)
    assert before["state"] == "planned"
    assert house.labels(page_id) == ["backup"]
    assert byline is not None
    assert byline["labels"] == ["backup"]
    assert (ledger["value"], ledger["state"]) == ("backup", "written")
    assert len(house.requests("POST", "/label")) == 1
    assert len(calls) == 1


async def test_an_accepted_event_outlives_kill_9(far_house: House) -> None:
    """An event that was answered 2xx is on disk: another process works on it."""
    house = far_house
    async with _process(house, "serve", EMBEDDED_WORKER="false") as process:
        await house.install_forge(settle=False)
        page_id = house.write(ENGLISH)
        await house.delivered()
        process.kill()
        await process.wait()
    events = await house.rows(EventRow, EventRow.page_id == page_id)

    async with _process(house, "worker"):
        await house.worked()

    assert [one["outcome"] for one in events] == ["queued"]
    assert [job["state"] for job in await house.page_jobs(page_id)] == ["done"]
    assert house.byline(page_id) is not None


@pytest.mark.parametrize("kind", ["serve", "worker"])
async def test_sigterm_lets_the_running_job_finish(
    lone_house: House, kind: str
) -> None:
    """Told to stop, a process ends what it is at and leaves with 0."""
    house = lone_house
    page_id = house.pages.waiting[ENGLISH]
    # One process takes the event in, and perhaps another one works on it.
    embedded = str(kind == "serve").lower()
    async with _process(house, "serve", EMBEDDED_WORKER=embedded) as web:
        await house.install_forge(settle=False)
        with house.holding("GET", rf"/pages/{page_id}$") as hold:
            house.write(ENGLISH)
            await house.delivered()
            if kind == "serve":
                await hold.caught()
                code = await _stop_while_held(web, hold.released)
            else:
                async with _process(house, "worker") as worker:
                    await hold.caught()
                    code = await _stop_while_held(worker, hold.released)

    (job,) = await house.page_jobs(page_id)
    assert code == 0
    assert (job["state"], job["attempt"]) == ("done", 1)
    assert house.byline(page_id) is not None


async def _stop_while_held(
    process: asyncio.subprocess.Process, released: asyncio.Event
) -> int:
    process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.5)
    assert process.returncode is None
    released.set()
    async with asyncio.timeout(25):
        return await process.wait()


async def test_web_and_worker_side_by_side(far_house: House) -> None:
    """One process answers, another works: the way of larger installations."""
    house = far_house
    async with (
        _process(house, "serve", EMBEDDED_WORKER="false"),
        _process(house, "worker"),
    ):
        await house.install_forge()
        page_id = house.write(ENGLISH)
        await house.settled()

    assert house.labels(page_id) == ["backup"]
    assert TEXTS[ENGLISH].split(".")[0] in str(house.byline(page_id))


async def test_an_idle_process_ends_at_once(lone_house: House) -> None:
    """Without work SIGTERM ends web and worker within seconds, and with 0."""
    house = lone_house
    async with _process(house, "serve") as web, _process(house, "worker") as worker:
        codes = [await _stopped(one, 5) for one in (worker, web)]

    assert codes == [0, 0]


async def test_sigterm_hands_back_what_will_not_end(stuck_worker: _Stuck) -> None:
    """A job that is stuck is handed back unharmed, and the process ends in time."""
    house, page_id = stuck_worker.house, stuck_worker.page_id
    code, took = await stuck_worker.end
    (handed_back,) = await house.page_jobs(page_id)

    stuck_worker.hold.released.set()
    async with _process(house, "worker"):
        await house.worked()

    assert code == 0
    assert took < 25
    assert (handed_back["state"], handed_back["attempt"]) == ("ready", 0)
    assert [job["state"] for job in await house.page_jobs(page_id)] == ["done"]
    assert house.byline(page_id) is not None
