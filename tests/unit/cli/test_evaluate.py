"""Tests for the command `evaluate` on a data file: what it prints, how it ends."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from typing_extensions import override

from app.ai.local import LocalProvider
from app.cli.main import cli
from app.confluence.reading import read_page
from app.domain.completions import Completion, Prompt, Turn
from app.errors import ProviderDown
from app.settings import Settings
from app.store.database import open_database
from app.usecases.ai_ports import Provider
from app.usecases.services import Services
from tests.unit.cli.command import CommandLine
from tests.unit.domain.evaluated import DATA, VOCABULARY
from tests.unit.worker.services import make_services


class Interrupting(LocalProvider):
    """Answers as ever, until somebody presses Ctrl-C while it thinks."""

    def __init__(self, after: int) -> None:
        self.left = after

    @override
    async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
        if not self.left:
            signal.raise_signal(signal.SIGINT)
        self.left -= 1
        return await super().complete(prompt, turn)


class Failing(LocalProvider):
    """Has no good day."""

    @override
    async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
        raise ProviderDown("local", "too slow", kind="timeout")


@dataclass
class EvaluatingLine(CommandLine):
    """A command line whose provider and page reader are real, or a test's own."""

    provider: Provider | None = None
    others: Mapping[str, Provider] = field(default_factory=dict)

    def evaluate(self, *arguments: str | Path) -> Result:
        """Run `evaluate` with these arguments."""
        program = replace(self.program(), open_services=self._opened)
        return CliRunner().invoke(
            cli,
            ["evaluate", *map(str, arguments)],
            obj=program,
            env={"DATABASE_URL": self.database_url},
        )

    def report(self, *arguments: str | Path) -> dict[str, Any]:
        """Run it on the sample pages and return its one JSON document."""
        result = self.evaluate("--data", DATA, "--json", *arguments)
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    @asynccontextmanager
    async def _opened(self, settings: Settings) -> AsyncIterator[Services]:
        database = open_database(settings.database_url)
        try:
            yield replace(
                make_services(database),
                providers={"local": self.provider or LocalProvider(), **self.others},
                read_page=read_page,
            )
        finally:
            await database.close()


@pytest.fixture
def line(database_url: str, tmp_path: Path) -> EvaluatingLine:
    """A command line over a fresh database."""
    env_file = tmp_path / ".env"
    env_file.touch()
    return EvaluatingLine(database_url, env_file)


def page(**fields: Any) -> str:
    """Return a line of a page."""
    usual = {
        "id": "1",
        "title": "Backup",
        "body_storage": "<p>The backup runs every night.</p>",
        "labels": ["backup"],
    }
    return json.dumps({**usual, **fields})


