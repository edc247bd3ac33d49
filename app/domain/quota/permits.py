"""The pre-flight check: may a call go now, and if not, when?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.domain.quota.meters import Meter
from app.domain.quota.state import GateState, Permit
from app.domain.quota.values import MINUTE, Cost, Limits

#: Seconds between calls until a burst has passed, and beyond what ever passed while no
#: limit is known. A refusal comes back faster than this, so that of a row of calls only
#: one finds out that the limit is enforced over a second.
CAUTION = 0.04
#: Seconds after which a call that never came back no longer counts as in flight; no
#: call is waited for longer.
FLIGHT = 125.0
#: Seconds after which nobody waits for the answer of a call that goes ahead of others.
_TRIAL = 30.0
#: Seconds that whoever is due may be late before the next one goes.
_LATE = 0.25
#: Seconds after which a waiter of another process looks again whether a place is free.
_LOOK_AGAIN = 0.25
#: Shortest pause before looking again, so that rounding never makes a busy loop.
_LEAST = 0.001

Why = Literal["free", "quota", "pause", "probe", "concurrency", "turn", "spacing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks: one waiting call, the same each time it asks again.

    Attributes:
        since: When it began to wait; older ones go first.
    """

    id: str
    priority: int
    since: float
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """No leave yet: ask again at `until` (database clock), or when a call ends."""

    until: float
    why: Why


def reserve(
    state: GateState, now: float, asker: Asker, limits: Limits
) -> Permit | Wait:
    """Permit a call and count it, or say when to ask again. Changes `state`.

    Calls go by priority, then by age, across all processes that wait. Places in flight
    go by priority alone: a place that is kept for who looks again only later is lost
    time, which only the more urgent is worth.
    """
    state.configure(limits)
    now = state.advance(now)
    until, why = _earliest(state, now, asker.cost)
    ahead = _ahead(state, asker)
    if why in ("free", "quota", "spacing") and ahead:
        until = _after(state, until, ahead, asker)
        why = "turn" if until > now else why
    urgent = sum(waiter[0] < asker.priority for waiter in ahead)
    full = urgent >= (1 if state.probing else _places(state))
    if until <= now and (full or _takes_all(state, now, len(ahead), asker)):
        until, why = now + _LOOK_AGAIN, "turn"
    if until > now:
        until = max(until, now + _LEAST)
        late = max(until, now) + _LATE
        state.waiters[asker.id] = [
            asker.priority,
            asker.since,
            asker.cost.tokens,
            late,
        ]
        return Wait(until=until, why=why)
    state.waiters.pop(asker.id, None)
    return _permit(state, now, asker)


def forecast(state: GateState, now: float, cost: Cost, *, before: int) -> float:
    """Return the seconds until a call could go that `before` others like it precede.

    Assumes that everything goes well; changes nothing that is kept.
    """
    until, _ = _earliest(state, now, cost)
    if before == 0:
        return max(0.0, until - now)
    worst = max((_turn_of(one, until, cost, before) for one in state.meters), default=0)
    return max(0.0, max(until, worst) - now)


def withdraw(state: GateState, asker_id: str) -> None:
    """Forget a waiter that gave up."""
    state.waiters.pop(asker_id, None)


def lift_block(state: GateState, now: float) -> None:
    """Let one call find out whether the operator has acted. Changes `state`."""
    if state.blocked and state.pause_reason == "blocked":
        state.paused_until = min(state.paused_until, now)


def _earliest(state: GateState, now: float, cost: Cost) -> tuple[float, Why]:
    if state.paused_until > now:
        return state.paused_until, "pause"
    trying = any(at - FLIGHT > now - _TRIAL for at in state.flights.values())
    if trying and (state.probing or _knows_nothing(state, now)):
        return now + _LOOK_AGAIN, "probe"
    if _places(state) <= 0:
        return now + _LOOK_AGAIN, "concurrency"
    spaced = state.last_at + CAUTION if _is_cautious(state, now) else now
    room = max((one.earliest(now, one.units(cost)) for one in state.meters), default=0)
    until = max(now, spaced, room)
    if until <= now:
        return now, "free"
    return until, "spacing" if spaced > room else "quota"


def _places(state: GateState) -> int:
    """Return how many more calls may be in flight."""
    return max(1, int(state.ceiling)) - len(state.flights)


def _knows_nothing(state: GateState, now: float) -> bool:
    """Whether the very first answer must tell first which limits there are."""
    requests = state.meter("requests", MINUTE).limit(now)
    return state.answers == 0 and requests is None


def _is_cautious(state: GateState, now: float) -> bool:
    minute = state.meter("requests", MINUTE)
    if minute.limit(now) is None and minute.used(now) >= state.high_water:
        return True
    return state.cautious


def _ahead(state: GateState, asker: Asker) -> list[list[float]]:
    mine = (asker.priority, asker.since, asker.id)
    return [
        waiter
        for id_, waiter in state.waiters.items()
        if id_ != asker.id and (waiter[0], waiter[1], id_) < mine
    ]


def _after(
    state: GateState, until: float, ahead: list[list[float]], asker: Asker
) -> float:
    """Return when there is room for those ahead and for the asker."""
    found = until
    for one in state.meters:
        if one.unit == "requests":
            amount = float(len(ahead) + asker.cost.requests)
        else:
            amount = sum(waiter[2] for waiter in ahead) + asker.cost.tokens
        found = max(found, one.earliest(until, amount))
    return found


def _takes_all(state: GateState, now: float, ahead: int, asker: Asker) -> bool:
    """Whether a limit is too small to hold those ahead and the asker at all.

    Their turns then cannot be told from its log: they simply go first.
    """
    if not ahead:
        return False
    calls = ahead + asker.cost.requests
    limits = (one.limit(now) for one in state.meters if one.unit == "requests")
    return any(limit is not None and limit < calls for limit in limits)


def _permit(state: GateState, now: float, asker: Asker) -> Permit:
    state.calls += 1
    state.last_at = now
    state.flights[asker.id] = now + FLIGHT
    marks = {
        one.name: one.charge(now, one.units(asker.cost), state.calls)
        for one in state.meters
    }
    return Permit(
        id=asker.id,
        number=state.calls,
        at=now,
        cost=asker.cost,
        marks=marks,
        in_flight=len(state.flights),
    )


def _turn_of(meter: Meter, now: float, cost: Cost, before: int) -> float:
    """Return when a meter has room for the last of `before` + 1 equal calls."""
    limit = meter.limit(now)
    units = meter.units(cost)
    if not limit or not units:
        return now
    whole, rest = divmod((before + 1) * units, limit)
    return meter.earliest(now, rest or limit) + (whole - (not rest)) * meter.window
