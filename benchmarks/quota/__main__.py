"""Measures how well provider quotas are used: ours beside others, over real sockets.

Run: `python -m benchmarks.quota [--scenario NAME ...] [--contender NAME ...] [--seed N]
[--scale S] [--jobs N] [--json FILE]`.

Each run has servers, a database scope and client processes of its own; runs come one
after another, so that none disturbs another.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from app.store import migrations
from benchmarks.load import machine
from benchmarks.load.postgres import PostgresMissing, durable_postgres
from benchmarks.load.processes import ServerFailed
from benchmarks.quota import report
from benchmarks.quota.contenders import entries
from benchmarks.quota.course import Run, run
from benchmarks.quota.jobs import JOB_SEED, make_jobs
from benchmarks.quota.scenarios import JOBS, SCENARIOS, Engine, Scenario


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--scenario", nargs="+", choices=[*SCENARIOS], default=[*SCENARIOS])
    add("--contender", nargs="+", choices=[*entries()], default=[*entries()])
    add("--seed", type=int, default=1, help="of latencies and of the pages' order")
    add("--scale", type=float, help="provider seconds in one of ours")
    add("--jobs", type=int, default=JOBS, help="pages of each run")
    add("--json", type=Path, help="write the figures here too")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and return the exit code."""
    options = _read_arguments()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        folder = Path(scratch)
        # PostgreSQL runs as another user and has to pass through.
        folder.chmod(0o755)
        try:
            facts = machine.examine(folder)
            runs, absent = _measure(options, folder)
        except ServerFailed as failure:
            print(f"failed: {failure}", file=sys.stderr)
            return 1
    print(*facts.lines(), "", report.render(runs, absent), sep="\n")
    if options.json:
        figures = {
            "machine": asdict(facts),
            "runs": [report.as_json(one) for one in runs],
        }
        text = json.dumps(figures, indent=1, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _measure(
    options: argparse.Namespace, folder: Path
) -> tuple[list[Run], list[tuple[str, str]]]:
    chosen = [SCENARIOS[name] for name in options.scenario]
    runs: list[Run] = []
    absent: list[tuple[str, str]] = []
    with contextlib.ExitStack() as running:
        urls = {
            engine: running.enter_context(_database(engine, folder))
            for engine in dict.fromkeys(one.engine for one in chosen)
        }
        for scenario in chosen:
            url = urls[scenario.engine]
            if url is None:
                _progress(f"{scenario.name}: left out, there is no {scenario.engine}")
                continue
            done, away = _contest(options, scenario, url, folder)
            runs += done
            absent += away
    return runs, absent
