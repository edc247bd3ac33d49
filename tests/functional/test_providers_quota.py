"""More pages than quota: they take turns, and the provider never has to refuse one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.functional.ai_house import AiHouse, open_ai_house, running
from tests.functional.small_site import ENGLISH, TEXTS
from tests.postgres import PostgresServer

pytestmark = pytest.mark.anyio

#: A bucket of sixty, and one more each second.
RPM = 60
BUCKET: dict[str, Any] = {"rpm": RPM, "kind": "bucket"}
PAGES = RPM + 6


async def _all_pages_take_turns(ai: AiHouse) -> None:
    """Edit all pages at once; check that all are labelled as soon as the quota lets."""
    house = ai.house
    pages = [ai.new_page(TEXTS[ENGLISH]) for _ in range(PAGES)]
    await house.settled(90)

    stats = ai.stats()
    took = stats["last_delivery"] - stats["first_arrival"]
    jobs = [(await house.page_jobs(page_id))[-1] for page_id in pages]
    assert all(house.labels(page_id) == ["backup"] for page_id in pages)
    assert {(job["state"], job["attempt"]) for job in jobs} == {("done", 1)}
    assert stats["refused"] == 0
    assert stats["calls"] == stats["answered"] == PAGES
    # Somebody had to wait, or this would say nothing.
    assert took > 5.5


async def test_pages_take_turns_where_the_quota_is_spent(
    sqlite_url: str, tmp_path: Path
) -> None:
    """The operator says what the limit is; no page is put back or refused."""
    async with open_ai_house(
        sqlite_url, tmp_path, order="openai", openai=BUCKET, OPENAI_RPM=str(RPM)
    ) as ai:
        await ai.house.install_forge()
        await _all_pages_take_turns(ai)

        waited = await ai.metric("ai_preflight_seconds_sum", provider="openai")
        assert waited > 0.1
        assert await ai.metric(
            "ai_calls_total", provider="openai", outcome="answered"
        ) == (PAGES)


async def test_what_the_quota_does_not_bear_is_passed_on(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Before anybody is refused: the next provider answers what would wait too long."""
    async with open_ai_house(
        sqlite_url, tmp_path, openai={"rpm": 3}, AI_PATIENCE_SECONDS="5"
    ) as ai:
        house = ai.house
        await house.install_forge()
        pages = [ai.new_page(TEXTS[ENGLISH]) for _ in range(8)]
        await house.settled()

        passed_on = [("openai", "quota_wait"), ("gemini", "answered")]
        told = [await ai.attempts(page_id) for page_id in pages]
        assert all(house.labels(page_id) == ["backup"] for page_id in pages)
        assert sorted(told) == [[("openai", "answered")]] * 3 + [passed_on] * 5
        assert (ai.stats()["calls"], ai.stats()["refused"]) == (3, 0)
        assert (await ai.usage())["calls"] == 3
        assert [len(await house.runs(page_id)) for page_id in pages] == [1] * 8


async def test_two_workers_share_one_quota(
    postgres: PostgresServer, postgres_template: str, tmp_path: Path
) -> None:
    """Nobody says what the limit is: what one process learns, both keep."""
    name = postgres.clone(postgres_template)
    few = {"WORKER_CONCURRENCY": "6"}
    async with open_ai_house(
        postgres.url(name), tmp_path, order="openai", openai=BUCKET, make_app=None
    ) as ai:
        async with (
            running(ai.house, "serve", EMBEDDED_WORKER="false"),
            running(ai.house, "worker", LOG_DIR=str(tmp_path / "one"), **few),
            running(ai.house, "worker", LOG_DIR=str(tmp_path / "two"), **few),
        ):
            await ai.house.install_forge()
            await _all_pages_take_turns(ai)

        for each in ("one", "two"):
            told = (tmp_path / each / "ai_calls.log").read_text(encoding="utf-8")
            assert told.count('"ai_call"') >= 5
    postgres.drop(name)
