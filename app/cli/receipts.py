"""`receipts`: all that explains a run, for a person; or of many runs, for a script."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import click

from app.cli import tables
from app.cli.ids import ID
from app.cli.program import Program
from app.cli.receipt_lines import lines
from app.cli.runs import ACTOR
from app.usecases.services import Services
from app.usecases.show_receipts import Wanted, export_receipts, show_receipt

_when = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M"])
#: What is exported quotes pages: its file is its owner's alone.
_OWNER_ONLY = 0o600


@click.group()
def receipts() -> None:
    """Show and export what runs asked, were answered, and made of it."""


@receipts.command()
@click.argument("tenant")
@click.argument("run", type=ID)
@click.option(
    "--words", is_flag=True, help="Question and reply, word by word, as well."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def show(
    program: Program, tenant: str, run: int, *, words: bool, as_json: bool
) -> None:
    """Explain RUN of TENANT: page, question, answer, decision, writes, cost."""
    told = program.ask(lambda s: show_receipt(s, tenant, run))
    if as_json:
        tables.echo([told], as_json=True)
        return
    for line in lines(told, words=words):
        click.echo(tables.on_one_line(line))


@receipts.command()
@click.argument("tenant")
@click.option("--since", type=_when, help="Runs from this moment on.")
@click.option("--until", type=_when, help="Runs before this moment.")
@click.option("--page", "page_id", default=None, help="Only of this page.")
@click.option("--space", "space_key", default=None, help="Only of this space (key).")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write to this file instead, for its owner's eyes only.",
)
@click.option("--json", "as_json", is_flag=True, help="Receipts are JSON lines anyhow.")
@click.pass_obj
def export(
    program: Program,
    tenant: str,
    *,
    since: datetime | None,
    until: datetime | None,
    page_id: str | None,
    space_key: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Print TENANT's receipts as JSON lines, oldest first.

    They quote pages. Moments without a zone are in this machine's.
    """
    wanted = Wanted(
        page_id=page_id,
        space_key=space_key,
        since=since.astimezone() if since else None,
        until=until.astimezone() if until else None,
    )

    async def work(services: Services) -> int:
        count = 0
        with _opened(output) as file:
            async for row in export_receipts(services, tenant, wanted, by=ACTOR):
                file.write(f"{json.dumps(row, ensure_ascii=False)}\n")
                count += 1
        return count

    count = program.ask(work)
    if output is not None:
        if as_json:
            tables.echo([{"exported": count, "file": str(output)}], as_json=True)
            return
        told = tables.on_one_line(f"exported {count} receipts to {output}")
        click.echo(told)


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[str]]:
    """Open a file for its owner alone, or hand out what is printed to."""
    if output is None:
        yield sys.stdout
        return
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
    except OSError as error:
        raise click.FileError(str(output), hint=error.strerror) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(handle, _OWNER_ONLY)
        yield file
