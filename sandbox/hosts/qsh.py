"""The query string hash that ties a Connect token to one request.

Rules: https://developer.atlassian.com/cloud/bitbucket/query-string-hash
Written apart from the app's own version on purpose: two independent readings of
the rules that agree are worth more than one that agrees with itself.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote, unquote_plus

#: Stands in the place of a hash in tokens that browsers get.
CONTEXT_QSH = "context-qsh"


def canonical_request(method: str, raw_path: str, raw_query: str, base: str) -> str:
    """Return the text that is hashed.

    Args:
        method: HTTP method in any case.
        raw_path: Path as on the wire, still percent-encoded.
        raw_query: Query as on the wire, without the question mark.
        base: Path of the base URL (`""`, `/wiki`), left out of the text.
    """
    return f"{method.upper()}&{_path(raw_path, base)}&{_query(raw_query)}"


def query_string_hash(method: str, raw_path: str, raw_query: str, base: str) -> str:
    """Return the SHA-256 of the canonical request, in hex."""
    text = canonical_request(method, raw_path, raw_query, base)
    return hashlib.sha256(text.encode()).hexdigest()


def _path(raw_path: str, base: str) -> str:
    path = raw_path
    if base and (path == base or path.startswith(f"{base}/")):
        path = path[len(base) :]
    path = "/" + path.removeprefix("/").replace("&", "%26")
    return path.removesuffix("/") if len(path) > 1 else path


def _query(raw_query: str) -> str:
    values: dict[str, list[str]] = {}
    for part in filter(None, raw_query.split("&")):
        name, _, value = part.partition("=")
        if (name := unquote_plus(name)) != "jwt":
            values.setdefault(name, []).append(unquote_plus(value))
    return "&".join(
        f"{_encoded(name)}={','.join(map(_encoded, sorted(values[name])))}"
        for name in sorted(values)
    )


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")
