"""How long Confluence asks us to wait, and whom the request binds; pure.

https://developer.atlassian.com/cloud/confluence/rate-limiting/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from app.errors import LimitScope

#: No quota lasts longer than an hour; a clock that is wrong must not stop us for years.
LONGEST_WAIT = timedelta(days=1)

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return the wait that `Retry-After` asks for: seconds or a date of HTTP."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if _SECONDS.fullmatch(value):
        return min(timedelta(seconds=float(value)), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return _until(moment, now)


def quota_wait(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long a spent quota binds: `Retry-After`, else until the reset."""
    asked = retry_after(headers, now)
    return _reset(headers, now) if asked is None else asked


def limit_scope(headers: Mapping[str, str]) -> LimitScope:
    """Return whom a 429 binds; a part of the word decides, since spellings vary."""
    reason = headers.get("ratelimit-reason", "").lower()
    if "global" in reason:
        return "global"
    if "burst" in reason:
        return "burst"
    return "tenant"


def _reset(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    try:
        moment = datetime.fromisoformat(headers.get("x-ratelimit-reset", "").strip())
    except ValueError:
        return None
    return _until(moment, now)


def _until(moment: datetime, now: datetime) -> timedelta:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(timedelta(0), min(aware - now, LONGEST_WAIT))
