"""Tests for app.domain.advice.moments."""

from __future__ import annotations

import pytest

from app.domain.advice.moments import moments


class TestMoments:
    """Dates as people write them, in three languages."""

    @pytest.mark.parametrize(
        ("text", "said", "last_day"),
        [
            ("moved on 2023-05-06, all of it", "2023-05-06", "2023-05-06"),
            ("Stand: 12.03.2021", "12.03.2021", "2021-03-12"),
            ("am 3. Mai 2021 um neun", "3. Mai 2021", "2021-05-03"),
            ("on May 3rd, 2022", "May 3rd, 2022", "2022-05-03"),
            ("by 5 Sept. 2022", "5 Sept. 2022", "2022-09-05"),
            ("in February 2024", "February 2024", "2024-02-29"),
            ("ab März 2024", "März 2024", "2024-03-31"),
            ("з 1 березня 2024 року", "1 березня 2024", "2024-03-01"),
            ("у листопаді 2023", "листопаді 2023", "2023-11-30"),
            ("in Q2 2023", "Q2 2023", "2023-06-30"),
            ("2021 Q3", "2021 Q3", "2021-09-30"),
            ("the first quarter of 2023", "first quarter of 2023", "2023-03-31"),
            ("im 2. Quartal 2023", "2. Quartal 2023", "2023-06-30"),
            ("в ІІ кварталі 2023", "ІІ кварталі 2023", "2023-06-30"),
            ("у четвертому кварталі 2023", "четвертому кварталі 2023", "2023-12-31"),
            ("by the end of 2023.", "2023", "2023-12-31"),
            ("до кінця 2024 року", "2024", "2024-12-31"),
            ("bis Ende 2024", "2024", "2024-12-31"),
            ("im Herbst 2020", "2020", "2020-12-31"),
        ],
    )
    def test_last_day_that_is_meant(self, text: str, said: str, last_day: str) -> None:
        """A month's last, a quarter's last, a year's last."""
        (found,) = moments(text)

        assert text[found.start : found.end] == said
        assert found.last_day.isoformat() == last_day

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "RFC 2023",
            "version 2019.1",
            "in 2020.1 and by 2015-02",
            "port 2020",
            "31.02.2020",
            "February 30, 2020",
            "in 1812",
            "in 2120",
            "number 12020-05-06",
            "der Mai war warm",
        ],
    )
    def test_numbers_are_no_dates(self, text: str) -> None:
        """Nor are days that no month has."""
        assert moments(text) == ()

    def test_each_is_found_once_and_in_order(self) -> None:
        """The longest reading of a place counts."""
        text = "since 2019, on May 3, 2022 and until the end of 2024"

        assert [text[one.start : one.end] for one in moments(text)] == [
            "2019",
            "May 3, 2022",
            "2024",
        ]
