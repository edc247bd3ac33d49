"""The settings of the provider servers, and how others are read from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from sandbox.ai.calls import Hint
from sandbox.ai.faults import Fault
from sandbox.ai.quotas import Rules
from sandbox.refusals import Malformed

ProviderName = Literal["openai", "gemini"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig(Rules):
    """One provider: its quotas, and all else that a test may want to choose.

    Attributes:
        charge: What a call takes from the token quota: characters by four and all
            that may be written, or the input's tokens alone.
        hints: What refusals and answers tell.
        limits_known: The client was told the limits beforehand; decides which
            refusals it could have avoided.
        latency_median: Seconds that half of the answers take at most.
        latency_sigma: How much they vary: of the natural logarithm.
        models: The models there are; none is any.
        api_key: The only key that is accepted; None accepts all, and none at all.
        free_tier: Quotas are named as those of a free tier (Gemini).
        cache_from: Prompt tokens from which on a shared beginning is cached.
        cache_writes: Tokens written to the prompt cache are counted (OpenAI).
        thinking_tokens: Output that nobody sees, in each answer.
        chat_only: No Responses API (OpenAI).
        schema_status: Status for a `json_schema` in chat, 0 where it is taken (OpenAI).
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    charge: Literal["upfront", "input"] = "upfront"
    hints: frozenset[Hint] = frozenset()
    limits_known: bool = True
    latency_median: float = 1.0
    latency_sigma: float = 0.35
    models: tuple[str, ...] = ()
    api_key: str | None = field(default=None, repr=False)
    free_tier: bool = False
    cache_from: int = 1024
    cache_writes: bool = False
    thinking_tokens: int = 0
    chat_only: bool = False
    schema_status: int = 0
    faults: tuple[Fault, ...] = ()


OPENAI = ProviderConfig(
    hints=frozenset(
        {"rate_headers", "retry_after", "retry_after_ms", "processing_ms", "message"}
    ),
    models=("gpt-6-luna", "gpt-6-terra", "gpt-6-sol", "gpt-5.6-luna", "gpt-5.4-mini"),
)
GEMINI = ProviderConfig(
    charge="input",
    hints=frozenset({"message", "quota_failure", "retry_info", "help"}),
    models=(
        "gemini-3.5-flash-lite",
        "gemini-3.1-flash-lite",
        "gemini-3.8-flash",
        "gemini-2.5-flash-lite",
    ),
    cache_from=2048,
)
_ADAPTER = TypeAdapter(ProviderConfig)
DEFAULTS: Mapping[ProviderName, ProviderConfig] = {"openai": OPENAI, "gemini": GEMINI}


@dataclass(frozen=True, slots=True, kw_only=True)
class AiConfig:
    """The servers of one process.

    Attributes:
        providers: Those that answer.
        seed: Same seed, same latencies and faults for the same order of calls.
        scale: Provider seconds in one second of the wall clock.
    """

    providers: Mapping[ProviderName, ProviderConfig] = field(
        default_factory=lambda: dict(DEFAULTS)
    )
    seed: int = 1
    scale: float = 1.0


def configured(config: ProviderConfig, changes: Any) -> ProviderConfig:
    """Return `config` with the settings that decoded JSON names.

    Raises:
        Malformed: A setting is unknown, or its value is none for it.
    """
    if not isinstance(changes, dict):
        raise Malformed("settings of a provider must be an object")
    try:
        read = _ADAPTER.validate_python(asdict(config) | changes)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Malformed(f"{where}: {first['msg']}") from error
    _check(read)
    return read


def _check(config: ProviderConfig) -> None:
    for name in ("rpm", "tpm", "rpd", "latency_median", "latency_sigma"):
        value = getattr(config, name)
        if value is not None and value < 0:
            raise Malformed(f"{name} must not be negative")
