"""The one place that reads this machine's wall clock.

Queue decisions use the database's clock instead (`app.store.base.db_time`);
this one judges the lifetimes of tokens and stamps log lines.
"""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the place
