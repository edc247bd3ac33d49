"""Tests for what all commands have in common, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from structlog.testing import capture_logs

from app.cli.main import cli
from app.store.encryption import Cipher, new_key
from tests.unit.cli.command import CommandLine

#: One more than the databases can hold.
TOO_LARGE = str(2**63)

#: Commands that speak of a tenant, as they are typed after its name.
OF_A_TENANT = (
    "plan - --page 7",
    "undo - --page 7",
    "undo - --space DOCS",
    "reset-tags - DOCS",
    "plans list -",
    "suggestions list -",
    "suggestions list - --space DOCS",
    "suggestions approve - 1",
    "suggestions reject - 1",
    "runs -",
    "audit -",
    "usage -",
    "receipts show - 1",
    "receipts export -",
    "recommendations make - --page 7",
    "recommendations list -",
    "recommendations show - 7",
    "structure - --space DOCS",
    "author create - --template-page 7 --space DOCS",
    "author section - 7 --heading Owner --remove",
    "vocabulary list -",
    "vocabulary merge - one --into other",
    "vocabulary different - one other",
    "vocabulary duplicates -",
    "proposals list -",
    "budgets show -",
    "policy show -",
    "tenants whitelist -",
    "tenants providers -",
    "tenants allow - space DOCS",
    "tenants policy - off",
    "stop -",
    "resume -",
)

#: Commands that are told an id.
WITH_AN_ID = (
    "plan T --resume",
    "apply T",
    "plans show T",
    "undo T --run",
    "undo T --plan",
    "suggestions approve T",
    "suggestions reject T",
    "suggestions list T --plan",
    "suggestions edit T",
    "structure T --plan",
    "recommendations make T --resume",
    "author create T --from-proposal",
    "receipts show T",
    "runs replay T",
    "runs T --retry",
)


#: They start something, or write a file as it is.
WITHOUT_JSON = {"serve", "worker", "migrate", "vocabulary export"}

#: Commands that change something without a table, and what scripts are told.
CHANGES: tuple[tuple[str, list[object]], ...] = (
    (
        "policy set T mode=suggest max_labels=3",
        [
            {"field": "max_labels", "value": 3, "set_by": "site"},
            {"field": "mode", "value": "suggest", "set_by": "site"},
        ],
    ),
    ("tenants policy T off", [{"space": None, "mode": "off"}]),
    (
        "tenants allow T space DOCS",
        [{"kind": "space", "value": "DOCS", "is_allowed": True}],
    ),
    ("resume T", []),
)


def commands(
    command: click.Command, path: str = ""
) -> Iterator[tuple[str, click.Command]]:
    """Walk all commands that are no groups, with how they are typed."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name, inner in command.commands.items():
        yield from commands(inner, f"{path} {name}".strip())


class TestCommands:
    """What an operator may count on without looking it up."""

    @pytest.mark.parametrize("typed", OF_A_TENANT)
    def test_unknown_tenant_is_told_alike(self, line: CommandLine, typed: str) -> None:
        """A typo in its name is named, whatever else is wrong with the command."""
        line.services["cipher"] = Cipher([new_key()])
        words = ["nobody" if word == "-" else word for word in typed.split()]

        result = line.run(*words)

        assert (result.exit_code, result.stderr) == (1, "error: no tenant nobody\n")

    @pytest.mark.parametrize("number", [TOO_LARGE, "0"])
    @pytest.mark.parametrize("typed", WITH_AN_ID)
    def test_number_that_can_be_no_id_is_wrong_usage(
        self, line: CommandLine, typed: str, number: str
    ) -> None:
        """It never comes to the database, which could not hold it."""
        result = line.run(*typed.split(), number)

        assert result.exit_code == 2
        assert f"{number} is not in the range" in result.stderr

    def test_scripts_can_read_every_command(self) -> None:
        """All that answer in words answer in JSON lines as well."""
        silent = {
            path
            for path, command in commands(cli)
            if not any("--json" in one.opts for one in command.params)
        }

        assert silent == WITHOUT_JSON

    def test_every_option_is_explained(self) -> None:
        """`--help` leaves nothing to guess."""
        mute = [
            (path, one.opts)
            for path, command in commands(cli)
            for one in command.params
            if isinstance(one, click.Option) and not one.help
        ]

        assert mute == []

    @pytest.mark.parametrize(
        ("typed", "told"), CHANGES, ids=[typed for typed, _ in CHANGES]
    )
    def test_what_was_changed_is_told_to_scripts(
        self, line: CommandLine, typed: str, told: list[object]
    ) -> None:
        """And nothing beside it."""
        tenant = line.new_tenant()
        words = [tenant if word == "T" else word for word in typed.split()]

        with capture_logs():  # nobody directs the log here, so it would go to stdout
            assert line.json(*words) == told

    def test_what_stands_still_is_told_to_scripts(self, line: CommandLine) -> None:
        """One line for all sites together, and one for each that was stopped."""
        tenant = line.new_tenant()

        with capture_logs():
            (first,) = line.json("stop", tenant)
            both = line.json("stop")
            (rest,) = line.json("resume", tenant)

        assert first["stopped"] == tenant
        assert [one["stopped"] for one in both] == ["all", tenant]
        assert rest["stopped"] == "all"
        assert all("stopped by cli at" in one["why"] for one in both)
