"""Tests for app.cli.ai and for what `check` says of providers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from typing_extensions import override

from app.domain.completions import Usage
from app.domain.quota.permits import Asker, reserve
from app.domain.quota.settling import settle
from app.domain.quota.state import GateState, Permit
from app.domain.quota.values import (
    MINUTE,
    Cost,
    Limits,
    Outcome,
    Refusal,
    Shown,
    Violation,
)
from app.errors import ProviderDown, ProviderMisconfigured
from app.store.gates import GateStore
from app.store.policies import PolicyStore
from app.store.usage import UsageStore
from app.usecases.ai_ports import Respondent
from tests.unit.cli.command import CommandLine
from tests.unit.worker.services import IdleAi

NOBODY = "00000000-0000-0000-0000-000000000000"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = NOON.date()
SCOPE = "openai/gpt-6-luna/0123456789ab"
SECRET = "sk-very-secret"


class ThreeAi(IdleAi):
    """All three, in the operator's order."""

    @override
    def respondents(self, order: Sequence[str] = ()) -> tuple[Respondent, ...]:
        names = order or ("openai", "gemini", "local")
        return tuple(Respondent(provider=name, model=f"{name}-m") for name in names)


@pytest.fixture(autouse=True)
def _three_providers(line: CommandLine) -> None:
    line.services |= {
        "ai": ThreeAi(),
        "providers": dict.fromkeys(("openai", "gemini", "local")),
        "now": lambda: NOON,
    }


def spend(line: CommandLine, tenant: str, day: date = TODAY, **more: Any) -> None:
    fields: dict[str, Any] = {
        "provider": "openai",
        "model": "gpt-6-luna",
        "usage": Usage(input_tokens=900, output_tokens=60, micro_usd=1_234_567),
        "calls": 3,
        "failures": 1,
    }
    line.write(lambda s: UsageStore(s).add(tenant, day, **(fields | more)))


class TestUsage:
    """Tests for `usage`."""

    def test_nothing_yet_is_said(self, line: CommandLine) -> None:
        """No rows are no lines to a script."""
        tenant = line.new_tenant()

        assert line.run("usage", tenant).stdout == "nothing yet\n"
        assert line.json("usage", tenant) == []

    def test_cost_is_told_by_day_and_model_newest_first(
        self, line: CommandLine
    ) -> None:
        """Tokens by kind, and dollars."""
        tenant, other = line.new_tenant(), line.new_tenant("b")
        spend(line, tenant, date(2026, 11, 21))
        spend(line, tenant, cache_hits=7)
        spend(line, other, calls=99)

        today, yesterday = line.json("usage", tenant)

        assert (today["day"], yesterday["day"]) == ("2026-11-22", "2026-11-21")
        assert today == {
            "day": "2026-11-22",
            "provider": "openai",
            "model": "gpt-6-luna",
            "calls": 3,
            "failures": 1,
            "cache_hits": 7,
            "input_tokens": 900,
            "cached_tokens": 0,
            "cache_write_tokens": 0,
            "output_tokens": 60,
            "thinking_tokens": 0,
            "usd": 1.234567,
        }

    def test_table_for_people_has_the_same(self, line: CommandLine) -> None:
        """A heading and a line a sum."""
        tenant = line.new_tenant()
        spend(line, tenant)

        heading, row = line.run("usage", tenant).stdout.splitlines()

        assert heading.split()[:3] == ["day", "provider", "model"]
        assert row.split()[-1] == "1.234567"

    @pytest.mark.parametrize(
        ("days", "count"), [("1", 1), ("2", 2), ("30", 2), ("31", 3)]
    )
    def test_days_count_today(self, line: CommandLine, days: str, count: int) -> None:
        """One day is this one; without the option, thirty."""
        tenant = line.new_tenant()
        for day in (TODAY, date(2026, 11, 21), date(2026, 10, 23)):
            spend(line, tenant, day)

        assert len(line.json("usage", tenant, "--days", days)) == count
        assert len(line.json("usage", tenant)) == 2

    def test_unknown_tenant_is_told(self, line: CommandLine) -> None:
        """Rather than that it has spent nothing."""
        result = line.run("usage", NOBODY)

        assert (result.exit_code, result.stderr) == (1, f"error: no tenant {NOBODY}\n")

    @pytest.mark.parametrize("days", ["0", "-1", "3661", "many"])
    def test_odd_number_of_days_is_a_misuse(self, line: CommandLine, days: str) -> None:
        """Told before anything is opened."""
        result = line.run("usage", NOBODY, "--days", days)

        assert result.exit_code == 2
        assert line.logs_to_stdout == []


def one_call(line: CommandLine, limits: Limits, outcome: Outcome | None = None) -> None:
    """Make one call in a scope, and tell how it ended if it did."""

    def rule(state: GateState, now: float) -> None:
        asker = Asker(id="a", priority=0, since=now, cost=Cost(tokens=1000))
        permit = reserve(state, now, asker, limits)
        assert isinstance(permit, Permit)
        if outcome is not None:
            settle(state, now, permit, outcome, limits)

    line.services["now"] = lambda: datetime.now(UTC)  # noqa: TID251 - as the gate's
    line.write(lambda s: GateStore(s).change(SCOPE, rule))


