"""Dates in prose, in English, German and Ukrainian: which day was the last they mean."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A date as a text says it.

    Attributes:
        start: Where in the text it begins; `end` is where it is over.
        last_day: The last day that is meant: a month's last, a year's last.
    """

    start: int
    end: int
    last_day: date


def moments(text: str) -> tuple[Moment, ...]:
    """Return the dates of a text in order; what can be no date is passed over.

    Years from 1980 to 2099 count. A bare year counts only after a word of time, since
    many a number looks like one.
    """
    if not _YEARS.search(text):
        return ()
    found = [
        Moment(start=match.start("date"), end=match.end("date"), last_day=day)
        for pattern, read in _FORMS
        for match in pattern.finditer(text)
        if (day := read(match)) is not None
    ]
    kept: list[Moment] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return tuple(kept)


_MONTHS: Final[tuple[str, ...]] = (
    r"jan(?:uary|uar|\.)?|січ(?:ень|ня|ні)",
    r"feb(?:ruary|ruar|\.)?|лют(?:ий|ого|ому)",
    r"mar(?:ch|\.)?|märz|берез(?:ень|ня|ні)",
    r"apr(?:il|\.)?|квіт(?:ень|ня|ні)",
    r"may|mai|трав(?:ень|ня|ні)",
    r"june?|juni|черв(?:ень|ня|ні)",
    r"july?|juli|лип(?:ень|ня|ні)",
    r"aug(?:ust|\.)?|серп(?:ень|ня|ні)",
    r"sept?(?:ember|\.)?|верес(?:ень|ня|ні)",
    r"o[ck]t(?:ober|\.)?|жовт(?:ень|ня|ні)",
    r"nov(?:ember|\.)?|листопад[аі]?",
    r"de[cz](?:ember|\.)?|груд(?:ень|ня|ні)",
)
_QUARTERS: Final[tuple[str, ...]] = (
    r"1|i|і|first|erste[ns]|перш\w+",
    r"2|ii|іі|second|zweite[ns]|друг\w+",
    r"3|iii|ііі|third|dritte[ns]|трет\w+",
    r"4|iv|іv|fourth|vierte[ns]|четверт\w+",
)
_LAST_MONTH = 12
_IN_A_QUARTER = 3

_YEARS: Final = re.compile(r"(?:19[89]|20\d)\d")
_YEAR = r"(?P<year>(?:19[89]|20\d)\d)(?!\w|[-./]\d)"
_MONTH = "(?P<month>" + "|".join(_MONTHS) + ")"
_QUARTER = "(?P<quarter>" + "|".join(_QUARTERS) + ")"
_WORD_OF_TIME = (
    r"in|by|until|before|since|after|of|from|late|early|mid|during|year|"
    r"spring|summer|autumn|fall|winter|quarter|half|"
    r"bis|ab|seit|ende|anfang|mitte|jahr|jahres|frühjahr|frühling|sommer|herbst|halbjahr|"
    r"навесні|влітку|восени|взимку|"
    r"у|в|до|з|від|на|кінця|кінець|кінці|початку|протягом|середини"
)


def _numbered(alternatives: tuple[str, ...], text: str) -> int:
    return next(
        number
        for number, one in enumerate(alternatives, 1)
        if re.fullmatch(one, text, re.IGNORECASE)
    )


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _end_of_month(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _in_digits(match: re.Match[str]) -> date | None:
    return _day(int(match["year"]), int(match["month"]), int(match["day"]))


def _in_words(match: re.Match[str]) -> date | None:
    year, month = int(match["year"]), _numbered(_MONTHS, match["month"])
    if match["day"] is None:
        return _end_of_month(year, month)
    return _day(year, month, int(match["day"]))


def _in_quarters(match: re.Match[str]) -> date:
    number = _numbered(_QUARTERS, match["quarter"])
    return _end_of_month(int(match["year"]), number * _IN_A_QUARTER)


def _in_years(match: re.Match[str]) -> date:
    return date(int(match["year"]), _LAST_MONTH, 31)


_FORMS: Final[
    tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], date | None]], ...]
] = tuple(
    (re.compile(rf"(?<!\w)(?<!\d[-./])(?:{pattern})", re.IGNORECASE), read)
    for pattern, read in (
        (
            r"(?P<date>(?P<year>(?:19[89]|20\d)\d)-(?P<month>\d\d)-(?P<day>\d\d))(?!\d)",
            _in_digits,
        ),
        (
            rf"(?P<date>(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.\s?{_YEAR})",
            _in_digits,
        ),
        (
            rf"(?P<date>{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+{_YEAR})",
            _in_words,
        ),
        (
            rf"(?P<date>(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+)?{_MONTH},?\s+{_YEAR})",
            _in_words,
        ),
        (rf"(?P<date>Q(?P<quarter>[1-4])[\s/,-]{{0,2}}{_YEAR})", _in_quarters),
        (
            r"(?P<date>(?P<year>(?:19[89]|20\d)\d)[\s/,-]{0,2}Q(?P<quarter>[1-4])(?!\w))",
            _in_quarters,
        ),
        (
            (
                rf"(?P<date>{_QUARTER}(?:\.|-\w{{1,2}}|st|nd|rd|th)?\s+(?:quarter|quartal|кварта\w+)"
                rf"\s+(?:of\s+|des\s+jahres\s+)?{_YEAR})"
            ),
            _in_quarters,
        ),
        (rf"(?:{_WORD_OF_TIME})\s+(?:dem\s+|the\s+)?(?P<date>{_YEAR})", _in_years),
    )
)
