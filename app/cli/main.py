"""`confluence-ai`: the operator's commands."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click
from typing_extensions import override

from app import __version__
from app.cli import doctor, tables
from app.cli.ai import providers, quota, usage
from app.cli.author import author
from app.cli.budgets import budgets
from app.cli.evaluate import evaluate
from app.cli.merges import different, duplicates, merge
from app.cli.plans import apply, plan, plans, reset_tags, undo
from app.cli.policy import policy, resume, stop
from app.cli.program import Program
from app.cli.proposals import proposals
from app.cli.receipts import receipts
from app.cli.recommendations import recommendations
from app.cli.runs import runs
from app.cli.structure import structure
from app.cli.suggestions import suggestions
from app.cli.vocabulary import vocabulary
from app.cli.whitelist import import_whitelist, whitelist
from app.errors import AppError, ConfigurationError
from app.store import migrations
from app.store.encryption import new_key
from app.usecases import operate

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


class _Group(click.Group):
    """Tells named failures in a line, not a traceback; exit code 2 for settings."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            for problem in error.problems:
                _complain(problem)
            ctx.exit(2)
        except AppError as error:
            _complain(str(error))
            ctx.exit(1)


def _complain(problem: str) -> None:
    click.echo(f"error: {tables.on_one_line(problem)}", err=True)


def _space_key(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Refuse a script's empty variable: it does not mean the whole site."""
    if value is not None and not operate.is_space_key(value):
        raise click.BadParameter("expected a space key, without white space")
    return value


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--env-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=None,
    help="Settings file; the environment goes over it.",
    # No default of click's own: that one need not exist, one that is named must.
    show_default=".env, if it is there",
)
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def cli(ctx: click.Context, env_file: Path | None) -> None:
    """Confluence AI: labels and summaries for every Confluence page."""
    if env_file is not None:
        ctx.obj.env_file = env_file


@cli.command()
@click.pass_obj
def serve(program: Program) -> None:
    """Answer the hosts over HTTP (and work, if the worker is embedded)."""
    program.serve(program.settings())


@cli.command()
@click.pass_obj
def worker(program: Program) -> None:
    """Work on jobs; several may run side by side on PostgreSQL."""
    program.work(program.settings())


@cli.command()
@click.pass_obj
def migrate(program: Program) -> None:
    """Bring the database to this version's schema."""
    settings = program.settings()
    asyncio.run(migrations.upgrade(settings.database_url))
    click.echo(f"database is at {migrations.head()}")


@cli.command()
@click.option(
    "--new-key", "make_key", is_flag=True, help="Print a fresh ENCRYPTION_KEYS entry."
)
@json_option
@click.pass_obj
def check(program: Program, *, make_key: bool, as_json: bool) -> None:
    """Doctor: say of each requirement whether it is met, and if not, why."""
    if make_key:
        click.echo(new_key())
        return
    settings = program.settings()
    findings = doctor.examine_settings(settings)
    findings += program.ask(lambda s: doctor.examine_services(settings, s))
    for finding in findings:
        if as_json:
            click.echo(json.dumps(finding.as_dict()))
        else:
            mark = "ok " if finding.good else "BAD"
            told = tables.on_one_line(finding.told)
            click.echo(f"{mark} {finding.subject}: {told}")
    if not all(finding.good for finding in findings):
        sys.exit(1)


@cli.group()
def tenants() -> None:
    """List sites; set their policy and whitelist."""


@tenants.command("list")
@json_option
@click.pass_obj
def list_tenants(program: Program, *, as_json: bool) -> None:
    """List every site that ever installed the app."""
    tables.echo(program.ask(operate.list_tenants), as_json=as_json)


@tenants.command("policy")
@click.argument("tenant")
@click.argument("mode", type=click.Choice(["off", "suggest", "auto"]))
@click.option(
    "--space",
    default=None,
    callback=_space_key,
    help="Key of one space; all of them without.",
)
@json_option
@click.pass_obj
def set_policy(
    program: Program, tenant: str, mode: str, space: str | None, *, as_json: bool
) -> None:
    """Set what may happen on a site, or in one of its spaces."""
    program.ask(lambda s: operate.set_policy(s, tenant, mode, space))
    if as_json:
        tables.echo([{"space": space, "mode": mode}], as_json=True)
        return
    whose = "the whole site" if space is None else space
    click.echo(f"policy of {whose} is now {mode}")


@tenants.command("allow")
@click.argument("tenant")
@click.argument("kind", type=click.Choice(["space", "page", "tree"]))
@click.argument("value")
@click.option("--remove", is_flag=True, help="Take the entry off the whitelist.")
@json_option
@click.pass_obj
def allow(
    program: Program,
    tenant: str,
    kind: Any,
    value: str,
    *,
    remove: bool,
    as_json: bool,
) -> None:
    """Whitelist a space key, a page id, or the page id of a tree's root."""
    entry = operate.whitelist_entry(kind, value)
    program.ask(lambda s: operate.change_whitelist(s, tenant, entry, remove=remove))
    if as_json:
        row = {"kind": kind, "value": entry.value, "is_allowed": not remove}
        tables.echo([row], as_json=True)
        return
    click.echo(f"{kind} {entry.value} is {'off' if remove else 'on'} the whitelist")


@cli.command()
@click.argument("tenant")
@click.option("--page", default=None, help="Only this page.")
@click.option(
    "--limit",
    default=20,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="At most so many.",
)
@json_option
@click.pass_obj
def audit(
    program: Program, tenant: str, page: str | None, limit: int, *, as_json: bool
) -> None:
    """Show who changed what, with before and after, newest first."""
    tables.echo(
        program.ask(lambda s: operate.list_audit(s, tenant, page, limit)),
        as_json=as_json,
    )


for command in (duplicates, different, merge):
    vocabulary.add_command(command)
cli.add_command(usage)
cli.add_command(quota)
tenants.add_command(providers)
tenants.add_command(whitelist)
tenants.add_command(import_whitelist)
cli.add_command(evaluate)
for command in (
    plan,
    apply,
    undo,
    reset_tags,
    plans,
    suggestions,
    runs,
    receipts,
    recommendations,
    proposals,
    vocabulary,
    policy,
    stop,
    resume,
    budgets,
    structure,
    author,
):
    cli.add_command(command)
