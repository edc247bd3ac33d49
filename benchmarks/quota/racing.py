"""One process of a contender: `python -m benchmarks.quota.racing SPEC`.

It warms up, says `ready`, waits for a line, runs its pages, and prints what became of
them as JSON. Times are those of the machine's monotonic clock, which all processes of
it share.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import structlog

from benchmarks.quota.contenders import Contender, Place, entries
from benchmarks.quota.jobs import Job, make_jobs
from benchmarks.quota.scenarios import find

#: How long a process may take to be ready, in seconds of the wall clock.
WARM_UP_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a process has to do: each `parts`-th page from `part` on, until `seconds`."""

    scenario: str
    contender: str
    origin: str
    database_url: str
    scope: str
    scale: float
    jobs: int
    seed: int
    part: int
    parts: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What became of a page, between two moments; `lost` says why it has no answer."""

    number: int
    began: float
    ended: float
    lost: str = ""


async def race(spec: Spec) -> list[Page]:
    """Run this process's part."""
    entry = entries()[spec.contender]
    jobs = make_jobs(spec.jobs, spec.seed)
    place = Place(
        scenario=replace(find(spec.scenario), scale=spec.scale),
        origin=spec.origin,
        database_url=spec.database_url,
        scope=spec.scope,
        parts=spec.parts,
    )
    contender = entry.make(place)
    try:
        async with asyncio.timeout(WARM_UP_SECONDS):
            await contender.warm_up(jobs[0])
        print("ready", flush=True)
        sys.stdin.readline()
        workers = max(1, entry.workers // spec.parts)
        mine = iter(jobs[spec.part :: spec.parts])
        return await _run(contender, mine, workers, spec.seconds)
    finally:
        await contender.close()


async def _run(
    contender: Contender, jobs: Iterator[Job], workers: int, seconds: float
) -> list[Page]:
    pages: list[Page] = []
    tasks = [asyncio.create_task(_work(contender, jobs, pages)) for _ in range(workers)]
    _, slow = await asyncio.wait(tasks, timeout=seconds)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    return pages


async def _work(contender: Contender, jobs: Iterator[Job], pages: list[Page]) -> None:
    for job in jobs:
        began = time.monotonic()
        lost = ""
        try:
            await contender.answer(job)
        except Exception as error:  # noqa: BLE001 - whatever it is, the page is lost
            lost = f"{type(error).__name__}: {error}"[:200]
        ended = time.monotonic()
        pages.append(Page(number=job.number, began=began, ended=ended, lost=lost))


def main(arguments: Sequence[str]) -> int:
    """Run, print, and return the exit code."""
    # The figures are on standard output; nothing else may be.
    level = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=level)
    pages = asyncio.run(race(Spec(**json.loads(arguments[0]))))
    print(json.dumps([asdict(page) for page in pages]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
