"""Tests for what all commands have in common, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

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
