"""The database or the worker goes while a call is in flight: nothing is lost by it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from app.domain.quota.state import GateState, from_json
from app.store.tables import GateRow, JobRow
from tests.functional.ai_house import AiHouse, open_ai_house, running
from tests.functional.small_site import ENGLISH, GERMAN

pytestmark = pytest.mark.anyio


async def _gate(ai: AiHouse) -> GateState:
    """Return what all processes know of OpenAI."""
    (row,) = await ai.house.rows(GateRow)
    return from_json(row["state"])


# -------------------------------------------------------------- the database


@contextlib.asynccontextmanager
async def _locked(url: str) -> AsyncIterator[None]:
    """Let nobody write to a SQLite database while entered."""
    path = url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


@contextlib.asynccontextmanager
async def _renamed(url: str) -> AsyncIterator[None]:
    """Cut all connections to a PostgreSQL database and hide it while entered."""
    parts = urlsplit(url)
    name = parts.path.removeprefix("/")
    connection = await asyncpg.connect(parts._replace(path="/postgres").geturl())
    try:
        await _rename(connection, name, f"{name}_away")
        try:
            yield
        finally:
            await _rename(connection, f"{name}_away", name)
    finally:
        await connection.close()


async def _rename(connection: asyncpg.Connection, name: str, new: str) -> None:
    """Rename a database, whoever connects to it meanwhile."""
    async with asyncio.timeout(10):
        while True:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = $1",
                name,
            )
            with contextlib.suppress(asyncpg.ObjectInUseError):
                await connection.execute(f'ALTER DATABASE "{name}" RENAME TO "{new}"')
                return


def _away(url: str) -> AbstractAsyncContextManager[None]:
    """Take a database away while entered."""
    return _locked(url) if url.startswith("sqlite") else _renamed(url)


async def test_an_answer_outlasts_the_database_s_absence(
    database_url: str, tmp_path: Path
) -> None:
    """The answer comes while nothing can be kept: it waits, and is not bought again."""
    # SQLite waits ten seconds for a lock, each time; PostgreSQL is just not there.
    is_sqlite = database_url.startswith("sqlite")
    sign = "quota_not_settled" if is_sqlite else "answer_not_kept_yet"
    async with open_ai_house(database_url, tmp_path, order="openai") as ai:
        house = ai.house
        await house.install_forge()
        with ai.holding("/v1/responses") as hold:
            page_id = house.write(ENGLISH)
            await hold.caught()
            async with _away(database_url):
                hold.released.set()
                await house.wait_for(lambda: ai.told(sign), 60, what=sign)
                assert house.labels(page_id) == []
        await house.worked(30)

        async def landed() -> bool:
            return not (await _gate(ai)).flights

        # What the call taught is written by itself, when the database is back.
        await house.wait_for(landed, 60, what="the quota's row")
        assert house.labels(page_id) == ["backup"]
        assert ai.stats()["calls"] == len(ai.asked()) == 1
        assert await house.ai_calls(page_id) == 1
        assert (await ai.usage())["calls"] == 1
        assert (await house.page_jobs(page_id))[-1]["state"] == "done"


# ---------------------------------------------------------------- the worker


async def test_a_worker_killed_with_a_call_in_flight(
    database_url: str, tmp_path: Path
) -> None:
    """The page is asked about once more at most; the lost call's place becomes free."""
    async with open_ai_house(
        database_url, tmp_path, order="openai", make_app=None, AI_CONCURRENCY="1"
    ) as ai:
        house = ai.house
        await house.order("/deliveries/settings", retry_seconds=1)
        async with running(house, "serve", EMBEDDED_WORKER="true") as process:
            await house.install_forge()
            house.write(GERMAN)
            await house.settled()
            with ai.holding("/v1/responses") as hold:
                page_id = house.write(ENGLISH)
                await hold.caught()
                process.kill()
                await process.wait()
        lost = (await _gate(ai)).flights
        # The lease lapses after a minute.
        past = await house.database_time(-1)
        await house.change(JobRow, JobRow.state == "running", leased_until=past)

        async with running(house, "serve", EMBEDDED_WORKER="true"):

            async def waiting() -> bool:
                return bool((await _gate(ai)).waiters)

            await house.wait_for(waiting, what="a call that waits for the lost one")
            asked = len(ai.asked())
            await _let_flights_expire(ai)
            await house.worked()

        assert len(lost) == 1
        assert asked == 2
        assert len(ai.asked()) == 3
        assert house.labels(page_id) == ["backup"]
        assert (await _gate(ai)).flights == {}
        assert (await _gate(ai)).waiters == {}
        assert await house.ai_calls(page_id) == 1
        assert len(house.requests("POST", f"/content/{page_id}/label")) == 1


async def _let_flights_expire(ai: AiHouse) -> None:
    """Let so much time pass that a call must have ended somehow."""
    (row,) = await ai.house.rows(GateRow)

    def expire(state: GateState, now: float) -> None:
        state.flights = dict.fromkeys(state.flights, now - 1)

    await ai.change_gate(row["scope"], expire)
