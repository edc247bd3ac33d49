"""What a call's end teaches: limits, pauses, the breaker, calls in flight."""

from __future__ import annotations

from typing import Literal, assert_never

from app.domain.quota.meters import Meter
from app.domain.quota.state import GateState, Permit
from app.domain.quota.values import (
    DAY,
    MINUTE,
    Limits,
    Outcome,
    Refusal,
    Shown,
    Violation,
    is_bucket,
)

#: Adaptive cooldown, where the provider gives no hint: seconds by refusals in a row.
_COOLDOWN = (0.5, 1.5, 5.0, 15.0, 60.0)
#: Failures in a row that open the breaker, and how long it stays open each time.
_FAULTS = 5
_OPEN = (2.0, 4.0, 8.0, 15.0)
#: What the operator must mend is tried again after so many seconds, by one call.
_BLOCKED = 3600.0
#: Beyond the hint, since a refusal an instant too early would cost another wait.
_HINT_GUARD = 0.05
#: A refusal this far below the limit of the minute speaks of a limit of the second.
_FAR_BELOW = 0.8
#: One this far below it, where bursts are known to pass, of a limit that was cut.
_BELOW = 0.95
#: Seconds after which a limit that was only inferred is doubted.
_DOUBT = 300.0
#: A wait that can be about a second's limit.
_SHORT_WAIT = 10.0
#: A limit of the day frees a call now and then; looking more often is no use.
_LEAST_OF_DAY = 60.0
#: A wait that cannot be about a minute's limit.
_LONGEST_MINUTE = 90.0
#: Calls within a second that show that bursts pass.
_BURST = 10
#: On the wire, and not yet counted by the provider: seconds beyond what we saw.
_ARRIVAL = 0.02
#: Latency this many times the usual one means that the provider queues.
_QUEUES = 2.5
_SHRINK = 0.7
_LEAST_CEILING = 1.0
_FACTORS = (0.5, 3.0)
_UPWARD = 0.15
_DOWNWARD = 0.05

News = Literal["blocked", "unblocked", "opened", "closed", "limit_learned", "cooldown"]


def settle(
    state: GateState, now: float, permit: Permit, outcome: Outcome, limits: Limits
) -> tuple[News, ...]:
    """Take a call's end into account; return what an operator may want to know.

    Changes `state`. A call that never left gives back what it had reserved.
    """
    state.configure(limits)
    now = state.advance(now)
    if permit.number > state.calls:
        # All was forgotten since it went: the new state knows nothing of this call.
        return ()
    state.flights.pop(permit.id, None)
    for meter in state.meters:
        meter.landed(permit.number)
    _amend(state, permit, outcome)
    news: list[News] = []
    if _read_headers(state, permit, outcome):
        news.append("limit_learned")
    match outcome.ending:
        case "answered":
            news += _answered(state, permit, outcome, limits)
        case "refused":
            news += _refused(state, now, permit, outcome.refusal or Refusal())
        case "failed":
            news += _failed(state, now, permit, outcome)
        case "blocked":
            news += _blocked(state, now, outcome)
        case "unsent" | "abandoned":
            pass
        case _:
            assert_never(outcome.ending)
    return tuple(news)


def _amend(state: GateState, permit: Permit, outcome: Outcome) -> None:
    """Move the charge to when the call arrived at the latest, and to its true size."""
    refused = outcome.ending == "refused" and not state.refusals_count
    is_free = refused or outcome.ending == "unsent"
    for one in state.meters:
        if one.name in permit.marks:
            true = one.units(outcome.cost or permit.cost) * (not is_free)
            moved = 0.0 if outcome.ending == "unsent" else _arrived(outcome, one.window)
            by = true - one.units(permit.cost)
            one.amend(permit.at, state.now, moved=moved, by=by)
    if outcome.estimate_ratio is not None:
        _calibrate(state, outcome.estimated, outcome.estimate_ratio)


def _calibrate(state: GateState, kind: str, seen: float) -> None:
    """Move a factor towards the truth: up quickly, for a low estimate is refused.

    So it settles where about three of four estimates are high enough. What is far from
    any model's tokens is an error in the usage that was told.
    """
    low, high = _FACTORS
    seen = min(high, max(low, seen))
    known = state.factors.get(kind, 1.0)
    step = _UPWARD if seen > known else _DOWNWARD
    state.factors[kind] = known + step * (seen - known)


