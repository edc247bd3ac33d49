"""`author`: new pages from templates and proposals, and sections of pages; all as plans."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from app.cli.ids import ID
from app.cli.planned import ACTOR, plan_and_apply
from app.cli.program import Program
from app.domain.templates import values_of
from app.usecases.author_page import NewPageWish, plan_new_page
from app.usecases.author_section import LOWEST_LEVEL, How, SectionWish, plan_section

#: Bytes of a file that is read.
_LARGEST = 5 * 2**20

_F = TypeVar("_F", bound=Callable[..., Any])


def _plan_options(command: _F) -> _F:
    """Give a command the options of all commands that make plans."""
    for option in (
        click.option("--apply", "at_once", is_flag=True, help="Carry it out as well."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON lines."),
    ):
        command = option(command)
    return command


@click.group()
def author() -> None:
    """Write pages: each time as a plan that shows what would be written."""


@author.command()
@click.argument("tenant")
@click.option("--template-page", "template_id", default=None, help="Id of a page.")
@click.option(
    "--template-file",
    type=click.File("r", encoding="utf-8"),
    default=None,
    help="A file with {{placeholders}}; - reads from the terminal.",
)
@click.option(
    "--from-proposal",
    "proposal",
    type=ID,
    default=None,
    metavar="ITEM",
    help="An item of `structure` that waits.",
)
@click.option(
    "--storage", "is_storage", is_flag=True, help="The file is storage format."
)
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option("--title", default=None, help="May have placeholders.")
@click.option("--space", "space_key", default=None, help="Key of its space.")
@click.option("--parent", "parent_id", default=None, help="Id of the page above it.")
@click.option("--publish", is_flag=True, help="Publish it; else it is a draft.")
@_plan_options
@click.pass_obj
def create(
    program: Program,
    /,
    tenant: str,
    template_file: Any,
    pairs: tuple[str, ...],
    *,
    at_once: bool,
    yes: bool,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Make a page of TENANT from a template, or from a proposal of `structure`.

    Values are text: nothing in them becomes markup. A draft unless --publish.
    """
    template = None if template_file is None else _read(template_file)
    wish = NewPageWish(template=template, values=values_of(pairs), **wanted)
    _plan(
        program,
        tenant,
        lambda s: plan_new_page(s, tenant, wish, author=ACTOR),
        at_once=at_once,
        yes=yes,
        as_json=as_json,
    )


@author.command()
@click.argument("tenant")
@click.argument("page_id", metavar="PAGE")
@click.option("--heading", required=True, help="Its heading; '' is the page's lead.")
@click.option(
    "--text",
    type=click.File("r", encoding="utf-8"),
    default=None,
    help="A file with what it should say; - reads from the terminal.",
)
@click.option("--append", is_flag=True, help="Add the text at the section's end.")
@click.option("--remove", is_flag=True, help="Remove the section.")
@click.option(
    "--storage", "is_storage", is_flag=True, help="The text is storage format."
)
@click.option(
    "--level",
    type=click.IntRange(1, LOWEST_LEVEL),
    default=2,
    show_default=True,
    help="Of the heading, if the section is new.",
)
@_plan_options
@click.pass_obj
def section(
    program: Program,
    /,
    tenant: str,
    page_id: str,
    heading: str,
    text: Any,
    *,
    append: bool,
    remove: bool,
    is_storage: bool,
    level: int,
    at_once: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Replace, extend or remove a section of PAGE; all else of it stays as it is.

    Lines of the text that begin with #, - or 1. are headings and lists.
    """
    if remove == (text is not None) or (append and remove):
        raise click.UsageError("give --text, perhaps with --append; or --remove alone")
    how: How = "remove" if remove else "append" if append else "replace"
    wish = SectionWish(
        page_id=page_id,
        heading=heading,
        how=how,
        text="" if text is None else _read(text),
        is_storage=is_storage,
        level=level,
    )
    _plan(
        program,
        tenant,
        lambda s: plan_section(s, tenant, wish, author=ACTOR),
        at_once=at_once,
        yes=yes,
        as_json=as_json,
    )


def _plan(
    program: Program,
    tenant: str,
    make: Callable[[Any], Awaitable[Any]],
    *,
    at_once: bool,
    yes: bool,
    as_json: bool,
) -> None:
    plan_and_apply(program, tenant, make, at_once=at_once, yes=yes, as_json=as_json)


def _read(file: Any) -> str:
    try:
        text: str = file.read(_LARGEST + 1)
    except UnicodeDecodeError:
        raise click.UsageError(f"{file.name} is not text in UTF-8") from None
    if len(text) > _LARGEST:
        raise click.UsageError(f"{file.name} is larger than a page may be")
    return text
