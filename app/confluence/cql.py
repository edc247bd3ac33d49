"""Narrows a query in CQL to pages, whatever it says.

Pure. The query itself is left to the site: only where its strings end is read here.
https://developer.atlassian.com/cloud/confluence/advanced-searching-using-cql/
"""

from __future__ import annotations

import re
from urllib.parse import quote

from app.errors import WriteRefused

#: Characters as they stand in an address, where a Cyrillic letter takes six.
MAX_QUERY = 16_000

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', re.DOTALL)
_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)
_TYPE = re.compile(r"\btype\s*(?:!?=|(?:not\s+)?in\b)", re.IGNORECASE)


def pages_only(query: str) -> str:
    """Return the query, asking for pages unless it says itself what it asks for.

    Raises:
        WriteRefused: It is longer than an address may be.
    """
    if len(quote(query, errors="replace")) > MAX_QUERY:
        raise WriteRefused("the query is too long for an address")
    # Same length, so that places found in one are places in the other.
    bare = _STRING.sub(lambda match: "_" * len(match[0]), query)
    if _TYPE.search(bare):
        return query.strip()
    order = _ORDER.search(bare)
    end = order.start() if order else len(query)
    asked, ordered = query[:end].strip(), query[end:].strip()
    pages = f"({asked}) and type = page" if asked else "type = page"
    return f"{pages} {ordered}".rstrip()