class TestReport:
    """What is measured."""

    def test_json_is_one_document_with_all_figures(self, line: EvaluatingLine) -> None:
        """Providers and baselines, over all, by language and by site."""
        found = line.report("--vocabulary", VOCABULARY)

        local = found["providers"]["local"]
        assert found["data"]["pages"] == local["overall"]["n"] == 22
        assert set(local["lang"]) == {"de", "en", "uk"}
        assert len(local["source"]) == 3
        assert set(found["baselines"]) == {
            "popularity",
            "name_match",
            "first_sentence",
        }
        assert local["model"] == "site-memory-2"
        assert 0.3 < local["overall"]["map"] < 1.0
        assert local["overall"]["invented_words"] == 0.0
        assert local["overall"]["cost_usd"] == local["overall"]["failures"] == 0
        assert found["interrupted"] is False

    def test_the_same_seed_gives_the_same_figures(self, line: EvaluatingLine) -> None:
        """All but the time it took."""

        def figures(seed: int) -> Any:
            found = line.report("--memory", "3", "--limit", "9", "--seed", str(seed))
            overall = found["providers"]["local"]["overall"]
            return {key: overall[key] for key in overall if not key.endswith("_ms")}

        assert figures(1) == figures(1) != figures(2)

    def test_a_site_without_memory_knows_no_label_s_use(
        self, line: EvaluatingLine
    ) -> None:
        """The cold start: there are names alone, and nothing is popular."""
        cold = line.report("--memory", "0")
        warm = line.report("--memory", "all")

        assert (cold["memory"], warm["memory"]) == (0, "all")
        popular = [one["baselines"]["popularity"]["overall"] for one in (cold, warm)]
        assert [one["n"] for one in popular] == [22, 22]
        assert [bool(one["calibration"]) for one in popular] == [False, True]

    def test_a_vocabulary_adds_labels_to_choose_from(
        self, line: EvaluatingLine, tmp_path: Path
    ) -> None:
        """Without it there are those of the data alone."""
        data = tmp_path / "pages.jsonl"
        data.write_text(page(), encoding="utf-8")
        more = tmp_path / "vocab.json"
        more.write_text('{"site": {"night": "", "every": ""}}', encoding="utf-8")

        alone = line.evaluate("--data", data, "--json")
        among = line.evaluate("--data", data, "--vocabulary", more, "--json")

        offered = [
            json.loads(one.stdout)["baselines"]["name_match"]["overall"]
            for one in (alone, among)
        ]
        assert [one["map"] for one in offered] == [1.0, 1.0]
        assert [len(one["calibration"]) for one in offered] == [1, 2]

    def test_tables_are_for_people(self, line: EvaluatingLine) -> None:
        """Every part has a title; nothing but text, and no progress on stdout."""
        result = line.evaluate("--data", DATA)

        assert result.exit_code == 0, result.output
        for title in (
            "22 pages of 3 sites",
            "Labels, likeliest first",
            "Labels applied without asking (confidence 0.5 or more)",
            "Summaries",
            "Calibration of local",
            "Time, tokens and cost",
            "Differences, with 95 % intervals",
        ):
            assert title in result.stdout
        assert "\x1b" not in result.stdout
        assert result.stderr == ""

    def test_providers_are_compared_on_the_same_pages(
        self, line: EvaluatingLine
    ) -> None:
        """Named twice is asked once; nobody is asked who was not named."""
        line.others = {"twin": LocalProvider(), "idle": Failing()}

        found = line.report("--provider", "twin, local,twin", "--memory", "3")

        assert list(found["providers"]) == ["twin", "local"]
        twins = [one for one in found["differences"] if one["over"] == "local"]
        assert {one["measure"] for one in twins} == {"map", "applied_f1", "rouge1"}
        assert all((one["n"], one["difference"]) == (22, 0.0) for one in twins)

    def test_a_provider_that_fails_is_told_and_flagged(
        self, line: EvaluatingLine
    ) -> None:
        """The run goes on to its end."""
        line.provider = Failing()

        result = line.evaluate("--data", DATA)

        assert result.exit_code == 0
        assert "timeout" in result.stdout
        assert "WARNING local: 22 of 22 answers failed" in result.stdout
        assert "do not beat the baseline popularity" in result.stdout

    def test_hostile_titles_steer_no_terminal(
        self, line: EvaluatingLine, tmp_path: Path
    ) -> None:
        """Names of sites come from strangers too."""
        data = tmp_path / "pages.jsonl"
        data.write_text(
            page(source="a\x1b[2J\nb") + "\n" + page(id="2", source="c"), "utf-8"
        )

        result = line.evaluate("--data", data)

        assert result.exit_code == 0, result.output
        assert "\x1b" not in result.stdout
        assert "a\\x1b[2J\\nb" in result.stdout


