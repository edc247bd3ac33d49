"""Whole courses through trouble: sick providers, clocks that are set, processes killed."""

from __future__ import annotations

import json
import math
from collections import deque
from itertools import pairwise
from typing import Any

import pytest

from app.domain.quota.permits import FLIGHT, Asker, Wait, reserve
from app.domain.quota.settling import settle
from app.domain.quota.state import GateState, Permit, from_json, to_json
from app.domain.quota.values import Cost, Limits, Outcome
from sandbox.ai.quotas import Rules
from tests.unit.domain.quota.conduct import Conduct
from tests.unit.domain.quota.simulation import (
    EPOCH,
    Course,
    Crew,
    Simulation,
    make_jobs,
)

SIXTY = Limits(rpm=60)
PLENTY = Limits(rpm=6000)


def run(
    conduct: Conduct,
    limits: Limits = SIXTY,
    crew: Crew | None = None,
    *,
    jobs: int = 200,
    seed: int = 1,
) -> Course:
    crew = crew or Crew()
    course = Simulation(
        conduct, limits, crew, make_jobs(jobs, seed=seed), seed=seed
    ).run()
    numbers = [job.number for _, job in course.served]
    assert sorted(numbers) == list(range(jobs)), "a job was lost, or served twice"
    return course


def sixty(**changes: Any) -> Conduct:
    return Conduct(rules=Rules(rpm=60), **changes)


class TestStorms:
    """The provider fails by itself."""

    @pytest.mark.parametrize("seed", [1, 2, 3])
    @pytest.mark.parametrize("processes", [1, 4])
    def test_storm_costs_few_calls_and_no_job(self, processes: int, seed: int) -> None:
        """The breaker opens after five failures; then one call at a time asks again."""
        sick = sixty(sick=((20.0, 100.0),), latency=lambda _: 0.5)
        crew = Crew(processes=processes)

        course = run(sick, crew=crew, seed=seed)

        assert len(course.failed) <= 5 + 8
        assert course.refused == []
        assert course.news.count("opened") == 1
        assert course.news.count("closed") == 1
        assert course.wall < course.least + 80 + 20
        assert course.state.openings == 0

    def test_half_open_breaker_lets_one_call_through(self) -> None:
        """From the opening until an answer there is never more than one in flight."""
        course = run(
            Conduct(rules=Rules(rpm=6000), sick=((1.0, 30.0),)), PLENTY, jobs=300
        )

        opened = course.failed[4]
        healed = min(at for at, _ in course.served if at > 30.0)
        flights = [
            number for at, number in course.in_flight if opened + 3 < at < healed
        ]
        assert flights
        assert max(flights) == 1

    def test_breaker_looks_again_less_and_less_often(self) -> None:
        """Two seconds, four, eight, and then every fifteen."""
        course = run(sixty(sick=((20.0, 140.0),), latency=lambda _: 0.5))

        gaps = [b - a for a, b in pairwise(course.failed) if b - a > 1]
        # The next unit of the quota may come later than the breaker allows.
        assert [round(gap) for gap in gaps[-4:]] == [15] * 4

    def test_overload_shrinks_the_ceiling_and_it_grows_back(self) -> None:
        """Calls in flight follow what the provider bears, down and up again."""
        conduct = Conduct(
            rules=Rules(rpm=6000), crowd=lambda now: 8 if now < 60 else math.inf
        )

        course = run(conduct, PLENTY, jobs=1200)

        crowded = [n for at, n in course.in_flight if 40 < at < 60]
        later = [n for at, n in course.in_flight if at > course.wall - 10]
        assert max(crowded) <= 11
        assert len(course.failed) < 60
        assert max(later) >= 20

    def test_latency_that_grows_shrinks_the_ceiling(self) -> None:
        """A provider that queues is not given more to queue; then it is used again."""
        slow = Conduct(
            rules=Rules(rpm=6000), latency=lambda now: 8.0 if 15 < now < 60 else 1.0
        )

        course = run(slow, PLENTY, jobs=1200)

        before = max(n for at, n in course.in_flight if at < 15)
        slowed = max(n for at, n in course.in_flight if 50 < at < 60)
        assert slowed < 0.8 * before
        assert course.failed == []


