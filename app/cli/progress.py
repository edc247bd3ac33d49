"""How far long work is: a bar on a terminal, JSON lines for scripts."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from app.usecases.make_plan import Progress


class progress_bar:  # noqa: N801 - used like a function
    """A progress bar on a terminal; JSON lines on stderr for scripts."""

    def __init__(self, label: str, *, as_json: bool) -> None:
        self._label, self._as_json = label, as_json
        self._bar: Any = None

    def __enter__(self) -> Progress:
        return self._told

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def _told(self, done: int, total: int) -> None:
        if self._as_json:
            click.echo(json.dumps({"done": done, "total": total}), err=True)
            return
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar = click.progressbar(
                length=total, label=self._label, file=sys.stderr
            )
        self._bar.update(done - self._bar.pos)
