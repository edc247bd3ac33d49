"""What carrying a plan out costs of Confluence's quota, and how long it takes at best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from app.domain.changes import Change, ChangeKind, Estimate

#: Reading a page costs two points, every write one.
#: https://developer.atlassian.com/cloud/confluence/rate-limiting/
READ_POINTS = 2
WRITE_POINTS = 1
#: Points of all of an app's tenants together, in an hour.
POINTS_AN_HOUR = 65_000
#: Seconds that a request takes, and pages in work at once.
_REQUEST_SECONDS = 0.25
AT_ONCE = 4

#: These are written together, in one request a page; all other kinds one by one.
_TOGETHER: dict[ChangeKind, str] = {
    "label_add": "labels",
    "excerpt": "version",
    "page_text": "version",
    "page_title": "version",
    "page_move": "version",
}


def cost_of_applying(changes: Iterable[Change]) -> Estimate:
    """Return what carrying changes out costs; the AI is not asked again."""
    by_page: defaultdict[str, set[str]] = defaultdict(set)
    requests = 0
    for place, change in enumerate(changes):
        page = change.page_id or f"new {place}"
        together = _TOGETHER.get(change.kind, f"{place}")
        requests += together not in by_page[page]
        by_page[page].add(together)
    points = len(by_page) * READ_POINTS + requests * WRITE_POINTS
    working = (len(by_page) + requests) * _REQUEST_SECONDS / AT_ONCE
    return Estimate(
        pages=len(by_page),
        points=points,
        seconds=round(max(working, (points / POINTS_AN_HOUR - 1) * 3600), 1),
    )
