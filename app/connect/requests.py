"""A signed request as it came in, before anybody is believed."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.connect.qsh import TOKEN_PARAMETER, parameters
from app.errors import NotAuthenticated

_SCHEME = "jwt"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """What a Connect token vouches for, and the places where it may travel.

    Attributes:
        raw_path: Path as on the wire, still percent-encoded, with the base path.
        raw_query: Query as on the wire, without the question mark.
        authorization: The `Authorization` header.
    """

    method: str
    raw_path: str
    raw_query: str
    authorization: str | None = field(repr=False)


def token_of(request: SignedRequest) -> str:
    """Return the token, which must be in exactly one place.

    A second token would let a sender have one of them checked and the other used.
    An `Authorization` header of another scheme (a proxy's, say) holds no token.

    Raises:
        NotAuthenticated: No token, or more than one.
    """
    found = [*_header_tokens(request), *_query_tokens(request)]
    if not found:
        raise NotAuthenticated("no token")
    if len(found) > 1:
        raise NotAuthenticated("token in more than one place")
    return found[0]


def _header_tokens(request: SignedRequest) -> list[str]:
    scheme, _, token = (request.authorization or "").strip().partition(" ")
    return [token.strip()] if scheme.lower() == _SCHEME else []


def _query_tokens(request: SignedRequest) -> list[str]:
    return [
        # Whatever is not ASCII is no token; the verifier will say so.
        value.decode("ascii", "replace")
        for key, value in parameters(request.raw_query)
        if key == TOKEN_PARAMETER.encode()
    ]
