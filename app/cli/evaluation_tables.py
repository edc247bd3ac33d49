"""Shows an evaluation's report as tables that a person reads from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from app.cli import tables

Row = Mapping[str, Any]

#: Column -> figure.
_LABELS = {
    "pages": "n",
    "MAP": "map",
    "P@1": "p_at_1",
    "P@5": "p_at_5",
    "R@5": "r_at_5",
    "F1@5": "f1_at_5",
    "of at most": "f1_at_5_ceiling",
    "outside vocabulary": "out_of_vocabulary",
}
_APPLIED = {
    "pages": "n",
    "a page": "applied_per_page",
    "precision": "applied_precision",
    "recall": "applied_recall",
    "F1": "applied_f1",
    "micro P": "applied_precision_micro",
    "micro R": "applied_recall_micro",
    "micro F1": "applied_f1_micro",
    "F1 with suggestions": "suggested_f1",
    "calibration error": "calibration_error",
}
_SUMMARIES = {
    "pages": "n",
    "ROUGE-1": "rouge1",
    "ROUGE-2": "rouge2",
    "ROUGE-L": "rougeL",
    "words": "summary_words",
    "title said again": "title_overlap",
    "right language": "language_match",
    "invented words": "invented_words",
}
_COSTS = {
    "pages": "n",
    "failures": "failures",
    "p50 ms": "p50_ms",
    "p95 ms": "p95_ms",
    "USD": "cost_usd",
    "USD / 1,000 pages": "cost_usd_per_1000_pages",
}


def show(report: Mapping[str, Any]) -> None:
    """Print everything but what only a script wants."""
    _show_data(report)
    at = report["apply_at"]
    for title, columns, marker in (
        ("Labels, likeliest first", _LABELS, "map"),
        (f"Labels applied without asking (confidence {at} or more)", _APPLIED, "map"),
        ("Summaries", _SUMMARIES, "title_overlap"),
    ):
        _table(title, [*_rows(report, columns, marker)])
    for name, provider in report["providers"].items():
        bins = provider["overall"].get("calibration") or []
        _table(f"Calibration of {name}", [_bin(one) for one in bins])
    costs = [
        {
            "who": name,
            "model": one["model"],
            **_cells(one["overall"], _COSTS),
            "tokens": _tokens(one),
        }
        for name, one in report["providers"].items()
    ]
    _table("Time, tokens and cost", costs)
    _show_failures(report)
    _show_inventions(report)
    _table("Differences, with 95 % intervals", [*map(_gap, report["differences"])])
    _show_warnings(report)


def _show_data(report: Mapping[str, Any]) -> None:
    data = report["data"]
    memory = report["memory"]
    remembered = "all other pages" if memory == "all" else f"{memory} labelled pages"
    unseen = data["labels_unseen"]
    sites = "one site" if data["sites"] == 1 else f"{data['sites']} sites"
    click.echo(
        f"{data['pages']} pages of {sites}, each asked about with {remembered} in "
        f"memory; {data['labels_per_page']} labels a page, {unseen:.0%} of them on no "
        "page in memory"
    )
    if not data["summaries"]:
        click.echo("no person wrote a summary: there is nothing to compare them with")


def _rows(
    report: Mapping[str, Any], columns: Mapping[str, str], marker: str
) -> Iterator[Row]:
    """Walk providers with their languages and sites, then baselines as a whole."""
    for name, provider in report["providers"].items():
        # Pairs, not one mapping: a site may be called `en`, or `all`.
        groups = [("all", provider["overall"]), *provider["lang"].items()]
        if len(provider["source"]) > 1:
            groups += provider["source"].items()
        for group, found in groups:
            yield {"who": name, "group": group, **_cells(found, columns)}
    for name, baseline in report["baselines"].items():
        found = baseline["overall"]
        if found[marker] is not None:
            yield {"who": name, "group": "all", **_cells(found, columns)}


def _cells(found: Mapping[str, Any], columns: Mapping[str, str]) -> Row:
    return {column: _number(found[figure]) for column, figure in columns.items()}


def _number(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"  # noqa: PLR2004 - digits that matter


def _bin(found: Mapping[str, Any]) -> Row:
    return {
        "confidence": f"{found['low']:.2f} to {found['high']:.2f}",
        "labels": found["n"],
        "promised": f"{found['predicted']:.2f}",
        "right": f"{found['observed']:.2f}",
    }


def _tokens(provider: Mapping[str, Any]) -> str:
    tokens = provider["overall"]["tokens"]
    return f"{tokens['input']:,} in, {tokens['output']:,} out"


def _gap(found: Mapping[str, Any]) -> Row:
    certain = found["low"] > 0 or found["high"] < 0
    return {
        "compared": f"{found['of']} over {found['over']}",
        "measure": found["measure"],
        "pages": found["n"],
        "difference": f"{found['difference']:+.3f}",
        "95 %": f"{found['low']:+.3f} to {found['high']:+.3f}",
        "verdict": "differs" if certain else "may be chance",
    }


def _show_failures(report: Mapping[str, Any]) -> None:
    rows = [
        {"who": name, "kind": kind, "answers": count}
        for name, provider in report["providers"].items()
        for kind, count in provider["overall"]["failure_kinds"].items()
    ]
    _table("Failures (they score nothing)", rows)


def _show_inventions(report: Mapping[str, Any]) -> None:
    rows = [
        {
            "who": name,
            "page": one["page"],
            "of its words": f"{one['share']:.0%}",
            "numbers and names": one["numbers_and_names"],
        }
        for name, provider in report["providers"].items()
        for one in provider["inventions"]
    ]
    _table("Summaries that say most that the page does not", rows)


def _show_warnings(report: Mapping[str, Any]) -> None:
    for name, provider in report["providers"].items():
        for warning in provider["warnings"]:
            click.secho(f"\nWARNING {name}: {warning}", fg="yellow")


def _table(title: str, rows: Sequence[Row]) -> None:
    if rows:
        click.secho(f"\n{title}", bold=True)
        tables.echo(rows, as_json=False)
