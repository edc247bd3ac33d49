"""Tests for app.domain.quota.permits and app.domain.quota.state."""

from __future__ import annotations

import json

import pytest

from app.domain.quota.permits import (
    FLIGHT,
    Asker,
    Wait,
    forecast,
    lift_block,
    reserve,
    withdraw,
)
from app.domain.quota.settling import settle
from app.domain.quota.state import GateState, Permit, from_json, to_json
from app.domain.quota.values import Cost, Limits, Outcome

NOW = 1_790_000_000.0
SIXTY = Limits(rpm=60)


def asker(
    name: str, *, priority: int = 0, since: float = NOW, tokens: int = 0
) -> Asker:
    return Asker(id=name, priority=priority, since=since, cost=Cost(tokens=tokens))


def ready(**fields: object) -> GateState:
    """Return a state whose calls need not be spaced any more."""
    return GateState(cautious=False, answers=1, **fields)  # type: ignore[arg-type]


def permit(
    state: GateState, name: str, now: float = NOW, limits: Limits = SIXTY
) -> Permit:
    given = reserve(state, now, asker(name), limits)
    assert isinstance(given, Permit)
    return given


def wait(
    state: GateState, one: Asker, now: float = NOW, limits: Limits = SIXTY
) -> Wait:
    told = reserve(state, now, one, limits)
    assert isinstance(told, Wait)
    return told


class TestReserve:
    """Tests for reserve()."""

    def test_calls_of_a_fresh_state_are_spaced(self) -> None:
        """Whether bursts pass is not known yet."""
        state = GateState()
        permit(state, "a")

        told = wait(state, asker("b"))

        assert told.why == "spacing"
        assert told.until == pytest.approx(NOW + 0.04)
        permit(state, "b", told.until)

    def test_without_any_limit_the_first_answer_is_waited_for(self) -> None:
        """Its headers may tell the limits."""
        state = GateState()
        first = permit(state, "a", limits=Limits())

        assert wait(state, asker("b"), NOW + 1, Limits()).why == "probe"
        settle(state, NOW + 2, first, Outcome(ending="answered", took=2), Limits())
        permit(state, "b", NOW + 2, Limits())

    def test_sixty_first_call_waits_for_the_minute(self) -> None:
        """Exactly as many as may go; each is told the same moment."""
        state = ready()
        for number in range(60):
            permit(
                state, str(number), NOW + number * 0.01, Limits(rpm=60, concurrency=99)
            )

        told = wait(state, asker("x"), NOW + 1, Limits(rpm=60, concurrency=99))

        assert told.why == "quota"
        assert told.until == pytest.approx(NOW + 60.24)

    def test_nobody_goes_beyond_the_ceiling(self) -> None:
        """Calls in flight are counted across processes."""
        state = ready()
        limits = Limits(rpm=600, concurrency=3)
        for name in "abc":
            permit(state, name, limits=limits)

        assert wait(state, asker("d"), limits=limits).why == "concurrency"

    def test_ceiling_follows_the_operators_setting(self) -> None:
        """A smaller setting binds at once; nonsense in the row is mended."""
        state = ready(ceiling=500.0)

        permit(state, "a", limits=Limits(rpm=60, concurrency=7))

        assert state.ceiling == 7.0

    def test_permit_counts_at_once(self) -> None:
        """Two processes at the same moment never share a unit."""
        state = ready()
        first, second = permit(state, "a"), permit(state, "b")

        assert (first.number, second.number) == (1, 2)
        assert second.marks["requests/60s"].used == 2
        assert second.in_flight == 2

    def test_large_page_does_not_stop_small_ones_for_ever(self) -> None:
        """What is larger than a minute's tokens goes once nothing else counts."""
        limits = Limits(rpm=60, tpm=1000)
        state = ready()
        assert isinstance(reserve(state, NOW, asker("s", tokens=100), limits), Permit)

        told = wait(state, asker("large", tokens=50_000), NOW + 1, limits)

        assert told.until == pytest.approx(NOW + 60.24)
        large = asker("large", tokens=50_000)
        assert isinstance(reserve(state, told.until, large, limits), Permit)
        after = wait(state, asker("small", tokens=100), told.until, limits)
        assert after.until < told.until + 61


