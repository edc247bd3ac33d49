"""Plans at the command line: shown, offered, carried out; and which pages they are for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click

from app.cli import tables
from app.cli.ids import ID
from app.cli.program import Program
from app.cli.progress import progress_bar
from app.domain.selection import Selection
from app.store.plans import StoredPlan
from app.usecases import carry_out as carrying, show_plan
from app.usecases.services import Services

#: Who acts at the command line, as the audit names them.
ACTOR = "cli"
#: Items that are shown; `plans show` has them all.
_SHOWN = 30
_STATES = {
    "planned": "to do",
    "waiting": "waiting for review",
    "approved": "approved",
    "applied": "done",
    "skipped": "skipped",
    "rejected": "rejected",
    "superseded": "superseded",
    "undone": "undone",
}
_COLUMNS = ("item", "page", "title", "change", "state", "reason", "confidence")


_F = TypeVar("_F", bound=Callable[..., None])


def which_pages(command: _F) -> _F:
    """Give a command the options that say which pages are meant; see `selection_of`."""
    for option in reversed(
        (
            click.option(
                "--page", "pages", multiple=True, help="A page id; may be repeated."
            ),
            click.option(
                "--tree", default=None, help="A page id, with all that stands below."
            ),
            click.option("--space", default=None, help="Key of a space."),
            click.option(
                "--cql", default=None, help="A query in Confluence's own language."
            ),
            click.option(
                "--resume", type=ID, default=None, help="Go on with this plan."
            ),
        )
    ):
        command = option(command)
    return command


def selection_of(
    pages: tuple[str, ...],
    *,
    tree: str | None,
    space: str | None,
    cql: str | None,
    resume: int | None,
) -> Selection | int:
    """Return the pages that the options name, or the plan that goes on.

    Raises:
        UsageError: They are named in no way, or in several.
    """
    named: dict[Any, tuple[str, ...]] = {
        "pages": pages,
        "tree": (tree,) if tree else (),
        "space": (space,) if space else (),
        "cql": (cql,) if cql else (),
    }
    chosen = [(kind, values) for kind, values in named.items() if values]
    if len(chosen) == 1 and resume is None:
        kind, values = chosen[0]
        return Selection.of(kind, *values)
    if chosen or resume is None:
        raise click.UsageError(
            "name the pages one way: --page, --tree, --space, --cql or --resume"
        )
    return resume


def plan_and_apply(
    program: Program,
    tenant: str,
    make: Callable[[Services], Awaitable[StoredPlan]],
    *,
    at_once: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make a plan and show it; carry it out `at_once`, unless somebody says no."""
    offer(
        program, tenant, program.ask(make).id, at_once=at_once, yes=yes, as_json=as_json
    )


def offer(
    program: Program,
    tenant: str,
    number: int,
    *,
    at_once: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Show a plan that was made; carry it out `at_once`, unless somebody says no."""
    if not at_once:
        show_plan_of(program, tenant, number, as_json=as_json)
        return
    if not (yes or as_json):
        show_plan_of(program, tenant, number, as_json=False)
        click.confirm("Carry it out?", abort=True)
    carry_out_plan(program, tenant, number, as_json=as_json)


def carry_out_plan(
    program: Program, tenant: str, number: int, *, as_json: bool
) -> None:
    """Carry a plan out, telling how far it is, and show what came of it."""

    async def work(services: Services) -> None:
        with progress_bar("pages", as_json=as_json) as progress:
            await carrying.carry_out(
                services, tenant, number, actor=ACTOR, progress=progress
            )

    program.ask(work)
    show_plan_of(program, tenant, number, as_json=as_json)


def show_plan_of(
    program: Program,
    tenant: str,
    number: int,
    *,
    as_json: bool,
    limit: int | None = _SHOWN,
) -> None:
    """Show a plan: what it would do, or did, and what that costs."""

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
    for line in _diffs(items):
        click.echo(tables.on_one_line(line))
    if left := head["changes"] - len(rows):
        click.echo(f"... and {left} more: confluence-ai plans show {tenant} {number}")
    for line in _lines(head):
        click.echo(tables.on_one_line(line))


def _diffs(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Walk what the items do to the words of pages: signs tell it, not colours."""
    for one in items:
        if one["diff"]:
            yield f"item {one['item']}: {one['title']}"
            yield from (f"  {line}" for line in one["diff"])


def _lines(head: Mapping[str, Any]) -> list[str]:
    estimate, spent = head["estimate"], head["spent"]
    became = ", ".join(
        f"{head[state]} {word}" for state, word in _STATES.items() if head[state]
    )
    is_now = f"plan {head['plan']} ({head['cause']}) is {head['state']}"
    lines = [f"{is_now}: {became or 'no changes'}"]
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
