"""Tests for app.ai.opening: which providers there are, and how their quotas are named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from app.ai.gate import Gate
from app.ai.opening import Account, AiSetup, Watchers, open_ai
from app.ai.remote import RemoteProvider
from app.errors import ConfigurationError, ProviderMisconfigured
from app.store.database import Database
from tests.unit.ai.provider_server import KEY, Asked, Say, serving

pytestmark = pytest.mark.anyio

OPENAI = Account(api_key=KEY, base_url="http://127.0.0.1:9/v1", model="gpt-6-luna")
GEMINI = Account(
    api_key=KEY, base_url="http://127.0.0.1:9", model="gemini-3.5-flash-lite"
)


class NoDatabase(Database):
    """Is there, and never asked."""

    dialect = "none"

    @override
    async def write(self, work: Callable[[Any], Any]) -> Any:
        raise AssertionError(work)

    @override
    async def read(self, work: Callable[[Any], Any]) -> Any:
        raise AssertionError(work)

    @override
    async def close(self) -> None:
        """Nothing is open."""


def setup(**changes: Any) -> AiSetup:
    given = AiSetup(
        accounts={"gemini": GEMINI, "openai": OPENAI},
        order=("openai", "gemini"),
        concurrency=5,
        patience=20.0,
        page_tokens=4000,
    )
    return replace(given, **changes)


async def gates(**changes: Any) -> dict[str, Gate]:
    """Return the gate of each provider that is opened."""
    async with open_ai(setup(**changes), NoDatabase(), Watchers()) as opened:
        return {
            name: one._gate
            for name, one in opened.providers.items()
            if isinstance(one, RemoteProvider)
        }


class TestProviders:
    """Which there are."""

    @pytest.mark.parametrize(
        "accounts", [{}, {"openai": OPENAI}, {"gemini": GEMINI, "openai": OPENAI}]
    )
    async def test_local_and_those_with_accounts(
        self, accounts: dict[str, Account]
    ) -> None:
        """The local one is always there; only remote ones can be examined."""
        given = setup(accounts=accounts)
        async with open_ai(given, NoDatabase(), Watchers()) as opened:
            assert set(opened.providers) == {"local", *accounts}
            assert set(opened.checks) == set(accounts)

    async def test_operators_order_is_the_routers(self) -> None:
        """Names without an account are passed over."""
        given = setup(accounts={"gemini": GEMINI})
        async with open_ai(given, NoDatabase(), Watchers()) as opened:
            asked = [one.provider for one in opened.ai.respondents()]

        assert asked == ["gemini"]

    async def test_default_models_come_from_the_list(self) -> None:
        """Where the operator names none."""
        accounts = {
            "gemini": replace(GEMINI, model=""),
            "openai": replace(OPENAI, model=""),
        }
        given = setup(accounts=accounts)
        async with open_ai(given, NoDatabase(), Watchers()) as opened:
            models = {name: one.model for name, one in opened.providers.items()}

        assert all(models.values())
        assert models["gemini"].startswith("gemini-")
        assert models["openai"].startswith("gpt-")

    async def test_limits_are_the_operators_and_the_providers_ways(self) -> None:
        """OpenAI charges when a call comes; Gemini's day begins in Los Angeles."""
        account = replace(GEMINI, rpm=15, tpm=250_000, rpd=500)

        found = await gates(accounts={"gemini": account, "openai": OPENAI})

        gemini, openai = found["gemini"].limits, found["openai"].limits
        assert (gemini.rpm, gemini.tpm, gemini.rpd) == (15, 250_000, 500)
        assert (gemini.day_zone, gemini.charges_upfront) == (
            "America/Los_Angeles",
            False,
        )
        assert (openai.rpm, openai.tpm, openai.rpd) == (None, None, None)
        assert (openai.day_zone, openai.charges_upfront) == ("", True)
        assert (gemini.concurrency, openai.concurrency) == (5, 5)

    async def test_broken_file_of_models_refuses_to_start(self, tmp_path: Path) -> None:
        """All its problems at once."""
        file = tmp_path / "models.toml"
        file.write_text("[openai]\ndefault = 5\n", "utf-8")

        with pytest.raises(ConfigurationError):
            await gates(models_file=file)


