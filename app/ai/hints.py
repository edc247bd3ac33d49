"""What providers tell of their quotas, in headers, bodies and plain sentences; pure.

Nothing here trusts its input: what cannot be read counts as not told, what is below
zero counts as zero, and no hint binds for longer than a week.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from app.domain.quota.values import (
    DAY,
    MINUTE,
    SECOND,
    Refusal,
    Shown,
    Unit,
    Violation,
)

#: Seconds. A clock that is wrong, or a slip of the pen, must not stop us for years.
LONGEST_WAIT = 7 * DAY
HOUR = 3600.0

_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{0,12})?", re.ASCII)
_COUNT = re.compile(r"\d{1,15}", re.ASCII)
_PART = re.compile(r"(\d{1,15}(?:\.\d{0,12})?)(ns|us|µs|μs|ms|s|m|h|d)", re.ASCII)
_DURATION = re.compile(rf"([+-]?)((?:{_PART.pattern}){{1,8}})", re.ASCII)
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
}
_TOLD_WAIT = re.compile(
    r"\b(?:try again|retry) (?:in|after) "
    rf"(?:(?P<duration>(?:{_PART.pattern}){{1,8}})(?![a-z0-9])"
    r"|(?P<count>\d{1,9}(?:\.\d{1,9})?) ?(?P<word>second|minute|hour|day)s?\b)",
    re.ASCII | re.IGNORECASE,
)
_WINDOWS = {"sec": SECOND, "min": MINUTE, "hour": HOUR, "day": DAY}
_TOLD_LIMIT = re.compile(
    r"\b(?P<unit>requests|tokens) per (?P<window>sec|min|hour|day)[a-z]*"
    r"(?: ?\([A-Z]{3}\))?(?::? Limit:? (?P<limit>\d[\d,]{0,17}))?",
    re.ASCII | re.IGNORECASE,
)
_QUOTA_WINDOW = re.compile(r"per_?(second|minute|hour|day)", re.ASCII | re.IGNORECASE)


def duration(text: str) -> float | None:
    """Return the seconds of a duration as Go and Protocol Buffers write it.

    `6m0s`, `12ms`, `23h18m29.144s`, `26s`; a bare number counts as seconds. Negative
    is zero. None for anything else, and for more than a week: that is a moment, or
    a mistake.
    https://pkg.go.dev/time#ParseDuration
    """
    plain = text.strip()
    if _NUMBER.fullmatch(plain):
        return _sane(float(plain))
    found = _DURATION.fullmatch(plain)
    if not found:
        return None
    seconds = _sum_of_parts(found[2])
    return _sane(-seconds if found[1] == "-" else seconds)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that headers ask to wait, at most `LONGEST_WAIT`.

    `retry-after-ms` is the finer one and comes first; `retry-after` is a number of
    seconds or a date.
    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    fine = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(fine):
        return _capped(float(fine) / 1000)
    coarse = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(coarse):
        return _capped(float(coarse))
    try:
        moment = parsedate_to_datetime(coarse)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _capped((aware - now).total_seconds())


def told_wait(message: str) -> float | None:
    """Return the seconds of "try again in 1m3s" or "retry after 26 seconds"."""
    found = _TOLD_WAIT.search(message)
    if not found:
        return None
    if found["duration"]:
        return _capped(_sum_of_parts(found["duration"].lower()))
    return _capped(float(found["count"]) * _window(found["word"].lower()))


def shown(headers: Mapping[str, str]) -> tuple[Shown, ...]:
    """Return the limits of `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`.

    A pair that is missing or broken is left out; other spellings of these headers
    describe other pools and are not looked at.
    https://developers.openai.com/api/docs/guides/rate-limits
    """
    found = (_shown(headers, "requests"), _shown(headers, "tokens"))
    return tuple(one for one in found if one)


def told_violations(kind: str, message: str) -> tuple[Violation, ...]:
    """Return the quotas that a refusal's sentence names, else its type's unit.

    Args:
        kind: The error's type: `requests` or `tokens` where a quota is meant.
        message: "… on requests per min (RPM): Limit 60, Used 60, Requested 1."
    """
    named = tuple(
        Violation(
            unit="requests" if found["unit"].lower() == "requests" else "tokens",
            window=_window(found["window"].lower()),
            limit=_count((found["limit"] or "").replace(",", "")),
        )
        for found in _TOLD_LIMIT.finditer(message)
    )
    if named or kind not in {"requests", "tokens"}:
        return named
    return (Violation(unit="requests" if kind == "requests" else "tokens"),)


def named_violation(quota: Mapping[str, Any]) -> Violation | None:
    """Return what one violation of a Google `QuotaFailure` says.

    `quotaId` tells unit and window (`GenerateRequestsPerDayPerProjectPerModel`),
    `quotaValue` the limit; `quotaMetric` helps where there is no id.
    https://ai.google.dev/gemini-api/docs/rate-limits
    """
    name = str(quota.get("quotaId") or quota.get("quotaMetric") or "")
    if not name:
        return None
    window = _QUOTA_WINDOW.search(name)
    return Violation(
        unit="tokens" if "token" in name.lower() else "requests",
        window=_window(window[1].lower()) if window else None,
        limit=_count(str(quota.get("quotaValue", ""))),
    )


def named_refusal(details: Iterable[Any], message: str) -> Refusal:
    """Return the wait and the quotas of a Google error's details.

    A quota of the day comes with a `retryDelay` of seconds that helps nobody: below
    an hour it is not believed.
    """
    violations: list[Violation] = []
    wait: float | None = None
    for detail in details:
        if not isinstance(detail, Mapping):
            continue
        if isinstance(detail.get("retryDelay"), str):
            wait = duration(detail["retryDelay"])
        quotas = detail.get("violations")
        for quota in quotas if isinstance(quotas, list) else ():
            violation = named_violation(quota) if isinstance(quota, Mapping) else None
            if violation and violation not in violations:
                violations.append(violation)
    if wait is None:
        wait = told_wait(message)
    if wait is not None and wait < HOUR and binds_the_day(violations):
        wait = None
    return Refusal(retry_after=wait, violations=tuple(violations))


def binds_the_day(violations: Iterable[Violation]) -> bool:
    """Whether one of the quotas is a day's: the longest wait decides."""
    return any(one.window is not None and one.window >= DAY for one in violations)


def _shown(headers: Mapping[str, str], unit: Unit) -> Shown | None:
    limit = _count(headers.get(f"x-ratelimit-limit-{unit}", "").strip())
    remaining = _NUMBER.fullmatch(headers.get(f"x-ratelimit-remaining-{unit}", ""))
    if not limit or not remaining:
        return None
    return Shown(
        unit=unit,
        limit=limit,
        remaining=min(limit, max(0, int(float(remaining[0])))),
        reset=duration(headers.get(f"x-ratelimit-reset-{unit}", "")),
    )


def _sum_of_parts(text: str) -> float:
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def _window(word: str) -> float:
    return next(
        seconds for start, seconds in _WINDOWS.items() if word.startswith(start)
    )


def _count(text: str) -> int | None:
    return int(text) if _COUNT.fullmatch(text) else None


def _sane(seconds: float) -> float | None:
    return None if seconds > LONGEST_WAIT else max(0.0, seconds)


def _capped(seconds: float) -> float:
    return min(LONGEST_WAIT, max(0.0, seconds)) if math.isfinite(seconds) else 0.0
