"""Tests for `plan`: what it will cost is told, and asked about, before anybody is paid."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from app.ai.router import Router
from app.clock import utc_now
from app.domain.completions import Usage
from app.domain.quota.state import GateState
from app.domain.quota.values import MINUTE
from app.store.encryption import Cipher, new_key
from app.store.gates import GateStore
from app.store.installations import InstallationStore
from app.store.usage import UsageStore
from tests.integration.usecases.asking import (
    OnePageSite,
    ScriptedProvider,
    a_page,
    text_of,
)
from tests.unit.cli.command import CommandLine


@dataclass
class Desk:
    """A command line with a site of one page, and who is asked about it."""

    line: CommandLine
    tenant: str
    provider: ScriptedProvider

    def plan(self, *arguments: str, typed: str = "") -> Any:
        where = arguments or ("--page", "7")
        return self.line.run("plan", self.tenant, *where, typed=typed)

    def usage(self, calls: int, **of_all: int) -> None:
        """Let the tenant have asked so often of late."""
        today = utc_now().date() - timedelta(days=3)
        self.line.write(
            lambda s: UsageStore(s).add(
                self.tenant,
                today,
                provider=self.provider.name,
                model=self.provider.model,
                usage=Usage(**of_all),
                calls=calls,
            )
        )


def desk_of(line: CommandLine, name: str = "openai") -> Desk:
    provider = ScriptedProvider(name)
    cipher = Cipher([new_key()])
    providers = {name: provider, "local": ScriptedProvider("local")}
    line.services = {
        "ai": Router(providers, order=[name], patience=1, prompt_version=1),
        "providers": providers,
        "cipher": cipher,
        "open_confluence": OnePageSite(a_page()).open,
        "read_page": text_of,
    }
    tenant = line.new_tenant()
    line.write(
        lambda s: InstallationStore(s, cipher).save(
            tenant,
            "connect",
            "client-key",
            base_url="https://a.atlassian.net/wiki",
            secret="s" * 40,
        )
    )
    return Desk(line=line, tenant=tenant, provider=provider)


@pytest.fixture
def desk(line: CommandLine) -> Desk:
    return desk_of(line)


class TestTold:
    """The forecast."""

    def test_price_is_the_measure_where_there_are_no_averages(self, desk: Desk) -> None:
        """And nobody is asked about it where nobody sits there."""
        result = desk.plan()

        assert result.exit_code == 0, result.output
        assert (
            "making this plan: 1 pages, at most 1200 tokens and $0.0002 (openai "
            "openai-model, by prices), 2 Confluence points, about 0.8 s\n"
        ) in result.stdout
        assert "left in the budget" not in result.stdout
        assert len(desk.provider.asked) == 1

    def test_site_s_own_averages_go_before(self, desk: Desk) -> None:
        """Of the last weeks, rounded up; with what is left of each budget."""
        desk.usage(10, input_tokens=9000, output_tokens=1001, micro_usd=1501)
        budget = ("budgets", "set", desk.tenant, "--period")
        desk.line.run(*budget, "day", "--usd", "5", "--tokens", "9000")
        desk.line.run(*budget, "month", "--space", "DOCS", "--tokens", "7")

        result = desk.plan()

        assert "at most 1001 tokens and $0.000151 (" in result.stdout
        assert "by averages" in result.stdout
        assert (
            "left in the budget of the site for the day: $5.00, 9000 tokens\n"
            "left in the budget of DOCS for the month: 7 tokens\n"
        ) in result.stdout

    def test_few_calls_make_no_average(self, desk: Desk) -> None:
        """Nor do calls that cost nothing for having failed."""
        desk.usage(4, input_tokens=40_000, micro_usd=9)

        assert "by prices" in desk.plan().stdout

    def test_known_quota_stretches_the_time(self, desk: Desk) -> None:
        """As far as it is known for this very model."""

        def allow(limit: int, state: GateState, _: float) -> None:
            state.meter("tokens", MINUTE).configured = limit

        def learn(session: Any) -> None:
            for scope, limit in (("openai/openai-model/k", 100), ("other/x/k", 1)):
                GateStore(session).change(scope, partial(allow, limit))

        desk.line.write(learn)

        assert "about 660 s" in desk.plan().stdout

    def test_scripts_find_it_beside_the_progress(self, desk: Desk) -> None:
        """The plan's own lines stay what they were; nobody is asked."""
        desk.line.is_terminal = True

        result = desk.plan("--page", "7", "--json")

        first = json.loads(result.stderr.splitlines()[0])
        assert first["forecast"]["usd"] == "0.0002"
        assert (first["forecast"]["known_from"], first["forecast"]["budgets"]) == (
            "prices",
            [],
        )
        assert len(desk.provider.asked) == 1


class TestAsked:
    """The question before money is spent."""

    def test_no_leaves_everybody_unasked(self, desk: Desk) -> None:
        """And says how to go on."""
        desk.line.is_terminal = True

        result = desk.plan(typed="n\n")
        number = result.stdout.split("--resume ")[1].split()[0]
        again = desk.plan("--resume", number, typed="y\n")

        assert result.stdout.rstrip().endswith(
            f"nobody was asked; to go on: plan {desk.tenant} --resume {number}"
        )
        assert f"plan {number} (bulk) is ready" in again.stdout
        assert len(desk.provider.asked) == 1

    def test_yes_in_advance(self, desk: Desk) -> None:
        """Asks nothing."""
        desk.line.is_terminal = True

        assert "Go on?" not in desk.plan("--page", "7", "--yes").stdout

    def test_what_costs_nothing_is_not_asked_about(self, line: CommandLine) -> None:
        """The site's own ranker is free."""
        desk = desk_of(line, "local")
        line.is_terminal = True

        result = desk.plan()

        assert "Go on?" not in result.stdout
        assert "at most 0 tokens and $0.00 (local" in result.stdout

    def test_space_s_own_order_is_what_counts(self, desk: Desk) -> None:
        """A space that is asked about here costs nothing."""
        desk.line.run("tenants", "providers", desk.tenant, "local", "--space", "DOCS")

        assert "$0.00 (local" in desk.plan("--space", "docs").stdout
