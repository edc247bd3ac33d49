"""Tests for the commands `receipts` and `runs replay`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.ai.router import Router
from app.domain.memory import PageMemory
from app.errors import AnswerUnusable, ProviderDown
from app.store.database import open_database
from app.store.encryption import Cipher, new_key
from app.store.installations import InstallationStore
from app.store.memory import MemoryStore
from app.store.receipts import ReceiptStore
from app.usecases.label_page import label_page
from tests.integration.usecases.asking import (
    BODY,
    OnePageSite,
    ScriptedProvider,
    a_job,
    a_page,
    text_of,
)
from tests.unit.cli.command import CommandLine
from tests.unit.worker.services import RULES, make_services

#: Would turn a terminal red, and hide what follows.
HOSTILE = "Копії\x1b[31m\u202e"


@dataclass
class Desk:
    """A command line, and a site of one page whose providers are scripted."""

    line: CommandLine
    tenant: str
    site: OnePageSite
    openai: ScriptedProvider
    cipher: Cipher

    def work(self) -> None:
        """Label the page."""

        async def run() -> None:
            database = open_database(self.line.database_url)
            try:
                services = make_services(database, **self.line.services)
                await label_page(services, a_job(self.tenant))
            finally:
                await database.close()

        asyncio.run(run())

    def run(self, *arguments: str) -> Any:
        """Run a command about the tenant: its name, the tenant, the rest."""
        group, name, *rest = arguments
        return self.line.run(group, name, self.tenant, *rest)

    def json(self, *arguments: str) -> list[dict[str, Any]]:
        """Run one with `--json` and decode its lines."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def desk(line: CommandLine) -> Iterator[Desk]:
    """A desk whose page waits for labels; logs go nowhere."""
    site = OnePageSite(a_page(title=HOSTILE))
    openai, local = ScriptedProvider("openai"), ScriptedProvider("local")
    cipher = Cipher([new_key()])
    providers = {"openai": openai, "local": local}
    line.services.update(
        ai=Router(providers, order=["openai"], patience=20.0, prompt_version=1),
        providers=providers,
        cipher=cipher,
        read_page=text_of,
        open_confluence=site.open,
        rules=replace(RULES, tagging_mode="PROD", summary_mode="PROD"),
    )
    tenant = line.new_tenant()
    memory = PageMemory(
        page_id="1",
        parent_id=None,
        space_id="100",
        language="uk",
        weights={"копі": 1.0, "сервер": 0.5},
        labels=frozenset({"копії"}),
        title="Копії серверів",
    )
    line.write(lambda s: MemoryStore(s).keep(tenant, memory, page_version=1))
    line.write(
        lambda s: InstallationStore(s, cipher).save(
            tenant,
            "connect",
            "client-key",
            base_url="https://a.atlassian.net/wiki",
            secret="s" * 40,
        )
    )
    with capture_logs():
        yield Desk(line, tenant, site, openai, cipher)


