"""The main job with an AI that is asked over the network: paid once, told in full."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.store.tables import UsageRow
from tests.functional.ai_house import (
    GEMINI_KEY,
    OPENAI_KEY,
    OPENAI_MODEL,
    AiHouse,
    open_ai_house,
)
from tests.functional.opening import fresh_sqlite
from tests.functional.small_site import ENGLISH, FITTING, GERMAN, TEXTS, UKRAINIAN

pytestmark = pytest.mark.anyio

#: Long enough to be known by its text alone.
LONG = f"{TEXTS[ENGLISH]} Every restore is noted in the list beside the safe. " * 2


@pytest.fixture
async def any_ai(database_url: str, tmp_path: Path) -> AsyncIterator[AiHouse]:
    """A house with providers on each database, learned."""
    # What is never logged is not logged at the chattiest level either.
    async with open_ai_house(database_url, tmp_path, LOG_LEVEL="DEBUG") as opened:
        await opened.house.install_forge()
        yield opened


@pytest.fixture(scope="module")
async def ai(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AiHouse]:
    """One learned house with providers; each test adds its own page."""
    folder = tmp_path_factory.mktemp("ai")
    url = fresh_sqlite(sqlite_template, folder)
    async with open_ai_house(url, folder) as opened:
        await opened.house.install_forge()
        yield opened


async def test_a_page_s_answer_is_told_the_same_everywhere(any_ai: AiHouse) -> None:
    """Receipt, usage, metrics and log agree with what the provider itself counted."""
    ai, house = any_ai, any_ai.house
    pages = {name: house.write(name) for name in (ENGLISH, GERMAN, UKRAINIAN)}
    await house.settled()

    for language, page_id in pages.items():
        byline = house.byline(page_id)
        assert house.labels(page_id) == [FITTING[language]]
        assert byline is not None
        assert byline["summary"] in TEXTS[language]
        assert (byline["model"], byline["fallback"]) == (OPENAI_MODEL, False)

    runs = [await ai.last_run(page_id) for page_id in pages.values()]
    theirs, usage = ai.stats(), await ai.usage()
    counted = theirs["usage"]["input"], theirs["usage"]["output"]
    assert theirs["calls"] == theirs["answered"] == len(ai.asked()) == 3
    assert not ai.asked("gemini")
    assert {(run["provider"], run["model"]) for run in runs} == {
        ("openai", OPENAI_MODEL)
    }
    assert [run["ai_calls"] for run in runs] == [1, 1, 1]
    assert [run["receipt"]["fallback"] for run in runs] == [False] * 3
    spent = [run["receipt"]["ai_attempts"][0]["usage"] for run in runs]
    lines = ai.told("ai_call", provider="openai", outcome="answered")
    for told in (runs, spent, lines):
        assert sum(one["input_tokens"] for one in told) == counted[0]
        assert sum(one["output_tokens"] for one in told) == counted[1]
    assert (usage["calls"], usage["failures"], usage["cache_hits"]) == (3, 0, 0)
    assert (usage["input_tokens"], usage["output_tokens"]) == counted
    who = {"provider": "openai"}
    assert await ai.metric("ai_calls_total", outcome="answered", **who) == 3
    assert await ai.metric("ai_tokens_total", kind="input", **who) == counted[0]
    assert await ai.metric("ai_tokens_total", kind="output", **who) == counted[1]


async def test_money_is_told_the_same_everywhere(any_ai: AiHouse) -> None:
    """The price of the model's own tokens, to a millionth of a dollar."""
    ai, house = any_ai, any_ai.house
    page_id = house.write(ENGLISH)
    await house.settled()

    counted = ai.stats()["usage"]
    cached = counted["cached"]
    price = (counted["input"] - cached) * 0.1 + cached * 0.01 + counted["output"] * 0.5
    run, usage = await ai.last_run(page_id), await ai.usage()
    (line,) = ai.told("ai_call")
    cost = await ai.metric("ai_cost_usd_total", provider="openai", model=OPENAI_MODEL)
    assert price > 10
    assert run["micro_usd"] == usage["micro_usd"] == line["micro_usd"]
    assert run["micro_usd"] == pytest.approx(price, abs=1)
    assert cost * 1e6 == pytest.approx(run["micro_usd"])


