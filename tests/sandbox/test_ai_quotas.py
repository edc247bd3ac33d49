"""Tests for quotas together: all must have room, limits change, refusals may count."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from sandbox.ai.quotas import Change, Quotas, Rules, clairvoyant

CALLS = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 500)), max_size=40)
RULES = st.builds(
    Rules,
    rpm=st.one_of(st.none(), st.integers(1, 60)),
    tpm=st.one_of(st.none(), st.integers(500, 5_000)),
    rpd=st.one_of(st.none(), st.integers(1, 50)),
    kind=st.sampled_from(["sliding", "bucket", "fixed", "per_second"]),
    day_kind=st.sampled_from(["sliding", "bucket", "fixed"]),
    phase=st.floats(0, 60),
    refusals_count=st.booleans(),
)


class TestAdmission:
    """All quotas must have room."""

    def test_no_limits(self) -> None:
        """Everything passes, and nothing is shown."""
        quotas = Quotas(Rules())

        assert quotas.admit(10**9, 0.0) == ()
        assert quotas.earliest(10**9, 0.0) == 0.0
        assert quotas.standings(0.0) == {}

    def test_the_quotas_without_room_are_named(self) -> None:
        """Each with what it has and how long it takes."""
        quotas = Quotas(Rules(rpm=1, tpm=100, rpd=5))
        assert quotas.admit(90, 0.0) == ()

        full = quotas.admit(20, 15.0)

        assert [one.dimension for one in full] == ["rpm", "tpm"]
        assert [one.wait for one in full] == [45.0, 45.0]
        assert [one.used for one in full] == [1, 90]
        assert [one.requested for one in full] == [1, 20]

    def test_a_refused_call_takes_nothing(self) -> None:
        """Neither tokens nor a request of the day."""
        quotas = Quotas(Rules(rpm=1, tpm=100, rpd=5))
        quotas.admit(10, 0.0)
        quotas.admit(10, 1.0)

        left = {name: one.remaining for name, one in quotas.standings(1.0).items()}

        assert left == {"rpm": 0, "tpm": 90, "rpd": 4}

    def test_day_outlives_the_minute(self) -> None:
        """A spent day is over when the next one begins."""
        quotas = Quotas(Rules(rpm=10, rpd=2, day_phase=500.0))
        quotas.admit(1, 0.0)
        quotas.admit(1, 0.0)

        assert quotas.earliest(1, 100.0) == 500.0
        assert [one.dimension for one in quotas.admit(1, 499.9)] == ["rpd"]
        assert quotas.admit(1, 500.0) == ()

    def test_tokens_of_a_limit_by_the_second(self) -> None:
        """They are counted by the minute, or no real call would ever pass."""
        quotas = Quotas(Rules(rpm=60, tpm=6_000, kind="per_second"))

        assert quotas.admit(3_000, 0.0) == ()
        explicit = Rules(tpm=6_000, kind="per_second", token_kind="per_second")
        assert Quotas(explicit).earliest(3_000, 0.0) == math.inf

    def test_time_never_goes_back(self) -> None:
        """A call whose body was late is booked late."""
        quotas = Quotas(Rules(tpm=100))
        quotas.admit(50, 10.0)
        quotas.admit(50, 5.0)

        assert quotas.earliest(100, 20.0) == 70.0

    @given(rules=RULES, calls=CALLS)
    def test_earliest_is_when_it_is_let_in(
        self, rules: Rules, calls: list[tuple[float, int]]
    ) -> None:
        """The wait that is told is neither too short nor too long."""
        quotas, now = Quotas(rules), 0.0
        for pause, tokens in calls:
            now += pause
            moment = quotas.earliest(tokens, now)
            full = quotas.admit(tokens, now)
            assert (moment <= now) == (not full)
            assert all(one.wait > 0 for one in full)
        moment = quotas.earliest(400, now)
        if math.isfinite(moment):
            assert quotas.admit(400, moment) == ()


class TestRefusalsCount:
    """Refused calls may use up requests."""

    def test_knocking_keeps_the_door_shut(self) -> None:
        """Who knocks each second is never let in; who waits as told is."""
        quotas = Quotas(Rules(rpm=2, refusals_count=True))
        quotas.admit(1, 0.0)
        quotas.admit(1, 0.0)

        knocks = [quotas.admit(1, float(second)) for second in range(1, 120)]

        assert all(knocks)
        wait = knocks[-1][0].wait
        assert quotas.admit(1, 119.0 + wait) == ()

    def test_a_bucket_stays_empty(self) -> None:
        """Each refusal takes what had come in."""
        quotas = Quotas(Rules(rpm=60, kind="bucket", refusals_count=True))
        for _ in range(60):
            quotas.admit(1, 0.0)

        assert all(quotas.admit(1, tenth / 10) for tenth in range(1, 100))

    def test_no_limit_of_requests(self) -> None:
        """There is nothing to count against."""
        quotas = Quotas(Rules(tpm=10, refusals_count=True))

        assert [one.dimension for one in quotas.admit(11, 0.0)] == ["tpm"]


class TestChanges:
    """Limits change in the middle."""

    def test_change_comes_at_its_time(self) -> None:
        """And is one more epoch."""
        quotas = Quotas(Rules(rpm=2, changes=(Change(at=30.0, rpm=1),)))
        assert quotas.standings(29.9)["rpm"].limit == 2
        assert quotas.epoch == 0

        assert quotas.standings(30.0)["rpm"].limit == 1
        assert quotas.epoch == 1

    def test_change_comes_at_its_time_though_nobody_looks(self) -> None:
        """A bucket refills at the old rate before it and at the new one after."""
        changes = (Change(at=30.0, rpm=120),)
        quotas = Quotas(Rules(rpm=60, kind="bucket", changes=changes))
        for _ in range(60):
            quotas.admit(1, 0.0)

        assert quotas.standings(40.0)["rpm"].remaining == 30 + 20

    def test_change_by_hand(self) -> None:
        """A limit appears, another vanishes."""
        quotas = Quotas(Rules(rpm=1))
        quotas.admit(1, 0.0)

        quotas.change({"rpm": None, "tpm": 10}, 1.0)

        assert quotas.admit(10, 1.0) == ()
        assert [one.dimension for one in quotas.admit(1, 1.0)] == ["tpm"]

    def test_only_the_clairvoyant_knows(self) -> None:
        """`earliest` goes by the limits of the moment, `foreseen` by those to come."""
        rules = Rules(rpm=1, changes=(Change(at=20.0, rpm=2), Change(at=200.0, rpm=9)))
        quotas = Quotas(rules)
        quotas.admit(1, 0.0)

        assert quotas.earliest(1, 5.0) == 60.0
        assert quotas.foreseen(1, 5.0) == 20.0
        assert quotas.standings(5.0)["rpm"].limit == 1

    def test_foreseen_tightening(self) -> None:
        """A smaller limit may move a call further away."""
        rules = Rules(rpm=2, changes=(Change(at=30.0, rpm=1),))
        quotas = Quotas(rules)
        quotas.admit(1, 0.0)
        quotas.admit(1, 10.0)

        assert quotas.earliest(1, 15.0) == 60.0
        assert quotas.foreseen(1, 15.0) == 70.0


class TestClairvoyant:
    """The bound of all clients."""

    @pytest.mark.parametrize(
        ("kind", "seconds"),
        [
            ("sliding", 240.0),
            ("bucket", 240.0),
            ("fixed", 240.0),
            ("per_second", 299.0),
        ],
    )
    def test_three_hundred_pages(self, kind: str, seconds: float) -> None:
        """At sixty a minute, each way of counting has its own fastest time."""
        rules = Rules(rpm=60, kind=kind)  # type: ignore[arg-type]

        moments = clairvoyant(rules, [100] * 300)

        assert moments[-1] == pytest.approx(seconds)

    @given(rules=RULES, charges=st.lists(st.integers(1, 400), max_size=60))
    def test_it_is_never_refused(self, rules: Rules, charges: list[int]) -> None:
        """Replayed against fresh quotas."""
        quotas = Quotas(rules)

        moments = clairvoyant(rules, charges)

        assert moments == sorted(moments)
        for tokens, moment in zip(charges, moments, strict=True):
            if math.isfinite(moment):
                assert quotas.admit(tokens, moment) == ()

    def test_what_never_fits_holds_nobody_up(self) -> None:
        """The next call goes on."""
        assert clairvoyant(Rules(tpm=100), [50, 101, 50]) == [0.0, math.inf, 0.0]
