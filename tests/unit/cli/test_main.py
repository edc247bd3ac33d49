"""Tests for app.cli.main: what is printed, and with which exit code it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from app import __version__
from app.cli.main import cli
from app.errors import Unavailable
from app.store import migrations
from tests.unit.cli.command import CommandLine
from tests.unit.worker.services import ScriptedKeys

NOBODY = "00000000-0000-0000-0000-000000000000"


class TestGroup:
    """What all commands share."""

    def test_version_is_the_program_s(self, line: CommandLine) -> None:
        """One number, fit for a script."""
        result = line.run("--version")

        assert (result.exit_code, result.stdout.strip()) == (0, __version__)

    @pytest.mark.parametrize("flag", ["-h", "--help"])
    def test_help_names_every_command(self, line: CommandLine, flag: str) -> None:
        """A newcomer finds the way."""
        result = line.run(flag)

        assert result.exit_code == 0
        for command in ("serve", "worker", "migrate", "check", "tenants", "audit"):
            assert f"  {command} " in result.stdout

    def test_bad_settings_are_told_line_by_line(self, line: CommandLine) -> None:
        """Exit code 2, nothing on stdout, no traceback."""
        result = line.run("tenants", "list", API_PORT="x", AGENT_MODE="YOLO")

        assert result.exit_code == 2
        assert result.stdout == ""
        told = result.stderr.splitlines()
        assert len(told) == 2
        assert all(text.startswith("error: ") for text in told)

    def test_unknown_name_in_the_env_file_is_a_bad_setting(
        self, line: CommandLine
    ) -> None:
        """A typo stops before anything is opened."""
        line.env_file.write_text("AGENTMODE=PROD\n")

        result = line.run("serve")

        assert result.exit_code == 2
        assert "did you mean AGENT_MODE?" in result.stderr
        assert line.started == []

    @pytest.mark.parametrize(
        "command",
        [
            ("tenants", "whitelist"),
            ("runs",),
            ("audit",),
        ],
        ids=" ".join,
    )
    def test_unknown_tenant_is_told(
        self, line: CommandLine, command: tuple[str, ...]
    ) -> None:
        """Exit code 1 and one line that names it."""
        result = line.run(*command, NOBODY)

        assert result.exit_code == 1
        assert result.stderr == f"error: no tenant {NOBODY}\n"

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("nonsense",),
            ("tenants", "policy", NOBODY, "maybe"),
            ("tenants", "allow", NOBODY, "world", "x"),
            ("runs", NOBODY, "--limit", "0"),
            ("runs", NOBODY, "--limit", "many"),
            ("runs", NOBODY, "--retry", "x"),
        ],
        ids=lambda arguments: " ".join(arguments[:3]) or "none",
    )
    def test_misuse_is_explained(
        self, line: CommandLine, arguments: tuple[str, ...]
    ) -> None:
        """Exit code 2 and the usage."""
        result = line.run(*arguments)

        assert result.exit_code == 2
        assert "Usage:" in result.stderr

    def test_lost_database_is_told_without_a_traceback(
        self, line: CommandLine, tmp_path: Path
    ) -> None:
        """Exit code 1: time, or the operator, may cure it."""
        empty = tmp_path / "folder.db"
        empty.mkdir()

        result = line.run("tenants", "list", DATABASE_URL=f"sqlite:///{empty}")

        assert result.exit_code == 1
        assert result.stderr.startswith("error: database: ")

    def test_questions_keep_stdout_for_the_answer(self, line: CommandLine) -> None:
        """Log lines would break a script that reads JSON."""
        line.run("tenants", "list")

        assert line.logs_to_stdout == [False]


class TestServeAndWorker:
    """Tests for `serve` and `worker`."""

    @pytest.mark.parametrize(
        ("command", "started"), [("serve", "serve"), ("worker", "work")]
    )
    def test_starts_what_it_was_handed(
        self, line: CommandLine, command: str, started: str
    ) -> None:
        """The settings go along."""
        result = line.run(command, API_PORT="0")

        assert result.exit_code == 0
        ((what, settings),) = line.started
        assert (what, settings.api_port) == (started, 0)


class TestMigrate:
    """Tests for `migrate`."""

    def test_new_database_is_brought_to_head_and_again_changes_nothing(
        self, line: CommandLine, tmp_path: Path
    ) -> None:
        """The folder is made; a second release step is harmless."""
        url = f"sqlite:///{tmp_path}/нова тека/app.db"

        first = line.run("migrate", DATABASE_URL=url)
        second = line.run("migrate", DATABASE_URL=url)

        assert first.output == second.output == f"database is at {migrations.head()}\n"

    @pytest.mark.parametrize(
        "url",
        [
            "sqlite:////proc/nowhere/app.db",
            "postgresql://127.0.0.1:1/none",
        ],
        ids=["folder that cannot be", "server that is not there"],
    )
    def test_database_out_of_reach_is_told_without_a_traceback(
        self, line: CommandLine, url: str
    ) -> None:
        """The release step fails with a line that an operator understands."""
        result = line.run("migrate", DATABASE_URL=url, ENCRYPTION_KEYS="k")

        assert result.exit_code in {1, 2}
        assert result.stderr.startswith("error: ")

    def test_file_that_is_no_database_is_told_without_a_traceback(
        self, line: CommandLine, tmp_path: Path
    ) -> None:
        """Somebody else's file is left as it is."""
        file = tmp_path / "notes.db"
        file.write_text("це не база даних\n" * 200, encoding="utf-8")
        before = file.read_bytes()

        result = line.run("migrate", DATABASE_URL=f"sqlite:///{file}")

        assert result.exit_code in {1, 2}
        assert result.stderr.startswith("error: ")
        assert file.read_bytes() == before


