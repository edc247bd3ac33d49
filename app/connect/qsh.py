"""The query string hash: binds a Connect token to one method, path and query.

https://developer.atlassian.com/cloud/bitbucket/query-string-hash/
https://developer.atlassian.com/cloud/confluence/understanding-jwt/

The body is not covered. Everything is computed on bytes, so that no two different
requests fold into one by a failed decoding.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote_from_bytes, unquote_to_bytes

#: Stands in the qsh claim of tokens that a browser frame asks for; bound to no URL.
#: https://developer.atlassian.com/cloud/confluence/understanding-jwt/#context-qsh
CONTEXT_QSH = "context-qsh"

#: The token itself travels in this parameter and cannot be part of its own hash.
TOKEN_PARAMETER = "jwt"  # noqa: S105 - the name of a parameter

_UNRESERVED = "-._~"


def canonical_request(
    method: str, raw_path: str, raw_query: str, *, base_path: str = ""
) -> str:
    """Return the text that is hashed: `METHOD&path&query`.

    Path and query are taken as they were on the wire, still percent-encoded. The
    base path is cut off at a segment's end only: `/base` is no part of
    `/basement/x`, though Atlassian's JavaScript library cuts there, too; nobody
    may get a hash for one URL accepted on another.

    Args:
        method: HTTP method in any case.
        raw_path: Path without the query.
        raw_query: Query without the question mark.
        base_path: Path of the base URL that both sides leave out: ours for what
            comes in, `/wiki` for what goes out.
    """
    return "&".join(
        (
            method.upper(),
            _canonical_path(raw_path, base_path.rstrip("/")),
            _canonical_query(raw_query),
        )
    )


def query_string_hash(
    method: str, raw_path: str, raw_query: str, *, base_path: str = ""
) -> str:
    """Return the SHA-256 of the canonical request in lower-case hex."""
    canonical = canonical_request(method, raw_path, raw_query, base_path=base_path)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def parameters(raw_query: str) -> list[tuple[bytes, bytes]]:
    """Return the decoded parameters of a raw query in their order."""
    raw = raw_query.encode("utf-8", "surrogatepass").replace(b"+", b" ")
    pairs = (part.partition(b"=") for part in raw.split(b"&") if part)
    return [(unquote_to_bytes(key), unquote_to_bytes(value)) for key, _, value in pairs]


def _canonical_path(raw_path: str, base_path: str) -> str:
    path = raw_path
    if base_path and (path == base_path or path.startswith(base_path + "/")):
        path = path[len(base_path) :]
    path = path.replace("&", "%26")
    if not path.startswith("/"):
        path = "/" + path
    return path[:-1] if len(path) > 1 and path.endswith("/") else path


def _canonical_query(raw_query: str) -> str:
    values: dict[bytes, list[bytes]] = {}
    for key, value in parameters(raw_query):
        if key != TOKEN_PARAMETER.encode():
            values.setdefault(key, []).append(value)
    # Atlassian sorts repeated values before it encodes them; hosts rely on it.
    return "&".join(
        f"{_encode(key)}={','.join(map(_encode, sorted(values[key])))}"
        for key in sorted(values)
    )


def _encode(text: bytes) -> str:
    return quote_from_bytes(text, safe=_UNRESERVED)
