"""`proposals`: new names that the AI would like, and a person's word on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from app.cli import tables
from app.cli.decisions import tell_decided
from app.cli.program import Program
from app.usecases import decide_proposals
from app.usecases.decide_proposals import Decided
from app.usecases.services import Services

#: Who acts at the command line, as the audit names them.
ACTOR = "cli"

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_F = TypeVar("_F", bound=Callable[..., None])
_Judge = Callable[[Services, tuple[str, ...]], Awaitable[Decided]]


@click.group()
def proposals() -> None:
    """Decide on names that the AI proposed and the vocabulary lacks."""


def _which(command: _F) -> _F:
    """Give a command the option that names proposals by how often they came."""
    return click.option(
        "--at-least",
        type=click.IntRange(1),
        default=None,
        help="All that were proposed on so many pages or more.",
    )(command)


@proposals.command("list")
@click.argument("tenant")
@click.option(
    "--limit",
    default=100,
    show_default=True,
    type=click.IntRange(1, 5000),
    help="At most so many.",
)
@_which
@_json
@click.pass_obj
def list_proposals(
    program: Program, tenant: str, limit: int, at_least: int | None, *, as_json: bool
) -> None:
    """List the names that wait in TENANT, most proposed first, with what speaks for them."""
    found = program.ask(
        lambda s: decide_proposals.list_proposals(
            s, tenant, at_least=at_least or 1, limit=limit
        )
    )
    rows = [
        {
            "name": one.name,
            "pages": one.count,
            "latest": list(one.pages),
            "seen": one.seen_at.isoformat(timespec="seconds"),
            "evidence": one.evidence,
        }
        for one in found
    ]
    tables.echo(rows, as_json=as_json)


@proposals.command()
@click.argument("tenant")
@click.argument("names", nargs=-1)
@_which
@_json
@click.pass_obj
def accept(program: Program, /, tenant: str, **said: Any) -> None:
    """Make terms of NAMES, or of all that --at-least names."""

    def judge(services: Services, names: tuple[str, ...]) -> Awaitable[Decided]:
        return decide_proposals.accept(services, tenant, names, by=ACTOR)

    _decide(program, tenant, judge, "accepted", **said)


@proposals.command("map")
@click.argument("tenant")
@click.argument("names", nargs=-1, required=True)
@click.option("--to", "term", required=True, help="The term, by any name of it.")
@_json
@click.pass_obj
def map_names(
    program: Program, tenant: str, names: tuple[str, ...], term: str, *, as_json: bool
) -> None:
    """Make NAMES synonyms of a term: they lead to it from then on."""

    def judge(services: Services, names: tuple[str, ...]) -> Awaitable[Decided]:
        return decide_proposals.map_to(services, tenant, names, term, by=ACTOR)

    _decide(program, tenant, judge, "mapped", names=names, as_json=as_json)


@proposals.command()
@click.argument("tenant")
@click.argument("names", nargs=-1, required=True)
@_json
@click.pass_obj
def reject(
    program: Program, tenant: str, names: tuple[str, ...], *, as_json: bool
) -> None:
    """Reject NAMES for good: they are not proposed again, in no spelling."""

    def judge(services: Services, names: tuple[str, ...]) -> Awaitable[Decided]:
        return decide_proposals.reject(services, tenant, names, by=ACTOR)

    _decide(program, tenant, judge, "rejected", names=names, as_json=as_json)


def _decide(
    program: Program,
    tenant: str,
    judge: _Judge,
    word: str,
    *,
    names: tuple[str, ...],
    as_json: bool,
    at_least: int | None = None,
) -> None:
    if bool(names) == (at_least is not None):
        raise click.UsageError("name NAMES, or say which by --at-least; not both")

    async def work(services: Services) -> Decided:
        wanted = names or await _often(services, tenant, at_least)
        return await judge(services, wanted)

    _tell(program.ask(work), word, as_json=as_json)


async def _often(
    services: Services, tenant: str, at_least: int | None
) -> tuple[str, ...]:
    found = await decide_proposals.list_proposals(
        services, tenant, at_least=at_least or 1
    )
    return tuple(one.name for one in found)


def _tell(decided: Decided, word: str, *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {"name": one.name, "state": one.state, "to": one.mapped_to}
        for one in decided.proposals
    ]
    tell_decided(rows, decided.conflicts, word, key="name", as_json=as_json)