class TestCheck:
    """Tests for `check`."""

    def test_all_is_well(self, line: CommandLine) -> None:
        """Each requirement is a line, and the exit code says yes."""
        result = line.run("check")

        assert result.exit_code == 0, result.output
        assert all(text.startswith("ok ") for text in result.stdout.splitlines())
        for subject in (
            "database",
            "schema",
            "Connect install keys",
            "AI provider local",
        ):
            assert f"ok  {subject}: " in result.stdout

    def test_json_is_one_object_a_line(self, line: CommandLine) -> None:
        """A monitor reads it."""
        findings = line.json("check")

        assert {"subject": "schema", "good": True, "told": "ok"} in findings

    def test_unreachable_key_host_fails_the_check(self, line: CommandLine) -> None:
        """Installs would be refused: better to know."""
        line.keys = ScriptedKeys(Unavailable("install-keys", "ConnectError"))

        result = line.run("check")

        assert result.exit_code == 1
        assert "BAD Connect install keys: install-keys: ConnectError" in result.stdout

    def test_remote_text_steers_no_terminal(self, line: CommandLine) -> None:
        """What a host answered is shown, not obeyed."""
        line.keys = ScriptedKeys(Unavailable("install-keys", "a\x1b[2J\nok  all"))

        result = line.run("check")

        assert "\x1b" not in result.stdout
        assert "\nok  all" not in result.stdout

    def test_old_schema_fails_the_check(
        self, line: CommandLine, tmp_path: Path
    ) -> None:
        """It names what is there and what is needed."""
        result = line.run("check", DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")

        assert result.exit_code == 1
        assert f"needs {migrations.head()}" in result.stdout

    @pytest.mark.parametrize(
        ("address", "good"),
        [
            ("https://ai.example.com", True),
            ("http://127.0.0.1:8080", True),
            ("http://localhost:8080", True),
            ("http://[::1]:8080", True),
            ("http://ai.example.com", False),
            ("http://127.0.0.1.example.com", False),
            ("http://localhost.example.com", False),
        ],
    )
    def test_public_address_must_be_https(
        self, line: CommandLine, address: str, *, good: bool
    ) -> None:
        """Atlassian calls nothing else; only this machine itself is excused."""
        result = line.run("check", "--json", APP_BASE_URL=address)

        found = {one["subject"]: one["good"] for one in _objects(result.stdout)}
        assert found["APP_BASE_URL"] is good

    def test_new_key_is_one_that_seals(self, line: CommandLine) -> None:
        """It needs no settings: it is made to write them."""
        result = line.run("check", "--new-key", API_PORT="bad")

        assert result.exit_code == 0
        Fernet(result.stdout.strip())


def _objects(text: str) -> list[dict[str, object]]:
    return [json.loads(row) for row in text.splitlines()]


class TestProgram:
    """Tests for app.cli.program.Program."""

    def test_env_file_that_was_named_must_be_there(
        self, line: CommandLine, tmp_path: Path
    ) -> None:
        """A typo in its name does not start the program with other settings."""
        missing = str(tmp_path / "prod.env.typo")

        result = CliRunner().invoke(
            cli, ["--env-file", missing, "serve"], obj=line.program()
        )

        assert result.exit_code == 2
        assert "prod.env.typo" in result.stderr
        assert line.started == []

    def test_usual_env_file_may_be_absent(
        self, line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A container has the environment alone."""
        monkeypatch.chdir(tmp_path)

        result = CliRunner().invoke(cli, ["serve"], obj=line.program())

        assert result.exit_code == 0
        assert [what for what, _ in line.started] == ["serve"]
