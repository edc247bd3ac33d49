"""`vocabulary duplicates`, `different`, `merge`: labels that are one, and made one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from app.cli import tables
from app.cli.planned import ACTOR, plan_and_apply
from app.cli.program import Program
from app.domain.vocabulary.duplicates import LOWEST, Group
from app.usecases import find_duplicates as finding
from app.usecases.merge_labels import plan_merge

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.command("duplicates")
@click.argument("tenant")
@click.option(
    "--min",
    "lowest",
    default=LOWEST,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Leave out what is less likely.",
)
@_json
@click.pass_obj
def duplicates(program: Program, tenant: str, lowest: float, *, as_json: bool) -> None:
    """List terms of TENANT that are likely one label, and which one would stay.

    Nothing is changed. `merge` makes them one; `different` has a pair stay away.
    """
    found = program.ask(lambda s: finding.find_duplicates(s, tenant, lowest=lowest))
    if as_json:
        tables.echo([_told(one) for one in found], as_json=True)
        return
    tables.echo([_row(one) for one in found], as_json=False)


@click.command("different")
@click.argument("tenant")
@click.argument("one")
@click.argument("other")
@click.option("--forget", is_flag=True, help="They may be one after all.")
@_json
@click.pass_obj
def different(
    program: Program,
    tenant: str,
    one: str,
    other: str,
    *,
    forget: bool,
    as_json: bool,
) -> None:
    """Say that ONE and OTHER are different: they are not proposed as one again."""
    program.ask(
        lambda s: finding.call_different(
            s, tenant, one, other, by=ACTOR, after_all=forget
        )
    )
    if as_json:
        row = {"terms": sorted((one, other)), "different": not forget}
        tables.echo([row], as_json=True)
        return
    said = "may be one" if forget else "are different"
    click.echo(tables.on_one_line(f"{one} and {other} {said}"))


@click.command("merge")
@click.argument("tenant")
@click.argument("names", metavar="FROM...", nargs=-1, required=True)
@click.option("--into", required=True, metavar="TERM", help="The one that stays.")
@click.option("--apply", "at_once", is_flag=True, help="Carry the merge out as well.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
@click.pass_obj
def merge(
    program: Program,
    tenant: str,
    names: tuple[str, ...],
    *,
    into: str,
    at_once: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make labels FROM... one with TERM, on every page, whoever put them there.

    Makes a plan; carry it out with `apply`, or at once with --apply. The labels become
    other names of TERM when it is carried out. `undo --plan` brings both back.
    """
    plan_and_apply(
        program,
        tenant,
        lambda s: plan_merge(s, tenant, names, into, author=ACTOR),
        at_once=at_once,
        yes=yes,
        as_json=as_json,
    )


def _row(group: Group) -> Mapping[str, Any]:
    return {
        "stays": group.survivor,
        "would go": list(group.merged),
        "reason": group.reason,
        "score": group.score,
    }


def _told(group: Group) -> Mapping[str, Any]:
    return {
        "into": group.survivor,
        "merged": list(group.merged),
        "reason": group.reason,
        "score": group.score,
        "pairs": list(_pairs(group)),
    }


def _pairs(group: Group) -> Iterator[Mapping[str, Any]]:
    for one in group.likenesses:
        yield {"terms": sorted(one.pair), "reason": one.reason, "score": one.score}
