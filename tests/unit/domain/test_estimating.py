"""Tests for app.domain.estimating: what carrying a plan out costs."""

from __future__ import annotations

import pytest

from app.domain.changes import Change, ChangeKind, Estimate
from app.domain.estimating import (
    POINTS_AN_HOUR,
    PageCost,
    cost_of_applying,
    cost_of_making,
)


def change(kind: ChangeKind, page: str | None = "1", value: str = "") -> Change:
    return Change(kind=kind, page_id=page, value=value)


class TestCostOfApplying:
    """Tests for cost_of_applying()."""

    @pytest.mark.parametrize(
        ("changes", "pages", "points"),
        [
            ([], 0, 0),
            ([change("label_add")], 1, 3),
            ([change("label_add", value="a"), change("label_add", value="b")], 1, 3),
            (
                [change("label_remove", value="a"), change("label_remove", value="b")],
                1,
                4,
            ),
            ([change("label_add"), change("summary")], 1, 4),
            ([change("excerpt"), change("page_title"), change("page_move")], 1, 3),
            ([change("label_add", "1"), change("label_add", "2")], 2, 6),
            ([change("page_create", None), change("page_create", None)], 2, 6),
            ([change("comment", value="a"), change("comment", value="b")], 1, 4),
        ],
    )
    def test_points_are_readings_and_requests(
        self, changes: list[Change], pages: int, points: int
    ) -> None:
        """Two for each page, one for what is written together."""
        found = cost_of_applying(changes)

        assert (found.pages, found.points) == (pages, points)
        assert (found.tokens, found.micro_usd) == (0, 0)

    def test_time_is_that_of_the_requests(self) -> None:
        """Four pages at once, a quarter of a second each."""
        found = cost_of_applying([change("label_add", str(n)) for n in range(80)])

        assert found.seconds == 10.0

    def test_large_plans_wait_for_the_quota_of_the_hour(self) -> None:
        """What is over the first hour's points comes in the next."""
        pages = POINTS_AN_HOUR  # three points each: three hours' worth
        found = cost_of_applying([change("label_add", str(n)) for n in range(pages)])

        assert found.seconds == pytest.approx(8125.0)


class TestEstimate:
    """Sums of estimates."""

    def test_one_after_the_other(self) -> None:
        """Everything adds up."""
        one = Estimate(pages=1, tokens=2, micro_usd=3, points=4, seconds=5)

        assert one + one == Estimate(
            pages=2, tokens=4, micro_usd=6, points=8, seconds=10
        )


class TestCostOfMaking:
    """Tests for cost_of_making()."""

    def test_every_page_is_asked_about_once(self) -> None:
        """At most: known texts cost nothing."""
        page = PageCost(tokens=1000, micro_usd=150)

        found = cost_of_making(400, page)

        assert found == Estimate(
            pages=400, tokens=400_000, micro_usd=60_000, points=800, seconds=325.0
        )

    def test_no_pages_cost_nothing(self) -> None:
        """Not even time."""
        assert cost_of_making(0, PageCost(tokens=9, calls_a_minute=1)) == Estimate()

    @pytest.mark.parametrize(
        ("page", "seconds"),
        [
            (PageCost(), 25.0),
            (PageCost(tokens=100, calls_a_minute=10), 2340.0),
            (PageCost(tokens=100, tokens_a_minute=1000), 2340.0),
            (PageCost(tokens=100, calls_a_minute=10_000), 325.0),
            (PageCost(calls_a_minute=1), 25.0),
        ],
    )
    def test_quotas_stretch_it(self, page: PageCost, seconds: float) -> None:
        """The first minute of a quota is free; who asks nobody waits for nobody."""
        assert cost_of_making(400, page).seconds == seconds
