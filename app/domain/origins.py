"""Which addresses of the outside world we are willing to call.

A base URL reaches us in a payload or a token; before anything is sent there it is
held against a short list from the settings. An entry of that list is one of

- `*.atlassian.net`: https, exactly one label in place of the star;
- `api.atlassian.com`: https, this very host;
- `http://127.0.0.1:8090`: this very origin; plain http is accepted for such
  entries alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_URL_LENGTH = 2_000

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_ORIGIN = (
    rf"(?P<scheme>https?)://(?P<host>{_HOST}|\[[0-9a-f:.]+\])(?::(?P<port>\d{{1,5}}))?"
)
#: Plain path segments: no query, fragment, user info, backslash, blank or escape.
_PATH = r"(?P<path>(?:/[a-z0-9._~-]*)*)"
_URL = re.compile(_ORIGIN + _PATH, re.ASCII | re.IGNORECASE)
_PATTERN_HOST = re.compile(rf"(?:\*\.{_LABEL}\.)?{_HOST}", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Scheme, host and port of a URL, folded to lower case."""

    scheme: str
    host: str
    port: int


def origin_of(url: str) -> Origin | None:
    """Return the origin of an absolute http(s) URL, or None if it is unusual.

    Deliberately narrower than the standard: where two parsers of URLs could
    disagree about the host (user info, backslashes, escapes, white space, a
    trailing dot, letters beyond ASCII), there is no answer.
    """
    if len(url) > MAX_URL_LENGTH:
        return None
    match = _URL.fullmatch(url)
    if match is None or _climbs(match["path"]):
        return None
    scheme = match["scheme"].lower()
    port = int(match["port"]) if match["port"] else _DEFAULT_PORTS[scheme]
    if not 0 < port <= _MAX_PORT:
        return None
    return Origin(scheme=scheme, host=match["host"].lower(), port=port)


def is_allowed_url(url: str, patterns: Sequence[str]) -> bool:
    """Whether the origin of `url` fits one of `patterns`; the path is not judged."""
    origin = origin_of(url)
    return origin is not None and any(_fits(origin, entry) for entry in patterns)


def is_pattern(entry: str) -> bool:
    """Whether `entry` is spelled as one of the three kinds; others never match."""
    return _is_full_origin(entry) or _PATTERN_HOST.fullmatch(entry.lower()) is not None


def _fits(origin: Origin, entry: str) -> bool:
    if _is_full_origin(entry):
        return origin_of(entry) == origin
    pattern = entry.lower()
    if _PATTERN_HOST.fullmatch(pattern) is None:
        return False
    if (origin.scheme, origin.port) != ("https", _DEFAULT_PORTS["https"]):
        return False
    if not pattern.startswith("*."):
        return origin.host == pattern
    label, dot, rest = origin.host.partition(".")
    return bool(label and dot) and rest == pattern.removeprefix("*.")


def _is_full_origin(entry: str) -> bool:
    return entry.count("/") == len("//") and origin_of(entry) is not None


def _climbs(path: str) -> bool:
    return any(segment in {".", ".."} for segment in path.split("/"))