class TestScope:
    """The name of a quota."""

    async def test_key_is_not_in_it(self) -> None:
        """Nor any part of it that says something."""
        found = await gates()

        for name, gate in found.items():
            assert gate.scope.startswith(f"{name}/")
            assert KEY not in gate.scope
            assert KEY[-6:] not in gate.scope
            assert len(gate.scope.rsplit("/", 1)[1]) == 12
        assert KEY not in repr(setup())

    async def test_same_account_is_the_same_quota_in_every_process(self) -> None:
        """That is how processes find one another."""
        first, second = await gates(), await gates()

        assert first["openai"].scope == second["openai"].scope

    @pytest.mark.parametrize(
        "change",
        [
            {"api_key": "sk-another"},
            {"base_url": "http://127.0.0.1:10/v1"},
            {"model": "gpt-6-terra"},
        ],
    )
    async def test_other_key_address_or_model_is_another(
        self, change: dict[str, Any]
    ) -> None:
        """What was learned of one says nothing of the other."""
        first = await gates(accounts={"openai": OPENAI})
        second = await gates(accounts={"openai": replace(OPENAI, **change)})

        assert first["openai"].scope != second["openai"].scope

    async def test_limits_of_the_operators_do_not_change_it(self) -> None:
        """What was used stays known when a limit is configured."""
        first = await gates(accounts={"openai": OPENAI})
        second = await gates(accounts={"openai": replace(OPENAI, rpm=3)})

        assert first["openai"].scope == second["openai"].scope


class TestEnds:
    """Models that will be shut down."""

    @pytest.mark.parametrize(
        ("ends", "event"),
        [("2999-01-01", "model_ends"), ("2020-01-01", "model_ended"), ("", "")],
    )
    async def test_operator_is_warned(
        self, tmp_path: Path, ends: str, event: str
    ) -> None:
        """With the day; a model that stays says nothing."""
        file = tmp_path / "models.toml"
        told = f"ends = {ends}" if ends else ""
        file.write_text(
            f'[openai.models."gpt-own"]\ninput = 1.0\noutput = 2.0\n{told}\n', "utf-8"
        )
        account = replace(OPENAI, model="gpt-own")

        with capture_logs() as lines:
            await gates(accounts={"openai": account}, models_file=file)

        warned = [one for one in lines if one["event"].startswith("model_end")]
        assert [one["event"] for one in warned] == ([event] if event else [])
        assert all((one["model"], one["ends"]) == ("gpt-own", ends) for one in warned)


class TestWatchers:
    """News from the gates."""

    async def test_news_reach_metrics_and_log(self) -> None:
        """What somebody must act upon is an error, the rest is not."""
        heard: list[tuple[str, str]] = []
        watchers = Watchers(news=lambda provider, news: heard.append((provider, news)))
        async with open_ai(setup(), NoDatabase(), watchers) as opened:
            provider = opened.providers["gemini"]
            assert isinstance(provider, RemoteProvider)
            with capture_logs() as lines:
                provider._gate.told("blocked", "no money")
                provider._gate.told("cooldown", "")

        assert heard == [("gemini", "blocked"), ("gemini", "cooldown")]
        assert [(one["event"], one["log_level"]) for one in lines] == [
            ("provider_blocked", "error"),
            ("provider_cooldown", "info"),
        ]
        assert lines[0]["reason"] == "no money"
        assert KEY not in repr(lines)


class TestCheck:
    """What the doctor asks."""

    async def test_wrong_key_is_a_named_error_without_the_key(self) -> None:
        """Over a real socket; no trace of request or key in its context."""

        def answering(asked: Asked) -> Say:
            assert asked.method == "GET"
            error = {"message": f"bad {KEY}", "type": "x", "code": "invalid_api_key"}
            return Say(body={"error": error}, status=401)

        async with serving(answering) as server:
            account = replace(OPENAI, base_url=f"{server.origin}/v1")
            given = setup(accounts={"openai": account})
            async with open_ai(given, NoDatabase(), Watchers()) as opened:
                with pytest.raises(ProviderMisconfigured) as caught:
                    await opened.checks["openai"]()

        assert caught.value.kind == "authentication"
        assert caught.value.__cause__ is None
        assert KEY not in str(caught.value)
