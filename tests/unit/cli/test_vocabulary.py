"""Tests for the commands `vocabulary …` and `proposals …`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli.main import cli
from app.domain.completions import LabelChoice
from app.domain.vocabulary.files import LARGEST_FILE
from app.store.encryption import Cipher, new_key
from app.store.proposals import ProposalStore
from tests.unit.cli.command import CommandLine

CIPHER = Cipher([new_key()])
Rows = list[dict[str, Any]]
COMMANDS = ("list", "show", "set", "remove", "import", "export")


def propose(line: CommandLine, tenant: str, page: str, *names: str) -> None:
    chosen = [LabelChoice(name=name, confidence=0.9, evidence="x") for name in names]
    line.write(lambda s: ProposalStore(s, CIPHER).note(tenant, page, chosen))
    line.services["cipher"] = CIPHER


def told(result: Result) -> Rows:
    """Return the rows of a command that also wrote to the log, which is the screen here."""
    lines = result.stdout.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


class TestTerms:
    """`vocabulary list`, `show`, `set`, `remove`."""

    def test_an_empty_vocabulary_says_so(self, line: CommandLine) -> None:
        """To people; scripts get no line."""
        tenant = line.new_tenant()

        assert line.run("vocabulary", "list", tenant).stdout == "nothing yet\n"
        assert line.json("vocabulary", "list", tenant) == []

    def test_a_term_s_life(self, line: CommandLine) -> None:
        """Added, changed, shown by a synonym, removed."""
        tenant = line.new_tenant()

        added = line.run(
            "vocabulary",
            "set",
            tenant,
            "backup",
            "synonyms=резервна копія,Sicherung",
            "min_confidence=0.8",
            "manual_only=yes",
        )
        again = line.run("vocabulary", "set", tenant, "backup")
        (changed,) = told(
            line.run(
                "vocabulary", "set", tenant, "Backup", "description=Copies", "--json"
            )
        )
        table = line.run("vocabulary", "list", tenant).stdout
        shown = line.run("vocabulary", "show", tenant, "резервна-копія").stdout
        (row,) = line.json("vocabulary", "show", tenant, "backup")
        removed = line.run("vocabulary", "remove", tenant, "backup")

        assert "1 added, 0 changed, 0 removed" in added.stdout
        assert again.stdout == "nothing to change\n"
        assert changed == {
            "term": "backup",
            "change": "changed",
            "fields": ["description"],
            "dry_run": False,
        }
        assert "manual_only, from 0.8" in table
        assert "synonyms: резервна копія, Sicherung\n" in shown
        assert "parent: -\n" in shown
        assert row["min_confidence"] == 0.8
        assert "0 added, 0 changed, 1 removed" in removed.stdout

    def test_a_space_s_own_word(self, line: CommandLine) -> None:
        """It is told where a term is removed that a space still has."""
        tenant = line.new_tenant()
        line.run("vocabulary", "set", tenant, "backup")
        line.run(
            "vocabulary", "set", tenant, "backup", "excluded=yes", "--space", "docs"
        )

        table = line.run("vocabulary", "list", tenant, "--space", "DOCS").stdout
        removed = line.run("vocabulary", "remove", tenant, "backup")
        nowhere = line.run("vocabulary", "list", tenant, "--space", "NOPE")

        assert "said_here" in table
        assert "excluded" in table
        assert (
            removed.stderr == "still terms of these spaces, by their own word: DOCS\n"
        )
        assert (nowhere.exit_code, nowhere.stdout) == (1, "")

    def test_every_problem_has_its_line(self, line: CommandLine) -> None:
        """And nothing is changed; scripts get them as rows."""
        tenant = line.new_tenant()
        command = (
            "vocabulary",
            "set",
            tenant,
            "b\x1b[2J",
            "excluded=maybe",
            "colour=x",
        )

        people = line.run(*command)
        scripts = line.run(*command, "--json")

        *problems, last = people.stderr.splitlines()
        assert [one.startswith("error: b\\x1b[2J: ") for one in problems] == [True] * 2
        assert last == "nothing was changed"
        rows = [json.loads(one) for one in scripts.stdout.splitlines()]
        assert [list(one) for one in rows] == [["problem"]] * 2
        assert people.exit_code == scripts.exit_code == 1

    def test_a_word_that_is_no_field(self, line: CommandLine) -> None:
        """A name of two words without quotes is caught."""
        result = line.run("vocabulary", "set", line.new_tenant(), "mail", "server")

        assert result.exit_code == 2
        assert "expected FIELD=VALUE, not server" in result.stderr

    @pytest.mark.parametrize("command", COMMANDS)
    def test_help_says_what_it_does(self, command: str) -> None:
        """With what it takes."""
        result = CliRunner().invoke(cli, ["vocabulary", command, "--help"])

        assert result.exit_code == 0
        assert "TENANT" in result.stdout


class TestFiles:
    """`vocabulary import`, `export`."""

    @pytest.mark.parametrize("suffix", ["csv", "JSON"])
    def test_there_and_back(
        self, line: CommandLine, tmp_path: Path, suffix: str
    ) -> None:
        """By the file's name; nothing changes."""
        tenant, file = line.new_tenant(), tmp_path / f"terms.{suffix}"
        line.run("vocabulary", "set", tenant, "backup", "synonyms=копія")

        out = line.run("vocabulary", "export", tenant, str(file))
        back = line.run("vocabulary", "import", tenant, str(file), "--replace")

        assert (out.exit_code, out.stdout) == (0, "")
        assert "копія" in file.read_text("utf-8-sig")
        assert back.stdout == "nothing to change\n"

    def test_to_the_screen_and_from_standard_input(self, line: CommandLine) -> None:
        """The format is said, or is CSV where none is needed."""
        tenant = line.new_tenant()
        line.run("vocabulary", "set", tenant, "backup")

        as_csv = line.run("vocabulary", "export", tenant)
        as_json = line.run("vocabulary", "export", tenant, "--format", "json")
        unsaid = line.run("vocabulary", "import", tenant, "-")
        said = line.run("vocabulary", "import", tenant, "-", "--format", "json")

        assert as_csv.stdout.splitlines()[1] == "backup,,,,,,"
        assert json.loads(as_json.stdout) == [{"name": "backup"}]
        assert unsaid.exit_code == 2
        assert "say how it is written" in unsaid.stderr
        assert "line 1: it is" in said.stderr or "expected a list" in said.stderr

    def test_a_place_that_cannot_be_written_to(
        self, line: CommandLine, tmp_path: Path
    ) -> None:
        """It is told in a line."""
        tenant, file = line.new_tenant(), tmp_path / "nowhere" / "terms.csv"

        result = line.run("vocabulary", "export", tenant, str(file))

        assert result.exit_code == 1
        assert "No such file or directory" in result.stderr

    def test_dry_run_tells_and_does_nothing(
        self, line: CommandLine, tmp_path: Path
    ) -> None:
        """With the fields that would change."""
        tenant, file = line.new_tenant(), tmp_path / "terms.csv"
        file.write_text("name;excluded\nbackup;yes\n")

        shown = line.run("vocabulary", "import", tenant, str(file), "--dry-run")
        (row,) = line.json("vocabulary", "import", tenant, str(file), "--dry-run")
        file.write_text("name\n")
        nothing = line.run("vocabulary", "import", tenant, str(file), "--dry-run")

        assert (
            shown.stdout.splitlines()[-1] == "would be: 1 added, 0 changed, 0 removed"
        )
        assert row == {
            "term": "backup",
            "change": "added",
            "fields": ["excluded"],
            "dry_run": True,
        }
        assert nothing.stdout == "nothing would change\n"
        assert line.json("vocabulary", "list", tenant) == []

    def test_of_many_changes_the_first_are_shown(
        self, line: CommandLine, tmp_path: Path
    ) -> None:
        """Scripts get them all."""
        tenant, file = line.new_tenant(), tmp_path / "terms.csv"
        file.write_text("\n".join(["name", *(f"t{n}" for n in range(60))]))

        shown = line.run("vocabulary", "import", tenant, str(file), "--dry-run")
        rows = line.json("vocabulary", "import", tenant, str(file), "--dry-run")

        *_, more, counts = shown.stdout.splitlines()
        assert more == "… and 10 more (--json shows all)"
        assert counts == "would be: 60 added, 0 changed, 0 removed"
        assert len(rows) == 60

    def test_bad_lines_and_large_files(self, line: CommandLine, tmp_path: Path) -> None:
        """Each line is told; of a file that is too large no more than the limit is read."""
        tenant, file = line.new_tenant(), tmp_path / "terms.csv"
        file.write_text("name,excluded\nbackup,\nB C,\nx,maybe\n")
        bad = line.run("vocabulary", "import", tenant, str(file))
        file.write_bytes(b"x" * (LARGEST_FILE + 10))
        large = line.run("vocabulary", "import", tenant, str(file))

        assert bad.stderr.splitlines() == [
            "error: line 4: x: excluded: expected true or false",
            "nothing was changed",
        ]
        assert "larger than" in large.stderr
        assert (bad.exit_code, large.exit_code) == (1, 1)


