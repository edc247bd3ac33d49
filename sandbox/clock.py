"""The site's clock: one place to read it, so that a test can hand in another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    # The site stands alone and may not import the app's clock.
    return datetime.now(UTC)  # noqa: TID251


def to_iso(moment: datetime) -> str:
    """Return `moment` as REST v2 writes it: `YYYY-MM-DDTHH:mm:ss.sssZ`."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
