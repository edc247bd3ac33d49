"""Receipts of real calls: the very words, no secret, and the same question asked again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.domain.selection import Selection
from app.errors import ProviderError
from app.store.installations import InstallationStore
from app.store.tables import PlanItemRow, ReceiptRow, UsageRow
from app.usecases.carry_out import carry_out
from app.usecases.make_plan import draft_plan, start_plan
from app.usecases.replay_run import replay_run
from app.usecases.services import Services
from app.usecases.show_plan import show_plan
from app.usecases.show_receipts import Wanted, export_receipts, show_receipt
from tests.functional.ai_house import (
    GEMINI_KEY,
    OPENAI_KEY,
    AiHouse,
    open_ai_house,
)
from tests.functional.opening import fresh_sqlite
from tests.functional.small_site import ENGLISH, TEXTS, UKRAINIAN

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ai(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[AiHouse]:
    """A house with providers, learned."""
    url = fresh_sqlite(sqlite_template, tmp_path)
    async with open_ai_house(url, tmp_path) as opened:
        await opened.house.install_forge()
        yield opened


def services(ai: AiHouse) -> Services:
    assert ai.house.services is not None
    return ai.house.services


async def told(ai: AiHouse, page_id: str) -> Mapping[str, Any]:
    """Return a page's newest run with its receipt."""
    run = await ai.last_run(page_id)
    return await show_receipt(services(ai), await ai.house.tenant_id(), run["id"])


async def test_receipt_has_the_very_words_and_no_secret(ai: AiHouse) -> None:
    """What went over the wire and what came back; keys stay out, tokens too."""
    page_id = ai.house.write(UKRAINIAN)
    await ai.house.settled()
    run = await told(ai, page_id)

    (asked,) = ai.asked()
    (attempt,) = run["receipt"]["attempts"]
    sent = json.loads(asked.body)
    assert (sent["instructions"], sent["input"]) == (
        attempt["instructions"],
        attempt["message"],
    )
    assert sent["text"]["format"]["schema"] == attempt["schema"]
    assert TEXTS[UKRAINIAN].split(".")[0] in attempt["page_text"]
    assert attempt["page_text"] in attempt["message"]
    assert json.loads(attempt["reply"])["labels"]
    assert run["receipt"]["answer"]["summary"]

    # A refusal repeats the beginning and the end of the key that it refuses.
    ai.providers.configure({"openai": {"api_key": "another"}})
    ai.providers.configure({"gemini": {"api_key": "another"}})
    refused = ai.new_page(TEXTS[ENGLISH])
    await ai.house.put_back(refused)
    tenant = await ai.house.tenant_id()
    walk = export_receipts(services(ai), tenant, Wanted(), by="cli")
    lines = [json.dumps(row) async for row in walk]
    assert len(lines) == 2
    assert "authentication" in lines[1]
    for secret in (OPENAI_KEY, GEMINI_KEY, *await tokens(ai)):
        for part in (secret, secret[:7], secret[-4:]):
            assert part not in "".join(lines)
    sealed = [row["sealed"] for row in await ai.house.rows(ReceiptRow)]
    assert not any("backup" in one for one in sealed)
    assert "You label and summarise" not in ai.house.all_logs()


async def tokens(ai: AiHouse) -> list[str]:
    """Return what lets the app in at the site, in clear."""
    tenant = await ai.house.tenant_id()

    def work(session: Any) -> list[str]:
        store = InstallationStore(session, services(ai).cipher)
        found = (store.token(one) for one in store.of_tenant(tenant))
        return [one.value for one in found if one is not None]

    return await ai.house.database.read(work)


async def test_same_question_is_put_to_another_provider(ai: AiHouse) -> None:
    """About the text of then, word by word, though the page was edited since."""
    house, tenant = ai.house, await ai.house.tenant_id()
    page_id = house.write(ENGLISH)
    await house.settled()
    run = await told(ai, page_id)
    await house.order("/deliveries/settings", drop_next=1)
    house.edit(page_id, "Something else altogether.")
    writes, runs = len(house.writes()), len(await house.runs(page_id))

    found = await replay_run(
        services(ai),
        tenant,
        run["run"],
        provider="gemini",
        kept_text=True,
        by="cli",
    )

    (asked,) = ai.asked("gemini")
    (usage,) = await house.rows(UsageRow, UsageRow.provider == "gemini")
    message = run["receipt"]["attempts"][0]["message"]
    assert message in _texts(json.loads(asked.body))
    assert (found["changed"], found["now"]["provider"]) == (True, "gemini")
    assert found["now"]["labels"] == found["then"]["labels"]
    assert found["now"]["labels"][0]["label"] == "backup"
    assert usage["calls"] == 1
    assert (len(house.writes()), len(await house.runs(page_id))) == (writes, runs)


def _texts(value: Any) -> list[str]:
    """Return every text in a JSON value."""
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, dict) else value
    return (
        [text for one in inside for text in _texts(one)]
        if isinstance(value, dict | list)
        else []
    )


async def test_look_of_a_plan_is_a_run_with_a_receipt(ai: AiHouse) -> None:
    """It costs money; what comes of it names it, until it is carried out."""
    house, tenant = ai.house, await ai.house.tenant_id()
    await house.order("/deliveries/settings", drop_next=99)
    page_id = house.write(ENGLISH)
    selection = Selection.of("pages", page_id, house.pages.homepage_id)
    plan_id = await start_plan(services(ai), tenant, selection, author="olena")

    await draft_plan(services(ai), tenant, plan_id)

    run = await told(ai, page_id)
    items = await house.rows(PlanItemRow, PlanItemRow.plan_id == plan_id)
    head = await show_plan(services(ai), tenant, plan_id)
    assert (run["outcome"], run["cause"]) == ("planned", "bulk")
    assert run["usd"] == pytest.approx(head["spent"]["usd"])
    assert run["receipt"]["attempts"][0]["page_text"]
    assert run["receipt"]["decision"]["labels"][0]["action"] == "add"
    assert {item["run_id"] for item in items} == {run["run"]}
    # The home page is empty: nobody was asked about it.
    assert await house.runs(house.pages.homepage_id) == []
    await carry_out(services(ai), tenant, plan_id, actor="olena")
    items = await house.rows(PlanItemRow, PlanItemRow.plan_id == plan_id)
    applied = await ai.last_run(page_id)
    assert {item["run_id"] for item in items} == {applied["id"]}
    assert applied["outcome"] == "applied"


async def test_plan_that_nobody_answers_tells_what_was_asked(ai: AiHouse) -> None:
    """The money is gone; the plan goes on later."""
    house, tenant = ai.house, await ai.house.tenant_id()
    await house.order("/deliveries/settings", drop_next=99)
    page_id = house.write(ENGLISH)
    for provider in ("openai", "gemini"):
        ai.spoil("failed", provider=provider)
    selection = Selection.of("pages", page_id)
    plan_id = await start_plan(services(ai), tenant, selection, author="olena")

    with pytest.raises(ProviderError):
        await draft_plan(services(ai), tenant, plan_id)

    run = await told(ai, page_id)
    assert run["outcome"] == "provider_error"
    assert [one["provider"] for one in run["receipt"]["attempts"]] == [
        "openai",
        "gemini",
    ]
    assert (await show_plan(services(ai), tenant, plan_id))["left"] == 1
