"""`plan`, `apply`, `undo`, `reset-tags`, `plans`: what would be done, done, taken back."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import click

from app.cli import tables
from app.cli.program import Program
from app.domain.selection import Selection
from app.store.plans import StoredPlan
from app.usecases import carry_out as carrying, make_plan, show_plan, undo as undoing
from app.usecases.make_plan import Progress
from app.usecases.services import Services

#: Who acts at the command line, as the audit names them.
ACTOR = "cli"
#: Items that are shown; `plans show` has them all.
_SHOWN = 30
_STATES = {
    "planned": "to do",
    "waiting": "waiting for review",
    "applied": "done",
    "skipped": "skipped",
    "undone": "undone",
}
_COLUMNS = ("item", "page", "title", "change", "state", "reason", "confidence")

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_when = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M"])


@click.command()
@click.argument("tenant")
@click.option("--page", "pages", multiple=True, help="A page id; may be repeated.")
@click.option("--tree", default=None, help="A page id, with all that stands below.")
@click.option("--space", default=None, help="Key of a space.")
@click.option("--cql", default=None, help="A query in Confluence's own language.")
@click.option("--resume", type=int, default=None, help="Go on with this plan.")
@_json
@click.pass_obj
def plan(
    program: Program,
    tenant: str,
    pages: tuple[str, ...],
    *,
    tree: str | None,
    space: str | None,
    cql: str | None,
    resume: int | None,
    as_json: bool,
) -> None:
    """Say what would be done to pages of TENANT; nothing is written to the site.

    The AI is asked, and paid, while the plan is made; `apply` carries out exactly that
    plan without asking again. A plan that was cut off goes on with --resume.
    """
    named: dict[Any, tuple[str, ...]] = {
        "pages": pages,
        "tree": (tree,) if tree else (),
        "space": (space,) if space else (),
        "cql": (cql,) if cql else (),
    }
    chosen = [(kind, values) for kind, values in named.items() if values]
    if len(chosen) + (resume is not None) != 1:
        raise click.UsageError(
            "name the pages one way: --page, --tree, --space, --cql or --resume"
        )

    async def work(services: Services) -> int:
        plan_id = resume
        if plan_id is None:
            ((kind, values),) = chosen
            selection = Selection.of(kind, *values)
            plan_id = await make_plan.start_plan(
                services, tenant, selection, author=ACTOR
            )
        with _bar("pages", as_json=as_json) as progress:
            await make_plan.draft_plan(services, tenant, plan_id, progress=progress)
        return plan_id

    _show(program, tenant, program.ask(work), as_json=as_json)


@click.command("apply")
@click.argument("tenant")
@click.argument("number", metavar="PLAN", type=int)
@_yes
@_json
@click.pass_obj
def apply(
    program: Program, tenant: str, number: int, *, yes: bool, as_json: bool
) -> None:
    """Carry out PLAN: just that, page by page; what changed since is skipped."""
    if not (yes or as_json):
        _show(program, tenant, number, as_json=False)
        click.confirm("Carry it out?", abort=True)
    _carry_out(program, tenant, number, as_json=as_json)


@click.command()
@click.argument("tenant")
@click.option("--run", type=int, default=None, help="What this run did.")
@click.option("--plan", "number", type=int, default=None, help="What this plan did.")
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
    _plan_and_apply(
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
    _plan_and_apply(
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
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@_json
@click.pass_obj
def list_plans(program: Program, tenant: str, limit: int, *, as_json: bool) -> None:
    """List a TENANT's plans, newest first."""
    rows = program.ask(lambda s: show_plan.list_plans(s, tenant, limit=limit))
    tables.echo(rows, as_json=as_json)


@plans.command("show")
@click.argument("tenant")
@click.argument("number", metavar="PLAN", type=int)
@_json
@click.pass_obj
def show(program: Program, tenant: str, number: int, *, as_json: bool) -> None:
    """Show all of a PLAN."""
    _show(program, tenant, number, as_json=as_json, limit=None)


# ------------------------------------------------------------------------- what they do


def _plan_and_apply(
    program: Program,
    tenant: str,
    make: Callable[[Services], Awaitable[StoredPlan]],
    *,
    at_once: bool,
    yes: bool,
    as_json: bool,
) -> None:
    number = program.ask(make).id
    if not at_once:
        _show(program, tenant, number, as_json=as_json)
        return
    if not (yes or as_json):
        _show(program, tenant, number, as_json=False)
        click.confirm("Carry it out?", abort=True)
    _carry_out(program, tenant, number, as_json=as_json)


def _carry_out(program: Program, tenant: str, number: int, *, as_json: bool) -> None:
    async def work(services: Services) -> None:
        with _bar("pages", as_json=as_json) as progress:
            await carrying.carry_out(
                services, tenant, number, actor=ACTOR, progress=progress
            )

    program.ask(work)
    _show(program, tenant, number, as_json=as_json)


def _show(
    program: Program,
    tenant: str,
    number: int,
    *,
    as_json: bool,
    limit: int | None = _SHOWN,
) -> None:
    async def work(services: Services) -> tuple[Mapping[str, Any], list[Any]]:
        return (
            await show_plan.show_plan(services, tenant, number),
            await show_plan.plan_items(
                services, tenant, number, limit=None if as_json else limit
            ),
        )

    head, items = program.ask(work)
    if as_json:
        tables.echo([head, *items], as_json=True)
        return
    rows = [{name: one[name] for name in _COLUMNS} for one in items]
    if rows:
        tables.echo(rows, as_json=False)
    if left := head["changes"] - len(rows):
        click.echo(f"... and {left} more: confluence-ai plans show {tenant} {number}")
    for line in _lines(head):
        click.echo(tables.on_one_line(line))


def _lines(head: Mapping[str, Any]) -> list[str]:
    estimate, spent = head["estimate"], head["spent"]
    became = ", ".join(f"{head[state]} {word}" for state, word in _STATES.items())
    lines = [f"plan {head['plan']} ({head['cause']}) is {head['state']}: {became}"]
    if head["pages"]:
        lines.append(f"pages: {_counted(head['pages'])}")
    if head["skipped_for"]:
        lines.append(f"skipped: {_counted(head['skipped_for'])}")
    lines.append(
        f"carrying it out: {estimate['pages']} pages, {estimate['points']} Confluence "
        f"points, {estimate['seconds']:g} s at best, no AI call"
    )
    if spent["tokens"] or spent["points"]:
        lines.append(
            f"making it took {spent['tokens']} tokens, ${spent['usd']:.4f}, "
            f"{spent['points']} points"
        )
    if head["left"]:
        lines.append(f"{head['left']} pages are still to be looked at: use --resume")
    return lines


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))


def _utc(moment: datetime | None) -> datetime | None:
    """Return a moment; without a zone it is in this machine's."""
    return None if moment is None else moment.astimezone()


class _bar:  # noqa: N801 - used like a function
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
