"""`usage`, `quota`, `providers`: what the AI costs, how it stands, who is asked."""

from __future__ import annotations

import click

from app.cli import tables
from app.cli.program import Program
from app.usecases import ai_accounts

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.command()
@click.argument("tenant")
@click.option(
    "--days",
    default=30,
    type=click.IntRange(1, 3660),
    show_default=True,
    help="Of the last so many days.",
)
@_json
@click.pass_obj
def usage(program: Program, tenant: str, days: int, *, as_json: bool) -> None:
    """Show what a TENANT's calls cost, day by day and model by model."""
    rows = program.ask(lambda s: ai_accounts.usage_of(s, tenant, days=days))
    tables.echo(rows, as_json=as_json)


@click.command()
@click.option("--reset", metavar="SCOPE", help="Forget what was learned of a scope.")
@_json
@click.pass_obj
def quota(program: Program, reset: str | None, *, as_json: bool) -> None:
    """Show how the AI providers' quotas stand: limits, use, pauses."""
    if reset is not None:
        program.ask(lambda s: ai_accounts.reset_quota(s, reset))
        if as_json:
            tables.echo([{"forgotten": reset}], as_json=True)
        else:
            click.echo(f"forgotten: {tables.on_one_line(reset)}")
        return
    tables.echo(program.ask(ai_accounts.quotas), as_json=as_json)


@click.command()
@click.argument("tenant")
@click.argument("names", nargs=-1)
@click.option("--space", default=None, help="For this space alone (its key).")
@click.option("--reset", is_flag=True, help="As if it had never been set.")
@_json
@click.pass_obj
def providers(
    program: Program,
    tenant: str,
    names: tuple[str, ...],
    space: str | None,
    *,
    reset: bool,
    as_json: bool,
) -> None:
    """Show who is asked about a TENANT's pages; with NAMES, set it, in this order.

    `local` alone keeps all page text on this machine.
    """
    if reset and names:
        raise click.UsageError("--reset takes no NAMES")
    if reset or names:
        program.ask(lambda s: ai_accounts.set_providers(s, tenant, space, names))
    elif space is not None:
        raise click.UsageError("--space goes with NAMES or --reset")
    rows = program.ask(lambda s: ai_accounts.list_providers(s, tenant))
    tables.echo(rows, as_json=as_json)
