"""Tells what came of a wish to decide: what was decided, and where somebody was faster."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from app.cli import tables


def tell_decided(
    rows: Sequence[Mapping[str, Any]],
    conflicts: Mapping[Any, str],
    word: str,
    *,
    key: str,
    as_json: bool,
) -> None:
    """Print both; ends with 1 where nothing could be decided.

    Args:
        rows: What was decided.
        conflicts: What was not, by its name, and why.
        word: What was decided of it: `approved`, `rejected`, …
        key: What the names of conflicts are called in JSON.
        as_json: Whether JSON lines are wanted.
    """
    if as_json:
        left = [{key: name, "conflict": why} for name, why in conflicts.items()]
        tables.echo([*rows, *left], as_json=True)
    else:
        click.echo(f"{word}: {len(rows)}")
        if rows:
            tables.echo(rows, as_json=False)
        for why in conflicts.values():
            click.echo(f"not {word}: {tables.on_one_line(why)}", err=True)
    if conflicts and not rows:
        sys.exit(1)
