"""Tests for app.domain.quota.meters."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from app.domain.quota.meters import Mark, Meter, from_json, to_json
from app.domain.quota.values import DAY, MINUTE, Cost, Shown, is_bucket

NOW = 1_790_000_000.0
PACIFIC = ZoneInfo("America/Los_Angeles")


def per_minute(limit: int | None = 60) -> Meter:
    return Meter(unit="requests", window=MINUTE, configured=limit)


def shown(remaining: int, reset: float | None, *, limit: int = 60) -> Shown:
    return Shown(unit="requests", limit=limit, remaining=remaining, reset=reset)


def mark_of(meter: Meter, at: float) -> Mark:
    return meter.charge(at, 1)


class TestLog:
    """A limit of any window."""

    def test_room_comes_when_the_oldest_has_left(self) -> None:
        """A little later, since clocks are not exact."""
        meter = per_minute(2)
        meter.charge(NOW, 1)
        meter.charge(NOW + 10, 1)

        assert meter.earliest(NOW + 20, 1) == pytest.approx(NOW + 60.24)
        assert meter.earliest(NOW + 20, 2) == pytest.approx(NOW + 70.24)
        assert meter.earliest(NOW + 61, 1) == NOW + 61

    def test_what_is_larger_than_the_limit_waits_for_an_empty_window(self) -> None:
        """It will be refused or not; it does not wait for ever."""
        meter = Meter(unit="tokens", window=MINUTE, configured=1000)
        meter.charge(NOW, 10)

        assert meter.earliest(NOW, 5_000_000) == pytest.approx(NOW + 60.24)
        assert meter.earliest(NOW + 61, 5_000_000) == NOW + 61

    @pytest.mark.parametrize("amount", [0, -1])
    def test_nothing_needs_no_room(self, amount: int) -> None:
        """A refund is never waited for."""
        meter = per_minute(1)
        meter.charge(NOW, 1)

        assert meter.earliest(NOW, amount) == NOW

    def test_unknown_limit_has_room(self) -> None:
        """Nobody waits for what nobody knows."""
        meter = per_minute(None)
        meter.charge(NOW, 1)

        assert meter.earliest(NOW, 10**9) == NOW

    def test_joined_entries_leave_in_time(self) -> None:
        """Calls at a steady pace below the limit never meet it, however many."""
        meter = per_minute(1200)
        now = NOW

        for _ in range(5000):
            meter.forget(now)
            assert meter.earliest(now, 1) == now
            meter.charge(now, 1)
            now += 0.06

        assert len(meter.log) <= 257
        assert meter.used(now) <= 1025

    def test_joined_entries_keep_what_they_hold(self) -> None:
        """Joining errs by a slice of the window, and only on the safe side."""
        meter = per_minute(10_000)
        for number in range(1000):
            meter.charge(NOW + number * 0.05, 1)

        meter.forget(NOW + 50)

        assert len(meter.log) <= 130
        assert sum(amount for _, amount in meter.log) == 1000
        assert meter.log[0][0] >= NOW


class TestAmend:
    """Tests for Meter.amend()."""

    def test_charge_is_moved_and_resized(self) -> None:
        """The call came later and was smaller."""
        meter = Meter(unit="tokens", window=MINUTE, configured=1000)
        meter.charge(NOW, 500)

        meter.amend(NOW, NOW + 2, moved=1.5, by=-300)

        assert meter.log == [[NOW + 1.5, 200]]

    def test_charge_that_was_joined_is_amended_where_it_is(self) -> None:
        """What a call of a busy minute gives back is not lost."""
        meter = Meter(unit="tokens", window=MINUTE, configured=10**6)
        moments = [NOW + number * 0.01 for number in range(600)]
        for moment in moments:
            meter.charge(moment, 100)
        meter.forget(NOW + 6)

        for moment in moments:
            meter.amend(moment, NOW + 7, moved=0.0, by=-40)

        assert meter.used(NOW + 7) == pytest.approx(600 * 60)

    def test_charge_that_has_left_takes_nothing_from_another(self) -> None:
        """A call of two minutes ends after its unit counts no more."""
        meter = per_minute()
        meter.charge(NOW, 1)
        meter.charge(NOW + 100, 1)
        meter.forget(NOW + 120)

        meter.amend(NOW, NOW + 120, moved=0.0, by=-1)

        assert meter.used(NOW + 120) == 1

    def test_charge_of_the_future_is_not_found(self) -> None:
        """The clock was set back in between: the estimate stands."""
        meter = per_minute()
        meter.charge(NOW, 1)
        meter.shift(-3600)

        meter.amend(NOW, NOW - 3599, moved=0.1, by=-1)

        assert meter.log == [[NOW - 3600, 1]]

    def test_refund_never_makes_room_out_of_nothing(self) -> None:
        """An entry is at least zero."""
        meter = per_minute()
        meter.charge(NOW, 1)

        meter.amend(NOW, NOW, moved=0.0, by=-50)

        assert meter.used(NOW) == 0


class TestShow:
    """Tests for Meter.show()."""

    def test_reset_of_a_bucket_is_recognised(self) -> None:
        """Full again in as many seconds as units are gone."""
        meter = per_minute(None)
        mark = mark_of(meter, NOW)

        changed = meter.show(shown(49, 11.0), mark, at=NOW, number=1)

        assert changed
        assert meter.full_at == pytest.approx(NOW + 11)
        assert meter.used(NOW + 5) == pytest.approx(6)

    def test_reset_of_a_log_is_not(self) -> None:
        """The oldest entry leaves in a minute: the log goes on."""
        meter = per_minute(None)
        mark = mark_of(meter, NOW)

        meter.show(shown(59, 59.9), mark, at=NOW, number=1)

        assert meter.full_at is None

    def test_one_header_against_it_outweighs_one_for_it(self) -> None:
        """A log may look like a bucket by chance; five in a row are no chance."""
        meter = per_minute(None)
        meter.show(shown(59, 59.9), mark_of(meter, NOW), at=NOW, number=1)

        for number in range(2, 6):
            mark = mark_of(meter, NOW + number)
            meter.show(shown(50, 10.0), mark, at=NOW + number, number=number)
            assert meter.full_at is None
        mark = mark_of(meter, NOW + 6)
        meter.show(shown(50, 10.0), mark, at=NOW + 6, number=6)

        assert meter.full_at is not None

    def test_older_answers_headers_change_nothing(self) -> None:
        """Answers come in any order; the newest call knows best."""
        meter = per_minute(None)
        first, second = mark_of(meter, NOW), mark_of(meter, NOW + 1)
        meter.show(shown(40, 20.0), second, at=NOW + 1, number=2)

        changed = meter.show(shown(59, 1.0, limit=600), first, at=NOW, number=1)

        assert not changed
        assert meter.learned == 60
        assert meter.full_at == pytest.approx(NOW + 21)

    def test_foreign_use_is_counted_once(self) -> None:
        """What others used is put into the log, not again with each answer."""
        meter = per_minute(None)
        for number in range(1, 4):
            at = NOW + number
            left = 60 - 20 - number
            meter.show(shown(left, 59.0), mark_of(meter, at), at=at, number=number)

        assert meter.used(NOW + 3) == 23

    def test_lower_limit_of_the_operators_is_never_a_bucket(self) -> None:
        """It holds in any window, although the provider keeps a bucket."""
        meter = per_minute(40)
        for number in range(1, 41):
            mark = mark_of(meter, NOW)
            meter.show(shown(60 - number, float(number)), mark, at=NOW, number=number)

        assert meter.full_at is None
        assert meter.earliest(NOW + 30, 1) > NOW + 60

    @pytest.mark.parametrize(
        ("limit", "remaining", "reset"),
        [(0, 0, 0.0), (0, 0, None), (60, 0, None), (1, 0, 60.0), (60, 60, 0.0)],
    )
    def test_odd_headers_break_nothing(
        self, limit: int, remaining: int, reset: float | None
    ) -> None:
        """Nothing left, nothing allowed, nothing told; after a bucket was seen."""
        meter = per_minute(None)
        meter.show(shown(49, 11.0), mark_of(meter, NOW), at=NOW, number=1)
        told = shown(remaining, reset, limit=limit)

        meter.show(told, mark_of(meter, NOW), at=NOW, number=2)

        assert meter.earliest(NOW, 1) >= NOW
        assert meter.earliest(NOW, 1) <= NOW + 121
        assert meter.used(NOW) >= 0

    @pytest.mark.parametrize(
        ("told", "expected"),
        [
            (shown(50, 10.0), True),
            (shown(50, 10.9), True),
            (shown(50, 11.5), False),
            (shown(0, 60.0), True),
            (shown(59, None), False),
            (shown(0, 0.0, limit=0), False),
        ],
    )
    def test_is_bucket(self, told: Shown, expected: bool) -> None:  # noqa: FBT001 - a case
        """Within a unit, since what remains is told in whole ones."""
        assert is_bucket(told, MINUTE) is expected


class TestTeach:
    """Tests for Meter.teach() and what becomes of it."""

    def test_taught_limit_is_doubted_and_grows(self) -> None:
        """A quota that was raised is found out without a refusal a second."""
        meter = per_minute(None)
        meter.teach(20, NOW, doubt=300)

        assert meter.limit(NOW + 299) == 20
        assert meter.limit(NOW + 301) == 26
        assert meter.limit(NOW + 601) == 32
        assert meter.limit(NOW - 5000) == 20

    def test_doubt_never_goes_beyond_what_was_configured(self) -> None:
        """The operator's word is the last, after a year as well."""
        meter = per_minute(60)
        meter.teach(20, NOW)

        assert meter.limit(NOW) == 20
        assert meter.limit(NOW + 365 * DAY) == 60

    @pytest.mark.parametrize("limit", [0, -5])
    def test_limit_of_nothing_is_one(self, limit: int) -> None:
        """One call must find out when that is over."""
        meter = per_minute(None)
        meter.teach(limit, NOW)

        assert meter.limit(NOW) == 1