class TestInterrupted:
    """Ctrl-C."""

    @pytest.fixture(autouse=True)
    def at_a_terminal(self) -> Iterator[None]:
        """A shell starts what it puts in the background deaf to Ctrl-C, tests too."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
        signal.signal(signal.SIGINT, before)

    def test_what_is_there_is_printed(self, line: EvaluatingLine) -> None:
        """Pages that all have answered count; the exit code tells the rest."""
        line.provider = Interrupting(after=4)

        result = line.evaluate("--data", DATA, "--json")

        found = json.loads(result.stdout)
        assert result.exit_code == 130
        assert found["interrupted"] is True
        assert found["data"]["pages"] in {4, 5}
        assert "interrupted after" in result.stderr

    def test_before_the_first_answer_there_is_nothing(
        self, line: EvaluatingLine
    ) -> None:
        """And no table of nothing."""
        line.provider = Interrupting(after=0)

        result = line.evaluate("--data", DATA, "--at-once", "1")

        assert result.exit_code == 130
        assert "interrupted after" in result.stderr


class TestRefused:
    """Bad input: exit code 2 for usage, 1 for what is read; no word on stdout, no traceback."""

    def refused(self, result: Result) -> str:
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        assert "Traceback" not in result.stderr
        return " ".join(result.stderr.split())

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "it holds no page"),
            ("\n \n", "it holds no page"),
            (page() + "\n{oops", "line 2: no JSON"),
            (page(labels=[]), "no page has a label"),
            (page(body_storage=""), "line 1: body_storage: expected text"),
            (page(body_storage="<p></p>"), "line 1: page 1 has no text"),
            (page() + "\n\n" + page(), "line 3: id 1 is that of line 1"),
            ("\udcff", "pages.jsonl: no UTF-8 at byte 0"),
        ],
    )
    def test_bad_data_are_told(
        self, line: EvaluatingLine, tmp_path: Path, text: str, told: str
    ) -> None:
        """With the number of the line."""
        data = tmp_path / "pages.jsonl"
        data.write_text(text, encoding="utf-8", errors="surrogateescape")

        assert told in self.refused(line.evaluate("--data", data))

    def test_a_vocabulary_of_other_sites_is_told(
        self, line: EvaluatingLine, tmp_path: Path
    ) -> None:
        """It would silently do nothing."""
        data = tmp_path / "pages.jsonl"
        data.write_text(page(), encoding="utf-8")

        told = self.refused(line.evaluate("--data", data, "--vocabulary", VOCABULARY))

        assert "no page is of the source digitalgov-en, github-docs-de" in told

    def test_an_unknown_provider_is_told(self, line: EvaluatingLine) -> None:
        """With those that there are."""
        told = self.refused(line.evaluate("--data", DATA, "--provider", "local,gpt"))

        assert "no provider gpt; there are: local" in told

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("--data", DATA, "--space", "DOCS"),
            ("--data", "nowhere.jsonl"),
            ("--data", DATA.parent),
            ("--data", DATA, "--vocabulary", "nowhere.json"),
            ("--data", DATA, "--memory", "some"),
            ("--data", DATA, "--memory", "-1"),
            ("--data", DATA, "--memory", "9" * 9000),
            ("--data", DATA, "--limit", "0"),
            ("--data", DATA, "--at-once", "0"),
        ],
    )
    def test_a_question_that_makes_no_sense_is_told(
        self, line: EvaluatingLine, arguments: tuple[str | Path, ...]
    ) -> None:
        """Before anything is asked."""
        result = line.evaluate(*arguments)

        assert (result.exit_code, result.stdout) == (2, "")
        assert "Error: " in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            (("--data", DATA, "--provider", ""), "no provider ; there are: local"),
            (("--space", "DOCS"), "0 sites use the app: name one with --tenant"),
            (("--space", "DOCS", "--tenant", "nobody"), "no tenant nobody"),
        ],
    )
    def test_what_is_not_there_is_told_in_a_line(
        self, line: EvaluatingLine, arguments: tuple[str | Path, ...], why: str
    ) -> None:
        """As every other command tells it."""
        assert self.refused(line.evaluate(*arguments)) == f"error: {why}"
