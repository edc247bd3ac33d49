"""`vocabulary`: the labels that a site means to use, seen and steered."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import click

from app.cli import tables
from app.cli.program import Program
from app.domain.vocabulary.editing import Edit
from app.domain.vocabulary.files import LARGEST_FILE, FileKind
from app.domain.vocabulary.saying import told
from app.errors import TermsRefused
from app.usecases import edit_vocabulary, exchange_vocabulary, show_vocabulary
from app.usecases.edit_vocabulary import Place

#: Who acts at the command line, as the audit names them.
ACTOR = "cli"

#: Changes that people are shown one by one.
_SHOWN = 50
_KINDS = ("csv", "json")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_space = click.option(
    "--space", default=None, help="What this space (its key) says over the site."
)


def _format(help_text: str) -> Callable[[Any], Any]:
    return click.option(
        "--format", "kind", type=click.Choice(_KINDS), default=None, help=help_text
    )


@click.group()
def vocabulary() -> None:
    """Show and steer the labels that a site means to use."""


@vocabulary.command("list")
@click.argument("tenant")
@_space
@_json
@click.pass_obj
def list_terms(
    program: Program, tenant: str, space: str | None, *, as_json: bool
) -> None:
    """List TENANT's terms, with their use.

    PEOPLE and OURS count the pages of the site that people, and we, put the label on.
    """
    place = Place(tenant_id=tenant, space_key=space)
    rows = program.ask(lambda s: show_vocabulary.list_terms(s, place))
    if as_json or not rows:
        tables.echo(rows, as_json=as_json)
        return
    tables.echo([_short(row) for row in rows], as_json=False)


@vocabulary.command("show")
@click.argument("tenant")
@click.argument("name")
@_space
@_json
@click.pass_obj
def show_term(
    program: Program, tenant: str, name: str, space: str | None, *, as_json: bool
) -> None:
    """Show a term by NAME: its own, in any spelling, or a synonym in any language."""
    place = Place(tenant_id=tenant, space_key=space)
    row = program.ask(lambda s: show_vocabulary.show_term(s, place, name))
    if as_json:
        tables.echo([row], as_json=True)
        return
    for field, value in row.items():
        click.echo(f"{field}: {tables.told(value)}")


@vocabulary.command("set")
@click.argument("tenant")
@click.argument("name")
@click.argument("fields", nargs=-1, metavar="FIELD=VALUE...")
@_space
@_json
@click.pass_obj
def set_term(
    program: Program,
    tenant: str,
    name: str,
    fields: tuple[str, ...],
    space: str | None,
    *,
    as_json: bool,
) -> None:
    """Add the term NAME or change it; FIELD= alone takes a field back.

    Fields: description, synonyms (with commas, or | between them), parent, excluded,
    manual_only, min_confidence. In a space, `-` says of description, synonyms or parent
    that there is none here, whatever the site says.

    For instance: backup synonyms='резервна копія, Sicherung' min_confidence=0.8
    """
    place = Place(tenant_id=tenant, space_key=space)
    pairs = [_pair(field) for field in fields]
    with _told(as_json=as_json):
        done = program.ask(
            lambda s: edit_vocabulary.set_term(s, place, name, pairs, by=ACTOR)
        )
    _tell(done, as_json=as_json)


@vocabulary.command("remove")
@click.argument("tenant")
@click.argument("names", nargs=-1, required=True)
@_space
@_json
@click.pass_obj
def remove_terms(
    program: Program,
    tenant: str,
    names: tuple[str, ...],
    space: str | None,
    *,
    as_json: bool,
) -> None:
    """Remove the terms NAMES; with --space, take back what the space says of them.

    Labels stay on pages. A removed term is not proposed or learned again; `set` adds it.
    """
    place = Place(tenant_id=tenant, space_key=space)
    with _told(as_json=as_json):
        done, spaces = program.ask(
            lambda s: edit_vocabulary.remove_terms(s, place, names, by=ACTOR)
        )
    _tell(done, as_json=as_json)
    if spaces:
        listed = tables.on_one_line(", ".join(spaces))
        click.echo(
            f"still terms of these spaces, by their own word: {listed}", err=True
        )


@vocabulary.command("import")
@click.argument("tenant")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@_space
@_format("How FILE is written; by its name without this.")
@click.option("--replace", is_flag=True, help="Remove terms that are not in FILE.")
@click.option("--dry-run", is_flag=True, help="Show what would change.")
@_json
@click.pass_obj
def import_terms(
    program: Program,
    tenant: str,
    file: str,
    space: str | None,
    kind: FileKind | None,
    *,
    replace: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take in terms from FILE (CSV or JSON; - is standard input): all of it, or nothing.

    Columns: name, description, synonyms, parent, excluded, manual_only, min_confidence.
    A column that is missing leaves things as they are; an empty cell takes back.
    """
    place = Place(tenant_id=tenant, space_key=space)
    written = kind or _kind(file)
    with _opened(file, "rb") as source:
        content = source.read(LARGEST_FILE + 1)
    with _told(as_json=as_json):
        done = program.ask(
            lambda s: exchange_vocabulary.import_terms(
                s, place, content, written, replace=replace, dry_run=dry_run, by=ACTOR
            )
        )
    _tell(done, as_json=as_json, would=dry_run)


