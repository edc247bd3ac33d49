"""Measures what leave to call costs while the quota is free, on both databases.

Run: `python -m benchmarks.quota.overhead [--calls N] [--json FILE] [--folder DIR]`.

Beside the gate's two transactions stand two floors in the same run, taken in turns with
them: an empty transaction, and one that writes one row and waits for the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.ai.gate import Gate
from app.clock import utc_now
from app.domain.completions import Turn
from app.domain.quota.values import Cost, Limits, Outcome
from app.store import migrations
from app.store.base import db_time
from app.store.database import Database, open_database
from app.store.tables import GateRow
from benchmarks.load import machine
from benchmarks.load.client import percentile
from benchmarks.load.postgres import PostgresMissing, durable_postgres
from benchmarks.load.tables import markdown_table

#: Milliseconds at the median that leave may take on a quiet machine.
WANTED = 1.0
_LIMITS = Limits(rpm=100_000, tpm=1_000_000_000)
_COST = Cost(tokens=1500)
_TURN = Turn(tenant_id="bench")
_OUTCOME = Outcome(ending="answered", took=0.9, sent_after=0.01, cost=Cost(tokens=1400))
#: Calls before the first that counts. The first of a new gate keep a distance, until a
#: burst has shown that bursts pass.
_WARM_UP = 300
_SPACED = 15
_SPACE_SECONDS = 0.045
_COLUMNS = ("database", "of what", "p50, ms", "p90, ms", "p99, ms", "max, ms")

Times = Mapping[str, Sequence[float]]


async def measure(database_url: str, calls: int) -> Times:
    """Return the milliseconds of every call, ascending, by what was called."""
    await migrations.upgrade(database_url)
    database = open_database(database_url)
    gate = Gate(database=database, provider="openai", scope="gate", limits=_LIMITS)
    times: defaultdict[str, list[float]] = defaultdict(list)
    try:
        await database.write(_begin)
        for number in range(-_WARM_UP, calls):
            for name, milliseconds in (await _once(database, gate)).items():
                if number >= 0:
                    times[name].append(milliseconds)
            if number < _SPACED - _WARM_UP:
                await asyncio.sleep(_SPACE_SECONDS)
    finally:
        await gate.close()
        await database.close()
    return {name: sorted(found) for name, found in times.items()}


async def _once(database: Database, gate: Gate) -> dict[str, float]:
    moments = [time.perf_counter()]
    await database.write(_look)
    moments.append(time.perf_counter())
    await database.write(_touch)
    moments.append(time.perf_counter())
    permit = await gate.enter(_COST, _TURN)
    moments.append(time.perf_counter())
    await gate.leave(permit, _OUTCOME)
    moments.append(time.perf_counter())
    names = ("floor: empty", "floor: one row", "enter", "leave")
    spans = zip(names, moments, moments[1:], strict=False)
    return {name: 1000 * (end - start) for name, start, end in spans}


def _begin(session: Session) -> None:
    session.add(GateRow(scope="floor", state={}, changed_at=utc_now()))


def _look(session: Session) -> None:
    session.execute(_LOOK)


def _touch(session: Session) -> None:
    session.execute(_TOUCH)


# Made once: putting a statement together takes longer than running it.
_LOOK = sa.select(sa.literal(1))
_TOUCH = (
    sa.update(GateRow)
    .where(GateRow.scope == "floor")
    .values(changed_at=db_time())
    .execution_options(synchronize_session=False)
)


@contextlib.contextmanager
def _databases(folder: Path) -> Iterator[dict[str, str]]:
    with contextlib.ExitStack() as running:
        found = {"SQLite": f"sqlite:///{folder}/app.db"}
        try:
            found["PostgreSQL"] = running.enter_context(durable_postgres(folder))
        except PostgresMissing as missing:
            print(f"left out: {missing}", file=sys.stderr)
        yield found


def _render(figures: Mapping[str, Times], busy: float) -> str:
    rows = [
        (database, name, *(f"{percentile(found, share):.2f}" for share in _SHARES))
        for database, times in figures.items()
        for name, found in times.items()
    ]
    lines = markdown_table(_COLUMNS, rows, words=("database", "of what"))
    lines += ["", f"{busy:.2f} cores were busy with other things before."]
    for database, times in figures.items():
        median = percentile(times["enter"], 0.5)
        verdict = "kept" if median <= WANTED else "missed"
        lines.append(
            f"- {database}: enter at p50 {median:.2f} ms, {WANTED} ms {verdict}"
        )
    return "\n".join(lines)


_SHARES = (0.5, 0.9, 0.99, 1.0)


def main() -> int:
    """Measure, print, and return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=1000)
    arguments.add_argument("--json", type=Path, help="write the figures here too")
    arguments.add_argument(
        "--folder", type=Path, help="where the databases lie; a disk, not memory"
    )
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as scratch:
        folder = Path(scratch)
        # PostgreSQL runs as another user and has to pass through.
        folder.chmod(0o755)
        facts, busy = machine.examine(folder), machine.foreign_cores()
        with _databases(folder) as urls:
            figures = {
                name: asyncio.run(measure(url, options.calls))
                for name, url in urls.items()
            }
    print(*facts.lines(), "", _render(figures, busy), sep="\n")
    if options.json:
        kept = {"machine": asdict(facts), "busy": busy, "milliseconds": figures}
        options.json.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