class TestDay:
    """Limits of a calendar day."""

    @pytest.mark.parametrize(
        ("day", "hours"),
        [
            (datetime(2026, 11, 22, tzinfo=PACIFIC), 24),
            (datetime(2026, 3, 8, tzinfo=PACIFIC), 23),
            (datetime(2026, 11, 1, tzinfo=PACIFIC), 25),
            (datetime(2028, 2, 29, tzinfo=PACIFIC), 24),
            (datetime(2026, 12, 31, tzinfo=PACIFIC), 24),
        ],
    )
    def test_units_leave_at_midnight_there(self, day: datetime, hours: int) -> None:
        """On the days on which clocks change, too, and not before."""
        meter = Meter(
            unit="requests", window=DAY, configured=100, zone="America/Los_Angeles"
        )
        begin = day.timestamp()
        for number in range(100):
            meter.charge(begin + 3600 + number, 1)

        free = meter.earliest(begin + 7200, 1)

        assert 0 <= free - (begin + hours * 3600) < 600
        assert meter.used(begin + hours * 3600 - 1) == 100
        assert meter.used(free) == 0
        assert meter.earliest(free, 100) == free

    def test_last_minute_of_the_day_counts_for_that_day(self) -> None:
        """A call at a minute to midnight is forgotten minutes later."""
        meter = Meter(
            unit="requests", window=DAY, configured=1, zone="America/Los_Angeles"
        )
        midnight = datetime(2026, 11, 23, tzinfo=PACIFIC).timestamp()
        meter.charge(midnight - 60, 1)

        assert midnight <= meter.earliest(midnight - 30, 1) < midnight + 600

    def test_day_that_nobody_limits_keeps_no_log(self) -> None:
        """Its entries would be of no use to anybody."""
        meter = Meter(unit="requests", window=DAY)
        for number in range(100):
            meter.charge(NOW + number, 1)

        assert meter.log == []


