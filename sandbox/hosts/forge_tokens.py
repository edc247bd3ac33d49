"""System and user tokens: what Forge apps call the API gateway with.

Apps may read nothing of them but `exp`.
https://developer.atlassian.com/platform/forge/remote/calling-product-apis/
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import jwt

from sandbox.principals import CredentialsRefused

#: Real system tokens have two to four hours to live when they arrive.
DEFAULT_LIFE = timedelta(hours=3)

TokenKind = Literal["app", "user"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """Whom a token stands for."""

    installation_id: str
    account_id: str
    kind: TokenKind


class TokenMint:
    """Issues tokens and knows its own; remembers none of them."""

    def __init__(self) -> None:
        self.life = DEFAULT_LIFE
        self._secret = secrets.token_bytes(48)
        # Raised to end all tokens at once: those of older series are expired.
        self._series = 1

    def issue(self, facts: TokenFacts, now: datetime) -> str:
        """Return a token for `facts` that expires after the present life."""
        claims: dict[str, Any] = {
            "exp": int((now + self.life).timestamp()),
            "jti": secrets.token_hex(8),
            "installation": facts.installation_id,
            "account": facts.account_id,
            "kind": facts.kind,
            "series": self._series,
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def expire_all(self) -> None:
        """End every token issued so far."""
        self._series += 1

    def read(self, token: str, now: datetime) -> TokenFacts | None:
        """Return whom `token` stands for; None if it is none of this mint.

        Raises:
            CredentialsRefused: It is, but it is expired.
        """
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                # Held against the site's clock below, not against the machine's.
                options={"verify_exp": False},
            )
        except jwt.InvalidTokenError:
            return None
        if claims["series"] < self._series or claims["exp"] <= now.timestamp():
            raise CredentialsRefused("the token is expired")
        return TokenFacts(
            installation_id=claims["installation"],
            account_id=claims["account"],
            kind=claims["kind"],
        )
