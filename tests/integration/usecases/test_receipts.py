"""Tests for receipts of runs: what is kept, for how long, and who reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from typing_extensions import override

from app.domain.changes import Change
from app.domain.memory import PageMemory
from app.domain.pages import Space
from app.domain.selection import Selection
from app.errors import (
    AccessChanged,
    AnswerUnusable,
    AppError,
    BudgetExceeded,
    ContractBroken,
    CredentialsMissing,
    NotFound,
    PageGone,
    ProviderDown,
    RateLimited,
    Stopped,
    Unavailable,
    VersionConflict,
)
from app.store.base import db_time
from app.store.database import Database
from app.store.encryption import Cipher, new_key
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.store.switches import SwitchStore
from app.store.tables import AuditRow, ReceiptRow, RunRow
from app.usecases.label_page import label_page
from app.usecases.make_plan import draft_plan, start_plan
from app.usecases.record_run import Run, record_run
from app.usecases.show_receipts import Wanted, export_receipts, show_receipt
from app.usecases.sweep_receipts import sweep_receipts
from app.usecases.writing.work import Write
from tests.integration.store.stored import rows
from tests.integration.usecases.asking import (
    BODY,
    COST,
    NOON,
    Asking,
    OnePageSite,
    ScriptedProvider,
    a_job,
    a_page,
    asking,
    spent,
)

pytestmark = pytest.mark.anyio
LATER = datetime(2030, 1, 1, tzinfo=NOON.tzinfo)
LABEL = "копії"
SPACE = Space(id="100", key="DOCS", name="Документи")


async def at_site(
    database: Database, *providers: ScriptedProvider
) -> tuple[Asking, OnePageSite]:
    """Return a tenant with a site of one page, whose people use one label."""
    site = OnePageSite(a_page())
    house = await asking(
        database, *providers or [ScriptedProvider("openai")], open_confluence=site.open
    )
    await house.install()
    memory = PageMemory(
        page_id="1",
        parent_id=None,
        space_id="100",
        language="uk",
        weights={"копі": 1.0, "сервер": 0.5},
        labels=frozenset({LABEL}),
        title="Копії серверів",
    )
    await house.database.write(
        lambda s: MemoryStore(s).keep(house.tenant, memory, page_version=1)
    )
    return house, site


async def set_policy(house: Asking, space_id: str = "", **fields: Any) -> None:
    await house.database.write(
        lambda s: PolicyStore(s).set_fields(house.tenant, space_id, fields)
    )


async def work(house: Asking, page_id: str = "7") -> Mapping[str, Any]:
    """Label the page; return the run as it is shown."""
    await label_page(house.services, a_job(house.tenant, page_id))
    return await last(house)


async def last(house: Asking) -> Mapping[str, Any]:
    runs = await rows(house.database, RunRow)
    return await show_receipt(house.services, house.tenant, runs[-1]["id"])


async def kept(house: Asking) -> list[int]:
    found = await rows(house.database, ReceiptRow)
    return sorted(row["run_id"] for row in found)


class TestReceipt:
    """What a receipt says."""

    async def test_question_answer_and_decision_are_told(
        self, database: Database
    ) -> None:
        """Word by word, label by label, with the bar and why."""
        house, _ = await at_site(database)

        run = await work(house)

        receipt = run["receipt"]
        (attempt,) = receipt["attempts"]
        (label,) = receipt["decision"]["labels"]
        assert attempt["instructions"] == "Label this."
        assert BODY in attempt["message"]
        assert attempt["reply"] == '{"labels": []}'
        assert (attempt["mended"], attempt["dropped"]) == (["label_unknown"], ["чуже"])
        assert attempt["usage"]["micro_usd"] == COST.micro_usd
        assert [one["label"] for one in receipt["question"]["candidates"]] == [LABEL]
        assert receipt["question"]["candidates"][0]["parts"]
        assert (label["label"], label["action"]) == (LABEL, "add")
        assert label["why"].startswith("from 0.50 on without asking")
        assert receipt["answer"]["summary"] == "Підсумок від openai."
        assert receipt["page"]["title"] == "Резервні копії"
        assert (receipt["prompt_version"], receipt["reused"]) == (1, None)
        assert receipt["policy"]["mode"] == "auto"
        assert {(one["kind"], one["outcome"]) for one in receipt["writes"]} == {
            ("label_add", "applied"),
            ("summary", "applied"),
        }
        assert (run["outcome"], run["ai_calls"]) == ("applied", 1)

    async def test_row_in_clear_quotes_nothing(self, database: Database) -> None:
        """Labels and figures are there; text, evidence and summary are not."""
        house, _ = await at_site(database)

        await work(house)

        (row,) = await rows(database, RunRow)
        clear = json.dumps(row["receipt"], ensure_ascii=False)
        assert row["receipt"]["plan"][0]["label"] == LABEL
        for word in ("щоночі", "Підсумок", "Резервні", "evidence", "message", "чуже"):
            assert word not in clear

    async def test_nothing_is_kept_where_policy_wants_nothing(
        self, database: Database
    ) -> None:
        """The figures stay, and tell what was done."""
        house, _ = await at_site(database)
        await set_policy(house, keep_receipts_days=0)

        run = await work(house)

        assert await kept(house) == []
        assert run["receipt"] is None
        assert run["figures"]["added"] == [LABEL]

    async def test_answer_from_before_names_its_run(self, database: Database) -> None:
        """When it was given, about which page, and where its question is told."""
        house, _ = await at_site(database)
        first = await work(house)

        again = await work(house)

        reused = again["receipt"]["reused"]
        assert (again["outcome"], again["ai_calls"]) == ("unchanged_content", 0)
        assert reused["run"] == first["run"]
        assert reused["page"] == "7"
        assert datetime.fromisoformat(reused["given_at"]) == NOON
        assert (again["receipt"]["question"], again["receipt"]["attempts"]) == (
            None,
            [],
        )
        assert again["receipt"]["decision"]["labels"][0]["action"] == "keep"

    async def test_run_in_vain_keeps_what_was_asked(self, database: Database) -> None:
        """Money was paid, and nothing came of it."""
        cut = ProviderDown("openai", "failed", kind="server_error", usage=spent())
        house, site = await at_site(database, ScriptedProvider("openai", cut))

        with pytest.raises(ProviderDown):
            await work(house)

        run = await last(house)
        receipt = run["receipt"]
        assert run["outcome"] == "provider_error"
        assert receipt["attempts"][0]["outcome"] == "server_error"
        assert receipt["attempts"][0]["usage"]["micro_usd"] == COST.micro_usd
        assert (receipt["answer"], receipt["decision"]) == (None, None)
        assert site.writes == []

    async def test_call_that_was_held_has_none(self, database: Database) -> None:
        """A page that waits for a quota is looked at many times, and never sent."""
        held = ProviderDown("openai", "spent", kind="quota_wait")
        house, _ = await at_site(database, ScriptedProvider("openai", held))

        with pytest.raises(ProviderDown):
            await work(house)

        run = await last(house)
        assert (run["outcome"], run["receipt"]) == ("provider_error", None)
        assert run["figures"]["ai_attempts"][0]["outcome"] == "quota_wait"
        assert await kept(house) == []

    async def test_run_that_asked_nobody_has_none(self, database: Database) -> None:
        """An empty page; a page that policy leaves alone."""
        house, site = await at_site(database)
        site.page = a_page(body="")

        run = await work(house)

        await set_policy(house, mode="off")
        left_alone = await work(house)

        assert (run["outcome"], run["receipt"]) == ("empty", None)
        assert (left_alone["outcome"], left_alone["receipt"]) == ("policy_off", None)
        assert await kept(house) == []

    async def test_what_waits_for_a_person_is_told(self, database: Database) -> None:
        """With the words that would be written."""
        house, _ = await at_site(database)
        await set_policy(house, mode="suggest")

        run = await work(house)

        waiting = run["receipt"]["decision"]["waiting"]
        assert run["outcome"] == "suggested"
        assert [one["kind"] for one in waiting] == ["label_add", "summary"]
        assert waiting[1]["after"]["summary"] == "Підсумок від openai."


class TestOutcome:
    """Each failure ends with its own word."""

    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (ProviderDown("openai", "503", kind="overloaded"), "provider_error"),
            (VersionConflict("confluence", "moved on"), "conflict"),
            (BudgetExceeded("the day's budget", until=LATER), "over_budget"),
            (Stopped("stopped by cli"), "stopped"),
            (CredentialsMissing("x"), "waiting"),
            (RateLimited("confluence", "429"), "waiting"),
            (Unavailable("confluence", "503"), "unavailable"),
            (ContractBroken("confluence", "no id"), "failed"),
        ],
        ids=lambda value: value if isinstance(value, str) else type(value).__name__,
    )
    def test_word_follows_from_the_error(self, error: AppError, outcome: str) -> None:
        """Told in the run, with the error's own message."""
        run = Run(page_id="7", started_at=NOON, cause="event")

        run.fail(error)

        assert (run.outcome, run.error) == (outcome, str(error))

    async def test_kill_switch_is_told(self, database: Database) -> None:
        """Nobody was asked, and nothing is kept of the page."""
        house, site = await at_site(database)
        await house.database.write(
            lambda s: SwitchStore(s).stop(house.tenant, by="cli")
        )

        with pytest.raises(Stopped):
            await work(house)

        run = await last(house)
        assert (run["outcome"], run["receipt"]) == ("stopped", None)
        assert (house.calls, site.writes) == ({}, [])

    async def test_second_provider_s_answer_is_one(self, database: Database) -> None:
        """The first one's reply could not be read; the second one had nothing to add."""
        bad = AnswerUnusable("openai", "no JSON", kind="malformed", usage=spent())
        house, _ = await at_site(
            database, ScriptedProvider("openai", bad), ScriptedProvider("gemini")
        )
        await set_policy(house, summary_place="nowhere", suggest_at=0.99, apply_at=1.0)

        run = await work(house)

        assert run["outcome"] == "no_change"
        assert [one["outcome"] for one in run["receipt"]["attempts"]] == [
            "malformed",
            "answered",
        ]

    async def test_replies_that_nobody_can_read_are_told(
        self, database: Database
    ) -> None:
        """The draft stands, and had nothing to add either."""
        bad = AnswerUnusable("openai", "no JSON", kind="malformed", usage=spent())
        house, _ = await at_site(database, ScriptedProvider("openai", bad))
        await set_policy(house, summary_place="nowhere", suggest_at=0.99, apply_at=1.0)

        run = await work(house)

        assert run["outcome"] == "parse_error"

    async def test_page_that_is_gone_is_told(self, database: Database) -> None:
        """With no receipt: nobody read it."""

        class Gone(OnePageSite):
            @override
            async def get_page(self, page_id: str, *, live: bool = False) -> Any:
                raise PageGone(f"page {page_id} is gone, {live=}")

        house = await asking(
            database,
            ScriptedProvider("openai"),
            open_confluence=Gone(a_page()).open,
        )
        await house.install()

        with pytest.raises(PageGone):
            await work(house)

        run = await last(house)
        assert (run["outcome"], run["receipt"]) == ("gone", None)