@vocabulary.command("export")
@click.argument("tenant")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@_space
@_format("How to write; by FILE's name without this, csv for the screen.")
@click.pass_obj
def export_terms(
    program: Program,
    tenant: str,
    file: str,
    space: str | None,
    kind: FileKind | None,
) -> None:
    """Write TENANT's terms, or what a space says of them, to FILE (or to the screen).

    `import` reads it back without loss.
    """
    place = Place(tenant_id=tenant, space_key=space)
    written = kind or ("csv" if file == "-" else _kind(file))
    content = program.ask(lambda s: exchange_vocabulary.export_terms(s, place, written))
    with _opened(file, "wb") as target:
        target.write(content)


@contextmanager
def _opened(path: str, mode: str) -> Iterator[IO[bytes]]:
    """Open a file; one that is written appears whole, or not at all."""
    try:
        with click.open_file(path, mode, atomic=mode == "wb" and path != "-") as file:
            yield file
    except OSError as error:
        raise click.FileError(path, hint=error.strerror or "") from error


def _kind(name: str) -> FileKind:
    suffix = Path(name).suffix.casefold().removeprefix(".")
    if suffix not in _KINDS:
        raise click.UsageError("say how it is written: --format csv, or --format json")
    return cast("FileKind", suffix)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.UsageError(f"expected FIELD=VALUE, not {tables.on_one_line(text)}")
    return name.strip(), value


def _short(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return of a term what fits into a line."""
    flags = [flag for flag in ("excluded", "manual_only") if row[flag]]
    if row["min_confidence"] is not None:
        flags.append(f"from {row['min_confidence']:g}")
    shown = {
        "term": row["term"],
        "people": row["people"],
        "ours": row["ours"],
        "synonyms": row["synonyms"],
        "parent": row["parent"],
        "rules": flags,
        "origin": row["origin"],
    }
    if "said_here" in row:
        shown["said_here"] = row["said_here"]
    return shown


@contextmanager
def _told(*, as_json: bool) -> Iterator[None]:
    """Tell every problem of terms in a line of its own."""
    try:
        yield
    except TermsRefused as error:
        if as_json:
            problems = [{"problem": one} for one in error.problems]
            tables.echo(problems, as_json=True)
        else:
            for one in error.problems:
                click.echo(f"error: {tables.on_one_line(one)}", err=True)
            click.echo("nothing was changed", err=True)
        sys.exit(1)


def _tell(done: Edit, *, as_json: bool, would: bool = False) -> None:
    rows = [
        *_changes(done, done.added, "added"),
        *_changes(done, done.changed, "changed"),
        *_changes(done, done.removed, "removed"),
    ]
    if as_json:
        tables.echo([{**row, "dry_run": would} for row in rows], as_json=True)
        return
    if not rows:
        click.echo("nothing would change" if would else "nothing to change")
        return
    tables.echo(rows[:_SHOWN], as_json=False)
    if len(rows) > _SHOWN:
        click.echo(f"… and {len(rows) - _SHOWN} more (--json shows all)")
    counts = (
        f"{len(done.added)} added, {len(done.changed)} changed, "
        f"{len(done.removed)} removed"
    )
    click.echo(f"would be: {counts}" if would else counts)


def _changes(
    done: Edit, names: Sequence[str], change: str
) -> Iterator[Mapping[str, Any]]:
    for name in names:
        before = told(done.before[name]) if name in done.before else {}
        after = told(done.after[name]) if name in done.after else {}
        fields = [
            key for key in {**before, **after} if before.get(key) != after.get(key)
        ]
        yield {"term": name, "change": change, "fields": fields}
