"""Calls that brought no usable reply, as the house names them: in our own words.

A provider's sentences are never passed on: they repeat parts of keys and of prompts.
What is passed on is the HTTP status and, where it is a plain word, the error's code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, TypeVar

import httpx2

from app.ai import hints
from app.ai.models import Models, ProviderName
from app.ai.wire import CallFailed
from app.clock import utc_now
from app.domain.completions import Usage
from app.domain.quota.values import Refusal, Shown
from app.errors import (
    AnswerUnusable,
    ProviderBusy,
    ProviderDown,
    ProviderMisconfigured,
    QuestionRefused,
)

OK = 200
#: What a path that is not there is answered with.
ABSENT = (404, 405, 501)
_OVERLOADED = (503, 529)
_TIMED_OUT = (408, 504)
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{1,39}", re.ASCII)

_Answer = TypeVar("_Answer")
Unusable = Literal["refused", "blocked", "truncated", "malformed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a provider said beside its answer or instead of one.

    Attributes:
        what: Status and code for the log: "HTTP 429 (rate_limit_exceeded)".
        wait: Seconds that it asks to wait, if it does.
        shown: The limits that its headers showed.
        usage: What the call cost.
        reply: What came of an answer, for the receipt alone.
    """

    what: str
    wait: float | None = None
    shown: tuple[Shown, ...] = ()
    usage: Usage = field(default_factory=Usage)
    reply: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Names failures on behalf of one model of one provider."""

    provider: ProviderName
    model: str
    models: Models

    async def named(self, call: Awaitable[_Answer]) -> _Answer:
        """Await a call; whatever else it raises becomes a named failure.

        Raises:
            CallFailed: Its own, or one for anything that went wrong on the way.
        """
        try:
            return await call
        except CallFailed:
            raise
        except Exception as problem:  # noqa: BLE001 - no vendor's exception gets out
            failed = self.broken(problem)
        # Raised outside: an exception in its context would hold request and key.
        raise failed

    def priced(self, usage: Usage) -> Usage:
        """Return `usage` with what it costs, as far as the price is known."""
        cost = self.models.price(self.provider, self.model, usage)
        return replace(usage, micro_usd=cost or 0)

    def busy(self, told: Told, refusal: Refusal) -> CallFailed:
        """A quota is spent: of the day if one of the day is named, else for a while."""
        of_the_day = hints.binds_the_day(refusal.violations)
        error = ProviderBusy(
            self.provider,
            f"the quota of {'the day' if of_the_day else 'requests or tokens'} "
            f"is spent: {told.what}",
            kind="quota_of_the_day" if of_the_day else "rate_limited",
            retry_after=_delta(refusal.retry_after),
        )
        return CallFailed(error, refusal=refusal, shown=told.shown)

    def down(self, told: Told, kind: str, *, slow_down: bool = False) -> CallFailed:
        """It fails by itself, or asks for less traffic: `slow_down`."""
        error = ProviderDown(
            self.provider,
            f"does not answer properly: {told.what}",
            kind=kind,
            retry_after=_delta(told.wait),
        )
        return CallFailed(error, shown=told.shown, slow_down=slow_down)

    def faulty(self, status: int, told: Told) -> CallFailed:
        """It answered with a status that blames itself, or that nobody knows."""
        if status in _OVERLOADED:
            return self.down(told, "overloaded", slow_down=True)
        if status in _TIMED_OUT:
            return self.down(told, "timeout")
        return self.down(told, "unknown" if status < 500 else "server_error")  # noqa: PLR2004 - where HTTP's server errors begin

    def unusable(self, told: Told, kind: Unusable) -> CallFailed:
        """It answered, for money, with nothing that helps."""
        error = AnswerUnusable(
            self.provider,
            f"the answer is {kind}: {told.what}",
            kind=kind,
            usage=asdict(self.priced(told.usage)),
        )
        return CallFailed(error, shown=told.shown, reply=told.reply)

    def refused(
        self, told: Told, kind: str, refusal: Refusal | None = None
    ) -> CallFailed:
        """It will never take this question."""
        error = QuestionRefused(
            self.provider, f"does not take this question: {told.what}", kind=kind
        )
        return CallFailed(error, refusal=refusal, shown=told.shown)

    def misconfigured(self, told: Told, kind: str, advice: str) -> CallFailed:
        """The operator must act; `advice` says how."""
        error = ProviderMisconfigured(
            self.provider, f"{advice}: {told.what}", kind=kind
        )
        return CallFailed(error, shown=told.shown)

    def without_api(self, told: Told) -> CallFailed:
        """Somebody answers, but not the API."""
        return self.misconfigured(
            told, "address", "no such API answers at this address; check the base URL"
        )

    def without_access(self, told: Told) -> CallFailed:
        """The key is not accepted."""
        return self.misconfigured(
            told, "authentication", "the API key is not accepted for this; check it"
        )

    def without_money(self, told: Told) -> CallFailed:
        """What was bought is used up, or nothing was bought."""
        return self.misconfigured(
            told, "money", "credit or spending limit is used up; see the billing page"
        )

    def without_model(self, told: Told) -> CallFailed:
        """The model is not there; if it once was, its successor is named."""
        successor = self.models.successor(self.model, utc_now().date())
        instead = successor or self.models.default(self.provider)
        fate = "is shut down" if successor else "is not there, or not for this key"
        advice = f"; use {instead} for example" if instead != self.model else ""
        return self.misconfigured(
            told, "unknown_model", f"the model {self.model} {fate}{advice}"
        )

    def broken(self, problem: Exception) -> CallFailed:
        """Something else went wrong than the provider's saying so: mostly the way."""
        told = Told(what=type(problem).__name__)
        if isinstance(problem, json.JSONDecodeError):
            return self.without_api(Told(what="the answer is no JSON"))
        cause: BaseException | None = problem
        while cause is not None:
            if isinstance(cause, TimeoutError | httpx2.TimeoutException):
                return self.down(Told(what="no answer in time"), "timeout")
            if isinstance(cause, httpx2.TransportError | OSError):
                return self.down(Told(what=type(cause).__name__), "network")
            cause = cause.__cause__
        return self.down(told, "unknown")


def is_redirect(status: int) -> bool:
    """Whether an answer points elsewhere; it is not followed."""
    return 300 <= status < 400  # noqa: PLR2004 - HTTP's redirects


def what(status: int, *codes: object) -> str:
    """Return status and codes in plain words, whatever a provider puts there."""
    words = [code for code in codes if isinstance(code, str) and _WORD.fullmatch(code)]
    told = f" ({', '.join(dict.fromkeys(words))})" if words else ""
    return f"HTTP {status}{told}"


def text_of(body: Mapping[str, Any], *names: str) -> str:
    """Return the first of some fields that is text, else nothing."""
    found = (body.get(name) for name in names)
    return next((one for one in found if isinstance(one, str) and one), "")


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return a JSON object as it is, and anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}


def list_of(value: Any) -> list[Any]:
    """Return a JSON array as it is, and anything else as an empty one."""
    return value if isinstance(value, list) else []


def count_of(body: Mapping[str, Any], *names: str) -> int:
    """Return the first of some fields that counts something, else 0."""
    found = (body.get(name) for name in names)
    counts = (
        one for one in found if isinstance(one, int) and not isinstance(one, bool)
    )
    return max(0, next(counts, 0))


def _delta(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
