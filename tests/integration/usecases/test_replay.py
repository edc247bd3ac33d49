"""Tests for app.usecases.replay_run: asked again, nothing done, on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain.pages import Label
from app.errors import AnswerUnusable, Conflict, NotFound, ProviderDown, Stopped
from app.store.base import Base
from app.store.database import Database
from app.store.ledger import LedgerStore
from app.store.receipts import ReceiptStore
from app.store.switches import SwitchStore
from app.store.tables import (
    AuditRow,
    CompletionRow,
    LedgerRow,
    PlanItemRow,
    PlanRow,
    ReceiptRow,
    RunRow,
    UsageRow,
)
from app.usecases.record_run import Run, record_run
from app.usecases.replay_run import replay_run
from tests.integration.store.stored import rows
from tests.integration.usecases.asking import (
    BODY,
    COST,
    NOON,
    Asking,
    OnePageSite,
    ScriptedProvider,
    spent,
)
from tests.integration.usecases.test_receipts import (
    LABEL,
    at_site,
    last,
    set_policy,
    work,
)

pytestmark = pytest.mark.anyio
NEW_BODY = "Тепер тут мова зовсім про інше: про відпустки й лікарняні. " * 5
UNTOUCHED: tuple[type[Base], ...] = (
    RunRow,
    PlanRow,
    PlanItemRow,
    LedgerRow,
    CompletionRow,
    ReceiptRow,
)


async def done(
    database: Database, *providers: ScriptedProvider
) -> tuple[Asking, OnePageSite, int]:
    """Return a site whose page was labelled, and that run."""
    both = providers or (ScriptedProvider("openai"), ScriptedProvider("gemini"))
    house, site = await at_site(database, *both)
    run = await work(house)
    return house, site, run["run"]


async def replayed(house: Asking, run: int, **how: Any) -> dict[str, Any]:
    return await replay_run(house.services, house.tenant, run, by="cli", **how)


async def everything(database: Database) -> list[Any]:
    return [await rows(database, table) for table in UNTOUCHED]


def edit(site: OnePageSite) -> None:
    site.page = replace(site.page, body=NEW_BODY, version=site.page.version + 1)


class TestReplay:
    """What it shows, and what it leaves alone."""

    async def test_then_and_now_stand_side_by_side(self, database: Database) -> None:
        """The label that we put there is judged anew, as if it were not there."""
        house, _, run = await done(database)

        told = await replayed(house, run)

        before, now = told["then"], told["now"]
        assert (told["text"], told["changed"]) == ("now", False)
        assert [(one["label"], one["action"]) for one in before["labels"]] == [
            (LABEL, "add")
        ]
        assert [(one["label"], one["action"]) for one in now["labels"]] == [
            (LABEL, "add")
        ]
        assert now["labels"][0]["why"].startswith("from 0.50 on")
        assert before["summary"] == now["summary"] == "Підсумок від openai."
        assert (before["usd"], now["usd"]) == (COST.micro_usd / 1e6,) * 2

    async def test_nothing_is_written_but_what_it_cost(
        self, database: Database
    ) -> None:
        """No run, plan, ledger, answer or receipt, and nothing on the site."""
        house, site, run = await done(database)
        before, writes = await everything(database), list(site.writes)

        await replayed(house, run, provider="gemini")

        usage = {row["provider"]: row for row in await rows(database, UsageRow)}
        (audit,) = [
            row
            for row in await rows(database, AuditRow)
            if row["action"] == "run_replayed"
        ]
        assert await everything(database) == before
        assert site.writes == writes
        assert (usage["gemini"]["calls"], usage["gemini"]["micro_usd"]) == (
            1,
            COST.micro_usd,
        )
        assert (audit["actor"], audit["run_id"], audit["page_id"]) == ("cli", run, "7")
        assert audit["after"]["provider"] == "gemini"

    async def test_page_that_was_edited_since_is_told(self, database: Database) -> None:
        """It is asked about as it is now."""
        house, site, run = await done(database)
        edit(site)

        told = await replayed(house, run)

        (prompt, turn) = house.providers["openai"].asked[-1]
        assert (told["version_then"], told["version_now"]) == (1, 2)
        assert told["changed"] is True
        assert prompt.page.text == NEW_BODY
        assert LABEL not in prompt.existing
        assert turn.priority == 10

    async def test_edit_of_markup_alone_is_no_change(self, database: Database) -> None:
        """Another version that says the same."""
        house, site, run = await done(database)
        site.page = replace(site.page, version=9)

        told = await replayed(house, run)

        assert (told["version_now"], told["changed"]) == (9, False)

    async def test_kept_text_asks_what_was_asked(self, database: Database) -> None:
        """The same text, candidates and labels, whatever the page says by now."""
        house, site, run = await done(database)
        first, _ = house.providers["openai"].asked[0]
        edit(site)

        told = await replayed(house, run, kept_text=True, provider="gemini")

        (prompt, _) = house.providers["gemini"].asked[-1]
        assert told["text"] == "kept"
        assert prompt.page.text == BODY
        assert (prompt.candidates, prompt.draft) == (first.candidates, first.draft)
        assert told["now"]["summary"] == "Підсумок від gemini."

    async def test_label_of_people_is_theirs(self, database: Database) -> None:
        """What they took off is respected, what they put on is kept."""
        house, site, run = await done(database)
        site.page = replace(site.page, labels=(Label(id="1", name=LABEL),))
        await house.database.write(
            lambda s: LedgerStore(s).bury(house.tenant, "7", LABEL)
        )

        kept = await replayed(house, run)
        site.page = replace(site.page, labels=())
        refused = await replayed(house, run)

        assert kept["now"]["labels"][0]["action"] == "keep"
        assert refused["now"]["labels"][0]["action"] == "respect"

    async def test_provider_that_falls_back_tells_who_was_asked(
        self, database: Database
    ) -> None:
        """Its draft is shown as what it is."""
        house, _, run = await done(database)
        bad = AnswerUnusable("gemini", "no JSON", kind="malformed", usage=spent())
        house.providers["gemini"]._script.append(bad)

        told = await replayed(house, run, provider="gemini")

        assert [
            (one["provider"], one["outcome"]) for one in told["now"]["attempts"]
        ] == [("gemini", "malformed"), ("local", "answered")]
        assert told["now"]["usd"] == COST.micro_usd / 1e6


class TestOldRuns:
    """Runs that tell less."""

    async def test_run_without_a_receipt_tells_its_labels(
        self, database: Database
    ) -> None:
        """The summary of then is gone with it."""
        house, site, run = await done(database)
        await house.database.write(
            lambda s: ReceiptStore(s, house.services.cipher).drop(house.tenant, [run])
        )
        edit(site)

        told = await replayed(house, run)

        assert told["changed"] is None
        assert (told["then"]["summary"], told["then"]["provider"]) == (None, "openai")
        assert told["then"]["labels"][0]["label"] == LABEL
        with pytest.raises(NotFound, match="has no receipt"):
            await replayed(house, run, kept_text=True)

    async def test_run_in_vain_can_be_replayed(self, database: Database) -> None:
        """Nothing was decided then."""
        down = ProviderDown("openai", "503", kind="overloaded")
        house, site = await at_site(database, ScriptedProvider("openai", down))
        with pytest.raises(ProviderDown):
            await work(house)
        failed = await last(house)
        site.page = replace(site.page, version=5)

        told = await replayed(house, failed["run"])

        assert (told["then"]["labels"], told["then"]["summary"]) == ([], None)
        assert told["changed"] is None
        with pytest.raises(Conflict, match="nobody was sent"):
            await replayed(house, failed["run"], kept_text=True)

    async def test_run_without_a_page_is_told(self, database: Database) -> None:
        """A page that was to be made, and was not."""
        house, _, _ = await done(database)
        await record_run(
            house.services,
            house.tenant,
            Run(page_id="", started_at=NOON, cause="structure"),
        )
        failed = await last(house)

        with pytest.raises(NotFound, match="about no page"):
            await replayed(house, failed["run"])

    async def test_run_that_is_not_there_is_told(self, database: Database) -> None:
        """Also one of another site."""
        house, _, run = await done(database)

        with pytest.raises(NotFound, match=f"no run {run + 9}"):
            await replayed(house, run + 9)


class TestLeave:
    """What stands between a page and an AI."""

    async def test_local_only_lets_nobody_else_see_it(self, database: Database) -> None:
        """The built-in provider may."""
        house, _, run = await done(database)
        await set_policy(house, local_only=True)

        with pytest.raises(Conflict, match="policy lets only local see this page"):
            await replayed(house, run, provider="gemini")
        told = await replayed(house, run, provider="local")
        default = await replayed(house, run)

        assert told["now"]["provider"] == default["now"]["provider"] == "local"
        assert house.calls == {"openai": 1, "local": 2}

    async def test_policy_s_order_is_who_may_see_it(self, database: Database) -> None:
        """And nobody besides."""
        house, _, run = await done(database)
        await set_policy(house, "100", providers=["gemini"])

        with pytest.raises(Conflict, match="only gemini"):
            await replayed(house, run, provider="openai")
        told = await replayed(house, run)

        assert told["now"]["provider"] == "gemini"

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [({"never_send": True}, "never_send"), ({"mode": "off"}, "policy_off")],
    )
    async def test_page_that_no_ai_may_see_is_not_asked_about(
        self, database: Database, fields: dict[str, Any], reason: str
    ) -> None:
        """Not even about the text of then."""
        house, _, run = await done(database)
        await set_policy(house, **fields)

        for kept_text in (False, True):
            with pytest.raises(Conflict, match=reason):
                await replayed(house, run, provider="local", kept_text=kept_text)

        assert house.calls == {"openai": 1}

    async def test_kill_switch_stops_replays(self, database: Database) -> None:
        """Nobody is asked."""
        house, _, run = await done(database)
        await house.database.write(
            lambda s: SwitchStore(s).stop(house.tenant, by="cli")
        )

        with pytest.raises(Stopped):
            await replayed(house, run)

        assert house.calls == {"openai": 1}

    async def test_provider_that_is_not_there_is_told(self, database: Database) -> None:
        """With those that are."""
        house, _, run = await done(database)

        with pytest.raises(NotFound, match="no provider nobody; there are: openai"):
            await replayed(house, run, provider="nobody")
