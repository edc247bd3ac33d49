"""What was measured about acceptance, and how it is told."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.load.client import Sample
from benchmarks.load.host import HostName
from benchmarks.load.machine import Machine
from benchmarks.load.tables import markdown_table

#: Name of the server that verifies and forgets.
FLOOR = "floor"

_COLUMNS = (
    "host",
    "connections",
    "server",
    "requests/s",
    "spread",
    "p50 ms",
    "p99 ms",
    "max ms",
    "of the floor",
    "generator",
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination that is measured."""

    host: HostName
    connections: int
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What the rounds of one cell say; medians where nothing else is named.

    Attributes:
        spread: Between the fastest and the slowest round, in parts of the median:
            how far to trust the figure.
        of_floor: Requests a second over those of the floor, round by round.
        generator_share: Share of a core that asking took, at most.
    """

    host: HostName
    connections: int
    server: str
    requests: int
    rate: float
    spread: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    of_floor: float | None
    generator_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that was found out."""

    machine: Machine
    load_average: tuple[float, float]
    foreign_cores: list[float]
    ceiling: float
    figures: list[Figure]
    rows: dict[str, int]
    skipped: str | None


def figures_of(samples: Mapping[Cell, Sequence[Sample]]) -> list[Figure]:
    """Sum up the rounds of every cell; the floor must be among them."""
    figures = []
    for cell, rounds in samples.items():
        floor = samples[Cell(cell.host, cell.connections, FLOOR)]
        ratios = [one.rate / base.rate for one, base in zip(rounds, floor, strict=True)]
        rates = [one.rate for one in rounds]
        middle = statistics.median(rates)
        figures.append(
            Figure(
                host=cell.host,
                connections=cell.connections,
                server=cell.server,
                requests=sum(len(one.latencies) for one in rounds),
                rate=middle,
                spread=(max(rates) - min(rates)) / middle,
                p50_ms=statistics.median(one.milliseconds(0.5) for one in rounds),
                p99_ms=statistics.median(one.milliseconds(0.99) for one in rounds),
                max_ms=max(one.milliseconds(1.0) for one in rounds),
                of_floor=None if cell.server == FLOOR else statistics.median(ratios),
                generator_share=max(one.generator_share for one in rounds),
            )
        )
    return figures


def render(report: Report) -> str:
    """Return the report as Markdown."""
    before, after = report.load_average
    foreign = ", ".join(f"{cores:.2f}" for cores in report.foreign_cores)
    lines = [
        "## Acceptance of events",
        "",
        *report.machine.lines(),
        f"- load average before and after: {before:.2f}, {after:.2f}",
        f"- cores busy with other things, by round, our servers idle: {foreign}",
        f"- the generator alone, for empty answers: {report.ceiling:.0f} requests/s",
        "",
        *markdown_table(
            _COLUMNS, map(_cells, report.figures), words=("host", "server")
        ),
        "",
    ]
    lines += [
        f"- {name}: {rows} events accepted, as many stored"
        for name, rows in report.rows.items()
    ]
    if report.skipped:
        lines.append(f"- not measured: {report.skipped}")
    return "\n".join(lines)


def _cells(figure: Figure) -> list[str]:
    return [
        figure.host,
        str(figure.connections),
        figure.server,
        f"{figure.rate:.0f}",
        f"{figure.spread:.0%}",
        f"{figure.p50_ms:.1f}",
        f"{figure.p99_ms:.1f}",
        f"{figure.max_ms:.0f}",
        "" if figure.of_floor is None else f"{figure.of_floor:.2f}",
        f"{figure.generator_share:.0%}",
    ]
