"""Opens every provider that has what it needs, and puts the router before them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

from app.ai.gate import Gate
from app.ai.gemini import GeminiWire
from app.ai.local import LocalProvider
from app.ai.models import Models, load_models
from app.ai.openai import OpenAiWire
from app.ai.prompts import PROMPT_VERSION
from app.ai.remote import RemoteProvider
from app.ai.router import LOCAL, Router
from app.ai.wire import CallFailed, Wire
from app.clock import utc_now
from app.domain.quota.values import Limits
from app.store.database import Database
from app.usecases.ai_ports import Ai, Provider

log = structlog.get_logger("ai_calls")

#: Where Gemini's day of quota begins.
#: https://ai.google.dev/gemini-api/docs/rate-limits
_PACIFIC = "America/Los_Angeles"
#: News that somebody must act upon.
_FOR_OPERATORS = frozenset({"blocked", "opened"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How one provider is reached, and what the operator knows of its limits.

    Attributes:
        model: Empty for the default of the list of models.
    """

    api_key: str = field(repr=False)
    base_url: str
    model: str = ""
    rpm: int | None = None
    tpm: int | None = None
    rpd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AiSetup:
    """The operator's settings, as far as the AI is concerned.

    Attributes:
        accounts: Providers with what they need, by name.
        order: Who is asked, in order.
        models_file: Laid over the models that come with the app.
    """

    accounts: Mapping[str, Account]
    order: Sequence[str]
    concurrency: int
    patience: float
    page_tokens: int
    models_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchers:
    """Who is told what happens at the gates, for metrics."""

    waited: Callable[[str, float], None] = lambda _provider, _seconds: None
    let_in: Callable[[str, int], None] = lambda _provider, _in_flight: None
    news: Callable[[str, str], None] = lambda _provider, _news: None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedAi:
    """All providers, the router before them, and how remote ones are examined."""

    ai: Ai
    providers: Mapping[str, Provider]
    checks: Mapping[str, Callable[[], Awaitable[str]]]


@contextlib.asynccontextmanager
async def open_ai(
    setup: AiSetup, database: Database, watchers: Watchers
) -> AsyncIterator[OpenedAi]:
    """Open the providers of `setup`; yield them; close their connections again.

    Raises:
        ConfigurationError: An address, a key or the file of models cannot be used.
    """
    models = load_models(setup.models_file)
    async with contextlib.AsyncExitStack() as stack:
        providers: dict[str, Provider] = {LOCAL: LocalProvider()}
        wires: dict[str, Wire] = {}
        for name, account in setup.accounts.items():
            wire = _wire(name, account, models)
            stack.push_async_callback(wire.close)
            gate = Gate(
                database=database,
                provider=name,
                scope=_scope(wire, account),
                limits=_limits(name, account, setup.concurrency),
                told=_teller(wire, watchers),
            )
            stack.push_async_callback(gate.close)
            wires[name] = wire
            providers[name] = RemoteProvider(
                wire,
                gate,
                text_tokens=setup.page_tokens,
                waited=watchers.waited,
                let_in=watchers.let_in,
            )
            _warn_of_end(wire, models)
        router = Router(
            providers,
            order=setup.order,
            patience=setup.patience,
            prompt_version=PROMPT_VERSION,
        )
        checks = {name: partial(_check, wire) for name, wire in wires.items()}
        yield OpenedAi(ai=router, providers=providers, checks=checks)


async def _check(wire: Wire) -> str:
    """Return a line on a provider's state.

    Raises:
        ProviderError: What is wrong.
    """
    try:
        return await wire.check()
    except CallFailed as failed:
        raise failed.error from None


def _wire(name: str, account: Account, models: Models) -> Wire:
    if name == "openai":
        return OpenAiWire(
            account.api_key,
            model=account.model or models.default("openai"),
            models=models,
            base_url=account.base_url,
        )
    return GeminiWire(
        account.api_key,
        model=account.model or models.default("gemini"),
        models=models,
        base_url=account.base_url,
    )


def _limits(name: str, account: Account, concurrency: int) -> Limits:
    return Limits(
        rpm=account.rpm,
        tpm=account.tpm,
        rpd=account.rpd,
        concurrency=concurrency,
        charges_upfront=name == "openai",
        day_zone=_PACIFIC if name == "gemini" else "",
    )


def _scope(wire: Wire, account: Account) -> str:
    """Name the quota: the same for all processes with the same key, model and address.

    A fingerprint says nothing of the key, which is long and random.
    """
    told = f"{account.base_url}\n{account.api_key}"
    return (
        f"{wire.provider}/{wire.model}/{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    )


def _teller(wire: Wire, watchers: Watchers) -> Callable[[str, str], None]:
    def tell(news: str, reason: str) -> None:
        watchers.news(wire.provider, news)
        level = log.error if news in _FOR_OPERATORS else log.info
        level(
            f"provider_{news}",
            provider=wire.provider,
            model=wire.model,
            reason=reason or None,
        )

    return tell


def _warn_of_end(wire: Wire, models: Models) -> None:
    """Tell in the log if the chosen model will be, or has been, shut down."""
    ends = models.ends(wire.model)
    if ends is None:
        return
    today = utc_now().date()
    log.warning(
        "model_ended" if ends <= today else "model_ends",
        provider=wire.provider,
        model=wire.model,
        ends=ends.isoformat(),
        successor=models.successor(wire.model, max(ends, today)),
    )