class TestJson:
    """Tests for to_json() and from_json()."""

    def test_meter_is_the_same_afterwards(self) -> None:
        """All of it, and to the last bit."""
        meter = Meter(unit="tokens", window=MINUTE, configured=60, zone="x")
        for number in range(300):
            meter.charge(NOW + number / 7, 1.0 / 3)
        meter.show(
            Shown(unit="tokens", limit=60, remaining=49, reset=11.0),
            mark_of(meter, NOW + 50), at=NOW + 50, number=7,
        )  # fmt: skip

        assert from_json(json.loads(json.dumps(to_json(meter)))) == meter

    def test_fields_of_another_version_are_left_out(self) -> None:
        """A newer process may have written the row; what we do not know, we drop."""
        kept = to_json(per_minute()) | {"of_tomorrow": 1}
        del kept["stray"]

        assert from_json(kept) == per_minute()


class TestUnits:
    """Tests for Meter.units()."""

    def test_tokens_follow_what_the_provider_charges(self) -> None:
        """Requests are counted, tokens are weighed."""
        cost = Cost(requests=1, tokens=1000)
        tokens = Meter(unit="tokens", window=MINUTE, ratio=0.5)

        assert tokens.units(cost) == 500
        assert per_minute().units(cost) == 1


class TestRatio:
    """What the provider charges for each of our tokens."""

    def test_a_call_that_was_charged_nothing_teaches_nothing(self) -> None:
        """There is no ratio to nothing; the next real call teaches again."""
        meter = Meter(unit="tokens", window=MINUTE, learned=6_000)

        def call(number: int, tokens: int, left: int) -> float:
            at = NOW + number
            reset = (6_000 - left) / 100
            told = Shown(unit="tokens", limit=6_000, remaining=left, reset=reset)
            meter.show(told, meter.charge(at, tokens), at=at, number=number)
            return meter.ratio

        seen = [call(1, 1_000, 5_000), call(2, 1_000, 4_100), call(3, 0, 4_000)]

        assert seen == [1.0, 1.0, 1.0]
        assert call(4, 1_000, 1_900) > 1.0
