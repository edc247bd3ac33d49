"""What holds for any course of calls, however odd."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.strategies import DrawFn

from app.domain.quota.permits import Asker, forecast, reserve
from app.domain.quota.settling import settle
from app.domain.quota.state import GateState, Permit, from_json, to_json
from app.domain.quota.values import (
    DAY,
    MINUTE,
    Cost,
    Limits,
    Outcome,
    Refusal,
    Shown,
    Violation,
)

NOW = 1_790_000_000.0
#: Calls arrive so many seconds after their permit, at most: what the guard is for.
WAY = 0.2

pauses = st.sampled_from([0.0, 0.001, 0.05, 0.9, 3.0, 20.0, 59.9, 61.0, 400.0])
waits = st.one_of(st.none(), st.floats(0, 1e6))
violations = st.builds(
    Violation,
    unit=st.sampled_from(["requests", "tokens"]),
    window=st.sampled_from([None, 1.0, MINUTE, 3600.0, DAY]),
    limit=st.one_of(st.none(), st.integers(0, 10**15)),
)
refusals = st.builds(
    Refusal,
    retry_after=waits,
    violations=st.lists(violations, max_size=2).map(tuple),
)
headers = st.builds(
    Shown,
    unit=st.sampled_from(["requests", "tokens"]),
    limit=st.integers(0, 10**15),
    remaining=st.integers(0, 10**15),
    reset=st.one_of(st.none(), st.floats(0, 1e6)),
)
outcomes = st.builds(
    Outcome,
    ending=st.sampled_from(
        ["answered", "refused", "failed", "unsent", "abandoned", "blocked"]
    ),
    took=st.floats(0, 1000),
    sent_after=st.one_of(st.none(), st.floats(0, 1000)),
    cost=st.one_of(st.none(), st.builds(Cost, tokens=st.integers(0, 10**9))),
    estimated=st.sampled_from(["", "uk"]),
    estimate_ratio=st.one_of(st.none(), st.floats(0, 1e9)),
    shown=st.lists(headers, max_size=2).map(tuple),
    refusal=st.one_of(st.none(), refusals),
    slow_down=st.booleans(),
)
limits_of_any_kind = st.builds(
    Limits,
    rpm=st.one_of(st.none(), st.integers(1, 10_000)),
    tpm=st.one_of(st.none(), st.integers(1, 10**7)),
    rpd=st.one_of(st.none(), st.integers(1, 10**6)),
    concurrency=st.integers(1, 64),
    charges_upfront=st.booleans(),
    day_zone=st.sampled_from(["", "America/Los_Angeles", "Europe/Kyiv"]),
)


@dataclass
class World:
    """A state, and the calls that are under way."""

    limits: Limits
    state: GateState = field(default_factory=GateState)
    now: float = NOW
    begun: int = 0
    under_way: list[Permit] = field(default_factory=list)

    def ask(self, tokens: int, priority: int = 0) -> Permit | None:
        """Ask once."""
        self.begun += 1
        one = Asker(
            id=str(self.begun),
            priority=priority,
            since=self.now,
            cost=Cost(tokens=tokens),
        )
        given = reserve(self.state, self.now, one, self.limits)
        if not isinstance(given, Permit):
            assert given.until > self.state.now
            return None
        self.under_way.append(given)
        return given

    def end(self, which: int, outcome: Outcome) -> None:
        """End one of the calls under way."""
        if self.under_way:
            permit = self.under_way.pop(which % len(self.under_way))
            settle(self.state, self.now, permit, outcome, self.limits)


@st.composite
def steps(draw: DrawFn, *, back: bool) -> list[tuple[str, Any]]:
    """Draw what happens: time, questions, ends."""
    passing = st.tuples(st.just("pass"), pauses)
    if back:
        passing = st.tuples(
            st.just("pass"), st.one_of(pauses, st.sampled_from([-0.5, -3600.0, 3600.0]))
        )
    asking = st.tuples(
        st.just("ask"), st.tuples(st.integers(0, 50_000), st.sampled_from([0, 20]))
    )
    ending = st.tuples(st.just("end"), st.tuples(st.integers(0, 99), outcomes))
    return draw(
        st.lists(st.one_of(passing, asking, asking, ending), min_size=5, max_size=60)
    )


def play(world: World, what: list[tuple[str, Any]]) -> None:
    for name, value in what:
        if name == "pass":
            world.now += value
        elif name == "ask":
            world.ask(*value)
        else:
            world.end(*value)


class TestAnyCourse:
    """Whatever is told, and whatever the clock does."""

    @settings(max_examples=50, deadline=None)
    @given(limits=limits_of_any_kind, what=steps(back=True))
    def test_nothing_raises_and_json_changes_nothing(
        self, limits: Limits, what: list[tuple[str, Any]]
    ) -> None:
        """Two states, one of them written and read after each step, stay equal."""
        plain, kept = World(limits), World(limits)

        for one in what:
            play(plain, [one])
            play(kept, [one])
            kept.state = from_json(json.loads(json.dumps(to_json(kept.state))))

        assert kept.state == plain.state
        assert kept.under_way == plain.under_way
        assert forecast(plain.state, plain.now, Cost(tokens=9), before=7) >= 0

    @settings(max_examples=50, deadline=None)
    @given(limits=limits_of_any_kind, what=steps(back=False))
    def test_moments_never_go_back(
        self, limits: Limits, what: list[tuple[str, Any]]
    ) -> None:
        """Permits are numbered and dated in the order in which they are given."""
        world = World(limits)
        last = 0.0
        for one in what:
            play(world, [one])
            assert world.state.now >= last
            last = world.state.now
            newest = [permit.number for permit in world.under_way]
            assert newest == sorted(newest)

    @settings(max_examples=50, deadline=None)
    @given(limits=limits_of_any_kind, what=steps(back=True))
    def test_state_stays_small_and_nothing_blocks_for_good(
        self, limits: Limits, what: list[tuple[str, Any]]
    ) -> None:
        """After the longest pause that can be told there is leave again."""
        world = World(limits)
        play(world, what)

        world.now = max(world.now, world.state.now) + 12 * DAY
        for _ in range(20):
            if world.ask(0):
                break
            world.now += 300.0
        else:
            pytest.fail("no leave is given any more")
        assert len(json.dumps(to_json(world.state))) < 40_000


class TestConfiguredLimits:
    """A limit of the operator's holds in any sixty seconds."""

    @settings(max_examples=50, deadline=None)
    @given(
        rpm=st.integers(1, 12),
        what=st.lists(
            st.one_of(
                st.tuples(st.just("pass"), pauses),
                st.tuples(st.just("ask"), st.floats(0, WAY)),
                st.tuples(st.just("ask"), st.floats(0, WAY)),
                st.tuples(st.just("end"), st.integers(0, 99)),
            ),
            min_size=30,
            max_size=120,
        ),
    )
    def test_requests(self, rpm: int, what: list[tuple[str, Any]]) -> None:
        """However calls arrive within the guard, and whenever they end."""
        world = World(Limits(rpm=rpm))
        world.state.cautious = False
        ways: dict[int, float] = {}
        arrived: list[tuple[float, int]] = []

        for name, value in what:
            if name == "pass":
                world.now += value
            elif name == "ask":
                if permit := world.ask(100):
                    ways[permit.number] = value
                    arrived.append((permit.at + value, 1))
            elif world.under_way:
                number = world.under_way[value % len(world.under_way)].number
                world.end(
                    value, Outcome(ending="answered", took=1, sent_after=ways[number])
                )

        assert _most_within_a_minute(arrived) <= rpm

    @settings(max_examples=50, deadline=None)
    @given(
        tpm=st.integers(1000, 5000),
        what=st.lists(
            st.one_of(
                st.tuples(st.just("pass"), pauses),
                st.tuples(
                    st.just("ask"), st.tuples(st.integers(1, 900), st.floats(0, 1))
                ),
                st.tuples(
                    st.just("ask"), st.tuples(st.integers(1, 900), st.floats(0, 1))
                ),
                st.tuples(st.just("end"), st.integers(0, 99)),
            ),
            min_size=30,
            max_size=120,
        ),
    )
    def test_tokens(self, tpm: int, what: list[tuple[str, Any]]) -> None:
        """What is truly used, where estimates are never too low."""
        world = World(Limits(tpm=tpm))
        world.state.cautious, world.state.answers = False, 1
        truths: dict[int, int] = {}
        used: list[tuple[float, int]] = []

        for name, value in what:
            if name == "pass":
                world.now += value
            elif name == "ask":
                estimated, share = value
                if permit := world.ask(estimated):
                    truths[permit.number] = int(estimated * share)
                    used.append((permit.at, truths[permit.number]))
            elif world.under_way:
                number = world.under_way[value % len(world.under_way)].number
                true = Cost(tokens=truths[number])
                told = Outcome(ending="answered", took=0.1, sent_after=0.0, cost=true)
                world.end(value, told)

        assert _most_within_a_minute(used) <= tpm


def _most_within_a_minute(moments: list[tuple[float, int]]) -> int:
    moments = sorted(moments)
    return max(
        (
            sum(amount for at, amount in moments if begin <= at < begin + MINUTE)
            for begin, _ in moments
        ),
        default=0,
    )
