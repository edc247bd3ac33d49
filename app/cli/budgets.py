"""`budgets`: what a site may spend on the AI, and what it has spent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from typing_extensions import override

from app.cli import tables
from app.cli.program import Program
from app.domain.budgets import Budget, Period, read_tokens, read_usd
from app.usecases import budgets as use

#: Who acts at the command line, as the audit names them.
ACTOR = "cli"


class _Amount(click.ParamType[int]):
    """An amount that is read exactly."""

    def __init__(self, name: str, read: Callable[[str], int]) -> None:
        self.name = name
        self._read = read

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return it as whole units."""
        try:
            return self._read(str(value))
        except ValueError as error:
            self.fail(f"{tables.on_one_line(str(value))}: {error}", param, ctx)


_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_space = click.option("--space", default=None, help="Of this space alone (its key).")
_period = click.option(
    "--period",
    type=click.Choice(["day", "month"]),
    required=True,
    help="In UTC: from midnight, or from the first of the month.",
)


@click.group()
def budgets() -> None:
    """Show and set what a site may spend on the AI."""


@budgets.command("show")
@click.argument("tenant")
@_json
@click.pass_obj
def show(program: Program, tenant: str, *, as_json: bool) -> None:
    """Show TENANT's budgets: limits, what is spent, held and left, until when.

    Money is in US dollars.
    """
    rows = program.ask(lambda s: use.show_budgets(s, tenant))
    tables.echo(rows, as_json=as_json)


@budgets.command("set")
@click.argument("tenant")
@_space
@_period
@click.option(
    "--usd",
    type=_Amount("dollars", read_usd),
    default=None,
    help="US dollars, with at most 6 decimals.",
)
@click.option(
    "--tokens",
    type=_Amount("tokens", read_tokens),
    default=None,
    help="Tokens, read and written together.",
)
@click.option(
    "--soft",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.8,
    show_default=True,
    help="Warn from this share of a limit on.",
)
@_json
@click.pass_obj
def set_budget(
    program: Program,
    tenant: str,
    *,
    space: str | None,
    period: Period,
    usd: int | None,
    tokens: int | None,
    soft: float,
    as_json: bool,
) -> None:
    """Set what TENANT may spend in each period; it takes the place of the one before.

    Where it is spent, pages wait for the next period, unless a provider that costs
    nothing (`local`) stands later in their order.
    """
    if usd is None and tokens is None:
        raise click.UsageError("give --usd, --tokens, or both")
    wanted = Budget(period=period, micro_usd=usd, tokens=tokens, soft_share=soft)
    program.ask(lambda s: use.set_budget(s, tenant, space, wanted, by=ACTOR))
    tables.echo(program.ask(lambda s: use.show_budgets(s, tenant)), as_json=as_json)


@budgets.command("remove")
@click.argument("tenant")
@_space
@_period
@_json
@click.pass_obj
def remove(
    program: Program, tenant: str, space: str | None, period: Period, *, as_json: bool
) -> None:
    """Take a budget away: nothing is limited by it any more."""
    program.ask(lambda s: use.remove_budget(s, tenant, space, period, by=ACTOR))
    tables.echo(program.ask(lambda s: use.show_budgets(s, tenant)), as_json=as_json)
