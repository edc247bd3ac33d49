"""Connect's JSON web tokens: who sent a request, and signing our own.

The algorithm is ours to choose and never read from the token; the signature is
checked before any claim is believed. Every failure is `NotAuthenticated`, whose
reason is for the log.
https://developer.atlassian.com/cloud/confluence/understanding-jwt/
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import atlassian_jwt
from jwt import PyJWS, PyJWTError

from app.connect.qsh import CONTEXT_QSH, query_string_hash
from app.connect.requests import SignedRequest
from app.domain.jwts import (
    check_lifetime,
    read_claims,
    text_claim,
    unverified_claims,
    unverified_header,
    unverified_rs256_kid,
)
from app.errors import CredentialsMissing, NotAuthenticated

#: How far the host's clock and ours may differ.
LEEWAY = timedelta(seconds=60)
#: Life of the tokens we sign; Atlassian asks for about three minutes.
LIFETIME = timedelta(minutes=3)

_HS256 = PyJWS(algorithms=["HS256"])
_RS256 = PyJWS(algorithms=["RS256"], options={"enforce_minimum_key_length": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a verified token says.

    Attributes:
        issuer: Client key of the tenant.
        subject: Account id of the person acting; None for the site itself.
        context: Where in the site the person is: a claim about a place, no
            permission to anything there.
        is_context: The token is bound to no URL (browser frames ask for such).
    """

    issuer: str
    subject: str | None
    context: Mapping[str, Any] = field(repr=False)
    is_context: bool
    expires_at: datetime


def unverified_issuer(token: str) -> str:
    """Return the client key that a token claims, to find the secret to check it with.

    Raises:
        NotAuthenticated: It is no token, or names no issuer.
    """
    return text_claim(unverified_claims(token), "iss")


def unverified_kid(token: str) -> str:
    """Return the id of the key that signed an RS256 token, safe to put into a URL.

    Raises:
        NotAuthenticated: Another algorithm, or an unusual key id.
    """
    return unverified_rs256_kid(token)


def verify_symmetric(
    token: str,
    request: SignedRequest,
    *,
    client_key: str,
    shared_secret: str,
    base_path: str,
    now: datetime,
    allow_context: bool = False,
) -> Claims:
    """Prove that a tenant sent this very request, and return what it claims.

    Whether the tenant is still installed is **not** checked here.

    Args:
        token: As returned by `token_of`.
        request: The request as received.
        client_key: The tenant found by the token's *unverified* issuer.
        shared_secret: That tenant's secret; an empty one proves nothing.
        base_path: Path of our own base URL.
        now: The moment to hold against the token's lifetime.
        allow_context: Accept tokens bound to no URL; for the browser-facing API
            alone, never for lifecycle or webhooks (CVE-2021-26073).

    Raises:
        NotAuthenticated: Any check failed.
    """
    if not shared_secret:
        raise NotAuthenticated("tenant has no secret")
    claims = _verified_claims(_HS256, "HS256", token, shared_secret)
    expires_at = check_lifetime(claims, now=now, leeway=LEEWAY)
    _check_issuer(claims, client_key)
    is_context = text_claim(claims, "qsh") == CONTEXT_QSH
    if is_context and not allow_context:
        raise NotAuthenticated("context token is not accepted here")
    if not is_context:
        _check_qsh(claims, request, base_path)
    return _claims(claims, is_context=is_context, expires_at=expires_at)