class TestRecord:
    """Runs that carry out what was decided before."""

    async def carried_out(self, house: Asking, *writes: Write) -> Mapping[str, Any]:
        run = Run(page_id="7", started_at=NOON, cause="reset", forget=True)
        run.writes = list(writes)
        run.conclude()
        await record_run(house.services, house.tenant, run)
        return await last(house)

    async def test_heading_of_a_section_is_not_told_in_clear(
        self, database: Database
    ) -> None:
        """It is the page's own; a label, and the kind of a change, are not."""
        house, _ = await at_site(database)
        section = Change(kind="page_text", page_id="7", value="Зарплати")
        label = Change(kind="label_add", page_id="7", value=LABEL)
        comment = Change(kind="comment", page_id="7", value="summary")

        run = await self.carried_out(
            house,
            Write(change=section, outcome="skipped", reason="changed_since"),
            Write(change=label, outcome="skipped", reason="already_there"),
            Write(change=comment, outcome="skipped", reason="gone"),
        )

        assert run["outcome"] == "conflict"
        assert run["figures"]["skipped"] == {
            "page_text": "changed_since",
            f"label_add {LABEL}": "already_there",
            "comment summary": "gone",
        }
        assert "Зарплати" not in str(run)

    @pytest.mark.parametrize(
        ("outcome", "reason", "told"),
        [
            ("applied", "", "applied"),
            ("skipped", "already_there", "no_change"),
            ("skipped", "tombstone", "no_change"),
            ("skipped", "page_changed", "conflict"),
            ("skipped", "not_whitelisted", "denied"),
            ("skipped", "stopped", "denied"),
        ],
    )
    async def test_outcome_follows_from_what_became_of_the_writes(
        self, database: Database, outcome: Any, reason: str, told: str
    ) -> None:
        """Nobody was asked, so no text was known either."""
        house, _ = await at_site(database)
        label = Change(kind="label_remove", page_id="7", value=LABEL)

        run = await self.carried_out(
            house, Write(change=label, outcome=outcome, reason=reason)
        )

        assert (run["outcome"], run["receipt"]) == (told, None)
        assert run["figures"]["removed"] == ([LABEL] if outcome == "applied" else [])

    async def test_tenant_that_is_gone_has_no_runs(self, database: Database) -> None:
        """Its record became another one meanwhile."""
        house, _ = await at_site(database)
        house.tenant = "gone"

        with pytest.raises(AccessChanged):
            await self.carried_out(house)


