"""What all processes know together of one (provider, key, model): a value, kept as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.domain.quota import meters
from app.domain.quota.meters import Mark, Meter
from app.domain.quota.values import DAY, MINUTE, Cost, Limits, Unit

#: A clock that goes back by more than so many seconds was set.
_CLOCK_STEP = 1.0
#: So was one that goes forward by more than this while calls wait or are in flight.
_SILENCE = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Leave to make one call now.

    Attributes:
        number: The call's place among all of its scope.
        at: The moment (database clock, seconds) it was given.
        marks: Where it stands in each meter, by the meter's name.
    """

    id: str
    number: int
    at: float
    cost: Cost
    marks: dict[str, Mark]
    in_flight: int


@dataclass(slots=True, kw_only=True)
class GateState:
    """The state; the rules are in `permits` and `settling`.

    Attributes:
        now: When it was last changed.
        calls: Calls permitted so far.
        answers: Calls answered so far.
        paused_until: No call before this moment, for `pause_reason`.
        probing: Only one call may be in flight until one is answered.
        blocked: What the operator must do; empty if nothing.
        refusals: Refusals in a row, each of a call sent after the one before was known.
        refusals_count: Whether the provider counts refused calls too.
        faults: Failures in a row that were the provider's fault.
        openings: How often the breaker opened without an answer in between.
        turned: Number of the last call when the last refusal or opening came: only
            calls after it count as another one.
        ceiling: Calls in flight that the provider bears.
        flights: Call id -> moment when it is given up for lost.
        fast: Recent latency in seconds, moving average.
        slow: Usual latency.
        proven: A burst has passed once: no limit is enforced over a second.
        cautious: Calls are spaced, so that of a row of them only one is refused, until
            a burst passes (again).
        high_water: Most calls a minute that passed while no limit is known.
        last_at: When the last call was permitted.
        factors: True tokens for each that was estimated, by what was estimated (a
            language), a little above the average.
        waiters: Who waits in other processes: id -> [priority, since, tokens, until].
    """

    now: float = 0.0
    calls: int = 0
    answers: int = 0
    paused_until: float = 0.0
    pause_reason: str = ""
    probing: bool = False
    blocked: str = ""
    refusals: int = 0
    refusals_count: bool = False
    faults: int = 0
    openings: int = 0
    turned: int = 0
    ceiling: float = 0.0
    flights: dict[str, float] = field(default_factory=dict)
    fast: float = 0.0
    slow: float = 0.0
    proven: bool = False
    cautious: bool = True
    high_water: float = 0.0
    last_at: float = 0.0
    factors: dict[str, float] = field(default_factory=dict)
    waiters: dict[str, list[float]] = field(default_factory=dict)
    meters: list[Meter] = field(default_factory=list)

    def meter(self, unit: Unit, window: float) -> Meter:
        """Return the meter of a limit, made if nobody spoke of it before."""
        for one in self.meters:
            if one.unit == unit and one.window == window:
                return one
        made = Meter(unit=unit, window=window)
        self.meters.append(made)
        return made

    def configure(self, limits: Limits) -> None:
        """Take the operator's limits of today."""
        self.meter("requests", MINUTE).configured = limits.rpm
        self.meter("tokens", MINUTE).configured = limits.tpm
        self.meter("requests", DAY).configured = limits.rpd
        for one in self.meters:
            if one.window == DAY:
                one.zone = limits.day_zone
        if not 1.0 <= self.ceiling <= limits.concurrency:
            self.ceiling = float(limits.concurrency)

    def advance(self, now: float) -> float:
        """Move to `now` and drop what counts no more; return the moment that counts.

        A clock that was set back takes all moments with it: the wait that is left
        stays the same. One that was set forward looks like idle time, but that there
        was work: then the next calls are spaced, so that the provider's own refusal of
        the first of them is the correction.
        """
        back = self.now - now
        if back > _CLOCK_STEP:
            self._shift(-back)
        if -back > _SILENCE and (self.flights or self.waiters):
            self.cautious = True
        self.now = max(self.now, now)
        self.flights = {id_: at for id_, at in self.flights.items() if at > self.now}
        self.waiters = {id_: w for id_, w in self.waiters.items() if w[3] > self.now}
        for one in self.meters:
            one.forget(self.now)
        return self.now

    def _shift(self, seconds: float) -> None:
        self.now += seconds
        self.paused_until += seconds
        self.last_at += seconds
        self.flights = {id_: at + seconds for id_, at in self.flights.items()}
        for waiter in self.waiters.values():
            waiter[1] += seconds
            waiter[3] += seconds
        for one in self.meters:
            one.shift(seconds)


def to_json(state: GateState) -> dict[str, Any]:
    """Return the state as JSON."""
    kept = {name: getattr(state, name) for name in state.__dataclass_fields__}
    return {**kept, "meters": [meters.to_json(one) for one in state.meters]}


def from_json(kept: dict[str, Any]) -> GateState:
    """Return the state that `to_json` kept; fields of another version are left out."""
    known = GateState.__dataclass_fields__
    values = {name: value for name, value in kept.items() if name in known}
    values["meters"] = [meters.from_json(one) for one in kept.get("meters", ())]
    return GateState(**values)
