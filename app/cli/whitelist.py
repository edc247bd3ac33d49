"""`tenants whitelist`: where SAFE_TEST may write; shown, and imported from a file."""

from __future__ import annotations

from typing import TextIO

import click

from app.cli import tables
from app.cli.program import Program
from app.usecases import operate

#: Who acts at the command line, as the audit names them.
ACTOR = "cli"

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.command()
@click.argument("tenant")
@_json
@click.pass_obj
def whitelist(program: Program, tenant: str, *, as_json: bool) -> None:
    """List where SAFE_TEST may write."""
    tables.echo(
        program.ask(lambda s: operate.list_whitelist(s, tenant)), as_json=as_json
    )


@click.command("import-whitelist")
@click.argument("tenant")
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"))
@click.option("--dry-run", is_flag=True, help="Say what would be added; add nothing.")
@_json
@click.pass_obj
def import_whitelist(
    program: Program, tenant: str, file: TextIO, *, dry_run: bool, as_json: bool
) -> None:
    """Add what FILE names to TENANT's whitelist: all of it, or nothing.

    FILE is JSON: {"spaces": [{"space_key", "pages": [{"id", "name", "root",
    "children"}]}]}. A page with "root": true or with children stands for its tree; a
    space without "pages" for all of it. `-` reads what is piped in.
    """
    text = file.read()
    rows = program.ask(
        lambda s: operate.import_whitelist(s, tenant, text, dry_run=dry_run, by=ACTOR)
    )
    tables.echo(rows, as_json=as_json)
    if not as_json:
        new = sum(row["is_new"] for row in rows)
        verb = "would be added" if dry_run else "added"
        click.echo(f"{new} {verb}, {len(rows) - new} were there already")
