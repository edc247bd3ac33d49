"""`plan`, `apply`, `undo`, `reset-tags`, `plans`: what would be done, done, taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from app.cli import tables
from app.cli.forecasts import tell_forecast
from app.cli.ids import ID
from app.cli.planned import (
    ACTOR,
    carry_out_plan,
    plan_and_apply,
    selection_of,
    show_plan_of,
    which_pages,
)
from app.cli.program import Program
from app.cli.progress import progress_bar
from app.usecases import make_plan, show_plan, undo as undoing
from app.usecases.estimate_plan import PlanForecast, estimate_plan
from app.usecases.services import Services

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_COLUMNS = (
    *("plan", "at", "cause", "state", "author", "undoes"),
    *("changes", "planned", "waiting", "applied", "skipped", "undone"),
)
_when = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M"])


@click.command()
@click.argument("tenant")
@which_pages
@_yes
@_json
@click.pass_obj
def plan(
    program: Program, /, tenant: str, *, yes: bool, as_json: bool, **named: Any
) -> None:
    """Say what would be done to pages of TENANT; nothing is written to the site.

    The AI is asked, and paid, while the plan is made: what that costs is told before.
    `apply` carries out exactly that plan without asking again. A plan that was cut off
    goes on with --resume.
    """
    meant = selection_of(**named)

    async def begin(services: Services) -> tuple[int, PlanForecast]:
        number = (
            meant
            if isinstance(meant, int)
            else await make_plan.start_plan(services, tenant, meant, author=ACTOR)
        )
        return number, await estimate_plan(services, tenant, number)

    async def draft(services: Services) -> None:
        with progress_bar("pages", as_json=as_json) as progress:
            await make_plan.draft_plan(services, tenant, number, progress=progress)

    number, forecast = program.ask(begin)
    tell_forecast(forecast, as_json=as_json)
    asks = forecast.costs_money and program.is_terminal() and not (yes or as_json)
    if asks and not click.confirm("Go on?"):
        click.echo(f"nobody was asked; to go on: plan {tenant} --resume {number}")
        return
    program.ask(draft)
    show_plan_of(program, tenant, number, as_json=as_json)


@click.command("apply")
@click.argument("tenant")
@click.argument("number", metavar="PLAN", type=ID)
@_yes
@_json
@click.pass_obj
def apply(
    program: Program, tenant: str, number: int, *, yes: bool, as_json: bool
) -> None:
    """Carry out PLAN: just that, page by page; what changed since is skipped."""
    if not (yes or as_json):
        show_plan_of(program, tenant, number, as_json=False)
        click.confirm("Carry it out?", abort=True)
    carry_out_plan(program, tenant, number, as_json=as_json)


@click.command()
@click.argument("tenant")
@click.option("--run", type=ID, default=None, help="What this run did.")
@click.option("--plan", "number", type=ID, default=None, help="What this plan did.")
@click.option("--page", default=None, help="What was done to this page.")
@click.option("--label", default=None, help="What was done with this label.")
@click.option("--space", default=None, help="What was done in this space (its key).")
@click.option("--since", type=_when, default=None, help="What was done from then on.")
@click.option("--until", type=_when, default=None, help="What was done before then.")
@click.option("--apply", "at_once", is_flag=True, help="Carry the undo out as well.")
@_yes
@_json
@click.pass_obj
def undo(
    program: Program,
    tenant: str,
    *,
    run: int | None,
    number: int | None,
    page: str | None,
    label: str | None,
    space: str | None,
    since: datetime | None,
    until: datetime | None,
    at_once: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Take back what was done: all that fits everything named.

    Makes a plan that touches only what we wrote and nobody changed since; carry it out
    with `apply`, or at once with --apply. An undo can be undone.
    """
    what = undoing.Undo(
        run_id=run,
        plan_id=number,
        page_id=page,
        label=label,
        space_key=space,
        since=_utc(since),
        until=_utc(until),
    )
    plan_and_apply(
        program,
        tenant,
        lambda s: undoing.plan_undo(s, tenant, what, author=ACTOR),
        at_once=at_once,
        yes=yes,
        as_json=as_json,
    )


@click.command("reset-tags")
@click.argument("tenant")
@click.argument("space")
@click.option("--root", default=None, help="Only this page and what stands below it.")
@click.option("--label", "labels", multiple=True, help="Only this label; repeatable.")
@click.option("--apply", "at_once", is_flag=True, help="Carry the reset out as well.")
@_yes
@_json
@click.pass_obj
def reset_tags(
    program: Program,
    tenant: str,
    space: str,
    *,
    root: str | None,
    labels: tuple[str, ...],
    at_once: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Take every label that we put off the pages of SPACE (its key).

    Labels of people stay, whatever they are called. The next run may choose again.
    """
    plan_and_apply(
        program,
        tenant,
        lambda s: undoing.plan_reset(
            s, tenant, space, root_id=root, labels=labels, author=ACTOR
        ),
        at_once=at_once,
        yes=yes,
        as_json=as_json,
    )


@click.group()
def plans() -> None:
    """List plans, and what is in them."""


@plans.command("list")
@click.argument("tenant")
@click.option(
    "--limit",
    default=20,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="At most so many.",
)
@_json
@click.pass_obj
def list_plans(program: Program, tenant: str, limit: int, *, as_json: bool) -> None:
    """List a TENANT's plans, newest first."""
    rows = program.ask(lambda s: show_plan.list_plans(s, tenant, limit=limit))
    if not as_json:
        rows = [{name: row[name] for name in _COLUMNS} for row in rows]
    tables.echo(rows, as_json=as_json)


@plans.command("show")
@click.argument("tenant")
@click.argument("number", metavar="PLAN", type=ID)
@_json
@click.pass_obj
def show(program: Program, tenant: str, number: int, *, as_json: bool) -> None:
    """Show all of a PLAN."""
    show_plan_of(program, tenant, number, as_json=as_json, limit=None)


def _utc(moment: datetime | None) -> datetime | None:
    """Return a moment; without a zone it is in this machine's."""
    return None if moment is None else moment.astimezone()
