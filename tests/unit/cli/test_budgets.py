"""Tests for the commands `budgets …`: exact amounts, clear refusals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from app.clock import utc_now
from app.domain.budgets import Amount
from app.store.budgets import BudgetStore
from app.store.jobs import JobStore
from app.usecases.settle_job import LEASE
from tests.unit.cli.command import CommandLine


def limits(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what is limited, row by row."""
    return [
        (row["space"], row["period"], row["of_usd"], row["of_tokens"], row["soft"])
        for row in rows
        if row["state"] != "no limit"
    ]


def spend(
    line: CommandLine, tenant: str, micro_usd: int, space_id: str = "100"
) -> None:
    today: date = utc_now().date()
    amount = Amount(micro_usd=micro_usd, tokens=micro_usd)
    line.write(lambda s: BudgetStore(s).spend(tenant, space_id, today, amount))


class TestSet:
    """Tests for `budgets set`."""

    def test_amounts_are_kept_to_the_millionth(self, line: CommandLine) -> None:
        """For the site and for a space, by day and by month; the acts are on record."""
        tenant = line.new_tenant()

        line.run("budgets", "set", tenant, "--period", "day", "--usd", "0.300001")
        line.run("budgets", "set", tenant, "--period", "month", "--tokens", "100_000")
        line.run(
            *("budgets", "set", tenant, "--space", "docs", "--period", "day"),
            *("--usd", "5", "--tokens", "7", "--soft", "0.5"),
        )

        assert limits(line.json("budgets", "show", tenant)) == [
            (None, "day", "0.300001", None, 0.8),
            (None, "month", None, 100_000, 0.8),
            ("DOCS", "day", "5.00", 7, 0.5),
        ]
        audit = line.json("audit", tenant)
        assert [row["action"] for row in audit] == ["budget_set"] * 3
        assert audit[0]["after"]["usd"] == "5.00"

    def test_new_one_takes_the_place_of_the_old(self, line: CommandLine) -> None:
        """Also of the unit that it does not name."""
        tenant = line.new_tenant()
        for limit in (("--usd", "5"), ("--tokens", "9")):
            line.run("budgets", "set", tenant, "--period", "day", *limit)

        shown = line.json("budgets", "show", tenant)

        assert limits(shown) == [(None, "day", None, 9, 0.8)]
        (newest, _) = line.json("audit", tenant)
        assert newest["before"]["usd"] == "5.00"

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            ((), "give --usd, --tokens, or both"),
            (("--usd", "0.0000001"), "at most 6 decimals"),
            (("--usd", "5,00"), "expected dollars"),
            (("--usd", "-1"), "more than 0"),
            (("--usd", "0"), "let `local` alone answer"),
            (("--usd", "1e30"), "more than can be counted"),
            (("--usd", "\x1b[31m5"), "\\x1b[31m5: expected dollars"),
            (("--tokens", "1.5"), "whole number of tokens"),
            (("--usd", "1", "--soft", "0"), "--soft"),
            (("--usd", "1", "--soft", "1.1"), "--soft"),
        ],
    )
    def test_bad_values_are_told(
        self, line: CommandLine, arguments: tuple[str, ...], why: str
    ) -> None:
        """Before anything is opened."""
        result = line.run("budgets", "set", "t", "--period", "day", *arguments)

        assert result.exit_code == 2
        assert why in result.stderr
        assert line.logs_to_stdout == []

    @pytest.mark.parametrize("space", [(), ("--space", "NOPE")])
    def test_unknown_site_or_space_is_told(
        self, line: CommandLine, space: tuple[str, ...]
    ) -> None:
        """A typo makes no budget that nobody meets."""
        tenant = line.new_tenant() if space else "nobody"

        result = line.run(
            "budgets", "set", tenant, "--period", "day", "--usd", "1", *space
        )

        assert result.exit_code == 1
        assert result.stderr.startswith("error: no ")

    def test_only_pages_that_were_too_expensive_come_back_to_life(
        self, line: CommandLine
    ) -> None:
        """Other dead letters stay what they are."""
        tenant = line.new_tenant()

        def bury(page: str, error: str | None) -> None:
            def work(session: Any) -> None:
                jobs = JobStore(session)
                jobs.enqueue(tenant, "label_page", page)
                (job,) = jobs.claim(limit=1, lease=LEASE)
                jobs.finish(job, state="failed", outcome="failed", error=error)

            line.write(work)

        bury("1", "PageTooExpensive: one page may cost more")
        bury("2", "ContractBroken: x")
        bury("3", None)
        line.run("budgets", "set", tenant, "--period", "day", "--usd", "9")

        counts: Mapping[str, int] = line.write(lambda s: JobStore(s).counts(tenant))
        assert counts == {"ready": 1, "failed": 2}


class TestShow:
    """Tests for `budgets show`."""

    def test_state_is_told_in_a_word(self, line: CommandLine) -> None:
        """What is spent, what is left, and until when."""
        tenant = line.new_tenant()
        spend(line, tenant, 900)
        for period, usd in (("day", "0.0009"), ("month", "0.001")):
            line.run("budgets", "set", tenant, "--period", period, "--usd", usd)

        day, month = line.json("budgets", "show", tenant)
        table = line.run("budgets", "show", tenant).stdout

        assert (day["state"], day["left_usd"]) == ("spent", "0.00")
        assert (month["state"], month["left_usd"]) == ("almost spent", "0.0001")
        assert day["until"].endswith("T00:00+00:00")
        assert "almost spent" in table

    def test_space_that_nobody_has_seen_since_is_told_by_its_id(
        self, line: CommandLine
    ) -> None:
        """Better a number than nothing; and the site's own rows are always there."""
        tenant = line.new_tenant()
        spend(line, tenant, 5, space_id="777")

        rows = line.json("budgets", "show", tenant)

        assert [(one["space"], one["spent_tokens"]) for one in rows] == [
            (None, 5),
            (None, 5),
        ]


class TestRemove:
    """Tests for `budgets remove`."""

    def test_nothing_is_limited_any_more(self, line: CommandLine) -> None:
        """Twice is told, and by whose name."""
        tenant = line.new_tenant()
        line.run("budgets", "set", tenant, "--period", "day", "--usd", "1")
        remove = ("budgets", "remove", tenant, "--period", "day")

        first = line.run(*remove)
        again = line.run(*remove)
        of_space = line.run(*remove, "--space", "DOCS")

        assert (first.exit_code, again.exit_code) == (0, 1)
        assert again.stderr == "error: the site has no budget of the day\n"
        assert of_space.stderr == "error: space DOCS has no budget of the day\n"
        assert limits(line.json("budgets", "show", tenant)) == []
