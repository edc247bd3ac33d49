"""The figures of all runs as a table, and where ours fell short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.load.client import percentile
from benchmarks.load.tables import markdown_table
from benchmarks.quota.course import Run
from benchmarks.quota.scenarios import SCENARIOS, Scenario

OURS = "ours"
_COLUMNS = (
    "client",
    "pages a time",
    "of the greatest pace",
    "wall, s",
    "success",
    "429",
    "avoidable",
    "calls",
    "p50, s",
    "p95, s",
    "max, s",
)


def render(runs: Sequence[Run], absent: Sequence[tuple[str, str]] = ()) -> str:
    """Return one table a scenario; `absent` says of scenarios who is not there."""
    lines: list[str] = []
    for name in dict.fromkeys(run.scenario for run in runs):
        scenario = SCENARIOS[name]
        of_it = [run for run in runs if run.scenario == name]
        lines += [
            f"### {name}: {scenario.about}",
            "",
            _terms(of_it[0]),
            "",
            *markdown_table(_COLUMNS, map(_row, of_it), words=("client",)),
            "",
        ]
        lines += [line for where, line in absent if where == name] + [""]
    lines += [*shortcomings(runs)] or ["Ours keeps all that was promised."]
    return "\n".join(lines)


def shortcomings(runs: Iterable[Run]) -> list[str]:
    """Return what ours should have done better, a line each."""
    return [
        f"- {run.scenario} (seed {run.seed}): {text}"
        for run in runs
        if run.contender == OURS
        for text in _missed(run, SCENARIOS[run.scenario])
    ]


def as_json(run: Run) -> dict[str, Any]:
    """Return all figures of a run; of each call when it came, went, and how it ended."""
    providers = {
        name: seen | {"log": [_brief(call) for call in seen["log"]]}
        for name, seen in run.providers.items()
    }
    return {**asdict(run), "efficiency": run.efficiency, "providers": providers}


def _brief(call: dict[str, Any]) -> list[Any]:
    return [
        round(call["arrived"], 4),
        round(call["delivered"], 4) if call["delivered"] is not None else None,
        call["ending"],
        call["charged"],
    ]


def _terms(run: Run) -> str:
    return (
        f"{run.jobs} pages; at least {run.minimum:.1f} s; "
        f"{run.scale:g} provider seconds in one of ours."
    )


def _missed(run: Run, scenario: Scenario) -> Iterable[str]:
    if run.answered < run.jobs:
        yield f"{run.jobs - run.answered} pages without an answer: {run.reasons}"
    if run.seen("avoidable") > scenario.most_avoidable:
        yield (
            f"{run.seen('avoidable')} avoidable refusals, "
            f"at most {scenario.most_avoidable} wanted"
        )
    if run.efficiency < scenario.least_efficiency:
        yield (
            f"{run.efficiency:.3f} of the greatest pace, "
            f"{scenario.least_efficiency} wanted"
        )


def _row(run: Run) -> tuple[str, ...]:
    cut = "cut off" if run.unfinished else f"{run.wall:.1f}"
    return (
        run.contender,
        str(run.workers),
        f"{run.efficiency:.3f}",
        cut,
        f"{100 * run.answered / run.jobs:.1f} %",
        str(run.seen("refused")),
        str(run.seen("avoidable")),
        str(run.seen("calls")),
        *(_seconds(run.latencies, share) for share in (0.5, 0.95, 1.0)),
    )


def _seconds(latencies: Sequence[float], share: float) -> str:
    return f"{percentile(latencies, share):.1f}" if latencies else "-"
