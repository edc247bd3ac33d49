"""One run: servers, database, the contender's processes, and what came of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.load.processes import ROOT, ServerFailed, stop
from benchmarks.quota.contenders import Entry
from benchmarks.quota.jobs import Job
from benchmarks.quota.minimum import clairvoyant_seconds
from benchmarks.quota.racing import WARM_UP_SECONDS, Page, Spec
from benchmarks.quota.scenarios import Scenario
from benchmarks.quota.servers import ProviderServers, provider_servers

#: Who needs longer than this many times the shortest time, or than so many provider
#: seconds where that is more, is cut off.
MOST_MINIMA = 5.0
LEAST_CUT_OFF = 300.0
#: Beyond the cut-off, for the processes to tell what they did; wall clock.
_LATE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a contender did in a scenario; times are provider seconds.

    Attributes:
        minimum: What a client needs that knows everything beforehand.
        wall: Until the last page had its answer or was given up; the cut-off, if some
            were still on their way.
        answered, lost, unfinished: Pages.
        latencies: From taking a page up until its answer, ascending.
        providers: What each provider saw, call by call.
        reasons: Why pages were lost: some of them.
        busy: Load average when it began.
    """

    scenario: str
    contender: str
    seed: int
    scale: float
    jobs: int
    workers: int
    minimum: float
    wall: float
    answered: int
    lost: int
    unfinished: int
    latencies: list[float] = field(repr=False)
    providers: Mapping[str, Any] = field(repr=False)
    reasons: list[str] = field(default_factory=list)
    busy: float = 0.0

    @property
    def efficiency(self) -> float:
        """The share of the greatest possible pace.

        Pages that were lost count for nothing, and nothing is gained by giving up.
        """
        pace = self.minimum / self.wall
        share = self.answered / self.jobs
        return pace if share == 1 else min(pace, 1.0) * share

    @property
    def call_seconds(self) -> list[float]:
        """How long the provider took for each call that it answered."""
        return [
            call["delivered"] - call["arrived"]
            for one in self.providers.values()
            for call in one["log"]
            if call["ending"] == "answered"
        ]

    def seen(self, figure: str) -> int:
        """Return a figure of the providers' logs, over all of them."""
        return sum(one[figure] for one in self.providers.values())


def run(
    scenario: Scenario,
    entry: Entry,
    jobs: Sequence[Job],
    *,
    seed: int,
    database_url: str,
    folder: Path,
    busy: float = 0.0,
) -> Run:
    """Let one contender run through one scenario.

    Raises:
        ServerFailed: A process ended before its time.
    """
    minimum = clairvoyant_seconds(scenario, jobs)
    most = max(MOST_MINIMA * minimum, LEAST_CUT_OFF) / scenario.scale
    with (
        provider_servers(
            scenario.providers, scale=scenario.scale, seed=seed, folder=folder
        ) as servers,
        contextlib.ExitStack() as running,
    ):
        first = Spec(
            scenario=scenario.name,
            contender=entry.name,
            origin=servers.origin,
            database_url=database_url,
            scope=uuid.uuid4().hex,
            scale=scenario.scale,
            jobs=len(jobs),
            seed=seed,
            part=0,
            parts=scenario.processes,
            seconds=most,
        )
        racers = [
            running.enter_context(_racer(replace(first, part=part), folder))
            for part in range(scenario.processes)
        ]
        began, pages = _race(racers, servers, most, folder)
        report = servers.report()
    return _figures(
        scenario,
        entry,
        pages,
        began=began,
        most=most,
        seed=seed,
        jobs=len(jobs),
        minimum=minimum,
        providers={name: report[name] for name in scenario.providers},
        busy=busy,
    )


def _figures(
    scenario: Scenario,
    entry: Entry,
    pages: Sequence[Page],
    *,
    began: float,
    most: float,
    jobs: int,
    **told: Any,
) -> Run:
    answered = [page for page in pages if not page.lost]
    unfinished = jobs - len(pages)
    ended = max((page.ended for page in pages), default=began)
    wall = most if unfinished else ended - began
    return Run(
        scenario=scenario.name,
        contender=entry.name,
        scale=scenario.scale,
        jobs=jobs,
        workers=entry.workers,
        wall=wall * scenario.scale,
        answered=len(answered),
        lost=len(pages) - len(answered),
        unfinished=unfinished,
        latencies=sorted(
            (page.ended - page.began) * scenario.scale for page in answered
        ),
        reasons=sorted({page.lost for page in pages if page.lost})[:5],
        **told,
    )


@contextlib.contextmanager
def _racer(spec: Spec, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "racers.out").open("ab") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.quota.racing"),
                json.dumps(asdict(spec)),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        try:
            yield process
        finally:
            stop(process)


def _race(
    racers: Sequence[subprocess.Popen[bytes]],
    servers: ProviderServers,
    most: float,
    folder: Path,
) -> tuple[float, list[Page]]:
    """Start all at once; return when that was, and every page."""
    deadline = time.monotonic() + WARM_UP_SECONDS
    for racer in racers:
        assert racer.stdout is not None
        if racer.stdout.readline() != b"ready\n" or time.monotonic() > deadline:
            raise ServerFailed((folder / "racers.out").read_text("utf-8")[-3000:])
    servers.reset()
    began = time.monotonic()
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"go\n")
        racer.stdin.flush()
    pages: list[Page] = []
    for racer in racers:
        told, _ = racer.communicate(timeout=most + _LATE_SECONDS)
        if racer.returncode:
            raise ServerFailed((folder / "racers.out").read_text("utf-8")[-3000:])
        pages += [Page(**page) for page in json.loads(told)]
    return began, pages
