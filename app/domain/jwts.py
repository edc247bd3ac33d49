"""JSON web tokens as far as both hosts share them; signatures are checked elsewhere.

What is read here from a token is worth nothing until its signature is verified:
it only finds the key to verify with.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.errors import NotAuthenticated

#: Far above any token seen; a longer one is refused before it is decoded.
MAX_TOKEN_LENGTH = 16_384
MAX_CLAIM_LENGTH = 255

_SEGMENT = r"[A-Za-z0-9_-]+"
_COMPACT = re.compile(rf"{_SEGMENT}\.{_SEGMENT}\.{_SEGMENT}", re.ASCII)
#: A kid becomes part of a URL: no slash, no dot in front, and no two in a row.
_KID = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9._-]{1,128}", re.ASCII)


def unverified_header(token: str) -> dict[str, Any]:
    """Return the header of a compact token, believing nothing of it.

    Raises:
        NotAuthenticated: It is no compact, signed token.
    """
    return _segment(token, 0)


def unverified_claims(token: str) -> dict[str, Any]:
    """Return the claims of a compact token, believing nothing of them.

    Raises:
        NotAuthenticated: It is no compact, signed token.
    """
    return _segment(token, 1)


def unverified_rs256_kid(token: str) -> str:
    """Return the key id of an RS256 token, safe to put into a URL.

    Raises:
        NotAuthenticated: Another algorithm, or no such key id.
    """
    header = unverified_header(token)
    if header.get("alg") != "RS256":
        raise NotAuthenticated("algorithm is not RS256")
    kid = header.get("kid")
    if not isinstance(kid, str) or _KID.fullmatch(kid) is None:
        raise NotAuthenticated("kid is missing or unusual")
    return kid


def read_claims(payload: bytes) -> dict[str, Any]:
    """Read the JSON object inside a token.

    Raises:
        NotAuthenticated: It is none.
    """
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise NotAuthenticated("token holds no JSON") from error
    if not isinstance(claims, dict):
        raise NotAuthenticated("token holds no JSON object")
    return claims


def text_claim(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that must be a text of one line, fit to look something up by.

    Raises:
        NotAuthenticated: It is missing, empty, over-long, or has control characters.
    """
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise NotAuthenticated(f"no {name} claim")
    if len(value) > MAX_CLAIM_LENGTH or not value.isprintable():
        raise NotAuthenticated(f"{name} claim is unusual")
    return value


def check_lifetime(
    claims: Mapping[str, Any], *, now: datetime, leeway: timedelta
) -> datetime:
    """Return when a token ends, having checked that it lives at `now`.

    `exp` and `iat` are required, `nbf` is judged if present; clocks may differ
    by `leeway`.

    Raises:
        NotAuthenticated: Expired, not yet valid, or without its times.
    """
    expires_at = moment_claim(claims, "exp")
    if now - leeway >= expires_at:
        raise NotAuthenticated("token has expired")
    begins = [moment_claim(claims, "iat")]
    if "nbf" in claims:
        begins.append(moment_claim(claims, "nbf"))
    if now + leeway < max(begins):
        raise NotAuthenticated("token is not valid yet")
    return expires_at


def moment_claim(claims: Mapping[str, Any], name: str) -> datetime:
    """Return a claim given in seconds since 1970.

    Raises:
        NotAuthenticated: It is missing or no moment.
    """
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAuthenticated(f"no {name} claim")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise NotAuthenticated(f"{name} claim is no moment") from error


def _segment(token: str, index: int) -> dict[str, Any]:
    if len(token) > MAX_TOKEN_LENGTH:
        raise NotAuthenticated("token is too long")
    if _COMPACT.fullmatch(token) is None:
        raise NotAuthenticated("not a signed token")
    segment = token.split(".")[index]
    try:
        decoded = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (ValueError, binascii.Error) as error:
        raise NotAuthenticated("token is not base64") from error
    return read_claims(decoded)