class TestProposals:
    """`proposals list`, `accept`, `map`, `reject`."""

    def test_an_empty_queue_says_so(self, line: CommandLine) -> None:
        """To people; scripts get no line."""
        tenant = line.new_tenant()

        assert line.run("proposals", "list", tenant).stdout == "nothing yet\n"
        assert line.json("proposals", "list", tenant) == []

    def test_what_waits_is_listed_by_count(self, line: CommandLine) -> None:
        """With the latest pages."""
        tenant = line.new_tenant()
        propose(line, tenant, "1", "mail", "tape")
        propose(line, tenant, "2", "tape")

        first, second = line.json("proposals", "list", tenant)
        often = line.json("proposals", "list", tenant, "--at-least", "2")

        assert (first["name"], first["pages"], first["latest"]) == (
            "tape",
            2,
            ["2", "1"],
        )
        assert second["name"] == "mail"
        assert often == [first]

    def test_names_are_decided_on(self, line: CommandLine) -> None:
        """In bulk, by name or by how often they came."""
        tenant = line.new_tenant()
        propose(line, tenant, "1", "mail", "k8s", "kube", "tape", "noise")
        propose(line, tenant, "2", "tape")
        line.run("vocabulary", "set", tenant, "kubernetes")

        accepted = line.run("proposals", "accept", tenant, "--at-least", "2")
        mapped = told(
            line.run(
                *("proposals", "map", tenant, "k8s", "kube"),
                *("--to", "Kubernetes", "--json"),
            )
        )
        rejected = line.run("proposals", "reject", tenant, "noise")

        assert "accepted: 1\n" in accepted.stdout
        assert [one["to"] for one in mapped] == ["kubernetes"] * 2
        assert "rejected: 1\n" in rejected.stdout
        assert [one["name"] for one in line.json("proposals", "list", tenant)] == [
            "mail"
        ]
        terms = [one["term"] for one in line.json("vocabulary", "list", tenant)]
        assert terms == ["kubernetes", "tape"]

    def test_the_second_person_is_told(self, line: CommandLine) -> None:
        """With an exit code if nothing at all was decided."""
        tenant = line.new_tenant()
        propose(line, tenant, "1", "mail", "tape")
        line.run("proposals", "reject", tenant, "mail")

        none = line.run("proposals", "accept", tenant, "mail")
        some = line.run("proposals", "accept", tenant, "mail", "tape")
        scripts = line.run("proposals", "accept", tenant, "mail", "--json")

        why = "not accepted: mail: is rejected already (cli)\n"
        assert (none.exit_code, none.stderr) == (1, why)
        assert (some.exit_code, some.stderr) == (0, why)
        assert json.loads(scripts.stdout) == {
            "name": "mail",
            "conflict": "mail: is rejected already (cli)",
        }

    @pytest.mark.parametrize("said", [[], ["mail", "--at-least", "2"]])
    def test_nothing_named_is_nothing_not_everything(
        self, line: CommandLine, said: list[str]
    ) -> None:
        """Nor is it guessed which of two was meant."""
        result = line.run("proposals", "accept", line.new_tenant(), *said)

        assert result.exit_code == 2
        assert "not both" in result.stderr
