"""What making a plan and carrying it out cost, and how long they take at best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

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
#: Seconds that a call to an AI provider takes.
_CALL_SECONDS = 3.0

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
        seconds=round(max(working, _hours_over(points) * 3600), 1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCost:
    """What one page's question costs, on the average or at worst.

    Attributes:
        calls_a_minute: What the provider's quota lets through, as far as it is known;
            so `tokens_a_minute`.
    """

    tokens: int = 0
    micro_usd: int = 0
    calls_a_minute: int | None = None
    tokens_a_minute: int | None = None


def cost_of_making(pages: int, page: PageCost) -> Estimate:
    """Return what a look at so many pages costs, if each of them asks somebody.

    Pages whose text is known already cost no call, so it may well be less.
    """
    points = pages * READ_POINTS
    tokens = pages * page.tokens
    paid = bool(page.tokens)
    working = pages * (_REQUEST_SECONDS + _CALL_SECONDS * paid) / AT_ONCE
    waits = [
        _hours_over(points) * 3600,
        _beyond_a_minute(pages * paid, page.calls_a_minute),
        _beyond_a_minute(tokens, page.tokens_a_minute),
    ]
    return Estimate(
        pages=pages,
        tokens=tokens,
        micro_usd=pages * page.micro_usd,
        points=points,
        seconds=round(max(working, *waits), 1),
    )


def _hours_over(points: int) -> float:
    return points / POINTS_AN_HOUR - 1


def _beyond_a_minute(amount: int, quota: int | None) -> float:
    """Return the seconds that a quota stretches work to; its first minute is free."""
    return 0.0 if not quota else (amount / quota - 1) * 60