def verify_asymmetric(
    token: str,
    request: SignedRequest,
    *,
    public_key_pem: str,
    client_key: str,
    audiences: Collection[str],
    base_path: str,
    now: datetime,
) -> Claims:
    """Prove that Atlassian sent this `installed` or `uninstalled` call.

    https://developer.atlassian.com/cloud/confluence/security-for-connect-apps/#signed-installs

    Args:
        token: As returned by `token_of`.
        request: The request as received.
        public_key_pem: Atlassian's key with the token's (strict) key id.
        client_key: The client key in the **body**: a tenant may speak for itself only.
        audiences: Base URLs under which this app is known.
        base_path: Path of our own base URL.
        now: The moment to hold against the token's lifetime.

    Raises:
        NotAuthenticated: Any check failed.
    """
    claims = _verified_claims(_RS256, "RS256", token, public_key_pem)
    expires_at = check_lifetime(claims, now=now, leeway=LEEWAY)
    _check_audience(claims, audiences)
    _check_issuer(claims, client_key)
    if text_claim(claims, "qsh") == CONTEXT_QSH:
        raise NotAuthenticated("context token is not accepted here")
    _check_qsh(claims, request, base_path)
    return _claims(claims, is_context=False, expires_at=expires_at)


def sign(
    method: str,
    url: str,
    *,
    app_key: str,
    shared_secret: str,
    base_url: str,
    now: datetime,
) -> str:
    """Return a token for one call of ours to a tenant's site.

    Args:
        method: HTTP method.
        url: The full URL exactly as it will be sent, query included.
        app_key: Our key, the issuer.
        shared_secret: The tenant's secret.
        base_url: The tenant's base URL (`https://SITE/wiki`); its path is no part
            of the hash.
        now: The moment of signing.

    Raises:
        CredentialsMissing: The secret is empty or cannot sign.
        ValueError: `url` is not below `base_url`.
    """
    root = base_url.rstrip("/")
    if url != root and not url.startswith((root + "/", root + "?")):
        msg = f"can only sign calls below {root}"
        raise ValueError(msg)
    issued = int(now.timestamp())
    times = {"iat": issued, "exp": issued + int(LIFETIME.total_seconds())}
    try:
        return str(
            atlassian_jwt.encode_token(
                method,
                url[len(root) :] or "/",
                # The library calls it the client key; it becomes the issuer, and
                # a site knows the sender of a call by its app key.
                clientKey=app_key,
                sharedSecret=shared_secret,
                payload_kwargs=times,
            )
        )
    except PyJWTError as error:
        raise CredentialsMissing(root) from error


def _verified_claims(
    verifier: PyJWS, algorithm: str, token: str, key: str
) -> dict[str, Any]:
    unverified_header(token)  # size and shape, before any cryptography
    try:
        payload: bytes = verifier.decode(token, key, algorithms=[algorithm])
    except (PyJWTError, ValueError, TypeError) as error:
        raise NotAuthenticated(f"signature: {type(error).__name__}") from error
    return read_claims(payload)


def _check_issuer(claims: Mapping[str, Any], client_key: str) -> None:
    if not hmac.compare_digest(_bytes(text_claim(claims, "iss")), _bytes(client_key)):
        raise NotAuthenticated("issuer is not the client key")


def _check_audience(claims: Mapping[str, Any], audiences: Collection[str]) -> None:
    claimed = claims.get("aud")
    values = claimed if isinstance(claimed, list) else [claimed]
    ours = {audience.rstrip("/") for audience in audiences}
    if not any(isinstance(v, str) and v.rstrip("/") in ours for v in values):
        raise NotAuthenticated("audience is not this app")


def _check_qsh(
    claims: Mapping[str, Any], request: SignedRequest, base_path: str
) -> None:
    expected = query_string_hash(
        request.method, request.raw_path, request.raw_query, base_path=base_path
    )
    if not hmac.compare_digest(_bytes(text_claim(claims, "qsh")), _bytes(expected)):
        raise NotAuthenticated("qsh is of another request")


def _claims(
    claims: Mapping[str, Any], *, is_context: bool, expires_at: datetime
) -> Claims:
    subject = claims.get("sub")
    context = claims.get("context")
    return Claims(
        issuer=text_claim(claims, "iss"),
        subject=subject if isinstance(subject, str) and subject else None,
        context=context if isinstance(context, dict) else {},
        is_context=is_context,
        expires_at=expires_at,
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