async def test_keys_and_page_texts_stay_where_they_belong(any_ai: AiHouse) -> None:
    """No key in any file, row or answer, even when refused; no page text in a log."""
    ai, house = any_ai, any_ai.house
    marked = f"{TEXTS[ENGLISH]} The safe word is Dampfkesselhebel, kept by Przemysław."
    house.edit(house.pages.waiting[ENGLISH], marked)
    await house.settled()
    # The refusal repeats the beginning and the end of the key.
    ai.providers.configure({"openai": {"api_key": "another"}})
    ai.providers.configure({"gemini": {"api_key": "another"}})
    refused = ai.new_page(marked)
    await house.put_back(refused)

    kept, logs = await ai.everything_kept(), house.all_logs()
    metrics = (await house.app.get("/metrics")).content
    (asked, *_) = ai.asked()
    receipt = json.dumps((await ai.last_run(refused))["receipt"])
    assert "authentication" in receipt
    assert b"openai/gpt-6-luna" in kept
    for key in (OPENAI_KEY, GEMINI_KEY):
        for part in (key, key[:7], key[-4:]):
            assert part.encode() not in kept + metrics + asked.body
            assert part not in receipt
    assert b"Dampfkesselhebel" in asked.body
    assert b"You label and summarise" in asked.body
    for words in ("Dampfkesselhebel", "Przemys", "You label and summarise", "on duty"):
        assert words not in logs


@pytest.mark.parametrize(
    ("server", "key", "ways"),
    [
        ({"chat_only": True}, OPENAI_KEY, ["responses", "chat/completions"]),
        (
            {"chat_only": True, "schema_status": 400, "api_key": None},
            "",
            ["responses", "chat/completions", "chat/completions"],
        ),
        (
            {"chat_only": True, "schema_status": 500},
            OPENAI_KEY,
            ["responses", "chat/completions", "chat/completions"],
        ),
    ],
    ids=["chat-only", "no-schema-no-key", "schema-breaks-it"],
)
async def test_servers_that_speak_like_openai(
    sqlite_url: str,
    tmp_path: Path,
    server: dict[str, object],
    key: str,
    ways: list[str],
) -> None:
    """What a server understands is found out with the first page, and remembered."""
    async with open_ai_house(
        sqlite_url, tmp_path, order="openai", openai=server, OPENAI_API_KEY=key
    ) as ai:
        house = ai.house
        await house.install_forge()
        first = house.write(ENGLISH)
        await house.settled()
        found = [one.path for one in ai.asked()]
        second = house.write(UKRAINIAN)
        await house.settled()

        run = await ai.last_run(second)
        usage = await ai.usage()
        assert found == [f"/v1/{way}" for way in ways]
        assert [one.path for one in ai.asked()[len(ways) :]] == ["/v1/chat/completions"]
        assert house.labels(first) == ["backup"]
        assert house.labels(second) == [FITTING[UKRAINIAN]]
        assert await ai.attempts(first) == [("openai", "answered")]
        assert (usage["calls"], usage["failures"]) == (2, 0)
        assert run["input_tokens"] > 100
        assert run["micro_usd"] > 0


# ------------------------------------------------------------ what is not asked


async def test_a_page_without_text_costs_no_call(ai: AiHouse) -> None:
    """Nothing to read is nothing to ask."""
    before = len(ai.front.asked)
    page_id = ai.new_page("")
    await ai.house.settled()

    assert (await ai.last_run(page_id))["outcome"] == "empty"
    assert ai.front.asked[before:] == []
    assert ai.house.byline(page_id) is None


