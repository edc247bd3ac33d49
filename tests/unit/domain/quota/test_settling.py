"""Tests for app.domain.quota.settling: what the end of a call teaches."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from app.domain.quota.permits import Asker, Wait, reserve
from app.domain.quota.settling import News, settle
from app.domain.quota.state import GateState, Permit
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
SIXTY = Limits(rpm=60)
PACIFIC = Limits(rpm=60, day_zone="America/Los_Angeles")
ANSWERED = Outcome(ending="answered", took=1.0, sent_after=0.01)
FAILED = Outcome(ending="failed", took=1.0, sent_after=0.01)
PER_DAY = Violation(unit="requests", window=DAY, limit=250)


class Calls:
    """Calls one after another, each at a moment of its own."""

    def __init__(self, limits: Limits = SIXTY) -> None:
        self.state = GateState(cautious=False, answers=1)
        self.limits = limits
        self.now = NOW
        self.number = 0

    def begin(self, tokens: int = 0) -> Permit:
        """Begin a call as soon as there is leave."""
        self.number += 1
        one = Asker(
            id=str(self.number), priority=0, since=NOW, cost=Cost(tokens=tokens)
        )
        for _ in range(50):
            given = reserve(self.state, self.now, one, self.limits)
            if isinstance(given, Permit):
                return given
            self.now = given.until
        pytest.fail("no leave is given")

    def end(self, permit: Permit, outcome: Outcome) -> tuple[News, ...]:
        """End a call."""
        return settle(self.state, self.now, permit, outcome, self.limits)

    def call(self, outcome: Outcome) -> tuple[News, ...]:
        """Begin a call and end it."""
        return self.end(self.begin(), outcome)

    def wait(self) -> float:
        """Return the seconds until the next call may go, and why not now."""
        one = Asker(id="next", priority=0, since=NOW + 1e6, cost=Cost())
        told = reserve(self.state, self.now, one, self.limits)
        assert isinstance(told, Wait)
        return told.until - self.now


def refused(wait: float | None = None, *violations: Violation) -> Outcome:
    return Outcome(
        ending="refused",
        took=0.02,
        sent_after=0.01,
        refusal=Refusal(retry_after=wait, violations=violations),
    )


class TestRefusal:
    """A call refused for quota."""

    @pytest.mark.parametrize("wait", [0.2, 5.0, 30.0, 86_400.0])
    def test_everybody_pauses_as_long_as_told(self, wait: float) -> None:
        """A moment more, since an instant too early would cost another wait."""
        calls = Calls()

        news = calls.call(refused(wait))

        assert "cooldown" in news
        assert wait <= calls.wait() <= wait + 0.1

    def test_wait_of_nothing_is_a_moment(self) -> None:
        """Who says zero may be asked again, and by one call."""
        calls = Calls()

        calls.call(refused(0.0))

        assert 0 < calls.wait() <= 0.1
        calls.begin()
        assert calls.state.probing

    def test_without_a_hint_the_pause_grows(self) -> None:
        """Half a second at first, a minute in the end."""
        calls = Calls()
        waits = []

        for _ in range(7):
            calls.call(refused())
            waits.append(calls.wait() - 0.05)

        assert waits == pytest.approx([0.5, 1.5, 5.0, 15.0, 60.0, 60.0, 60.0], abs=0.01)

    def test_success_resets_the_escalation(self) -> None:
        """The next refusal is the first again."""
        calls = Calls()
        for _ in range(4):
            calls.call(refused())

        calls.call(ANSWERED)
        calls.call(refused())

        assert calls.wait() == pytest.approx(0.55)

    def test_refusals_of_one_burst_are_one(self) -> None:
        """Calls that were under way when the first came back escalate nothing."""
        calls = Calls()
        burst = [calls.begin() for _ in range(10)]

        for permit in burst:
            calls.end(permit, refused())

        assert calls.state.refusals == 1
        assert calls.wait() == pytest.approx(0.55)

    def test_late_answer_of_the_burst_lifts_no_pause(self) -> None:
        """It was sent before the refusal, and says nothing of now."""
        calls = Calls()
        early, late = calls.begin(), calls.begin()
        calls.end(late, refused(20.0))

        calls.end(early, ANSWERED)

        assert calls.wait() >= 20.0
        assert calls.state.refusals == 1

    def test_longest_of_several_waits_counts(self) -> None:
        """A shorter one does not bring the end nearer."""
        calls = Calls()
        first, second = calls.begin(), calls.begin()
        calls.end(first, refused(40.0))

        calls.end(second, refused(3.0))

        assert calls.wait() >= 40.0

    def test_value_that_is_named_is_learned(self) -> None:
        """QuotaFailure tells the limit: it holds from now on."""
        calls = Calls(Limits())

        news = calls.call(
            refused(30.0, Violation(unit="requests", window=60, limit=15))
        )

        assert "limit_learned" in news
        assert calls.state.meter("requests", MINUTE).limit(NOW) == 15

    def test_same_value_again_is_no_news(self) -> None:
        """What was learned is not learned twice; so a probe finds out what is wrong."""
        calls = Calls(Limits(rpm=50))
        told = Violation(unit="requests", window=60.0, limit=60)
        calls.begin()
        first = calls.call(refused(1.0, told))
        calls.begin()

        second = calls.call(refused(1.0, told))

        assert "limit_learned" in first
        assert calls.state.meter("requests", MINUTE).limit(NOW) == 50
        # The second one, far below the limit, was taken for a limit of the second.
        assert second == ("limit_learned", "cooldown")
        assert calls.state.meter("requests", 1.2).limit(NOW) == 1

    def test_refusal_of_the_very_first_call_teaches_no_limit(self) -> None:
        """Others use the same quota: one a second would be our loss for hours."""
        calls = Calls(Limits())

        calls.call(refused(3.0))

        assert calls.state.meter("requests", MINUTE).limit(NOW) is None
        assert len(calls.state.meters) == 3
        assert calls.state.probing

    def test_tokens_refused_leave_more_room(self) -> None:
        """The estimate was too low for what was left."""
        calls = Calls(Limits(tpm=1000))
        before = calls.state.meter("tokens", MINUTE).stray

        calls.call(refused(1.0, Violation(unit="tokens", window=MINUTE)))

        assert calls.state.meter("tokens", MINUTE).stray > before

    def test_refused_call_gives_its_charge_back(self) -> None:
        """Most providers do not count what they refuse."""
        calls = Calls()

        calls.call(refused(1.0))

        assert calls.state.meter("requests", MINUTE).used(calls.now) == 0

    def test_refused_calls_that_count_are_found_out(self) -> None:
        """Refused, though by the named limit there was room."""
        calls = Calls()
        for _ in range(58):
            calls.call(ANSWERED)

        calls.call(refused(1.0, Violation(unit="requests", window=60.0, limit=60)))

        assert calls.state.refusals_count


class TestInference:
    """Refusals that name no limit."""

    def test_short_wait_where_no_limit_is_known_is_of_the_second(self) -> None:
        """So many as had passed may go each second."""
        calls = Calls(Limits())
        for _ in range(3):
            calls.call(ANSWERED)

        news = calls.call(refused(0.5))

        assert "limit_learned" in news
        assert calls.state.meter("requests", 1.0).limit(calls.now) == 3

    def test_refused_at_the_known_limit_teaches_nothing(self) -> None:
        """It holds, and so it need not be lowered."""
        calls = Calls()
        for _ in range(59):
            calls.call(ANSWERED)

        news = calls.call(refused(30.0))

        assert "limit_learned" not in news
        assert calls.state.meter("requests", MINUTE).limit(calls.now) == 60

    def test_refused_though_paced_keeps_more_distance(self) -> None:
        """The clocks are less alike than thought; but not for ever more."""
        calls = Calls()
        calls.begin()
        calls.call(refused(1.0))
        paced = calls.state.meter("requests", 1.0)
        before = paced.guard_factor
        calls.call(ANSWERED)
        calls.call(ANSWERED)

        news = calls.call(refused(1.0))

        assert "limit_learned" not in news
        assert paced.guard_factor == 2 * before


class TestDayRefusal:
    """A quota of the day is spent."""

    def test_hint_of_seconds_is_not_believed_where_a_calendar_is_known(self) -> None:
        """RetryInfo of 26 s beside PerDay: midnight in Los Angeles it is."""
        calls = Calls(PACIFIC)

        calls.call(refused(26.0, PER_DAY))

        until = datetime.fromtimestamp(
            NOW + calls.wait(), ZoneInfo("America/Los_Angeles")
        )
        assert (until.hour, until.minute < 10) == (0, True)
        assert 0 < calls.wait() <= DAY + 600

    @pytest.mark.parametrize(
        ("wait", "least"), [(26.0, 60.0), (None, 60.0), (3600.0, 3600.0)]
    )
    def test_without_a_calendar_the_hint_counts(
        self, wait: float | None, least: float
    ) -> None:
        """But looking more often than each minute is no use."""
        calls = Calls()

        calls.call(refused(wait, PER_DAY))

        assert least <= calls.wait() <= least + 0.1

    def test_day_beside_a_minute_is_the_day(self) -> None:
        """The longest of the violations decides."""
        calls = Calls(PACIFIC)
        minute = Violation(unit="requests", window=60.0, limit=15)

        calls.call(refused(2.0, minute, PER_DAY))

        assert calls.wait() > 600


class TestHeaders:
    """Limits that answers show."""

    def test_limit_is_learned_from_the_first_answer(self) -> None:
        """And told once."""
        calls = Calls(Limits())
        shown = Shown(unit="requests", limit=500, remaining=499, reset=0.12)

        first = calls.call(Outcome(ending="answered", shown=(shown,)))
        second = calls.call(Outcome(ending="answered", shown=(shown,)))

        assert "limit_learned" in first
        assert "limit_learned" not in second
        assert calls.state.meter("requests", MINUTE).limit(NOW) == 500

    def test_long_reset_speaks_of_the_day(self) -> None:
        """Full again in hours: that is no limit of the minute."""
        calls = Calls(Limits())
        shown = Shown(unit="requests", limit=200, remaining=100, reset=43_200.0)

        calls.call(Outcome(ending="answered", shown=(shown,)))

        assert calls.state.meter("requests", DAY).limit(NOW) == 200
        assert calls.state.meter("requests", MINUTE).limit(NOW) is None

    def test_reset_of_a_little_more_than_a_minute_is_the_minute(self) -> None:
        """A limit of the day is not full again that soon."""
        calls = Calls(Limits())
        shown = Shown(unit="requests", limit=200, remaining=0, reset=70.0)

        calls.call(Outcome(ending="answered", shown=(shown,)))

        assert calls.state.meter("requests", MINUTE).limit(NOW) == 200
        assert calls.state.meter("requests", DAY).limit(NOW) is None

    def test_answer_to_a_call_of_the_future_closes_nothing(self) -> None:
        """The clock was set back by an hour while it was under way."""
        calls = Calls(Limits())
        permit = calls.begin()
        calls.now -= 3600
        shown = Shown(unit="requests", limit=60, remaining=50, reset=10.0)

        calls.end(permit, Outcome(ending="answered", took=1.0, shown=(shown,)))

        meter = calls.state.meter("requests", MINUTE)
        assert meter.earliest(calls.now, 1) == calls.now

    def test_headers_of_refusals_and_failures_count_too(self) -> None:
        """They are as true as any."""
        calls = Calls(Limits())
        shown = Shown(unit="tokens", limit=40_000, remaining=1, reset=59.9)

        news = calls.call(Outcome(ending="failed", shown=(shown,)))

        assert news == ("limit_learned",)


class TestBreaker:
    """Failures by the provider's fault."""

    def test_four_failures_open_nothing(self) -> None:
        """An answer in between begins the count anew."""
        calls = Calls()

        for _ in range(5):
            for _ in range(4):
                assert calls.call(FAILED) == ()
            assert calls.call(ANSWERED) == ()

        assert calls.state.openings == 0

    def test_five_in_a_row_open_it_and_one_answer_closes_it(self) -> None:
        """Each is told once, however long it takes."""
        calls = Calls()

        news = [one for _ in range(9) for one in calls.call(FAILED)]

        assert news == ["opened"]
        assert calls.state.openings == 5
        assert calls.call(ANSWERED) == ("closed",)
        assert calls.state.openings == 0
        assert not calls.state.probing

    def test_burst_of_failures_is_one_opening(self) -> None:
        """Calls from before the opening say nothing new."""
        calls = Calls()
        burst = [calls.begin() for _ in range(20)]

        news = [one for permit in burst for one in calls.end(permit, FAILED)]

        assert news == ["opened"]
        assert calls.wait() == pytest.approx(2.0)

    def test_wait_that_a_failure_names_is_kept(self) -> None:
        """`Retry-After` of a 503."""
        calls = Calls()

        calls.call(Outcome(ending="failed", refusal=Refusal(retry_after=7.0)))

        assert 7.0 <= calls.wait() <= 7.1

    def test_slow_down_shrinks_the_ceiling_but_never_to_nothing(self) -> None:
        """Seven tenths of what was in flight; at least one call."""
        calls = Calls(Limits(rpm=600, concurrency=10))
        burst = [calls.begin() for _ in range(10)]

        calls.end(burst[-1], Outcome(ending="failed", slow_down=True))
        assert calls.state.ceiling == 7.0
        calls.end(burst[0], Outcome(ending="failed", slow_down=True))
        assert calls.state.ceiling == 1.0