def _arrived(outcome: Outcome, window: float) -> float:
    """Return the seconds after which the call had arrived, at the latest.

    Where calls are spaced, what matters is how they lie to one another: all take the
    same way.
    """
    if outcome.sent_after is None:
        return outcome.took
    way = _ARRIVAL if window >= MINUTE else 0.0
    return min(outcome.sent_after + way, max(outcome.took, 0.0))


def _read_headers(state: GateState, permit: Permit, outcome: Outcome) -> bool:
    # A clock that was set back meanwhile must not put this into the future.
    at = min(permit.at + (outcome.sent_after or 0.0), state.now)
    changed = False
    for shown in outcome.shown:
        meter = _meter_shown(state, shown)
        mark = permit.marks.get(meter.name)
        if mark is None:
            # A limit that nobody knew of when the call went: its log begins here.
            mark = meter.charge(at, meter.units(permit.cost))
        changed |= meter.show(shown, mark, at=at, number=permit.number)
    return changed


def _meter_shown(state: GateState, shown: Shown) -> Meter:
    """Find whether headers speak of the minute, or of the day because that binds."""
    if shown.reset is not None and shown.reset > MINUTE * 1.05:
        day_like = is_bucket(shown, DAY) or shown.reset > _LONGEST_MINUTE
        if day_like and not is_bucket(shown, MINUTE):
            return state.meter(shown.unit, DAY)
    return state.meter(shown.unit, MINUTE)


def _answered(
    state: GateState, permit: Permit, outcome: Outcome, limits: Limits
) -> list[News]:
    news: list[News] = []
    state.answers += 1
    minute = state.meter("requests", MINUTE)
    recent = [at for at, _ in minute.log if permit.at - 1.0 < at <= permit.at]
    if len(recent) >= _BURST and permit.number > state.turned:
        state.proven, state.cautious = True, False
    state.high_water = max(state.high_water, _passed(minute, permit))
    if permit.number > state.turned:
        if state.blocked:
            news.append("unblocked")
        if state.openings:
            news.append("closed")
        state.refusals = state.faults = state.openings = 0
        state.probing = False
        state.blocked = ""
    _follow_latency(state, outcome.took, permit, limits)
    return news


def _passed(minute: Meter, permit: Permit) -> float:
    mark = permit.marks.get(minute.name)
    return mark.used if mark else 0.0


def _refused(
    state: GateState, now: float, permit: Permit, refusal: Refusal
) -> list[News]:
    is_new = permit.number > state.turned
    learned = _learn(state, now, permit, refusal, is_new=is_new)
    if is_new:
        state.refusals += 1
        state.turned = state.calls
        # Where the refusal taught nothing, one call finds out how things stand.
        state.probing = state.refusals > 1 or not learned
        state.cautious = True
    _pause(state, now + _wait(state, now, refusal) + _HINT_GUARD, "rate_limited")
    return ["limit_learned", "cooldown"] if learned else ["cooldown"]


def _wait(state: GateState, now: float, refusal: Refusal) -> float:
    """Return the seconds to wait, as told; else the adaptive cooldown."""
    if any(one.window == DAY for one in refusal.violations):
        day = state.meter("requests", DAY)
        if day.zone:
            # However short the hint is, which means the minute: the day binds.
            return day.ends_in(now)
        return max(refusal.retry_after or 0.0, _LEAST_OF_DAY)
    told = refusal.retry_after
    if told is not None and (told > 0 or state.refusals <= 1):
        return told
    # No hint, or "at once" again and again.
    step = min(max(state.refusals, 1), len(_COOLDOWN)) - 1
    return _COOLDOWN[step]


def _learn(
    state: GateState, now: float, permit: Permit, refusal: Refusal, *, is_new: bool
) -> bool:
    """Learn limits from a refusal; True if something is known that was not before."""
    if not is_new:
        return False
    told = [
        _take(state, now, one, one.limit)
        for one in refusal.violations
        if one.limit is not None
    ]
    if any(told):
        return True
    if any(one.unit == "tokens" for one in refusal.violations):
        state.meter("tokens", MINUTE).missed()
        return False
    if any(one.window == DAY for one in refusal.violations):
        return False
    return _infer(state, now, permit, refusal)


