"""How a provider in a simulation behaves: what it enforces, tells and suffers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.domain.quota.values import DAY, MINUTE, Refusal, Shown, Unit, Violation
from sandbox.ai.quotas import Dimension, Rules, Standing

_MEANT: Mapping[Dimension, tuple[Unit, float]] = {
    "rpm": ("requests", MINUTE),
    "tpm": ("tokens", MINUTE),
    "rpd": ("requests", DAY),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """A provider.

    Attributes:
        shows: Answers and refusals carry headers.
        tells_wait: Refusals say how long.
        names_limit: Refusals name the quota and its value.
        day_hint: What a refusal for a quota of the day says instead of the truth.
        latency: Median seconds of an answer, by the moment.
        way: A call is on its way for up to so many seconds.
        sick: Spans in which all calls fail by the provider's fault.
        crowd: With more calls in flight it is overloaded, by the moment.
        others: Moments at which somebody else calls with the same key.
    """

    rules: Rules
    shows: bool = False
    tells_wait: bool = True
    names_limit: bool = True
    day_hint: float | None = None
    latency: Callable[[float], float] = lambda _: 1.0
    way: float = 0.03
    sick: tuple[tuple[float, float], ...] = ()
    crowd: Callable[[float], float] = lambda _: math.inf
    others: tuple[float, ...] = ()

    def is_sick(self, now: float) -> bool:
        """Whether nothing is answered at the moment."""
        return any(begin <= now < end for begin, end in self.sick)


def shown_by(standings: Mapping[Dimension, Standing]) -> tuple[Shown, ...]:
    """Return the headers of minutes; a day that is nearer to its end takes the place."""
    minute, day = standings.get("rpm"), standings.get("rpd")
    if day and (minute is None or day.remaining < minute.remaining):
        minute = day
    meant: tuple[tuple[Unit, Standing | None], ...] = (
        ("requests", minute),
        ("tokens", standings.get("tpm")),
    )
    return tuple(
        Shown(
            unit=unit,
            limit=one.limit,
            remaining=one.remaining,
            reset=round(one.reset, 3),
        )
        for unit, one in meant
        if one is not None
    )


def refusal_of(conduct: Conduct, full: Sequence[Standing]) -> Refusal:
    """Return what a refusal tells: the quota that is longest without room."""
    worst = max(full, key=lambda one: one.wait)
    unit, window = _MEANT[worst.dimension]
    wait = worst.wait if math.isfinite(worst.wait) else None
    if worst.dimension == "rpd" and conduct.day_hint is not None:
        wait = conduct.day_hint
    named = Violation(unit=unit, window=window, limit=worst.limit)
    return Refusal(
        retry_after=wait if conduct.tells_wait else None,
        violations=(named,) if conduct.names_limit else (),
    )
