"""Content properties: versioned JSON that apps and the site hang on pages.

https://developer.atlassian.com/cloud/confluence/confluence-entity-properties/
"""

from __future__ import annotations

import json
from datetime import datetime
from itertools import count
from typing import Any

from sandbox.model import ContentProperty, Page
from sandbox.refusals import (
    Malformed,
    PropertyMissing,
    PropertyTaken,
    TooLarge,
    VersionStale,
)

MAX_VALUE_BYTES = 32 * 1024
MAX_KEY_LENGTH = 255


def _require_small(value: Any) -> None:
    size = len(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    if size > MAX_VALUE_BYTES:
        raise TooLarge(
            f"Content property value is {size} bytes, more than {MAX_VALUE_BYTES}"
        )


class PropertyWriter:
    """Makes and replaces properties; ids are unique on the site."""

    def __init__(self) -> None:
        self._numbers = count(2_097_153)

    def create(
        self, page: Page, key: str, value: Any, *, author_id: str, at: datetime
    ) -> ContentProperty:
        """Put a new property on `page`.

        Raises:
            Malformed: The key is empty or too long.
            PropertyTaken: The key is in use on this page, by whichever app.
            TooLarge: The value is over 32 KB as JSON.
        """
        if not key.strip() or len(key) > MAX_KEY_LENGTH:
            raise Malformed("Content property key must have 1 to 255 characters")
        if key in page.properties:
            raise PropertyTaken(key)
        _require_small(value)
        made = ContentProperty(
            id=str(next(self._numbers)),
            key=key,
            value=value,
            version=1,
            author_id=author_id,
            at=at,
        )
        page.properties[key] = made
        return made

    def update(
        self,
        page: Page,
        current: ContentProperty,
        *,
        value: Any,
        version: int,
        author_id: str,
        at: datetime,
        message: str = "",
    ) -> ContentProperty:
        """Replace a property's value by the next version.

        Raises:
            VersionStale: `version` is not the one after the current.
            TooLarge: The value is over 32 KB as JSON.
        """
        if version != current.version + 1:
            raise VersionStale(
                "content property", current=current.version, provided=version
            )
        _require_small(value)
        made = ContentProperty(
            id=current.id,
            key=current.key,
            value=value,
            version=version,
            author_id=author_id,
            at=at,
            message=message,
        )
        page.properties[current.key] = made
        return made


def property_by_id(page: Page, property_id: str) -> ContentProperty:
    """Return a page's property by its id.

    Raises:
        PropertyMissing: The page has none of that id.
    """
    for held in page.properties.values():
        if held.id == property_id:
            return held
    raise PropertyMissing(property_id)


def property_by_key(page: Page, key: str) -> ContentProperty:
    """Return a page's property by its key.

    Raises:
        PropertyMissing: The page has none under that key.
    """
    held = page.properties.get(key)
    if held is None:
        raise PropertyMissing(key)
    return held