class TestClocks:
    """The shared clock is set in the middle."""

    @pytest.mark.parametrize("seed", [1, 2])
    @pytest.mark.parametrize("at", [30.0, 62.0, 115.0])
    def test_clock_set_back_costs_a_minute_at_most(self, at: float, seed: int) -> None:
        """What is left of a wait stays; nobody waits for an hour to pass again."""
        course = run(sixty(), crew=Crew(steps=((at, -3600.0),)), seed=seed)

        assert course.refused == []
        assert course.wall < course.least + 65

    @pytest.mark.parametrize("seed", [1, 2])
    @pytest.mark.parametrize("kind", ["bucket", "sliding"])
    def test_headers_of_calls_from_before_count_as_of_now(
        self, kind: str, seed: int
    ) -> None:
        """An answer to a call that was sent "in the future" closes nothing."""
        rules = Rules(rpm=60, kind=kind)  # type: ignore[arg-type]
        crew = Crew(steps=((62.3, -3600.0),))

        course = run(Conduct(rules=rules, shows=True), Limits(), crew, seed=seed)

        assert len(course.refused) <= 1
        assert course.wall < course.least + 65

    @pytest.mark.parametrize("seed", [1, 2])
    @pytest.mark.parametrize("named", [True, False])
    @pytest.mark.parametrize("at", [30.0, 90.0])
    def test_clock_set_forward_costs_few_refusals(
        self,
        at: float,
        named: bool,  # noqa: FBT001 - a case
        seed: int,
    ) -> None:
        """All seems to be free; the refusals of a few spaced calls mend that."""
        course = run(
            sixty(names_limit=named), crew=Crew(steps=((at, 3600.0),)), seed=seed
        )

        assert len(course.refused) <= 8
        assert course.wall < course.least + 65

    def test_hour_of_rest_is_no_set_clock(self) -> None:
        """Where nobody waited, a burst goes out at once."""
        jobs = make_jobs(120)
        for job in jobs[60:]:
            job.comes = 3600.0

        course = Simulation(sixty(), SIXTY, Crew(workers=64), jobs, seed=1).run()

        burst = [at for at, _ in course.sent if at >= 3600.0]
        assert len(course.served) == 120
        assert burst[29] - burst[0] < 0.5


class TestKilledProcesses:
    """A process ends in the middle of everything, and tells nobody."""

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_its_calls_and_waiters_expire(self, seed: int) -> None:
        """What it left in flight and in the row binds nobody for long."""
        crew = Crew(processes=2, killed=((30.0, 0),))

        course = run(sixty(), crew=crew, seed=seed)

        assert course.refused == []
        assert course.efficiency > 0.95
        assert course.state.waiters == {}

    def test_places_of_its_calls_are_free_after_the_longest_call(self) -> None:
        """If it held all places, the others wait for as long as a call may take."""
        crew = Crew(processes=2, killed=((5.0, 0),))

        course = run(
            Conduct(rules=Rules(rpm=6000)), Limits(rpm=6000, concurrency=4), crew
        )

        assert course.wall < 5.0 + FLIGHT + 100

    def test_first_call_ever_may_be_lost(self) -> None:
        """Nobody knows anything then; others wait for its answer, but not for long."""
        crew = Crew(processes=2, killed=((0.01, 0),))

        course = run(sixty(), Limits(), crew)

        assert course.wall < course.least + 45


class TestCosts:
    """A decision is cheap, whatever the limits are."""

    def test_ten_thousand_a_minute_is_reached(self) -> None:
        """The state stays small, and what it forgets costs no throughput."""
        limits = Limits(rpm=10_000, tpm=30_000_000, rpd=5_000_000, concurrency=64)
        state, now = GateState(cautious=False, answers=1), EPOCH
        sent: list[float] = []

        while now < EPOCH + 90:
            asker = Asker(id="a", priority=0, since=now, cost=Cost(tokens=1500))
            decision = reserve(state, now, asker, limits)
            if isinstance(decision, Wait):
                now = decision.until
                continue
            sent.append(now)
            settle(state, now, decision, Outcome(ending="answered"), limits)
            now += 0.004

        second = sum(EPOCH + 60 <= at < EPOCH + 90 for at in sent)
        assert sum(at < EPOCH + 60 for at in sent) == 10_000
        assert 0.97 * 7_500 < second <= 7_500
        assert max(len(one.log) for one in state.meters) <= 257

    def test_state_of_a_busy_day_stays_small(self) -> None:
        """Ten thousand calls a minute leave a few kilobytes that can be written and read."""
        state = GateState()
        limits = Limits(rpm=10_000, tpm=30_000_000, rpd=5_000_000, concurrency=33)
        state.meter("requests", 1.0).teach(200, EPOCH)
        under_way: deque[Permit] = deque()
        for number in range(2000):
            state.cautious, now = False, EPOCH + number * 0.006
            name = f"{number:012x}"
            asker = Asker(id=name, priority=0, since=now, cost=Cost(tokens=1500))
            decision = reserve(state, now, asker, limits)
            if isinstance(decision, Permit):
                under_way.append(decision)
            if len(under_way) > 32:
                ended = Outcome(ending="answered", took=0.5, sent_after=0.01)
                settle(state, now, under_way.popleft(), ended, limits)
        kept = json.dumps(to_json(state))

        again = from_json(json.loads(kept))

        assert len(state.flights) == 32
        assert len(kept) < 20_000
        assert json.dumps(to_json(again)) == kept
