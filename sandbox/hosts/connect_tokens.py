"""Tokens of the Connect host: what it signs for apps, and how it reads theirs.

https://developer.atlassian.com/cloud/confluence/understanding-jwt/
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt

from sandbox.hosts.keys import SigningKey
from sandbox.hosts.qsh import CONTEXT_QSH, query_string_hash
from sandbox.principals import CredentialsRefused

#: How long the host's own tokens hold.
TOKEN_LIFE = timedelta(minutes=3)

#: Clocks of app and site may differ by this much.
LEEWAY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """The two sides of an installation, as far as tokens speak of them.

    Attributes:
        base_url: The app's base URL; its path is left out of hashes.
    """

    app_key: str
    client_key: str
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCall:
    """A token and the claims it carries (for the delivery log)."""

    token: str
    claims: Mapping[str, Any]


def sign_lifecycle(
    tenancy: Tenancy, key: SigningKey, *, url: str, now: datetime
) -> SignedCall:
    """Sign an `installed` or `uninstalled` call with the site's RS256 key.

    https://developer.atlassian.com/cloud/confluence/security-for-connect-apps/
    """
    claims = {
        **_claims(tenancy, "POST", url, now=now),
        "aud": [tenancy.base_url],
    }
    return SignedCall(token=key.sign(claims), claims=claims)


def sign_call(
    tenancy: Tenancy,
    secret: str,
    *,
    method: str,
    url: str,
    subject: str | None,
    now: datetime,
) -> SignedCall:
    """Sign a webhook, a notification or a page request with the shared secret."""
    claims = _claims(tenancy, method, url, now=now)
    if subject is not None:
        claims["sub"] = subject
    return SignedCall(
        token=jwt.encode(claims, secret, algorithm="HS256"), claims=claims
    )


def sign_context(
    tenancy: Tenancy, secret: str, *, subject: str, now: datetime
) -> SignedCall:
    """Make the token that `AP.context.getToken` gives a person's browser."""
    claims: dict[str, Any] = {
        **_lifetime(tenancy, now),
        "sub": subject,
        "qsh": CONTEXT_QSH,
        "context": {"confluence": {}},
    }
    return SignedCall(
        token=jwt.encode(claims, secret, algorithm="HS256"), claims=claims
    )


def unverified_issuer(token: str) -> str:
    """Return who a token says it is from; nothing is proved by that.

    Raises:
        CredentialsRefused: It is no token, or names nobody.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise CredentialsRefused("unreadable JWT") from error
    if not isinstance(issuer := claims.get("iss"), str):
        raise CredentialsRefused("JWT without an issuer")
    return issuer


def check_app_token(
    token: str, *, secret: str, app_key: str, expected_qsh: str, now: datetime
) -> None:
    """Check a token by which an app calls the site's REST API.

    Raises:
        CredentialsRefused: Signature, lifetime, issuer or hash do not hold.
    """
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            issuer=app_key,
            options={
                "require": ["iss", "iat", "exp", "qsh"],
                "verify_aud": False,
                # Held against the site's clock below, not against the machine's.
                "verify_exp": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidTokenError as error:
        raise CredentialsRefused(f"JWT refused: {error}") from error
    _check_lifetime(claims, now)
    if not hmac.compare_digest(str(claims["qsh"]).encode(), expected_qsh.encode()):
        raise CredentialsRefused("JWT was made for another request (qsh)")


def _check_lifetime(claims: Mapping[str, Any], now: datetime) -> None:
    leeway = LEEWAY.total_seconds()
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    if expires < now.timestamp() - leeway:
        raise CredentialsRefused("JWT is expired")
    if issued > now.timestamp() + leeway:
        raise CredentialsRefused("JWT is from the future")


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, int | float) and math.isfinite(value):
        return value
    raise CredentialsRefused(f"JWT with an unreadable {name}")


def _claims(
    tenancy: Tenancy, method: str, url: str, *, now: datetime
) -> dict[str, Any]:
    target, base = urlsplit(url), urlsplit(tenancy.base_url).path
    qsh = query_string_hash(method, target.path, target.query, base)
    return {**_lifetime(tenancy, now), "qsh": qsh}


def _lifetime(tenancy: Tenancy, now: datetime) -> dict[str, Any]:
    issued = int(now.timestamp())
    return {
        "iss": tenancy.client_key,
        "iat": issued,
        "exp": issued + int(TOKEN_LIFE.total_seconds()),
    }
