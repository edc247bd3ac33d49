"""Says what making a plan will cost, and what is left to pay for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from app.cli import tables
from app.usecases.estimate_plan import PlanForecast


def tell_forecast(forecast: PlanForecast, *, as_json: bool) -> None:
    """Say it in lines for people; scripts find it beside the progress, on stderr."""
    row = forecast.as_row()
    if as_json:
        click.echo(json.dumps({"forecast": row}), err=True)
        return
    click.echo(
        tables.on_one_line(
            f"making this plan: {row['pages']} pages, at most {row['tokens']} tokens "
            f"and ${row['usd']} ({row['provider']} {row['model']}, by "
            f"{row['known_from']}), {row['points']} Confluence points, about "
            f"{row['seconds']:g} s"
        )
    )
    for budget in forecast.budgets:
        whose = "the site" if budget["space"] is None else budget["space"]
        rest = ", ".join(_rest(budget))
        click.echo(
            tables.on_one_line(
                f"left in the budget of {whose} for the {budget['period']}: {rest}"
            )
        )


def _rest(budget: Mapping[str, Any]) -> Iterator[str]:
    if budget["left_usd"] is not None:
        yield f"${budget['left_usd']}"
    if budget["left_tokens"] is not None:
        yield f"{budget['left_tokens']} tokens"