class TestPlans:
    """Looks at pages that a plan is made of."""

    async def drafted(self, house: Asking) -> None:
        plan_id = await start_plan(
            house.services, house.tenant, Selection.of("pages", "7"), author="olena"
        )
        await draft_plan(house.services, house.tenant, plan_id)

    async def test_look_that_asked_is_a_run(self, database: Database) -> None:
        """Of whoever asked for the plan; an answer from before is told as well."""
        house, site = await at_site(database)

        await self.drafted(house)
        first = await last(house)
        await self.drafted(house)
        second = await last(house)

        assert (first["outcome"], first["ai_calls"]) == ("planned", 1)
        assert (second["outcome"], second["ai_calls"]) == ("planned", 0)
        assert second["receipt"]["reused"]["run"] == first["run"]
        assert first["receipt"]["writes"] == site.writes == []

    async def test_look_that_asked_nobody_is_none(self, database: Database) -> None:
        """An empty page, and one that waits for a quota."""
        held = ProviderDown("openai", "spent", kind="quota_wait")
        house, site = await at_site(database, ScriptedProvider("openai", held))

        with pytest.raises(ProviderDown):
            await self.drafted(house)
        site.page = a_page(body="")
        await self.drafted(house)

        assert await rows(database, RunRow) == []


class TestTime:
    """How long receipts are kept."""

    async def test_space_s_policy_counts(self, database: Database) -> None:
        """Over the site's."""
        house, _ = await at_site(database)
        await set_policy(house, keep_receipts_days=0)
        await set_policy(house, "100", keep_receipts_days=5)

        await work(house)

        (row,) = await rows(database, ReceiptRow)
        now = await database.read(
            lambda s: s.execute(sa.select(db_time())).scalar_one()
        )
        assert row["space_id"] == "100"
        assert timedelta(days=4.9) < row["expires_at"] - now < timedelta(days=5.1)

    async def age(self, house: Asking, days: int) -> None:
        """Let all runs be so old."""
        past = db_time(timedelta(days=-days))
        await house.database.write(
            lambda s: s.execute(
                sa.update(RunRow).values(started_at=past, finished_at=past)
            ).close()
        )

    async def test_expired_ones_go_in_batches(self, database: Database) -> None:
        """Those that are younger stay; the runs stay all."""
        house, _ = await at_site(database)
        for _ in range(5):
            await work(house)
        old = (await kept(house))[:4]
        await database.write(
            lambda s: s.execute(
                sa.update(ReceiptRow)
                .where(ReceiptRow.run_id.in_(old))
                .values(expires_at=db_time(timedelta(seconds=-1)))
            ).close()
        )

        gone = await sweep_receipts(database, house.services.cipher, batch=3)

        assert (gone, len(await kept(house))) == (4, 1)
        assert len(await rows(database, RunRow)) == 5
        assert await sweep_receipts(database, house.services.cipher) == 0

    async def test_shortened_policy_counts_for_what_was_kept_before(
        self, database: Database
    ) -> None:
        """From the next sweep on, in its own space alone."""
        house, _ = await at_site(database)
        await work(house)
        await self.age(house, 10)
        sweeps = []
        for space, days in (("200", 1), ("", 30), ("", 7)):
            await set_policy(house, space, keep_receipts_days=days)
            sweeps.append(await sweep_receipts(database, house.services.cipher))

        assert sweeps == [0, 0, 1]
        assert await kept(house) == []

    async def test_space_that_keeps_longer_keeps(self, database: Database) -> None:
        """And one that wants none any more has none."""
        house, _ = await at_site(database)
        await work(house)
        await self.age(house, 10)
        await set_policy(house, keep_receipts_days=1)
        await set_policy(house, "100", keep_receipts_days=30)

        spared = await sweep_receipts(database, house.services.cipher)
        await set_policy(house, "100", keep_receipts_days=0)
        swept = await sweep_receipts(database, house.services.cipher)

        assert (spared, swept) == (0, 1)


