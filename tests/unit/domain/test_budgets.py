"""Tests for app.domain.budgets: periods, what is left, what stands in a call's way."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from app.domain.budgets import (
    Amount,
    Bill,
    Budget,
    Period,
    Standing,
    judge,
    period_end,
    period_start,
    read_tokens,
    read_usd,
    usd,
)
from app.domain.completions import Attempt, Usage

NOW = datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC)
DAY = Budget(period="day", micro_usd=100)
MONTH = Budget(period="month", micro_usd=1000, tokens=5000)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def money(micro_usd: int) -> Amount:
    return Amount(micro_usd=micro_usd)


class TestPeriods:
    """Calendar days and months, in UTC."""

    @pytest.mark.parametrize(
        ("period", "today", "began"),
        [
            ("day", date(2026, 11, 29), date(2026, 11, 29)),
            ("month", date(2026, 11, 29), date(2026, 11, 1)),
        ],
    )
    def test_first_day(self, period: Period, today: date, began: date) -> None:
        """Of a day it is itself."""
        assert period_start(period, today) == began

    @pytest.mark.parametrize(
        ("period", "now", "end"),
        [
            ("day", "2026-11-29T23:59:59", "2026-11-30"),
            ("day", "2026-12-31", "2027-01-01"),
            ("day", "2028-02-28T05:00", "2028-02-29"),
            ("month", "2026-11-29T23:59:59", "2026-12-01"),
            ("month", "2026-12-01", "2027-01-01"),
            ("month", "2026-01-31T09:00", "2026-02-01"),
        ],
    )
    def test_next_one_begins(self, period: Period, now: str, end: str) -> None:
        """Leap years and the turn of the year are no exception."""
        assert period_end(period, utc(now)) == utc(end)

    def test_zone_of_the_clock_does_not_matter(self) -> None:
        """In Kyiv it is tomorrow already; the budget is that of today."""
        kyiv = NOW.astimezone(timezone(timedelta(hours=2)))

        assert period_end("day", kyiv) == datetime(2026, 11, 30, tzinfo=UTC)

    def test_zone_of_the_machine_does_not_matter(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All processes mean the same day."""
        monkeypatch.setenv("TZ", "Pacific/Kiritimati")
        time.tzset()
        try:
            end = period_end("day", utc("2026-11-29T23:59:59"))
        finally:
            monkeypatch.undo()
            time.tzset()

        assert end == utc("2026-11-30")


class TestStanding:
    """What is left, and why a call may not be paid for."""

    def test_left_is_neither_spent_nor_held(self) -> None:
        """Less than nothing is nothing, and no limit is no number."""
        standing = Standing(budget=DAY, spent=money(70), held=money(20))

        assert standing.left == {"micro_usd": 10, "tokens": None}
        assert replace(standing, held=money(50)).left["micro_usd"] == 0

    @pytest.mark.parametrize(
        ("spent", "held", "wanted", "why"),
        [
            (0, 0, 100, None),
            (0, 0, 101, "never"),
            (60, 0, 40, None),
            (60, 0, 41, "spent"),
            (60, 30, 10, None),
            (60, 30, 11, "held"),
            (150, 0, 1, "spent"),
            (150, 0, 0, None),
        ],
    )
    def test_last_cent_is_paid_out_once(
        self, spent: int, held: int, wanted: int, why: str | None
    ) -> None:
        """What costs no money is not refused for want of money."""
        standing = Standing(budget=DAY, spent=money(spent), held=money(held))

        assert standing.refuses(money(wanted)) == why

    @pytest.mark.parametrize(("spent", "room"), [(0, True), (95, True), (96, False)])
    def test_last_crumbs_wake_nobody(self, spent: int, *, room: bool) -> None:
        """A twentieth of the limit must be left for pages to look again."""
        assert Standing(budget=DAY, spent=money(spent)).has_room is room

    def test_each_unit_has_its_limit(self) -> None:
        """Tokens may be spent while money is left."""
        standing = Standing(budget=MONTH, spent=Amount(micro_usd=1, tokens=4900))

        assert standing.refuses(Amount(micro_usd=1, tokens=101)) == "spent"
        assert standing.refuses(Amount(micro_usd=1, tokens=100)) is None

    @pytest.mark.parametrize(
        ("spent", "warned", "due"),
        [
            (79, None, False),
            (80, None, True),
            (80, date(2026, 11, 28), True),
            (80, date(2026, 11, 29), False),
        ],
    )
    def test_people_are_warned_once_a_period(
        self, spent: int, warned: date | None, *, due: bool
    ) -> None:
        """From the soft share on, and anew in the next period."""
        budget = replace(DAY, warned_for=warned)
        standing = Standing(budget=budget, spent=money(spent))

        assert standing.is_to_be_warned_of(date(2026, 11, 29)) is due