class TestShow:
    """Tests for `receipts show`."""

    def test_person_reads_section_by_section(self, desk: Desk) -> None:
        """Page, question, answer, decision with bar and reason, writes, cost."""
        desk.work()

        lines = desk.run("receipts", "show", "1").stdout.splitlines()

        sections = [line for line in lines if not line.startswith(" ")]
        assert sections == [
            "run 1: applied",
            "page",
            "question",
            "answer",
            "decision",
            "writes",
            "cost",
        ]
        text = "\n".join(lines)
        for told in (
            "add копії 0.95: from 0.50 on without asking",
            "openai openai-model: answered",
            "mended: label_unknown; dropped: чуже",
            "applied: label_add копії",
            "applied: summary Підсумок від openai.",
            "1 AI calls, 900 tokens in, 60 out, $0.0001",
            "candidates: 1",
        ):
            assert told in text
        assert BODY.strip() not in text

    def test_words_are_shown_when_they_are_wanted(self, desk: Desk) -> None:
        """Line by line, and none of them steers the terminal."""
        desk.site.page = replace(desk.site.page, body=f"{BODY}\n\x1b[2J{HOSTILE}")
        desk.work()

        shown = desk.run("receipts", "show", "1", "--words").stdout

        assert "    | Label this." in shown
        assert f"    | {BODY.strip()}" in shown
        assert '    | {"labels": []}' in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown

    def test_scripts_read_all_of_it(self, desk: Desk) -> None:
        """In one object."""
        desk.work()

        (told,) = desk.json("receipts", "show", "1")

        assert told["receipt"]["attempts"][0]["instructions"] == "Label this."
        assert told["figures"]["added"] == ["копії"]

    def test_reused_answer_is_told(self, desk: Desk) -> None:
        """With the run that paid for it."""
        desk.work()
        desk.work()

        shown = desk.run("receipts", "show", "2").stdout

        assert "nobody was asked: an answer from before was used, given at" in shown
        assert "about page 7 in run 1" in shown
        assert "keep копії" in shown

    def test_suggestions_rejections_and_fallbacks_are_told(self, desk: Desk) -> None:
        """What waits, what people took off, who answered instead, and why."""
        cut = AnswerUnusable("openai", "cut short", kind="truncated")
        desk.openai._script.append(cut)
        desk.work()
        desk.site.page = replace(desk.site.page, labels=(), body=BODY + "Ще.")
        desk.line.run("tenants", "policy", desk.tenant, "suggest")
        desk.work()

        first = desk.run("receipts", "show", "1").stdout
        second = desk.run("receipts", "show", "2").stdout

        assert "openai openai-model: truncated" in first
        assert "cut short" in first
        assert "of local local-model (somebody else was to answer)" in first
        assert "respect копії" in second
        assert "waits for a person: summary Підсумок від openai." in second
        assert "  none" in second

    def test_run_without_a_receipt_tells_its_figures(self, desk: Desk) -> None:
        """Its time is over, or nobody wanted one kept."""
        desk.work()
        desk.line.write(lambda s: ReceiptStore(s, desk.cipher).drop(desk.tenant, [1]))

        shown = desk.run("receipts", "show", "1").stdout

        assert "no receipt: nobody was asked" in shown
        assert "add копії 0.95" in shown
        assert "added: копії" in shown
        assert "Підсумок" not in shown

    def test_all_that_was_considered_is_told(self, desk: Desk) -> None:
        """New names, labels that nobody is asked about, candidates beyond the first."""
        desk.openai.proposes = ("нове",)
        names = [f"мітка-{number}" for number in range(12)]
        memory = PageMemory(
            page_id="2",
            parent_id=None,
            space_id="100",
            language="uk",
            weights={"копі": 1.0},
            labels=frozenset(names),
            title="Усе",
        )
        desk.line.write(
            lambda s: MemoryStore(s).keep(desk.tenant, memory, page_version=1)
        )
        desk.line.run("policy", "set", desk.tenant, "suggest_at=0.96", "apply_at=0.97")
        desk.work()

        short = desk.run("receipts", "show", "1").stdout
        whole = desk.run("receipts", "show", "1", "--words").stdout

        assert "new name: нове 0.90" in short
        assert "forget копії 0.95" in short
        assert "... and 3 more: --words" in short
        assert "мітка-9" not in short
        assert "мітка-9" in whole

    def test_run_in_vain_is_told_with_its_reason(self, desk: Desk) -> None:
        """Nothing was answered, so nothing was decided."""
        down = ProviderDown("openai", "503", kind="overloaded")
        desk.openai._script.append(down)
        with pytest.raises(ProviderDown):
            desk.work()

        shown = desk.run("receipts", "show", "1").stdout
        again = desk.run("runs", "replay", "1").stdout

        assert "run 1: provider_error" in shown
        assert "openai: 503" in shown
        assert "decision" not in shown
        assert "answer\n" not in shown
        (label,) = [line for line in again.splitlines() if line.startswith("копії")]
        assert label.split()[1:3] == ["-", "add"]

    def test_what_guards_forbid_is_told_in_figures(self, desk: Desk) -> None:
        """A run that guard and whitelist stopped, without a receipt."""
        desk.line.services["rules"] = RULES
        desk.work()
        kept = desk.run("receipts", "show", "1").stdout
        desk.line.write(lambda s: ReceiptStore(s, desk.cipher).drop(desk.tenant, [1]))

        shown = desk.run("receipts", "show", "1").stdout

        assert "skipped (not_whitelisted): label_add копії" in kept
        assert "run 1: denied" in shown
        assert "not done: label_add копії: not_whitelisted" in shown

    @pytest.mark.parametrize("number", ["9", "0", "-1", "9" * 30])
    def test_run_that_is_not_there_is_told(self, desk: Desk, number: str) -> None:
        """However the number looks."""
        result = desk.line.run("receipts", "show", desk.tenant, "--", number)

        assert result.exit_code in {1, 2}
        assert result.stderr != ""
        assert not isinstance(result.exception, OverflowError)


