"""Tests for the commands `stop` and `resume`, and for who else tells of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.clock import utc_now
from app.domain.budgets import Amount
from app.store.budgets import BudgetStore
from tests.unit.cli.command import CommandLine


def findings(line: CommandLine, **variables: str) -> dict[str, tuple[bool, str]]:
    """Return what the doctor finds, by subject."""
    result = line.run("check", "--json", **variables)
    found = [json.loads(one) for one in result.stdout.splitlines() if one[0] == "{"]
    return {one["subject"]: (one["good"], one["told"]) for one in found}


def stopped(line: CommandLine) -> list[Any]:
    return [row["stopped"] for row in line.json("tenants", "list")]


class TestStop:
    """Tests for `stop` and `resume`."""

    def test_one_site_stands_still(self, line: CommandLine) -> None:
        """The doctor, the list of sites and the audit say who did it, and when."""
        first, _ = line.new_tenant(), line.new_tenant("b")

        result = line.run("stop", first)

        year = str(utc_now().year)
        assert result.stdout.endswith(f"{first} stands still until `resume`\n")
        one, other = stopped(line)
        assert one.startswith(f"stopped by cli at {year}")
        assert other is None
        good, told = findings(line)["kill switch"]
        assert not good
        assert told.startswith(f"{first}: stopped by cli at {year}")
        assert [row["action"] for row in line.json("audit", first)] == ["stopped"]

    def test_everything_stands_still_and_goes_on(self, line: CommandLine) -> None:
        """A site that was stopped by itself stays so, and is told."""
        tenant = line.new_tenant()
        line.run("stop")
        line.run("stop", tenant)
        assert stopped(line)[0].startswith("everything was stopped by cli at ")

        result = line.run("resume")

        assert "everything goes on\n" in result.stdout
        assert result.stderr.startswith(f"still standing: {tenant}: stopped by cli")
        line.run("resume", tenant)
        assert stopped(line) == [None]
        assert findings(line)["kill switch"] == (True, "nothing is stopped")

    @pytest.mark.parametrize("command", ["stop", "resume"])
    def test_unknown_site_is_told(self, line: CommandLine, command: str) -> None:
        """A typo stops nobody, and nobody believes it did."""
        result = line.run(command, "nobody")

        assert result.exit_code == 1
        assert result.stderr == "error: no tenant nobody\n"


class TestBudgets:
    """What the doctor says of money."""

    def test_budget_that_is_almost_spent_is_told(self, line: CommandLine) -> None:
        """It is no fault before it is spent."""
        tenant = line.new_tenant()
        for period, usd in (("day", "0.0009"), ("month", "0.001")):
            line.run("budgets", "set", tenant, "--period", period, "--usd", usd)
        today = utc_now().date()
        line.write(
            lambda s: BudgetStore(s).spend(tenant, "1", today, Amount(micro_usd=900))
        )

        told = findings(line)

        good, words = told[f"budget of {tenant}"]
        assert good
        assert words.startswith("almost spent: the site, month, until ")
