"""The hourly REST quota of each app, counted in points.

One point a request and one for each core object returned, two for each identity
object (a user); a write costs one. People are exempt.
https://developer.atlassian.com/cloud/confluence/rate-limiting/
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.clock import Clock, to_iso

#: Points an hour of one app over all its sites (tier 1).
DEFAULT_QUOTA = 65_000
_HOUR = timedelta(hours=1)
_NEAR = 0.2


def price(*, objects: int = 0, identities: int = 0, write: bool = False) -> int:
    """Return what one answered request costs."""
    return 1 if write else 1 + objects + 2 * identities


@dataclass(slots=True)
class Account:
    """What one app has spent: in the running hour, in all, and by operation."""

    hour: datetime
    spent: int = 0
    total: int = 0
    refused: int = 0
    by_operation: Counter[str] = field(default_factory=Counter)


class Points:
    """Charges apps and says when one has to wait."""

    def __init__(self, clock: Clock, *, quota: int = DEFAULT_QUOTA) -> None:
        self.quota = quota
        self._clock = clock
        self._accounts: dict[str, Account] = {}

    def charge(self, app: str, operation: str, points: int) -> None:
        """Book `points` for a request that was answered."""
        account = self._account(app)
        account.spent += points
        account.total += points
        account.by_operation[operation] += points

    def is_exhausted(self, app: str) -> bool:
        """Whether the app has nothing left in this hour; counts the refusal if so."""
        account = self._account(app)
        if account.spent < self.quota:
            return False
        account.refused += 1
        return True

    def headers(self, app: str) -> dict[str, str]:
        """Return what every answer to the app says of its quota."""
        account = self._account(app)
        remaining = max(0, self.quota - account.spent)
        seconds = self._seconds_left(account)
        near = "true" if remaining < self.quota * _NEAR else "false"
        return {
            "X-RateLimit-Limit": str(self.quota),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": to_iso(account.hour + _HOUR),
            "X-RateLimit-NearLimit": near,
            "Beta-RateLimit-Policy": f'"global-app-quota";q={self.quota};w=3600',
            "Beta-RateLimit": f'"global-app-quota";r={remaining};t={seconds}',
        }

    def refusal_headers(self, app: str) -> dict[str, str]:
        """Return what a 429 adds: how long to wait, and why."""
        return {
            "Retry-After": str(self._seconds_left(self._account(app))),
            "RateLimit-Reason": "confluence-quota-global-based",
        }

    def report(self) -> dict[str, dict[str, object]]:
        """Return every app's account as plain data."""
        return {
            app: {
                "hour": to_iso(account.hour),
                "spent": self._account(app).spent,
                "total": account.total,
                "refused": account.refused,
                "by_operation": dict(account.by_operation),
            }
            for app, account in self._accounts.items()
        }

    def reset(self) -> None:
        """Forget everything that was spent."""
        self._accounts.clear()

    def _account(self, app: str) -> Account:
        hour = self._clock().replace(minute=0, second=0, microsecond=0)
        account = self._accounts.setdefault(app, Account(hour))
        if account.hour != hour:
            account.hour, account.spent = hour, 0
        return account

    def _seconds_left(self, account: Account) -> int:
        return max(1, math.ceil((account.hour + _HOUR - self._clock()).total_seconds()))
