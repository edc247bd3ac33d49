"""`structure`: what would make a space's structure better, with reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from app.cli import tables
from app.cli.ids import ID
from app.cli.planned import ACTOR
from app.cli.program import Program
from app.cli.progress import progress_bar
from app.domain.outline.outline import Line, Outline
from app.domain.outline.proposals import Proposal
from app.domain.selection import Selection
from app.usecases import propose_structure as proposing
from app.usecases.services import Services

_SIGNS = {"": "", "moved": "→ ", "new": "+ "}
_SECTIONS = {
    "merge": "to be moved over",
    "split": "to become pages",
    "missing": "with the headings",
}


@click.command()
@click.argument("tenant")
@click.option("--space", default=None, help="Key of a space.")
@click.option("--tree", default=None, help="A page id, with all that stands below.")
@click.option("--plan", "number", type=ID, default=None, help="Show this one again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
@click.pass_obj
def structure(
    program: Program,
    tenant: str,
    *,
    space: str | None,
    tree: str | None,
    number: int | None,
    as_json: bool,
) -> None:
    """Propose an outline of a space or a tree of TENANT: moves, merges, splits, gaps.

    Nothing is written to the site. What a plan can do waits as suggestions: approve
    what you like with `suggestions approve`. The rest is advice.
    """
    if sum(one is not None for one in (space, tree, number)) != 1:
        raise click.UsageError("name one of --space, --tree and --plan")

    async def work(services: Services) -> tuple[int, Outline]:
        plan_id = number
        if plan_id is None:
            selection = (
                Selection.of("tree", tree)
                if tree is not None
                else Selection.of("space", space or "")
            )
            with progress_bar("pages", as_json=as_json) as progress:
                made = await proposing.propose_structure(
                    services, tenant, selection, author=ACTOR, progress=progress
                )
            plan_id = made.id
        return plan_id, await proposing.show_outline(services, tenant, plan_id)

    plan_id, found = program.ask(work)
    if as_json:
        tables.echo([{"plan": plan_id, **_head(found)}], as_json=True)
        tables.echo([one.as_json() for one in found.proposals], as_json=True)
        return
    for line in _told(tenant, plan_id, found):
        click.echo(tables.on_one_line(line))


def _head(found: Outline) -> dict[str, Any]:
    whole = found.as_json()
    return {name: whole[name] for name in ("pages", "lines", "left_out")}


def _told(tenant: str, plan_id: int, found: Outline) -> Iterator[str]:
    yield from drawn(found.lines)
    if found.left_out:
        yield f"... and {found.left_out} more sections"
    yield ""
    if not found.proposals:
        yield f"{found.pages} pages: nothing to propose"
    for place, one in enumerate(found.proposals, start=1):
        yield from _proposal(place, one)
    if any(one.item_ids for one in found.proposals):
        yield ""
        yield f"approve: confluence-ai suggestions approve {tenant} ITEM ..."
        yield f"what they change: confluence-ai plans show {tenant} {plan_id}"


def drawn(lines: tuple[Line, ...]) -> Iterator[str]:
    """Draw lines as a tree of text."""
    for place, line in enumerate(lines):
        words = f"{_SIGNS[line.mark]}{line.title}"
        if line.below:
            words += f" ({line.below})"
        if line.depth:
            yield f"{_rails(lines, place)}{words}"
        else:
            yield words


def _rails(lines: tuple[Line, ...], place: int) -> str:
    """Return what stands before a line: rails go on where more of their level follows."""
    own = lines[place].depth
    open_levels: set[int] = set()
    lowest = own + 1
    for later in lines[place + 1 :]:
        if later.depth < lowest:
            open_levels.add(later.depth)
            lowest = later.depth
        elif later.depth == own and lowest > own:
            open_levels.add(own)
            lowest = own
        if lowest <= 1:
            break
    rails = "".join("│   " if at in open_levels else "    " for at in range(1, own))
    return rails + ("├── " if own in open_levels else "└── ")


def _proposal(place: int, one: Proposal) -> Iterator[str]:
    aim = f" → below “{one.parent_title}”" if one.kind in ("move", "missing") else ""
    if one.new_title:
        aim = f" → “{one.new_title}”"
    about = f" [page {one.page_id}]" if one.page_id else ""
    yield f"{place}. {one.kind}: “{one.title}”{about}{aim} ({one.confidence:.0%} sure)"
    yield f"   {one.reason}"
    if one.evidence:
        yield f"   see: {'; '.join(one.evidence)}"
    if one.sections:
        yield f"   {_SECTIONS[one.kind]}: {'; '.join(one.sections)}"
    if one.item_ids:
        yield f"   items: {' '.join(map(str, one.item_ids))}"
    if one.by_hand:
        yield f"   by hand: {one.by_hand}"