class TestQuota:
    """Tests for `quota`."""

    def test_nothing_yet_is_said(self, line: CommandLine) -> None:
        """Nobody was asked so far."""
        assert line.run("quota").stdout == "nothing yet\n"
        assert line.json("quota") == []

    def test_each_limit_is_told_with_what_is_used(self, line: CommandLine) -> None:
        """And where it is known from; a call in flight counts."""
        one_call(line, Limits(rpm=500, tpm=200_000, concurrency=8))

        rows = {row["limit"]: row for row in line.json("quota")}

        assert {row["scope"] for row in rows.values()} == {SCOPE}
        by_unit = {row["of"]: (row["used"], row["known_from"]) for row in rows.values()}
        assert by_unit[500] == (1, "settings")
        assert by_unit[200_000] == (1000, "settings")
        assert {row["in_flight"] for row in rows.values()} == {1}
        assert {(row["paused_s"], row["why"]) for row in rows.values()} == {(0, "")}

    def test_limit_that_a_refusal_taught_is_told(self, line: CommandLine) -> None:
        """What headers showed is told apart from it."""
        shown = Shown(unit="tokens", limit=9_000, remaining=8_000, reset=6.0)
        named = Violation(unit="requests", window=MINUTE, limit=15)
        refused = Outcome(
            ending="refused",
            shown=(shown,),
            refusal=Refusal(retry_after=1.0, violations=(named,)),
        )
        one_call(line, Limits(rpm=500, tpm=200_000, concurrency=8), refused)

        known = {row["of"]: row["known_from"] for row in line.json("quota")}

        assert (known[15], known[9_000]) == ("refusal", "headers")

    def test_pause_is_told_with_its_reason(self, line: CommandLine) -> None:
        """How long still, and why."""
        refused = Outcome(
            ending="refused",
            took=0.1,
            sent_after=0.0,
            refusal=Refusal(retry_after=40.0),
        )
        one_call(line, Limits(rpm=500, concurrency=8), refused)

        rows = line.json("quota")

        assert rows
        assert all(30 <= row["paused_s"] <= 60 for row in rows)
        assert all(row["why"] for row in rows)

    def test_reset_forgets_a_scope(self, line: CommandLine) -> None:
        """What was learned is learned anew; a second time there is nothing."""
        one_call(line, Limits(rpm=500, concurrency=8))

        first = line.run("quota", "--reset", SCOPE)
        second = line.run("quota", "--reset", SCOPE)

        assert (first.exit_code, first.stdout) == (0, f"forgotten: {SCOPE}\n")
        assert second.exit_code == 1
        assert second.stderr == f"error: nothing is known of {SCOPE}\n"
        assert line.json("quota") == []

    def test_scripts_are_told_what_was_forgotten(self, line: CommandLine) -> None:
        """In JSON, as everything."""
        one_call(line, Limits(rpm=500, concurrency=8))

        assert line.json("quota", "--reset", SCOPE) == [{"forgotten": SCOPE}]

    def test_odd_scope_steers_no_terminal(self, line: CommandLine) -> None:
        """It is shown, not obeyed."""
        result = line.run("quota", "--reset", "a\x1b[2Jb\nok")

        assert result.exit_code == 1
        assert "\x1b" not in result.output
        assert len(result.stderr.splitlines()) == 1


def order(line: CommandLine, tenant: str, space_id: str = "") -> tuple[str, ...]:
    return line.write(lambda s: PolicyStore(s).providers(tenant, space_id))


