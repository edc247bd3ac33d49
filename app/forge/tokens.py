"""The site tokens that Forge hands us with an invocation.

They are opaque by contract except for their end, which decides how long one may be
kept; they are never logged.
https://developer.atlassian.com/platform/forge/remote/calling-product-apis/
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.domain.jwts import moment_claim, unverified_claims
from app.errors import NotAuthenticated

#: Life of a token whose end cannot be read: short, yet enough for a page or two.
UNREADABLE_LIFE = timedelta(minutes=10)
#: No token is believed to live longer, whatever it says.
LONGEST_LIFE = timedelta(hours=24)


def token_expiry(token: str, *, now: datetime) -> datetime:
    """Return until when a site token may be used; the past if it has ended."""
    try:
        expires_at = moment_claim(unverified_claims(token), "exp")
    except NotAuthenticated:
        return now + UNREADABLE_LIFE
    return min(expires_at, now + LONGEST_LIFE)