class TestBlocked:
    """The operator must act first."""

    def test_it_is_told_once_and_tried_again_each_hour(self) -> None:
        """And once more when it is over."""
        calls = Calls()
        blocked = Outcome(ending="blocked", reason="no money")

        assert calls.call(blocked) == ("blocked",)
        assert calls.wait() == pytest.approx(3600.0)
        assert calls.call(blocked) == ()
        assert calls.state.blocked == "no money"
        assert calls.call(ANSWERED) == ("unblocked",)
        assert calls.state.blocked == ""

    def test_calls_from_before_do_not_unblock(self) -> None:
        """Their answers were paid for with what was there then."""
        calls = Calls()
        early, late = calls.begin(), calls.begin()
        calls.end(late, Outcome(ending="blocked", reason="no money"))

        assert calls.end(early, ANSWERED) == ()
        assert calls.state.blocked == "no money"


class TestCosts:
    """Reservation and truth."""

    @pytest.mark.parametrize(("true", "left"), [(400, 400), (1500, 1500), (0, 0)])
    def test_true_usage_takes_the_estimates_place(self, true: int, left: int) -> None:
        """Less is given back, more is charged."""
        calls = Calls(Limits(tpm=10_000))
        permit = calls.begin(tokens=1000)

        calls.end(permit, Outcome(ending="answered", cost=Cost(tokens=true)))

        assert calls.state.meter("tokens", MINUTE).used(calls.now) == left

    def test_unknown_truth_leaves_the_estimate(self) -> None:
        """A call that timed out was charged, as far as anybody knows."""
        calls = Calls(Limits(tpm=10_000))

        calls.end(calls.begin(tokens=1000), FAILED)

        assert calls.state.meter("tokens", MINUTE).used(calls.now) == 1000

    def test_call_that_was_never_sent_costs_nothing(self) -> None:
        """Neither a request nor a token; nor does it count as a failure."""
        calls = Calls(Limits(rpm=60, tpm=10_000))

        calls.end(calls.begin(tokens=1000), Outcome(ending="unsent"))

        assert calls.state.meter("tokens", MINUTE).used(calls.now) == 0
        assert calls.state.meter("requests", MINUTE).used(calls.now) == 0
        assert calls.state.flights == {}

    def test_call_that_we_left_stays_charged(self) -> None:
        """The provider had it; whether it was answered nobody knows."""
        calls = Calls(Limits(rpm=60, tpm=10_000))

        calls.end(
            calls.begin(tokens=1000), Outcome(ending="abandoned", sent_after=0.01)
        )

        assert calls.state.meter("tokens", MINUTE).used(calls.now) == 1000
        assert calls.state.faults == 0

    def test_limit_found_meanwhile_is_not_given_back_to(self) -> None:
        """A call has no part in a limit that was not known when it went."""
        calls = Calls(Limits())
        early = calls.begin()
        calls.state.meter("tokens", 3600.0).charge(calls.now + 1, 500)

        calls.now += 2
        calls.end(early, Outcome(ending="unsent"))

        assert calls.state.meter("tokens", 3600.0).used(calls.now) == 500

    def test_low_estimates_are_mended_quickly_and_high_ones_slowly(self) -> None:
        """By language: three of four estimates are to be high enough."""
        calls = Calls()
        told = Outcome(ending="answered", estimated="uk", estimate_ratio=1.4)
        calls.call(told)
        up = calls.state.factors["uk"]
        calls.call(Outcome(ending="answered", estimated="uk", estimate_ratio=0.6))
        down = calls.state.factors["uk"]

        assert up == pytest.approx(1.06)
        assert up - down == pytest.approx(0.023)
        assert "en" not in calls.state.factors

    @pytest.mark.parametrize(("seen", "most"), [(1e9, 3.0), (0.0, 0.5)])
    def test_absurd_usage_moves_a_factor_to_its_bound(
        self, seen: float, most: float
    ) -> None:
        """What a provider says of itself is not beyond doubt."""
        calls = Calls()
        told = Outcome(ending="answered", estimated="", estimate_ratio=seen)

        for _ in range(200):
            calls.call(told)

        assert calls.state.factors[""] == pytest.approx(most, abs=0.01)


