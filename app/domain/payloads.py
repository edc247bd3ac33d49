"""Reading JSON that somebody else wrote: typed fields, or a named error.

Unknown fields are nobody's business here. A required field that is missing or of
another shape is `MalformedPayload`; an optional one of another shape counts as
absent, since an event is only a hint and the page itself is read anyway.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.errors import MalformedPayload

#: Fits every column that such a text may land in.
MAX_TEXT_LENGTH = 255
#: Ids of content are 64-bit numbers, written as text.
_CONTENT_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_MAX_ID = 2**63 - 1
_MAX_VERSION = 2**31 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object of a payload, and what it is called in an error."""

    what: str
    values: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_body(cls, body: bytes, *, what: str) -> Fields:
        """Read a request body.

        Raises:
            MalformedPayload: It is no JSON object in UTF-8.
        """
        try:
            values = json.loads(body.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise MalformedPayload(what, "not JSON in UTF-8") from error
        if not isinstance(values, dict):
            raise MalformedPayload(what, "not a JSON object")
        return cls(what, values)

    def object(self, name: str) -> Fields:
        """Return the object under `name`.

        Raises:
            MalformedPayload: There is none.
        """
        found = self.optional_object(name)
        if found is None:
            raise MalformedPayload(self.what, f"no object {name}")
        return found

    def optional_object(self, name: str) -> Fields | None:
        """Return the object under `name`, or None."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            return None
        return Fields(f"{self.what} {name}", value)

    def text(self, name: str, *, limit: int = MAX_TEXT_LENGTH) -> str:
        """Return the text under `name`: not blank, no control characters.

        Raises:
            MalformedPayload: It is missing, no text, blank, over `limit`
                characters, or nothing a database could keep.
        """
        value = self.values.get(name)
        if not isinstance(value, str) or not value.strip():
            raise MalformedPayload(self.what, f"no text {name}")
        if len(value) > limit:
            raise MalformedPayload(self.what, f"{name} is over {limit} characters")
        if not value.isprintable():
            raise MalformedPayload(self.what, f"{name} has control characters")
        return value

    def optional_text(self, name: str, *, limit: int = MAX_TEXT_LENGTH) -> str | None:
        """Return the text under `name`, or None if it is not such a text."""
        try:
            return self.text(name, limit=limit)
        except MalformedPayload:
            return None

    def content_id(self, *names: str) -> str:
        """Return the id under the first of `names` that is there, as digits.

        Hosts have sent ids as numbers and as text.

        Raises:
            MalformedPayload: None is there, or it is no positive 64-bit number.
        """
        for name in names:
            value = self.values.get(name)
            if value is not None:
                found = _as_content_id(value)
                if found is None:
                    raise MalformedPayload(self.what, f"{name} is no content id")
                return found
        raise MalformedPayload(self.what, f"no {names[0]}")

    def optional_id(self, name: str) -> str | None:
        """Return the id under `name` as digits, or None."""
        return _as_content_id(self.values.get(name))

    def version(self, name: str) -> int | None:
        """Return the version number under `name`, or None."""
        value = self.values.get(name)
        if type(value) is int and 0 < value <= _MAX_VERSION:
            return value
        return None

    def flag(self, name: str) -> bool:
        """Whether `name` is true; anything else is false."""
        return self.values.get(name) is True

    def moment_of_millis(self, name: str) -> datetime | None:
        """Return the moment under `name`, given in milliseconds since 1970."""
        value = self.values.get(name)
        if type(value) is not int:
            return None
        try:
            return _EPOCH + timedelta(milliseconds=value)
        except OverflowError:
            return None

    def moment_of_iso(self, name: str) -> datetime | None:
        """Return the moment under `name`, given in ISO 8601; UTC if it names no zone."""
        value = self.values.get(name)
        if not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH:
            return None
        try:
            moment = datetime.fromisoformat(value)
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return aware.astimezone(UTC)
        except (ValueError, OverflowError):
            return None


def _as_content_id(value: Any) -> str | None:
    if type(value) is int:
        # A huge number is refused before it is spelled out: str() of it is slow.
        return str(value) if 0 < value <= _MAX_ID else None
    if not isinstance(value, str) or _CONTENT_ID.fullmatch(value) is None:
        return None
    return value if int(value) <= _MAX_ID else None