class TestTurns:
    """Who is before whom, across processes."""

    def full(self) -> GateState:
        """A minute in which one call is left at `NOW` + 60.24 and one a second later."""
        state = ready()
        limits = Limits(rpm=2)
        permit(state, "x", NOW, limits)
        permit(state, "y", NOW + 1, limits)
        return state

    def test_older_one_of_another_process_goes_first(self) -> None:
        """The younger waits for the unit after it."""
        state, limits = self.full(), Limits(rpm=2)
        wait(state, asker("old", since=NOW), NOW + 2, limits)

        told = wait(state, asker("young", since=NOW + 2), NOW + 60.25, limits)

        assert told.why == "turn"
        assert told.until == pytest.approx(NOW + 61.24)
        assert isinstance(reserve(state, NOW + 60.3, asker("old"), limits), Permit)

    def test_more_urgent_one_goes_first_although_younger(self) -> None:
        """Events before bulk."""
        state, limits = self.full(), Limits(rpm=2)
        wait(state, asker("bulk", priority=20), NOW + 2, limits)

        event = asker("event", priority=0, since=NOW + 50)

        assert isinstance(reserve(state, NOW + 60.25, event, limits), Permit)

    def test_whoever_is_late_is_passed_by(self) -> None:
        """A process that was killed in its sleep holds up nobody."""
        state, limits = self.full(), Limits(rpm=2)
        wait(state, asker("dead"), NOW + 2, limits)

        young = asker("young", since=NOW + 2)

        assert isinstance(reserve(state, NOW + 60.6, young, limits), Permit)
        assert state.waiters == {}

    def test_whoever_gave_up_is_forgotten(self) -> None:
        """At once, not after its time."""
        state, limits = self.full(), Limits(rpm=2)
        wait(state, asker("gone"), NOW + 2, limits)

        withdraw(state, "gone")
        withdraw(state, "never there")

        young = asker("young", since=NOW + 2)
        assert isinstance(reserve(state, NOW + 60.25, young, limits), Permit)

    def test_place_in_flight_is_kept_for_the_more_urgent(self) -> None:
        """The bulk of a busy process would take each free place before it looks."""
        limits = Limits(rpm=600, concurrency=1)
        state = ready()
        running = permit(state, "running", NOW, limits)
        wait(state, asker("event", since=NOW + 1), NOW + 1, limits)

        settle(state, NOW + 1.1, running, Outcome(ending="answered"), limits)
        bulk = asker("bulk", priority=20, since=NOW)

        assert wait(state, bulk, NOW + 1.1, limits).why == "turn"
        assert isinstance(reserve(state, NOW + 1.25, asker("event"), limits), Permit)

    def test_place_in_flight_is_not_kept_for_the_older(self) -> None:
        """It would stand empty until that one looks again."""
        limits = Limits(rpm=600, concurrency=1)
        state = ready()
        running = permit(state, "running", NOW, limits)
        wait(state, asker("old", since=NOW + 1), NOW + 1, limits)

        settle(state, NOW + 1.1, running, Outcome(ending="answered"), limits)
        young = asker("young", since=NOW + 1.05)

        assert isinstance(reserve(state, NOW + 1.1, young, limits), Permit)


class TestSmallLimits:
    """Limits that do not hold all who wait."""

    def test_event_keeps_its_turn_where_one_call_is_all_there_is(self) -> None:
        """Bulk of another process that wakes a moment sooner waits all the same."""
        limits = Limits(rpm=1)
        state = ready()
        permit(state, "first", limits=limits)
        due = wait(state, asker("event", priority=0), limits=limits).until

        told = reserve(state, due, asker("bulk", priority=20), limits)
        given = reserve(state, due, asker("event", priority=0, since=NOW), limits)

        assert isinstance(told, Wait)
        assert told.why == "turn"
        assert isinstance(given, Permit)


