"""`recommendations`: what would make pages better, found, shown, posted, waved aside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from app.cli import tables
from app.cli.planned import ACTOR, offer, selection_of, which_pages
from app.cli.program import Program
from app.cli.progress import progress_bar
from app.domain.advice.findings import KINDS
from app.store.findings import OPEN
from app.usecases import findings, recommend
from app.usecases.services import Services

_MOST = 10_000
_COLUMNS = ("page", "title", "key", "kind", "severity", "advice")

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.group()
def recommendations() -> None:
    """Find what would make pages better."""


@recommendations.command()
@click.argument("tenant")
@which_pages
@click.option("--post", is_flag=True, help="Also where the policy asks for no comment.")
@click.option("--apply", "at_once", is_flag=True, help="Post the comments as well.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
@click.pass_obj
def make(
    program: Program,
    /,
    tenant: str,
    *,
    post: bool,
    at_once: bool,
    yes: bool,
    as_json: bool,
    **named: Any,
) -> None:
    """Look for what would make pages of TENANT better; no AI is asked.

    What is found is kept for `list` and `show`. Where comments are wanted they are put
    into a plan: carry it out with `apply`, or at once with --apply.
    """
    meant = selection_of(**named)
    if post and isinstance(meant, int):
        raise click.UsageError("a plan that goes on posts what it was begun for")

    async def work(services: Services) -> int:
        plan_id = (
            meant
            if isinstance(meant, int)
            else await recommend.start_recommendations(
                services, tenant, meant, author=ACTOR, post=post
            )
        )
        with progress_bar("pages", as_json=as_json) as progress:
            await recommend.draft_recommendations(
                services, tenant, plan_id, progress=progress
            )
        return plan_id

    offer(program, tenant, program.ask(work), at_once=at_once, yes=yes, as_json=as_json)


@recommendations.command("list")
@click.argument("tenant")
@click.option("--space", default=None, help="Of this space (its key).")
@click.option("--kind", type=click.Choice(KINDS), default=None, help="Of this kind.")
@click.option(
    "--severity",
    type=click.IntRange(1, 3),
    default=None,
    help="Of this severity or more: 3 misleads readers, 1 is a hint.",
)
@click.option("--all", "everything", is_flag=True, help="Fixed and dismissed as well.")
@click.option(
    "--limit",
    default=100,
    show_default=True,
    type=click.IntRange(1, _MOST),
    help="At most so many.",
)
@_json
@click.pass_obj
def list_all(
    program: Program,
    tenant: str,
    limit: int,
    *,
    space: str | None,
    kind: Any,
    severity: int | None,
    everything: bool,
    as_json: bool,
) -> None:
    """List what is open in TENANT, severest first."""
    rows = program.ask(
        lambda s: findings.list_findings(
            s,
            tenant,
            space_key=space,
            kind=kind,
            severity=severity,
            states=None if everything else OPEN,
            limit=limit,
        )
    )
    if not as_json:
        columns = (*_COLUMNS, "state") if everything else _COLUMNS
        rows = [{name: row[name] for name in columns} for row in rows]
    tables.echo(rows, as_json=as_json)


@recommendations.command()
@click.argument("tenant")
@click.argument("page")
@_json
@click.pass_obj
def show(program: Program, tenant: str, page: str, *, as_json: bool) -> None:
    """Show all that was found on PAGE (its id), with the passages that show it."""
    rows = program.ask(lambda s: findings.page_findings(s, tenant, page))
    if as_json or not rows:
        tables.echo(rows, as_json=as_json)
        return
    for row in rows:
        _tell(row)


@recommendations.command()
@click.argument("tenant")
@click.argument("page")
@click.argument("key")
@_json
@click.pass_obj
def dismiss(
    program: Program, tenant: str, page: str, key: str, *, as_json: bool
) -> None:
    """Wave finding KEY of PAGE aside, until its passage reads differently."""
    row = program.ask(lambda s: findings.dismiss(s, tenant, page, key, by=ACTOR))
    if as_json:
        tables.echo([row], as_json=True)
        return
    _tell(row)


def _tell(row: Mapping[str, Any]) -> None:
    lines = [f"{row['key']}  severity {row['severity']}, {row['state']}", row["advice"]]
    if row["section"]:
        lines.append(f"section: {row['section']}")
    if row["passage"]:
        lines.append(f"passage: {row['passage']}")
    first, *others = map(tables.on_one_line, lines)
    click.echo(first)
    for line in others:
        click.echo(f"    {line}")