class TestJudge:
    """All budgets that hold for a page must have room."""

    def test_room_in_all_of_them(self) -> None:
        """Nothing stands in the way; nor where nothing is limited."""
        assert (
            judge([Standing(budget=DAY), Standing(budget=MONTH)], money(9), NOW) is None
        )
        assert judge([], money(10**9), NOW) is None

    def test_longest_wait_is_told(self) -> None:
        """Both are spent: the month's end counts, not the day's."""
        day = Standing(budget=DAY, spent=money(100))
        month = Standing(budget=MONTH, spent=money(1000))

        for standings in ([day, month], [month, day]):
            found = judge(standings, money(1), NOW)
            assert found is not None
            assert (found.reason, found.budget) == ("spent", MONTH)
            assert found.until == datetime(2026, 12, 1, tzinfo=UTC)

    def test_what_is_only_held_is_waited_for_last(self) -> None:
        """It may be given back in a moment; what is spent is not."""
        held = Standing(budget=MONTH, held=money(1000))
        spent = Standing(budget=DAY, spent=money(100))

        alone = judge([held], money(1), NOW)
        beside = judge([held, spent], money(1), NOW)

        assert alone is not None
        assert beside is not None
        assert (alone.reason, beside.reason) == ("held", "spent")

    def test_never_outlasts_them_all(self) -> None:
        """A page that does not fit into a day is not put off to the next month."""
        month = Standing(budget=MONTH, spent=money(1000))

        found = judge([Standing(budget=DAY), month], money(101), NOW)

        assert found is not None
        assert (found.reason, found.budget.name) == (
            "never",
            "the site's AI budget of the day",
        )

    def test_space_is_named(self) -> None:
        """Whoever reads it knows which budget to enlarge."""
        budget = Budget(period="month", space_id="9", tokens=1)

        assert budget.name == "the space's AI budget of the month"


class TestAmounts:
    """Exact reading and telling."""

    @pytest.mark.parametrize(
        ("text", "micro"),
        [
            ("5", 5_000_000),
            (" 0.25 ", 250_000),
            ("0.000001", 1),
            ("0.1", 100_000),
            ("1e-6", 1),
            ("1e2", 100_000_000),
            ("999999999.999999", 999_999_999_999_999),
            ("1000000000", 10**15),
            ("0" * 29 + "1", 1_000_000),
        ],
    )
    def test_dollars_are_exact(self, text: str, micro: int) -> None:
        """No float comes near them."""
        assert read_usd(text) == micro

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "^expected dollars, such as 5 or 0.25$"),
            ("five", "expected dollars"),
            ("$5", "expected dollars"),
            ("5,00", "expected dollars"),
            ("٥", "expected dollars"),
            ("nan", "expected dollars"),
            ("inf", "expected dollars"),
            ("1" * 31, "expected dollars"),
            ("0.0000001", "^expected at most 6 decimals: a millionth is the least$"),
            ("1e-999999", "at most 6 decimals"),
            ("0", "^expected more than 0: to pay for nothing, .*alone answer$"),
            ("-1", "more than 0"),
            ("1e20", "than can be counted"),
            ("1e999999", "than can be counted"),
        ],
    )
    def test_what_is_no_amount_is_told(self, text: str, why: str) -> None:
        """In words that say what would be one."""
        with pytest.raises(ValueError, match=why):
            read_usd(text)

    @pytest.mark.parametrize(
        ("text", "tokens"),
        [
            ("1", 1),
            ("100_000", 100_000),
            ("1_000_000_000_000_000", 10**15),
            ("0" * 29 + "1", 1),
        ],
    )
    def test_tokens_are_whole(self, text: str, tokens: int) -> None:
        """Thousands may be set apart."""
        assert read_tokens(text) == tokens

    @pytest.mark.parametrize(
        "text", ["", "1.5", "-1", "1e3", "٣", "0", "9" * 29, "9" * 99]
    )
    def test_what_is_no_number_of_tokens_is_told(self, text: str) -> None:
        """Nothing is rounded or guessed."""
        with pytest.raises(
            ValueError, match=r"expected more|counted|^expected a whole"
        ):
            read_tokens(text)

    @pytest.mark.parametrize(
        ("micro", "text"),
        [
            (0, "0.00"),
            (1, "0.000001"),
            (250_000, "0.25"),
            (500_000, "0.50"),
            (5_000_000, "5.00"),
        ],
    )
    def test_dollars_are_told_exactly(self, micro: int, text: str) -> None:
        """With the cents that people expect."""
        assert usd(micro) == text


class TestBill:
    """What a page's question has cost."""

    def test_all_attempts_count(self) -> None:
        """Failed ones too, and what a cut-off call may have cost."""
        attempts = tuple(
            Attempt(
                provider=name,
                model="m",
                outcome=outcome,
                seconds=1.0,
                usage=Usage(input_tokens=10, output_tokens=2, micro_usd=3),
            )
            for name, outcome in (("openai", "truncated"), ("gemini", "answered"))
        )

        bill = Bill(tenant_id="t", space_id="s", attempts=attempts, lost=money(5))

        assert bill.amount == Amount(micro_usd=11, tokens=24)
        assert not bill.is_void

    def test_nothing_to_write_down(self) -> None:
        """What is held must be let go, whatever it cost."""
        void = Bill(tenant_id="t", space_id="s")

        assert void.is_void
        assert not replace(void, hold_id=7).is_void
