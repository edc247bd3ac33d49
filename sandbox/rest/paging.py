"""Lists in parts: opaque cursors that hold where the last part ended.

A cursor names the last item that was sent, not a count, so a list that grows or
shrinks between two parts neither repeats nor skips the items that stayed.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from sandbox.refusals import Malformed
from sandbox.rest.calls import Answer, Call
from sandbox.rest.params import bad_value, limit

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Part(Generic[Item]):
    """One part of a list, and the cursor for the next if there is more."""

    items: list[Item]
    cursor: str | None


def encode_cursor(position: Any) -> str:
    """Return an opaque cursor for a position made of JSON values."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode_cursor(call: Call) -> Any:
    """Return the position that the call's cursor holds, None at the beginning.

    Raises:
        Malformed: The cursor was not made here.
    """
    text = call.query.get("cursor")
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        return json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise bad_value("cursor", "Cursor") from error


def numeric_position(call: Call) -> int:
    """Return the number of the last item sent, 0 at the beginning."""
    position = decode_cursor(call)
    if position is None:
        return 0
    if not isinstance(position, int) or isinstance(position, bool) or position < 0:
        raise bad_value("cursor", "Cursor")
    return position


def by_offset(
    call: Call, items: list[Item], *, key: Callable[[Item], str]
) -> Part[Item]:
    """Cut a part out of a short list; the cursor is the key of the last item sent.

    Raises:
        Malformed: The cursor is not one of this list.
    """
    position = decode_cursor(call)
    start = 0
    if position is not None:
        if not isinstance(position, list) or len(position) != 2:
            raise bad_value("cursor", "Cursor")
        last, offset = position
        if not isinstance(offset, int) or not offset >= 0 or not isinstance(last, str):
            raise bad_value("cursor", "Cursor")
        start = _resume(items, last, offset, key=key)
    size = limit(call.query)
    chosen = items[start : start + size]
    more = len(items) > start + size
    cursor = encode_cursor([key(chosen[-1]), start + size]) if more else None
    return Part(chosen, cursor)


def _resume(
    items: list[Item], last: str, offset: int, *, key: Callable[[Item], str]
) -> int:
    # The list may have changed in between: look for the item, fall back to the count.
    if 0 < offset <= len(items) and key(items[offset - 1]) == last:
        return offset
    for place, item in enumerate(items, start=1):
        if key(item) == last:
            return place
    return min(offset, len(items))


def take(
    call: Call, items: Iterable[Item], *, position: Callable[[Item], Any]
) -> Part[Item]:
    """Take a part from the front of `items`, which begin after the cursor."""
    size = limit(call.query)
    chosen = list(islice(items, size + 1))
    if len(chosen) <= size:
        return Part(chosen, None)
    del chosen[size:]
    return Part(chosen, encode_cursor(position(chosen[-1])))


def next_link(call: Call, cursor: str) -> str:
    """Return the site-relative address of the next part, same parameters."""
    kept = [(name, text) for name, text in call.query.multi_items() if name != "cursor"]
    return f"{call.path}?{urlencode([*kept, ('cursor', cursor)])}"


def answer(
    call: Call, part: Part[Any], results: list[Any], *, identities: int = 0
) -> Answer:
    """Return the answer for one part of a v2 list, with its links.

    https://developer.atlassian.com/cloud/confluence/rest/v2/intro/#pagination
    """
    links = {"base": f"{call.site.origin}/wiki"}
    following = None
    if part.cursor is not None:
        following = links["next"] = next_link(call, part.cursor)
    return Answer(
        body={"results": results, "_links": links},
        objects=len(results) - identities,
        identities=identities,
        next_link=following,
    )


def require_plain(call: Call, *names: str) -> None:
    """Refuse parameters that this site does not know how to answer truthfully.

    Raises:
        Malformed: One of them is given.
    """
    for name in names:
        if call.query.get(name):
            raise Malformed(f"Parameter '{name}' is not supported by this sandbox")