class TestForecast:
    """Tests for forecast()."""

    def test_free_quota_needs_no_wait(self) -> None:
        """Nor does a place in the first minute's queue."""
        state = ready()
        state.configure(SIXTY)

        assert forecast(state, NOW, Cost(), before=0) == 0
        assert forecast(state, NOW, Cost(), before=59) == 0

    @pytest.mark.parametrize(
        ("before", "least", "most"), [(60, 0, 61), (119, 0, 61), (600, 540, 602)]
    )
    def test_long_queue_is_told_in_minutes(
        self, before: int, least: float, most: float
    ) -> None:
        """As many minutes as the quota needs for those before."""
        state = ready()
        state.configure(SIXTY)

        assert least <= forecast(state, NOW, Cost(), before=before) <= most

    def test_nothing_is_kept(self) -> None:
        """It may be asked a thousand times."""
        state = ready()
        state.configure(SIXTY)
        before = json.dumps(to_json(state))

        forecast(state, NOW, Cost(tokens=5), before=500)

        assert json.dumps(to_json(state)) == before

    def test_pause_comes_first(self) -> None:
        """Nobody goes before its end."""
        state = ready(paused_until=NOW + 500)
        state.configure(SIXTY)

        assert forecast(state, NOW, Cost(), before=3) >= 500


class TestAdvance:
    """Tests for GateState.advance()."""

    def test_small_steps_back_are_not_followed(self) -> None:
        """Clocks of several machines differ by less than a second."""
        state = ready(now=NOW)

        assert state.advance(NOW - 0.9) == NOW

    def test_clock_set_back_takes_everything_with_it(self) -> None:
        """Pauses, flights, waiters and what was used keep their distance."""
        state = ready()
        permit(state, "a", NOW)
        state.paused_until = NOW + 100
        wait(state, asker("b"), NOW)

        now = state.advance(NOW - 3600)

        assert now == NOW - 3600
        assert state.paused_until == NOW - 3500
        assert state.flights == {"a": NOW - 3600 + FLIGHT}
        assert state.waiters["b"][3] == pytest.approx(NOW - 3500, abs=0.5)
        assert state.meter("requests", 60.0).log == [[NOW - 3600, 1]]

    def test_flights_and_waiters_expire(self) -> None:
        """What was never told is given up for lost."""
        state = ready()
        permit(state, "a", NOW)
        state.paused_until = NOW + 10
        wait(state, asker("b"), NOW)

        state.advance(NOW + FLIGHT + 1)

        assert state.flights == {}
        assert state.waiters == {}

    def test_step_forward_in_the_middle_of_work_makes_cautious(self) -> None:
        """An hour without a word, though calls are in flight, is no hour."""
        state = ready()
        permit(state, "a", NOW)

        state.advance(NOW + 3600)

        assert state.cautious

    def test_hour_of_rest_does_not(self) -> None:
        """Nothing was in flight, nobody waited."""
        state = ready(now=NOW)

        state.advance(NOW + 3600)

        assert not state.cautious


class TestLiftBlock:
    """Tests for lift_block()."""

    def test_pause_of_a_block_ends(self) -> None:
        """One call may find out whether the operator has acted."""
        state = ready(blocked="money", paused_until=NOW + 900, pause_reason="blocked")

        lift_block(state, NOW)

        assert state.paused_until == NOW

    def test_other_pauses_stay(self) -> None:
        """A restart is no reason to ask before the provider's time."""
        state = ready(paused_until=NOW + 900, pause_reason="rate_limited")

        lift_block(state, NOW)

        assert state.paused_until == NOW + 900


class TestJson:
    """Tests for to_json() and from_json()."""

    def test_state_is_the_same_afterwards(self) -> None:
        """All that one process knows, another one reads."""
        state = ready()
        permit(state, "a")
        wait(state, asker("large", tokens=10), limits=Limits(rpm=60, concurrency=1))
        state.factors["uk"] = 1.21

        assert from_json(json.loads(json.dumps(to_json(state)))) == state

    def test_fields_of_another_version_are_left_out(self) -> None:
        """During a release two versions share the row."""
        kept = to_json(ready()) | {"of_tomorrow": [1, 2]}
        del kept["high_water"]

        assert from_json(kept) == ready()

    def test_empty_row_is_a_fresh_state(self) -> None:
        """Whatever was cut away has its default."""
        assert from_json({}) == GateState()
