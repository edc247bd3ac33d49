"""Markdown tables of figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, words: Sequence[str]
) -> list[str]:
    """Return the lines of a table; columns not among `words` align to the right."""
    rule = ["---" if column in words else "--:" for column in columns]
    return [
        _line(columns),
        "|" + "|".join(rule) + "|",
        *(_line(row) for row in rows),
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
