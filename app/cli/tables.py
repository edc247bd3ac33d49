"""Prints rows: a table for people, JSON lines for scripts."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import click

_WIDEST = 60


def echo(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows that share their columns."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False, default=str))
        return
    if not rows:
        click.echo("nothing yet")
        return
    columns = list(rows[0])
    cells = [[_short(row[column]) for column in columns] for row in rows]
    widths = [
        max(len(column), *(len(line[at]) for line in cells))
        for at, column in enumerate(columns)
    ]
    for line in [columns, *cells]:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def on_one_line(text: str) -> str:
    """Escape what a stranger may have written to end the line or steer the terminal."""
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    if unicodedata.category(character) == "Zs":  # no-break spaces and the like
        return " "
    return character.encode("unicode_escape").decode("ascii")


def told(value: Any) -> str:
    """Return a value as people read it, on one line: `-` is nothing, lists have commas."""
    if isinstance(value, bool):
        return str(value).lower()  # as it is typed in FIELD=VALUE
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return "-" if value in (None, "") else on_one_line(str(value))


def _short(value: Any) -> str:
    text = "" if value == "" else told(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