async def test_a_text_is_paid_once(ai: AiHouse) -> None:
    """Another event and a copy cost nothing; an edit costs one call."""
    house, before = ai.house, len(ai.front.asked)
    page_id = ai.new_page(LONG)
    await house.settled()
    first, hits = len(ai.front.asked) - before, (await ai.usage())["cache_hits"]

    house.site.move_page(page_id, house.pages.labelled[0], house.olena)
    await house.settled()
    moved = await ai.last_run(page_id)
    copy_id = house.add_page(f"Copy of {house.site.pages[page_id].latest.title}", LONG)
    await house.settled()
    copied, after_both = await ai.last_run(copy_id), len(ai.front.asked) - before
    after_hits = (await ai.usage())["cache_hits"]

    house.edit(page_id, f"{LONG} It is tested.")
    await house.settled()

    assert (first, after_both, len(ai.front.asked) - before) == (1, 1, 2)
    assert (moved["ai_calls"], moved["micro_usd"], moved["outcome"]) == (
        0,
        0,
        "unchanged_content",
    )
    assert (copied["ai_calls"], copied["micro_usd"]) == (0, 0)
    assert after_hits == hits + 2
    assert house.labels(copy_id) == house.labels(page_id) == ["backup"]
    assert await house.ai_calls(page_id) == 2


async def test_a_huge_page_costs_one_bounded_call(ai: AiHouse) -> None:
    """Two megabytes of text are condensed to what a question may cost."""
    house, before = ai.house, len(ai.front.asked)
    spent = ai.stats()["usage"]["input"]
    sentences = (
        f"Backup {number} of the mail server is kept on disk {number % 97}."
        for number in range(36_000)
    )
    text = "</p><p>".join(sentences)
    assert len(text) > 2_000_000

    page_id = ai.new_page(text)
    await house.settled(90)

    (asked,) = ai.front.asked[before:]
    run = await ai.last_run(page_id)
    assert len(asked.body) < 40_000
    assert 1_000 < ai.stats()["usage"]["input"] - spent < 8_000
    assert (run["provider"], run["ai_calls"]) == ("openai", 1)
    assert "backup" in house.labels(page_id)


# ------------------------------------------------------------- who may be asked


async def test_a_policy_of_local_alone_asks_nobody_outside(
    sqlite_url: str, tmp_path: Path
) -> None:
    """A tenant's order, and a space's over it: where it says `local` no text leaves."""
    async with open_ai_house(sqlite_url, tmp_path) as ai:
        house = ai.house
        space = house.site.create_space(
            key="SEC", name="Secret", actor=house.site.admin
        )
        await house.install_forge()
        await ai.order("local")
        page_id = house.write(ENGLISH)
        await house.settled()

        assert house.labels(page_id) == ["backup"]
        assert (await ai.last_run(page_id))["provider"] == "local"
        assert ai.front.asked == []

        await ai.order("gemini")
        await ai.order("local", space="SEC")
        inside = house.site.create_page(
            space_id=space.id,
            title="Router",
            body=f"<p>{TEXTS[GERMAN]}</p>",
            parent_id=space.homepage_id,
            actor=house.olena,
        )
        outside = house.write(UKRAINIAN)
        await house.settled()

        assert (await ai.last_run(inside.id))["provider"] == "local"
        assert (await ai.last_run(outside))["provider"] == "gemini"
        assert [one.provider for one in ai.front.asked] == ["gemini"]
        assert TEXTS[GERMAN][:30].encode() not in ai.front.asked[0].body
        assert not await house.rows(UsageRow, UsageRow.provider == "openai")


async def test_a_space_of_its_own_does_not_wait_for_others_providers(
    sqlite_url: str, tmp_path: Path
) -> None:
    """While the tenant's provider is out of money, a `local` space goes on."""
    async with open_ai_house(sqlite_url, tmp_path, order="openai") as ai:
        house = ai.house
        space = house.site.create_space(
            key="SEC", name="Secret", actor=house.site.admin
        )
        await house.install_forge()
        await ai.order("local", space="SEC")
        ai.spoil("insufficient_quota")
        await house.put_back(house.write(ENGLISH))
        await house.put_back(house.write(GERMAN))

        inside = house.site.create_page(
            space_id=space.id,
            title="Own backup",
            body=f"<p>{TEXTS[ENGLISH]}</p>",
            parent_id=space.homepage_id,
            actor=house.olena,
        )
        await house.wait_for(lambda: house.labels(inside.id), 5, what="a label")

        assert house.labels(inside.id) == ["backup"]
        assert len(ai.asked()) == 1
