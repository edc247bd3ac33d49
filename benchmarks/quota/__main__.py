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
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

from app.store import migrations
from benchmarks.load import machine
from benchmarks.load.postgres import PostgresMissing, durable_postgres
from benchmarks.load.processes import ServerFailed
from benchmarks.quota import report
from benchmarks.quota.contenders import Entry, entries
from benchmarks.quota.course import Run, run
from benchmarks.quota.jobs import make_jobs
from benchmarks.quota.scenarios import JOBS, SCENARIOS, Engine, Scenario


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--scenario", nargs="+", choices=[*SCENARIOS], default=[*SCENARIOS])
    clients = [name for name, entry in entries().items() if entry.in_contest]
    add("--contender", nargs="+", choices=clients, default=clients)
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
    """Return all runs; and of scenarios, who does not take part and why."""
    chosen = [SCENARIOS[name] for name in options.scenario]
    clients = [entries()[name] for name in options.contender]
    runs: list[Run] = []
    absent: list[tuple[str, str]] = []
    with contextlib.ExitStack() as running:
        engines = dict.fromkeys(one.engine for one in chosen)
        urls = {one: running.enter_context(_database(one, folder)) for one in engines}
        for scenario, entry in product(chosen, clients):
            url = urls[scenario.engine]
            if why := entry.absence(scenario):
                absent.append((scenario.name, f"- {entry.name} {why}."))
            elif url:
                runs.append(_run(scenario, entry, options, url, folder))
    return runs, absent


def _run(
    scenario: Scenario,
    entry: Entry,
    options: argparse.Namespace,
    database_url: str,
    folder: Path,
) -> Run:
    busy = machine.foreign_cores()
    done = run(
        replace(scenario, scale=options.scale or scenario.scale),
        entry,
        make_jobs(options.jobs, options.seed),
        seed=options.seed,
        database_url=database_url,
        folder=folder,
        busy=busy,
    )
    _progress(
        f"{scenario.name} {entry.name}: {done.efficiency:.3f} of the greatest pace, "
        f"{done.answered} of {done.jobs} answered, {done.seen('refused')} refused "
        f"({done.seen('avoidable')} avoidable), {busy:.2f} cores busy before"
    )
    return done


@contextlib.contextmanager
def _database(engine: Engine, folder: Path) -> Iterator[str | None]:
    """Yield the address of a database with our tables; None if there is none."""
    with contextlib.ExitStack() as running:
        url = f"sqlite:///{folder}/app.db"
        if engine == "postgresql":
            try:
                url = running.enter_context(durable_postgres(folder))
            except PostgresMissing as missing:
                _progress(f"left out: {missing}")
                yield None
                return
        asyncio.run(migrations.upgrade(url))
        yield url


def _progress(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