class TestHardTruths:
    """What providers, clocks and operators do that nobody would expect."""

    @pytest.mark.parametrize("hint", [0.0, None])
    def test_at_once_again_and_again_is_no_hint(self, hint: float | None) -> None:
        """A clock ahead of the provider's makes every date one of the past."""
        calls = Calls()
        waits = []
        for _ in range(6):
            calls.call(refused(hint))
            waits.append(calls.wait())
            calls.now += waits[-1]

        assert waits[-1] == pytest.approx(60.05, abs=0.1)
        assert waits == sorted(waits)

    def test_call_from_before_a_reset_teaches_nothing(self) -> None:
        """The operator had all forgotten: numbers begin anew, and old ones lie."""
        calls = Calls()
        calls.state.calls = 100_000
        old = calls.begin()
        calls.state = GateState(cautious=False, answers=1)

        assert calls.end(old, refused(30.0)) == ()

        fresh = calls.begin()
        assert (fresh.number, calls.state.refusals) == (1, 0)
        assert calls.state.meter("requests", MINUTE).newest <= 1

    def test_quota_of_tokens_turns_with_the_provider_s_day_too(self) -> None:
        """Not a day after it was used up."""
        midnight = datetime(2026, 11, 24, tzinfo=ZoneInfo("America/Los_Angeles"))
        calls = Calls(PACIFIC)
        calls.now = midnight.timestamp() - 3600
        per_day = Violation(unit="tokens", window=DAY, limit=1000)
        calls.call(refused(10.0, per_day))
        calls.now = midnight.timestamp() + 61

        asked = Asker(id="x", priority=0, since=calls.now, cost=Cost(tokens=900))
        for _ in range(3):
            given = reserve(calls.state, calls.now, asked, calls.limits)
            if isinstance(given, Permit):
                break
            calls.now = given.until

        assert calls.now < midnight.timestamp() + 600

    def test_answer_does_not_hide_why_there_is_a_pause(self) -> None:
        """A call that was in flight is answered while the provider asks for peace."""
        calls = Calls()
        other, one = calls.begin(), calls.begin()
        overloaded = Outcome(
            ending="failed",
            took=1.0,
            sent_after=0.01,
            refusal=Refusal(retry_after=400.0),
        )
        calls.end(one, overloaded)

        calls.end(other, ANSWERED)

        assert calls.state.pause_reason == "overloaded"