class TestProviders:
    """Tests for `tenants providers`."""

    def test_operator_s_order_holds_until_another_is_set(
        self, line: CommandLine
    ) -> None:
        """To look is not to change."""
        tenant = line.new_tenant()

        shown = line.json("tenants", "providers", tenant)

        assert shown == [{"space": None, "providers": ["openai", "gemini", "local"]}]
        assert order(line, tenant) == ()
        assert line.json("audit", tenant) == []

    def test_order_is_set_for_a_site_and_for_one_space(self, line: CommandLine) -> None:
        """The key of a space is found whatever its case; both acts are on record."""
        tenant = line.new_tenant()

        line.run("tenants", "providers", tenant, "gemini", "local")
        line.run("tenants", "providers", tenant, "local", "--space", "docs")
        shown = line.json("tenants", "providers", tenant)

        assert shown == [
            {"space": None, "providers": ["gemini", "local"]},
            {"space": "DOCS", "providers": ["local"]},
        ]
        assert order(line, tenant) == ("gemini", "local")
        assert order(line, tenant, "100") == ("local",)
        acts = line.json("audit", tenant)
        assert [one["action"] for one in acts] == ["providers_changed"] * 2

    def test_looking_at_it_leaves_it_as_it_is(self, line: CommandLine) -> None:
        """What stays on this machine is not sent away by a question."""
        tenant = line.new_tenant()
        line.run("tenants", "providers", tenant, "local")

        table = line.run("tenants", "providers", tenant)

        assert table.exit_code == 0
        assert table.stdout.split() == ["space", "providers", "-", "local"]
        assert order(line, tenant) == ("local",)

    def test_order_can_be_taken_back(self, line: CommandLine) -> None:
        """As if it had never been set."""
        tenant = line.new_tenant()
        line.run("tenants", "providers", tenant, "local")
        line.run("tenants", "providers", tenant, "gemini", "--space", "DOCS")

        line.run("tenants", "providers", tenant, "--reset", "--space", "DOCS")
        line.run("tenants", "providers", tenant, "--reset")
        shown = line.json("tenants", "providers", tenant)

        assert (order(line, tenant), order(line, tenant, "100")) == ((), ())
        assert shown == [{"space": None, "providers": ["openai", "gemini", "local"]}]

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ((NOBODY,), f"no tenant {NOBODY}"),
            ((NOBODY, "local"), f"no tenant {NOBODY}"),
            (("TENANT", "local", "--space", "NOPE"), "no space NOPE"),
            (("TENANT", "local", "--space", ""), "no space"),
            (("TENANT", "opneai"), "no provider opneai"),
            (("TENANT", "local", "local"), "names a provider twice"),
            (("TENANT", ""), "no provider"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )
    def test_what_is_not_there_is_told_and_changes_nothing(
        self, line: CommandLine, arguments: tuple[str, ...], told: str
    ) -> None:
        """A typo neither opens a space to others nor closes one."""
        tenant = line.new_tenant()
        named = [tenant if one == "TENANT" else one for one in arguments]

        result = line.run("tenants", "providers", *named)

        assert result.exit_code == 1
        assert told in result.stderr
        assert (order(line, tenant), order(line, tenant, "100")) == ((), ())
        assert line.json("audit", tenant) == []

    @pytest.mark.parametrize(
        "options", [("local", "--reset"), ("--space", "DOCS")], ids=" ".join
    )
    def test_half_a_wish_is_a_misuse(
        self, line: CommandLine, options: tuple[str, ...]
    ) -> None:
        """Exit code 2 and the usage; nothing is opened."""
        result = line.run("tenants", "providers", NOBODY, *options)

        assert result.exit_code == 2
        assert "Usage:" in result.stderr
        assert line.logs_to_stdout == []


def says(told: str) -> Callable[[], Awaitable[str]]:
    async def check() -> str:
        return told

    return check


def refuses(error: Exception) -> Callable[[], Awaitable[str]]:
    async def check() -> str:
        raise error

    return check


class TestCheck:
    """Tests for the providers of `check`."""

    def test_each_provider_of_the_order_has_a_line(self, line: CommandLine) -> None:
        """In the order in which they are asked."""
        line.services["check_provider"] = {
            "openai": says("gpt-6-luna answers"),
            "gemini": says("gemini-3.5-flash-lite answers"),
        }

        result = line.run("check")

        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines()[-3:] == [
            "ok  AI provider openai: gpt-6-luna answers",
            "ok  AI provider gemini: gemini-3.5-flash-lite answers",
            "ok  AI provider local: local-m, on this machine",
        ]

    def test_refused_key_fails_the_check_and_the_others_are_still_asked(
        self, line: CommandLine
    ) -> None:
        """All that is wrong is told at once."""
        line.services["check_provider"] = {
            "openai": refuses(
                ProviderMisconfigured(
                    "openai", "the key is refused", kind="authentication"
                )
            ),
            "gemini": refuses(
                ProviderDown("gemini", "a\x1b[2Jb\nok  all", kind="network")
            ),
        }

        result = line.run("check")
        found = {
            one["subject"]: (one["good"], one["told"])
            for one in _objects(line.run("check", "--json").stdout)
        }

        assert result.exit_code == 1
        assert "BAD AI provider openai: openai: the key is refused" in result.stdout
        assert "BAD AI provider gemini: gemini: a\\x1b[2Jb\\nok  all" in result.stdout
        assert "ok  AI provider local" in result.stdout
        assert found["AI provider openai"] == (False, "openai: the key is refused")
        assert found["AI provider local"][0]

    def test_order_without_its_key_is_told_before_anything_is_asked(
        self, line: CommandLine
    ) -> None:
        """Exit code 2, as for every bad setting; no key is repeated."""
        result = line.run(
            "check",
            AI_PROVIDERS="openai,gemini",
            OPENAI_API_KEY=SECRET,
            OPENAI_BASE_URL=f"https://u:{SECRET}@o.test",
        )

        assert result.exit_code == 2
        assert "GEMINI_API_KEY is not set" in result.stderr
        assert "OPENAI_BASE_URL: " in result.stderr
        assert SECRET not in result.output
        assert line.logs_to_stdout == []


def _objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(row) for row in text.splitlines()]