class TestExport:
    """Tests for `receipts export`."""

    def test_lines_are_json_oldest_first(self, desk: Desk) -> None:
        """As they are shown one by one; the act is on record."""
        desk.work()
        desk.work()

        lines = desk.run("receipts", "export").stdout.splitlines()

        found = [json.loads(line) for line in lines]
        assert [one["run"] for one in found] == [1, 2]
        assert found[:1] == desk.json("receipts", "show", "1")
        assert desk.line.json("audit", desk.tenant)[0]["action"] == "receipts_exported"

    def test_filters_narrow(self, desk: Desk) -> None:
        """By page, space and time."""
        desk.work()

        for which, count in (
            (("--page", "7", "--space", "docs"), 1),
            (("--page", "8"), 0),
            (("--since", "2020-01-01"), 1),
            (("--until", "2020-01-01"), 0),
        ):
            lines = desk.run("receipts", "export", *which).stdout.splitlines()
            assert len(lines) == count

    def test_file_is_its_owner_s_alone(self, desk: Desk, tmp_path: Path) -> None:
        """Also one that was there before, open to all."""
        desk.work()
        path = tmp_path / "receipts.jsonl"
        path.write_text("old\n" * 99)
        path.chmod(0o644)

        result = desk.run("receipts", "export", "--output", str(path))

        assert result.stdout == f"exported 1 receipts to {path}\n"
        assert "Підсумок" not in result.stdout
        assert path.stat().st_mode & 0o777 == 0o600
        (line,) = path.read_text("utf-8").splitlines()
        assert json.loads(line)["run"] == 1
        assert desk.json("receipts", "export", "--output", str(path)) == [
            {"exported": 1, "file": str(path)}
        ]

    def test_file_that_cannot_be_written_is_told(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        """Before anything is read, and before anybody is said to have read it."""
        result = desk.run("receipts", "export", "--output", str(tmp_path / "no" / "x"))

        assert result.exit_code == 1
        assert "Could not open file" in result.stderr
        assert desk.line.json("audit", desk.tenant) == []


class TestReplay:
    """Tests for `runs replay`."""

    def test_then_and_now_are_side_by_side(self, desk: Desk) -> None:
        """A table of labels, and both summaries."""
        desk.work()

        shown = desk.run("runs", "replay", "1", "--provider", "local").stdout
        lines = shown.splitlines()

        assert "\x1b" not in shown
        assert lines[1] == ("version 1 then, 1 now: it says the same as then")
        (label,) = [line for line in lines if line.startswith("копії")]
        assert label.count("add 0.95 (bar 0.50)") == 2
        assert "summary then: Підсумок від openai." in lines
        assert "summary now : Підсумок від local." in lines

    def test_kept_text_is_said(self, desk: Desk) -> None:
        """And so is who failed, and a page that has changed since."""
        desk.work()
        cut = AnswerUnusable("openai", "cut short", kind="truncated")
        desk.openai._script.append(cut)
        desk.site.page = replace(desk.site.page, body=BODY + "Нове.", version=2)

        result = desk.run("runs", "replay", "1", "--kept-text")

        assert (
            "version 1 then, 2 now: it says something else by now "
            "(asked about the text of then)"
        ) in result.stdout
        assert "openai: truncated cut short" in result.stderr

    def test_scripts_get_one_object(self, desk: Desk) -> None:
        """With both sides whole."""
        desk.work()

        (told,) = desk.json("runs", "replay", "1")

        assert told["then"]["labels"] == told["now"]["labels"]

    def test_run_without_a_receipt_has_less_to_compare(self, desk: Desk) -> None:
        """What is not known is a hyphen."""
        desk.work()
        desk.line.write(lambda s: ReceiptStore(s, desk.cipher).drop(desk.tenant, [1]))
        desk.site.page = replace(desk.site.page, body=BODY + "Нове.", version=2)

        shown = desk.run("runs", "replay", "1").stdout
        refused = desk.run("runs", "replay", "1", "--kept-text")

        assert "what it said then is not known" in shown
        assert "summary then: -" in shown
        assert (refused.exit_code, "no receipt" in refused.stderr) == (1, True)
