"""Measures the way from an edit to its label, and what a page costs in points.

Run: `python -m benchmarks.latency [--quick] [--json FILE]`.

A sandbox site and the app run as processes of their own, with nothing else to do.
Each edit is of a page that has no label yet and reads like one that people labelled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import httpx

from benchmarks.load.client import percentile
from benchmarks.load.host import HostName
from benchmarks.load.machine import foreign_cores, load_average
from benchmarks.load.processes import ServerFailed
from benchmarks.load.site import LiveSite, Moments, TooSlow, live_site
from benchmarks.load.tables import markdown_table
from sandbox import samples

HOSTS: tuple[HostName, ...] = ("connect", "forge")
#: No wait after an edit, and the app's own default.
SETTLES: tuple[float | None, ...] = (0.0, None)
EDITS = 20
QUICK_EDITS = 5

_COLUMNS = (
    "host",
    "settle s",
    "edits",
    "p50 ms",
    "p90 ms",
    "max ms",
    "accepted ms",
    "run ms",
    "points, changed",
    "AI calls",
    "points, unchanged",
    "AI calls",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Points a page, in all and by operation, and provider calls a page."""

    points: float
    by_operation: dict[str, float]
    ai_calls: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one set-up has shown.

    Attributes:
        settle: `EVENT_SETTLE_SECONDS`, None for the default.
        accepted_ms: Median of the event's own answer.
        run_ms: Mean of the worker's part, reading and writing included.
        changed: Cost of an edit that leads to labels.
        unchanged: Cost of a save that changes no text.
    """

    host: HostName
    settle: float | None
    edits: int
    p50_ms: float
    p90_ms: float
    max_ms: float
    accepted_ms: float
    run_ms: float
    changed: Cost
    unchanged: Cost
    foreign_cores: float
    load_average: float


async def measure(
    folder: Path, host: HostName, settle: float | None, edits: int
) -> Finding:
    """Measure one set-up from a fresh site on.

    Raises:
        TooSlow: A page got no label.
    """
    async with live_site(folder, settle=settle) as site:
        pages = await _unlabelled_pages(site, edits)
        await site.install(host)
        foreign = foreign_cores()
        await site.forget_points()
        moments = []
        for number, page_id in enumerate(pages, 1):
            addition = f"<p>Edited at {time.time_ns()}.</p>"
            moments.append(await site.time_to_label(page_id, addition))
            await site.runs(number)
            await site.idle()
        changed = await _cost(site, edits)
        run_seconds, calls = await site.run_seconds(), await site.ai_calls()
        await site.forget_points()
        for page_id in pages:
            await site.edit(page_id, "")
        await site.runs(2 * edits)
        unchanged = await _cost(site, edits, calls_before=calls)
    return _finding(
        host,
        settle,
        moments,
        run_ms=run_seconds / edits * 1000,
        changed=changed,
        unchanged=unchanged,
        foreign=foreign,
    )


async def _unlabelled_pages(site: LiveSite, many: int) -> list[str]:
    """Create pages that read like labelled ones, while the app is not there yet."""
    rows = [row for row in samples.read_rows() if row["labelled"] and row["labels"]]
    return [
        await site.create_page(
            samples.DOCS_KEY,
            f"{row['title']} (copy {number})",
            row["body_storage"],
        )
        for number, row in enumerate((rows * many)[:many])
    ]


async def _cost(site: LiveSite, pages: int, *, calls_before: float = 0) -> Cost:
    spent = await site.points()
    return Cost(
        points=sum(spent.values()) / pages,
        by_operation={name: points / pages for name, points in sorted(spent.items())},
        ai_calls=(await site.ai_calls() - calls_before) / pages,
    )


def _finding(
    host: HostName,
    settle: float | None,
    moments: Sequence[Moments],
    *,
    run_ms: float,
    changed: Cost,
    unchanged: Cost,
    foreign: float,
) -> Finding:
    spans = [one.to_label for one in moments]
    return Finding(
        host=host,
        settle=settle,
        edits=len(moments),
        p50_ms=percentile(spans, 0.5),
        p90_ms=percentile(spans, 0.9),
        max_ms=max(spans),
        accepted_ms=statistics.median(one.accepted for one in moments),
        run_ms=run_ms,
        changed=changed,
        unchanged=unchanged,
        foreign_cores=foreign,
        load_average=load_average(),
    )


def render(findings: Sequence[Finding]) -> str:
    """Return the findings as Markdown."""
    lines = [
        "## From edit to label, and points a page",
        "",
        *markdown_table(_COLUMNS, map(_cells, findings), words=("host",)),
        "",
    ]
    for one in findings:
        lines += [
            f"- {one.host}, settle {_settle(one)}",
            f"  - points of a changed page: {_operations(one.changed)}",
            f"  - points of an unchanged page: {_operations(one.unchanged)}",
            f"  - load average {one.load_average:.2f}",
            f"  - cores busy before the first edit: {one.foreign_cores:.2f}",
        ]
    return "\n".join(lines)


def _cells(finding: Finding) -> list[str]:
    return [
        finding.host,
        _settle(finding),
        str(finding.edits),
        f"{finding.p50_ms:.0f}",
        f"{finding.p90_ms:.0f}",
        f"{finding.max_ms:.0f}",
        f"{finding.accepted_ms:.1f}",
        f"{finding.run_ms:.0f}",
        f"{finding.changed.points:.2f}",
        f"{finding.changed.ai_calls:.2f}",
        f"{finding.unchanged.points:.2f}",
        f"{finding.unchanged.ai_calls:.2f}",
    ]


def _settle(finding: Finding) -> str:
    return "default" if finding.settle is None else f"{finding.settle:g}"


def _operations(cost: Cost) -> str:
    named = (f"{name} {points:.2f}" for name, points in cost.by_operation.items())
    return ", ".join(named) or "nothing"


async def _measure_all(folder: Path, edits: int) -> list[Finding]:
    findings = []
    for host, settle in product(HOSTS, SETTLES):
        own = folder / f"{host}-{settle}"
        own.mkdir()
        findings.append(await measure(own, host, settle, edits))
        print(f"{time.strftime('%H:%M:%S')} {host}, settle {settle}", file=sys.stderr)
    return findings


def main() -> int:
    """Measure, print, and return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer edits")
    arguments.add_argument("--json", type=Path, help="write the findings here too")
    options = arguments.parse_args()
    edits = QUICK_EDITS if options.quick else EDITS
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        try:
            findings = asyncio.run(_measure_all(Path(scratch), edits))
        except (TooSlow, ServerFailed, httpx.HTTPError) as failure:
            print(f"failed: {failure}", file=sys.stderr)
            return 1
    print(render(findings))
    if options.json:
        text = json.dumps([asdict(one) for one in findings], indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