def _infer(state: GateState, now: float, permit: Permit, refusal: Refusal) -> bool:
    """Learn from where in our own log the refusal came."""
    minute = state.meter("requests", MINUTE)
    limit = minute.limit(now)
    mark = permit.marks.get(minute.name)
    passed = (mark.used if mark else minute.used(now)) - 1
    wait = refusal.retry_after
    if passed < 1:
        # Nothing of ours was before it: others use the same quota, or the clock was set.
        return False
    if _is_of_the_second(state, limit, passed, wait):
        return _pace(state, now, limit, passed)
    if refusal.violations and refusal.violations[0].limit == limit:
        # Our log had room by the same limit: so it counts what it refuses.
        state.refusals_count = True
        return False
    is_known = limit is not None and passed >= _BELOW * limit
    if is_known or (wait is not None and wait > _LONGEST_MINUTE):
        return False
    # Less than we thought, or others use the same quota: doubted again soon.
    minute.teach(int(passed), now, doubt=_DOUBT)
    return True


def _take(state: GateState, now: float, violation: Violation, limit: int) -> bool:
    meter = state.meter(violation.unit, violation.window or MINUTE)
    if limit in (meter.limit(now), meter.learned_by(now)):
        return False
    meter.teach(limit, now)
    return True


def _is_of_the_second(
    state: GateState, limit: int | None, passed: float, wait: float | None
) -> bool:
    """Whether a limit of the minute seems to be enforced over a second.

    A refusal far below the limit; or, where no limit is known, a wait so short that no
    minute is meant.
    """
    if wait is not None and wait > _SHORT_WAIT:
        return False
    if state.proven:
        return False
    return wait is not None if limit is None else passed < _FAR_BELOW * limit


def _pace(state: GateState, now: float, limit: int | None, passed: float) -> bool:
    if limit is None:
        window, calls = 1.0, max(1, int(passed))
    else:
        window = max(1.0, MINUTE / limit)
        calls = max(1, int(limit * window / MINUTE + 1e-9))
    meter = next((one for one in state.meters if one.window < MINUTE), None)
    if meter is None or meter.limit(now) != meter.learned:
        meter = meter or state.meter("requests", window)
        meter.charge(now, 1)
        meter.teach(calls, now)
        return True
    # It was paced, and refused all the same: our clocks are less alike than thought.
    meter.guard_factor = min(meter.guard_factor * 2, 32.0)
    return False


def _failed(
    state: GateState, now: float, permit: Permit, outcome: Outcome
) -> list[News]:
    state.faults += 1
    if outcome.slow_down:
        state.ceiling = max(_LEAST_CEILING, _SHRINK * permit.in_flight)
    if outcome.refusal and outcome.refusal.retry_after is not None:
        _pause(state, now + outcome.refusal.retry_after, "overloaded")
    was_probe = state.probing and state.openings > 0
    if permit.number <= state.turned or not (was_probe or state.faults >= _FAULTS):
        return []
    step = min(state.openings, len(_OPEN) - 1)
    state.openings += 1
    state.turned = state.calls
    state.probing = True
    _pause(state, now + _OPEN[step], "breaker")
    return ["opened"] if state.openings == 1 else []


def _blocked(state: GateState, now: float, outcome: Outcome) -> list[News]:
    news: list[News] = [] if state.blocked else ["blocked"]
    state.blocked = outcome.reason or "the provider refuses us"
    state.turned = state.calls
    state.probing = True
    _pause(state, now + _BLOCKED, "blocked")
    return news


def _pause(state: GateState, until: float, reason: str) -> None:
    if until > state.paused_until:
        state.paused_until = until
        state.pause_reason = reason


def _follow_latency(
    state: GateState, took: float, permit: Permit, limits: Limits
) -> None:
    """Let in as many calls as the provider serves without queueing them."""
    state.fast = took if not state.fast else state.fast + 0.3 * (took - state.fast)
    state.slow = took if not state.slow else state.slow + 0.02 * (took - state.slow)
    if state.fast > _QUEUES * state.slow and permit.in_flight > 1:
        least = max(_LEAST_CEILING, permit.in_flight / 2)
        state.ceiling = max(least, state.ceiling * 0.95)
    elif permit.in_flight >= state.ceiling * 0.8:
        grown = state.ceiling + 1.0 / max(1.0, state.ceiling)
        state.ceiling = min(float(limits.concurrency), grown)
