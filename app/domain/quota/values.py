"""What a provider tells of its quotas, and what a call takes from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["requests", "tokens"]

SECOND = 1.0
MINUTE = 60.0
DAY = 86_400.0

#: A reset this near to what a bucket would say is a bucket's: share, and units, since
#: what remains is told in whole ones.
_LIKE_SHARE = 0.02
_LIKE_UNITS = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one call takes from the quotas, as estimated before or known after it."""

    requests: int = 1
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A limit as the headers of an answer show it.

    Attributes:
        limit: Units a window.
        remaining: Units left when the provider counted this call.
        reset: Seconds until the allowance is full again, if told.
    """

    unit: Unit
    limit: int
    remaining: int
    reset: float | None = None


def is_bucket(shown: Shown, window: float) -> bool:
    """Whether headers look like a bucket's that is refilled over `window` seconds."""
    if shown.reset is None or shown.limit <= 0:
        return False
    unit = window / shown.limit
    expected = (shown.limit - shown.remaining) * unit
    return abs(shown.reset - expected) <= _LIKE_UNITS * unit + _LIKE_SHARE * expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One quota that a refusal names.

    Attributes:
        window: Its seconds (`MINUTE`, `DAY`, …), if told.
        limit: Its value, if told.
    """

    unit: Unit
    window: float | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A call refused for quota: how long to wait, and for which limits, if told."""

    retry_after: float | None = None
    violations: tuple[Violation, ...] = ()


#: What became of a call: it was answered (whatever the answer is worth), refused for
#: quota, failed by the provider's fault (5xx, timeout, network), never sent, left by us
#: before its end, or the operator must act first.
Ending = Literal["answered", "refused", "failed", "unsent", "abandoned", "blocked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended, as far as the quotas care.

    Attributes:
        sent_after: Seconds from the permit until the request was on the wire; None if
            that was not seen.
        took: Seconds from the permit until the end.
        cost: What it truly cost; None if unknown (the estimate stands).
        estimated: What the estimate was of (a language), if the truth is known.
        estimate_ratio: True input tokens for each that was estimated.
        shown: Limits that the headers showed.
        slow_down: The provider asks for a slower growth of traffic, or is overloaded.
        reason: For `blocked`: what the operator must do.
    """

    ending: Ending
    took: float = 0.0
    sent_after: float | None = None
    cost: Cost | None = None
    estimated: str = ""
    estimate_ratio: float | None = None
    shown: tuple[Shown, ...] = ()
    refusal: Refusal | None = None
    slow_down: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits that the operator configured; None is to be learned."""

    rpm: int | None = None
    tpm: int | None = None
    rpd: int | None = None
    concurrency: int = 32
    #: Whether the provider charges tokens at the estimate when the call arrives (so
    #: that using less gives nothing back), or at true usage.
    charges_upfront: bool = False
    #: Where the day begins for limits of the day; empty for a day of any 24 hours.
    day_zone: str = ""
