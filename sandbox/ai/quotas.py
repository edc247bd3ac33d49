"""Quotas as a provider enforces them: pure arithmetic, with time handed in.

All times and durations are in the provider's seconds. A call takes one request and a
number of tokens; it is let in only if every quota has room for it.
"""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sandbox.ai.windows import MINUTE, TOLERANCE, Kind, Window, make_window

DayKind: TypeAlias = Literal["sliding", "bucket", "fixed"]
Dimension: TypeAlias = Literal["rpm", "tpm", "rpd"]

DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Limits that come into force at a moment; None leaves one as it is."""

    at: float
    rpm: int | None = None
    tpm: int | None = None
    rpd: int | None = None

    def limits(self) -> dict[Dimension, int]:
        """Return the limits that change."""
        return _present({"rpm": self.rpm, "tpm": self.tpm, "rpd": self.rpd})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The quotas of one provider; a limit of None does not bind.

    Attributes:
        token_kind: How tokens are counted; None is as `kind`, but an exact log where
            that is `per_second`, since no call of more than a second's share of the
            tokens would ever be let in.
        phase: When a minute of the clock begins, for `fixed`.
        day_phase: When a day begins, for a `fixed` day.
        refusals_count: Refused calls use up requests of the minute.
        changes: Limits that change in the middle.
    """

    rpm: int | None = None
    tpm: int | None = None
    rpd: int | None = None
    kind: Kind = "sliding"
    token_kind: Kind | None = None
    day_kind: DayKind = "fixed"
    phase: float = 0.0
    day_phase: float = 0.0
    refusals_count: bool = False
    changes: tuple[Change, ...] = ()

    def limits(self) -> dict[Dimension, int]:
        """Return the limits that bind."""
        return _present({"rpm": self.rpm, "tpm": self.tpm, "rpd": self.rpd})

    def window(self, dimension: Dimension, limit: int) -> Window:
        """Return an unused quota for one dimension."""
        if dimension == "rpd":
            return make_window(self.day_kind, limit, DAY, self.day_phase)
        if dimension == "rpm":
            return make_window(self.kind, limit, MINUTE, self.phase)
        kind = self.token_kind
        if kind is None:
            kind = "sliding" if self.kind == "per_second" else self.kind
        return make_window(kind, limit, MINUTE, self.phase)


def _present(limits: Mapping[Dimension, int | None]) -> dict[Dimension, int]:
    return {name: limit for name, limit in limits.items() if limit is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one quota stands, as headers and refusals tell it.

    Attributes:
        requested: What the call in question takes.
        wait: Seconds until it has room; infinity if it never will.
    """

    dimension: Dimension
    limit: int
    used: int
    remaining: int
    reset: float
    requested: int = 0
    wait: float = 0.0


class Quotas:
    """All quotas of one provider. Calls come in the order of their arrival.

    Attributes:
        epoch: How often the limits have changed.
    """

    def __init__(self, rules: Rules) -> None:
        self.epoch = 0
        self._rules = rules
        self._now = 0.0
        self._ahead = deque(sorted(rules.changes, key=lambda change: change.at))
        self._windows = {
            name: rules.window(name, limit) for name, limit in rules.limits().items()
        }

    def admit(self, tokens: int, now: float) -> tuple[Standing, ...]:
        """Book a call if all quotas have room; return those that have none.

        Where refusals count, one is booked before the waits are told.
        """
        now = self._reach(now)
        costs = self._costs(tokens)
        full = [name for name in costs if self._wait(name, costs[name], now) > 0]
        if not full:
            for name, window in self._windows.items():
                window.take(costs[name], now)
        elif self._rules.refusals_count and "rpm" in self._windows:
            self._windows["rpm"].take(1, now)
        return tuple(self._standing(name, costs[name], now) for name in full)

    def earliest(self, tokens: int, now: float) -> float:
        """Return when a call would be let in, under the limits in force at `now`.

        Infinity for a call that is larger than a limit.
        """
        now = self._reach(now)
        moments = [
            self._windows[name].earliest(cost, now)
            for name, cost in self._costs(tokens).items()
        ]
        return max([now, *moments])

    def foreseen(self, tokens: int, now: float) -> float:
        """Return the same as `earliest`, but knowing the changes that will come."""
        if not self._ahead:
            return self.earliest(tokens, now)
        ahead = copy.deepcopy(self)
        moment = ahead.earliest(tokens, now)
        while ahead._ahead and ahead._ahead[0].at < moment:  # noqa: SLF001 - a copy of ourselves
            moment = ahead.earliest(tokens, ahead._ahead[0].at)  # noqa: SLF001 - same
        return moment

    def change(self, limits: Mapping[Dimension, int | None], now: float) -> None:
        """Put other limits in force; None lifts one."""
        now = self._reach(now)
        self._put(limits, now)

    def standings(self, now: float) -> dict[Dimension, Standing]:
        """Return where all quotas stand."""
        now = self._reach(now)
        return {name: self._standing(name, 0, now) for name in self._windows}

    def _reach(self, now: float) -> float:
        # A body that took long to arrive is booked late: nobody changes the past.
        self._now = max(self._now, now)
        while self._ahead and self._ahead[0].at <= self._now:
            change = self._ahead.popleft()
            self._put(change.limits(), change.at)
        return self._now

    def _put(self, limits: Mapping[Dimension, int | None], now: float) -> None:
        self.epoch += 1
        for name, limit in limits.items():
            if limit is None:
                self._windows.pop(name, None)
            elif name in self._windows:
                self._windows[name].change(limit, now)
            else:
                self._windows[name] = self._rules.window(name, limit)

    def _costs(self, tokens: int) -> dict[Dimension, int]:
        return {name: tokens if name == "tpm" else 1 for name in self._windows}

    def _wait(self, name: Dimension, amount: int, now: float) -> float:
        return self._windows[name].earliest(amount, now) - now

    def _standing(self, name: Dimension, amount: int, now: float) -> Standing:
        window = self._windows[name]
        used = window.used(now)
        slack = TOLERANCE * window.limit
        return Standing(
            dimension=name,
            limit=window.limit,
            used=math.ceil(used - slack),
            remaining=max(0, math.floor(window.limit - used + slack)),
            reset=window.reset(now),
            requested=amount,
            wait=self._wait(name, amount, now),
        )


def clairvoyant(
    rules: Rules, charges: Iterable[int], start: float = 0.0
) -> list[float]:
    """Return when each call goes out if all are sent at the earliest moment, in order.

    The bound for any client that keeps the order and is never refused.
    """
    quotas = Quotas(rules)
    moments = []
    now = start
    for tokens in charges:
        moment = quotas.foreseen(tokens, now)
        moments.append(moment)
        if math.isfinite(moment):
            now = moment
            quotas.admit(tokens, now)
    return moments
