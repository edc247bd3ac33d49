"""Writes our content property, which the byline shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.domain.byline import BYLINE_PROPERTY_KEY
from app.domain.pages import ContentProperty
from app.usecases.writing.work import Target, Write


async def write_summaries(target: Target, writes: Sequence[Write]) -> None:
    """Write, rewrite or delete the property, where it says what it said when planned.

    Raises:
        VersionConflict: It changed since the page was read.
    """
    for one in writes:
        current = target.page.property(BYLINE_PROPERTY_KEY)
        value = current.value if current else None
        wanted = _as_it_stands(one.change.after, target.labels)
        if value == wanted:
            if one.was_sent:
                one.apply(wanted)
            else:
                one.skip("already_there")
        elif value != one.change.before:
            one.skip("changed_since")
        else:
            await _write(target, wanted, current)
            one.apply(wanted)


async def _write(target: Target, value: Any, current: ContentProperty | None) -> None:
    page = target.page
    kept = tuple(one for one in page.properties if one.key != BYLINE_PROPERTY_KEY)
    if value is None and current is not None:
        await target.confluence.delete_property(page.id, current)
    else:
        written = await target.confluence.put_property(
            page.id, BYLINE_PROPERTY_KEY, value, current=current
        )
        kept = (*kept, written)
    target.page = replace(page, properties=kept)


def _as_it_stands(value: Any, labels: set[str]) -> Any:
    """Return the value with those of its labels that really stand on the page."""
    if not isinstance(value, dict) or "labels" not in value:
        return value
    return {**value, "labels": [one for one in value["labels"] if one in labels]}
