"""`evaluate`: how good providers are on pages that people labelled."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from typing_extensions import override

from app.cli import evaluation_tables
from app.cli.program import Program
from app.domain.evaluation.answers import Trial
from app.domain.evaluation.report import report
from app.domain.evaluation.samples import Sample
from app.domain.evaluation.sites import Site, chosen
from app.errors import MalformedPayload, NotFound
from app.usecases.ai_ports import Provider
from app.usecases.evaluate import Course, evaluate as ask_everybody
from app.usecases.evaluation_pages import Named, read_file, read_space
from app.usecases.services import Services

_MOST_AT_ONCE = 64
#: What a shell tells of a program that was interrupted.
_INTERRUPTED = 130

_File = click.Path(path_type=Path, exists=True, dir_okay=False)
_COUNT = click.IntRange(0)


class _Memory(click.ParamType[int | None]):
    """`all`, or a number of pages."""

    name = "all|N"

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Return the number; None is all."""
        return None if value == "all" else _COUNT.convert(value, param, ctx)


@dataclass(slots=True, kw_only=True)
class _Wanted:
    """What was asked for, and what has been answered so far."""

    data: Path | None
    vocabulary: Path | None
    space: str | None
    tenant: str | None
    providers: tuple[str, ...]
    memory: int | None
    limit: int | None
    seed: int
    at_once: int
    shows_progress: bool
    models: dict[str, str] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)


@click.command()
@click.option("--data", type=_File, help="Labelled pages, a JSON object a line.")
@click.option(
    "--vocabulary", type=_File, help="Labels of each source of the data, as JSON."
)
@click.option("--space", help="Measure on a space of a site instead: its key.")
@click.option("--tenant", help="The site, if several use the app.")
@click.option(
    "--provider",
    "providers",
    default="local",
    show_default=True,
    metavar="NAME[,NAME]",
    help="Who is asked; paid providers cost a call a page.",
)
@click.option(
    "--memory",
    type=_Memory(),
    default="all",
    show_default=True,
    help="Labelled pages that a site remembers.",
)
@click.option("--limit", type=click.IntRange(1), help="Ask about so many pages only.")
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="The same draws the same pages.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, _MOST_AT_ONCE),
    default=1,
    show_default=True,
    help="Pages asked about at the same time.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    *,
    data: Path | None,
    vocabulary: Path | None,
    space: str | None,
    tenant: str | None,
    providers: str,
    memory: int | None,
    limit: int | None,
    seed: int,
    at_once: int,
    as_json: bool,
) -> None:
    """Measure providers on pages whose labels people chose.

    Each page is taken out of its site's memory before it is asked about, and all
    providers see the same memory. Nothing is written to any site. Ctrl-C prints what
    is known by then.
    """
    if (data is None) == (space is None):
        raise click.UsageError("name the pages: either --data or --space")
    wanted = _Wanted(
        data=data,
        vocabulary=vocabulary,
        space=space,
        tenant=tenant,
        providers=tuple(dict.fromkeys(map(str.strip, providers.split(",")))),
        memory=memory,
        limit=limit,
        seed=seed,
        at_once=at_once,
        shows_progress=sys.stderr.isatty() and not as_json,
    )
    interrupted = _ask(ctx.obj, wanted)
    if wanted.trials:
        _print(wanted, interrupted=interrupted, as_json=as_json)
    if interrupted:
        click.echo(f"interrupted after {len(wanted.trials)} pages", err=True)
        ctx.exit(_INTERRUPTED)


def _ask(program: Program, wanted: _Wanted) -> bool:
    """Fill `wanted`; return whether somebody grew tired of waiting."""
    try:
        program.ask(lambda services: _measure(services, wanted))
    except KeyboardInterrupt:
        return True
    return False


async def _measure(services: Services, wanted: _Wanted) -> None:
    providers = _providers(services, wanted.providers)
    wanted.models.update({name: one.model for name, one in providers.items()})
    sites, course = await _sites(services, wanted)
    pages = chosen(sites, limit=wanted.limit, seed=wanted.seed)
    await _ask_about(pages, providers, course, wanted)


def _providers(services: Services, names: tuple[str, ...]) -> Mapping[str, Provider]:
    known = services.providers
    if unknown := [name for name in names if name not in known]:
        reason = f"no provider {', '.join(unknown)}; there are: {', '.join(known)}"
        raise NotFound(reason)
    return {name: known[name] for name in names}


async def _sites(services: Services, wanted: _Wanted) -> tuple[list[Site], Course]:
    course = Course(memory=wanted.memory, seed=wanted.seed, at_once=wanted.at_once)
    if wanted.data is not None:
        vocabulary = _read(wanted.vocabulary) if wanted.vocabulary else None
        return await read_file(services, _read(wanted.data), vocabulary), course
    tenant, site = await read_space(services, wanted.space or "", wanted.tenant)
    return [site], Course(
        memory=wanted.memory,
        seed=wanted.seed,
        at_once=wanted.at_once,
        tenant_id=tenant,
    )


async def _ask_about(
    pages: list[tuple[Site, Sample]],
    providers: Mapping[str, Provider],
    course: Course,
    wanted: _Wanted,
) -> None:
    with click.progressbar(
        length=len(pages),
        label="pages",
        file=sys.stderr,
        hidden=not wanted.shows_progress,
    ) as bar:

        def done(trial: Trial) -> None:
            wanted.trials.append(trial)
            bar.update(1)

        await ask_everybody(pages, providers, course, done=done)


def _read(path: Path) -> Named:
    try:
        return path.name, path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedPayload(path.name, f"no UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise MalformedPayload(path.name, f"unreadable ({error.strerror})") from error


def _print(wanted: _Wanted, *, interrupted: bool, as_json: bool) -> None:
    found = {
        "memory": "all" if wanted.memory is None else wanted.memory,
        "limit": wanted.limit,
        "seed": wanted.seed,
        "interrupted": interrupted,
        **report(wanted.trials, models=wanted.models, seed=wanted.seed),
    }
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        evaluation_tables.show(found)
