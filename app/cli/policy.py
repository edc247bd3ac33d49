"""`policy`, `stop`, `resume`: what may happen where, and when nothing may."""

from __future__ import annotations

import click

from app.cli import tables
from app.cli.program import Program
from app.usecases import kill_switch, policies

#: Who acts at the command line, as the audit names them.
ACTOR = "cli"

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_space = click.option("--space", default=None, help="Of this space alone (its key).")


@click.group()
def policy() -> None:
    """Show and set what may happen on a site and in its spaces."""


@policy.command("show")
@click.argument("tenant")
@_space
@_json
@click.pass_obj
def show(program: Program, tenant: str, space: str | None, *, as_json: bool) -> None:
    """Show every field of TENANT's policy, and who set it: nobody, the site, the space."""
    rows = program.ask(lambda s: policies.show_policy(s, tenant, space))
    tables.echo(rows, as_json=as_json)


@policy.command("set")
@click.argument("tenant")
@click.argument("fields", nargs=-1, required=True, metavar="FIELD=VALUE...")
@_space
@_json
@click.pass_obj
def set_fields(
    program: Program,
    tenant: str,
    fields: tuple[str, ...],
    space: str | None,
    *,
    as_json: bool,
) -> None:
    """Set fields of TENANT's policy; FIELD= alone takes a field back.

    For instance: mode=suggest max_labels=3 summary_place=excerpt
    scope.exclude_titles='^Draft,^WIP' thresholds.security=0.9 local_only=true
    """
    pairs = [_pair(field) for field in fields]
    program.ask(lambda s: policies.set_policy_fields(s, tenant, space, pairs, by=ACTOR))
    if as_json:
        rows = program.ask(lambda s: policies.show_policy(s, tenant, space))
        names = {name for name, _ in pairs}
        tables.echo([row for row in rows if row["field"] in names], as_json=True)
        return
    whose = "the whole site" if space is None else space
    click.echo(f"policy of {whose}: {len(pairs)} set")


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.UsageError(f"expected FIELD=VALUE, not {tables.on_one_line(text)}")
    return name.strip(), value


@click.command()
@click.argument("tenant", required=False)
@_json
@click.pass_obj
def stop(program: Program, tenant: str | None, *, as_json: bool) -> None:
    """Stop TENANT, or everything: no work, no AI call, no write until `resume`."""
    program.ask(lambda s: kill_switch.stop(s, tenant, by=ACTOR))
    if as_json:
        _tell_standstills(program)
        return
    click.echo(f"{tenant or 'everything'} stands still until `resume`")


@click.command()
@click.argument("tenant", required=False)
@_json
@click.pass_obj
def resume(program: Program, tenant: str | None, *, as_json: bool) -> None:
    """Let TENANT, or everything, go on."""
    program.ask(lambda s: kill_switch.resume(s, tenant, by=ACTOR))
    if as_json:
        _tell_standstills(program)
        return
    left = program.ask(kill_switch.standstills)
    click.echo(f"{tenant or 'everything'} goes on")
    for name, why in left.items():
        click.echo(f"still standing: {name}: {why}", err=True)


def _tell_standstills(program: Program) -> None:
    """Print what stands still now, a line each: `all`, or a tenant."""
    left = program.ask(kill_switch.standstills)
    rows = [{"stopped": name, "why": why} for name, why in left.items()]
    tables.echo(rows, as_json=True)