class TestExport:
    """Many receipts in a row."""

    async def exported(self, house: Asking, **which: Any) -> list[int]:
        wanted = Wanted(**which)
        walk = export_receipts(house.services, house.tenant, wanted, by="cli")
        return [row["run"] async for row in walk]

    async def test_more_than_a_portion_comes_in_order(self, database: Database) -> None:
        """Each once, and the audit knows who read them."""
        house, _ = await at_site(database)
        for _ in range(52):
            await work(house)

        found = await self.exported(house, since=NOON)

        assert found == await kept(house)
        assert len(found) == 52
        audit = (await rows(database, AuditRow))[-1]
        assert (audit["action"], audit["actor"]) == ("receipts_exported", "cli")
        assert audit["after"]["since"] == NOON.isoformat()

    async def test_receipt_that_cannot_be_read_is_not_passed_over(
        self, database: Database
    ) -> None:
        """Somebody lost a key: its runs are told with their figures."""
        house, _ = await at_site(database)
        run = (await work(house))["run"]
        other = replace(house.services, cipher=Cipher([new_key()]))

        walk = export_receipts(other, house.tenant, Wanted(), by="cli")
        (row,) = [row async for row in walk]

        assert (row["run"], row["receipt"]) == (run, None)
        assert row["figures"]["added"] == [LABEL]

    async def test_filters_narrow(self, database: Database) -> None:
        """By page, space and time."""
        house, _ = await at_site(database)
        (run,) = [(await work(house))["run"]]
        await house.database.write(
            lambda s: PolicyStore(s).keep_space(house.tenant, SPACE)
        )

        assert await self.exported(house, space_key="docs", page_id="7") == [run]
        assert await self.exported(house, page_id="8") == []
        assert await self.exported(house, until=NOON - timedelta(days=1)) == []

    async def test_unknown_tenant_space_or_run_is_told(
        self, database: Database
    ) -> None:
        """Not an empty list: somebody may have mistyped."""
        house, _ = await at_site(database)

        with pytest.raises(NotFound, match="no space NOPE"):
            await self.exported(house, space_key="NOPE")
        with pytest.raises(NotFound, match="no run 99"):
            await show_receipt(house.services, house.tenant, 99)
        house.tenant = "nobody"
        with pytest.raises(NotFound, match="no tenant nobody"):
            await self.exported(house)
        with pytest.raises(NotFound, match="no tenant nobody"):
            await show_receipt(house.services, house.tenant, 1)
