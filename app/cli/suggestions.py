"""`suggestions`: what waits for a person, and the person's word on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from app.cli import tables
from app.cli.decisions import tell_decided
from app.cli.ids import ID
from app.cli.program import Program
from app.usecases import review
from app.usecases.carry_out import carry_out_approved
from app.usecases.review import Decided, Waiting
from app.usecases.services import Services
from app.usecases.show_plan import item_row, told

#: Who acts at the command line, as the audit names them.
ACTOR = "cli"
#: Suggestions that one command decides at most.
_MOST = 10_000

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.group()
def suggestions() -> None:
    """Review what waits for a person."""


_F = TypeVar("_F", bound=Callable[..., None])


def _which(command: _F) -> _F:
    """Give a command the options that say which suggestions are meant."""
    for option in (
        click.option("--page", "page_id", default=None, help="Of this page."),
        click.option("--space", "space_key", default=None, help="Of this space (key)."),
        click.option("--label", default=None, help="Of this label."),
        click.option("--plan", "plan_id", type=ID, default=None, help="Of this plan."),
        click.option(
            "--at-least",
            type=click.FloatRange(0, 1),
            default=0.0,
            help="Of this confidence or more.",
        ),
    ):
        command = option(command)
    return command


@suggestions.command("list")
@click.argument("tenant")
@click.option(
    "--limit",
    default=100,
    show_default=True,
    type=click.IntRange(1, _MOST),
    help="At most so many.",
)
@_which
@_json
@click.pass_obj
def list_suggestions(
    program: Program, /, tenant: str, limit: int, *, as_json: bool, **which: Any
) -> None:
    """List what waits in TENANT, oldest first, with what speaks for it."""
    found = program.ask(
        lambda s: review.suggestions(s, tenant, Waiting(**which), limit=limit)
    )
    tables.echo([item_row(one) for one in found], as_json=as_json)


@suggestions.command()
@click.argument("tenant")
@click.argument("items", nargs=-1, type=ID)
@_which
@_json
@click.pass_obj
def approve(
    program: Program,
    /,
    tenant: str,
    items: tuple[int, ...],
    *,
    as_json: bool,
    **which: Any,
) -> None:
    """Approve ITEMS, or all that the options name, and write them to the site."""

    async def work(services: Services) -> Decided:
        ids = await _meant(services, tenant, items, Waiting(**which))
        decided = await review.approve(services, tenant, ids, by=ACTOR)
        await _write(services, tenant, decided)
        return decided

    _tell(program.ask(work), "approved", as_json=as_json)


@suggestions.command()
@click.argument("tenant")
@click.argument("items", nargs=-1, type=ID)
@_which
@_json
@click.pass_obj
def reject(
    program: Program,
    /,
    tenant: str,
    items: tuple[int, ...],
    *,
    as_json: bool,
    **which: Any,
) -> None:
    """Reject ITEMS, or all that the options name: they are not suggested there again."""

    async def work(services: Services) -> Decided:
        ids = await _meant(services, tenant, items, Waiting(**which))
        return await review.reject(services, tenant, ids, by=ACTOR)

    _tell(program.ask(work), "rejected", as_json=as_json)


@suggestions.command()
@click.argument("tenant")
@click.argument("item", type=ID)
@click.argument("text")
@_json
@click.pass_obj
def edit(program: Program, tenant: str, item: int, text: str, *, as_json: bool) -> None:
    """Approve ITEM in other words: TEXT is another label, or another summary."""

    async def work(services: Services) -> Decided:
        decided = await review.edit(services, tenant, item, text, by=ACTOR)
        await _write(services, tenant, decided)
        return decided

    _tell(program.ask(work), "approved", as_json=as_json)


async def _write(services: Services, tenant: str, decided: Decided) -> None:
    """Write what was approved to the site."""
    await carry_out_approved(
        services,
        tenant,
        decided.page_ids,
        actor=ACTOR,
        new_pages=decided.new_pages,
    )


async def _meant(
    services: Services, tenant: str, items: tuple[int, ...], which: Waiting
) -> tuple[int, ...]:
    """Return the ids that are meant; nothing named means nothing, never everything."""
    if items and which != Waiting():
        raise click.UsageError("name ITEMS, or say which by options; not both")
    if items:
        return items
    if which == Waiting():
        raise click.UsageError("name ITEMS, or say which by options")
    found = await review.suggestions(services, tenant, which, limit=_MOST)
    return tuple(one.item.id for one in found)


def _tell(decided: Decided, word: str, *, as_json: bool) -> None:
    rows = [
        {"item": one.id, "page": one.change.page_id, "change": told(one.change)}
        for one in decided.items
    ]
    tell_decided(rows, decided.conflicts, word, key="item", as_json=as_json)
