"""Tests for single limits: what they let in, and when they say they would."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from sandbox.ai.windows import (
    Bucket,
    FixedWindow,
    Kind,
    PerSecond,
    SlidingLog,
    Window,
    make_window,
)

KINDS: tuple[Kind, ...] = ("sliding", "bucket", "fixed", "per_second")

#: Pauses between calls: many small, some none, some as long as a window.
PAUSES = st.lists(
    st.one_of(
        st.just(0.0),
        st.floats(0, 0.5),
        st.floats(0, 90),
        st.sampled_from([1.0, 60.0]),
    ),
    max_size=60,
)
LIMITS = st.integers(1, 400)


def admitted(window: Window, pauses: list[float], amount: int = 1) -> list[float]:
    """Return the moments at which calls were let in, one tried after each pause."""
    now, moments = 0.0, []
    for pause in pauses:
        now += pause
        if window.earliest(amount, now) <= now:
            window.take(amount, now)
            moments.append(now)
    return moments


def most_within(moments: list[float], span: float) -> int:
    """Return the most moments in any half-open span."""
    return max(
        (sum(begin <= at < begin + span for at in moments) for begin in moments),
        default=0,
    )


class TestEveryKind:
    """What holds however a limit is enforced."""

    @pytest.mark.parametrize("kind", KINDS)
    @given(limit=LIMITS, pauses=PAUSES, amount=st.integers(1, 5))
    def test_earliest_is_exact(
        self, kind: Kind, limit: int, pauses: list[float], amount: int
    ) -> None:
        """At that moment there is room; a moment before there is none."""
        window = make_window(kind, limit, 60.0, 7.0)
        now = 0.0
        for pause in pauses:
            now += pause
            moment = window.earliest(amount, now)
            if moment <= now:
                window.take(amount, now)
        moment = window.earliest(amount, now)

        if math.isfinite(moment):
            assert moment >= now
            before = moment - 1e-5
            assert moment == now or window.earliest(amount, before) > before
            assert window.earliest(amount, moment) <= moment
        else:
            assert amount > limit or kind == "per_second"

    @pytest.mark.parametrize("kind", KINDS)
    @given(limit=LIMITS, pauses=PAUSES)
    def test_a_limit_is_reached_but_not_crossed(
        self, kind: Kind, limit: int, pauses: list[float]
    ) -> None:
        """What is used stays between nothing and the limit."""
        window = make_window(kind, limit, 60.0, 0.0)

        moments = admitted(window, pauses)

        now = moments[-1] if moments else 0.0
        assert 0 <= window.used(now) <= limit * (1 + 1e-9)
        assert window.reset(now) >= 0
        if pauses:
            assert moments

    @pytest.mark.parametrize("kind", KINDS)
    def test_nothing_passes_a_limit_of_nothing(self, kind: Kind) -> None:
        """Zero is a limit, not its absence."""
        window = make_window(kind, 0, 60.0, 0.0)

        assert window.earliest(1, 0.0) == math.inf
        assert window.reset(0.0) in (0.0, 60.0)

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_call_larger_than_the_limit_never_passes(self, kind: Kind) -> None:
        """However long it waits."""
        assert make_window(kind, 60, 60.0, 0.0).earliest(61, 5.0) == math.inf

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_smaller_limit_binds_at_once(self, kind: Kind) -> None:
        """There is no room for more than it allows."""
        window = make_window(kind, 120, 60.0, 0.0)
        window.take(2, 1.0)
        window.change(60, 1.0)
        window.take(60, 1.0)

        assert window.limit == 60
        assert window.earliest(1, 1.0) > 1.0


class TestSlidingLog:
    """An exact log."""

    @given(limit=st.integers(1, 12), pauses=PAUSES)
    def test_no_minute_has_more_than_the_limit(
        self, limit: int, pauses: list[float]
    ) -> None:
        """Wherever the minute begins."""
        moments = admitted(SlidingLog(limit, 60.0), pauses)

        assert most_within(moments, 60.0) <= limit

    def test_room_comes_when_the_oldest_leave(self) -> None:
        """As many of them as are needed."""
        log = SlidingLog(10, 60.0)
        log.take(4, 0.0)
        log.take(4, 10.0)
        log.take(2, 20.0)

        assert log.earliest(4, 30.0) == 60.0
        assert log.earliest(5, 30.0) == 70.0
        assert log.earliest(10, 30.0) == 80.0
        assert log.reset(30.0) == 30.0
        assert log.used(65.0) == 6

    def test_overdrawn_log(self) -> None:
        """Entries beyond the limit, of refusals, are waited for as well."""
        log = SlidingLog(2, 60.0)
        for moment in (0.0, 1.0, 2.0, 3.0):
            log.take(1, moment)

        assert log.earliest(1, 4.0) == 62.0


class TestPerSecond:
    """A limit of the minute, enforced over less."""

    @given(limit=st.integers(60, 400), pauses=PAUSES)
    def test_no_second_has_more_than_its_share(
        self, limit: int, pauses: list[float]
    ) -> None:
        """Nor any minute more than the limit."""
        moments = admitted(PerSecond(limit, 60.0), pauses)

        assert most_within(moments, 1.0) <= limit // 60
        assert most_within(moments, 60.0) <= limit

    @given(limit=st.integers(1, 59), pauses=PAUSES)
    def test_less_than_one_a_second(self, limit: int, pauses: list[float]) -> None:
        """One in the time that it takes."""
        moments = admitted(PerSecond(limit, 60.0), pauses)

        assert most_within(moments, 60.0 / limit) <= 1

    def test_it_shows_itself_as_a_minute(self) -> None:
        """Who reads the headers sees 58 left, and is refused all the same."""
        limit = PerSecond(60, 60.0)
        limit.take(1, 0.0)
        limit.take(1, 1.0)

        assert limit.used(1.5) == 2
        assert limit.reset(1.5) == 58.5
        assert limit.earliest(1, 1.5) == 2.0


class TestBucket:
    """A store that refills evenly."""

    @given(
        limit=LIMITS, takes=st.lists(st.tuples(st.floats(0, 90), st.integers(0, 900)))
    )
    def test_level_is_never_negative(
        self, limit: int, takes: list[tuple[float, int]]
    ) -> None:
        """Whatever is booked, and in whatever order limits change."""
        bucket, now = Bucket(limit, 60.0), 0.0
        for pause, amount in takes:
            now += pause
            bucket.take(amount, now)
            assert 0 <= bucket.used(now) <= limit
            assert 0 <= bucket.reset(now) <= 60.0 + 1e-6

    def test_full_burst_and_refill(self) -> None:
        """Twice the limit passes in the first minute, as buckets do."""
        pauses = [0.0] * 60 + [0.5] * 120

        assert len(admitted(Bucket(60, 60.0), pauses)) == 120

    def test_figures_of_a_real_refusal(self) -> None:
        """Limit 30000, used 18928, requested 11159: try again in 174 ms.

        https://github.com/continuedev/continue/issues/11472
        """
        bucket = Bucket(30_000, 60.0)
        bucket.take(18_928, 0.0)

        assert bucket.earliest(11_159, 0.0) == pytest.approx(0.174)

    def test_level_is_cut_to_a_smaller_capacity(self) -> None:
        """And a larger one fills in its own time."""
        bucket = Bucket(100, 60.0)
        bucket.change(30, 0.0)
        assert bucket.earliest(30, 0.0) == 0.0

        bucket.change(60, 0.0)
        assert bucket.earliest(31, 0.0) == 1.0


class TestFixedWindow:
    """A minute of the clock."""

    @given(phase=st.floats(-100, 100), limit=st.integers(1, 9), pauses=PAUSES)
    def test_no_minute_of_the_clock_has_more(
        self, phase: float, limit: int, pauses: list[float]
    ) -> None:
        """Counted from the phase."""
        moments = admitted(FixedWindow(limit, 60.0, phase), pauses)

        minutes = [math.floor((at - phase) / 60.0) for at in moments]
        assert all(minutes.count(one) <= limit for one in minutes)

    def test_two_quotas_at_the_turn(self) -> None:
        """The end of one minute and the beginning of the next lie close together."""
        window = FixedWindow(5, 60.0, 10.0)

        assert len(admitted(window, [9.9] + [0.0] * 9 + [0.2] + [0.0] * 9)) == 10

    def test_waiting_for_the_turn(self) -> None:
        """The phase is where minutes begin."""
        window = FixedWindow(1, 60.0, 10.0)
        window.take(1, 15.0)

        assert window.earliest(1, 20.0) == 70.0
        assert window.reset(20.0) == 50.0


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: SlidingLog(60, 60.0), 60),
        (lambda: Bucket(60, 60.0), 60),
        (lambda: PerSecond(120, 60.0), 2),
    ],
)
def test_a_burst(make: Callable[[], Window], expected: int) -> None:
    """How many of a hundred calls at once are let in."""
    assert len(admitted(make(), [0.0] * 100)) == expected
