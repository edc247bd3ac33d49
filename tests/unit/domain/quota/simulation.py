"""Workers in several processes before one provider, in a time that only events move.

The provider enforces real quotas (pure models of a provider's own); what lies between
it and the workers is one shared state and nothing else. So an hour passes in a fraction
of a second, and the same seed is the same course.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from app.domain.quota.permits import Asker, Wait, reserve, withdraw
from app.domain.quota.settling import News, settle
from app.domain.quota.state import GateState, Permit, from_json, to_json
from app.domain.quota.values import Cost, Ending, Limits, Outcome
from sandbox.ai.quotas import Quotas, clairvoyant
from tests.unit.domain.quota.conduct import Conduct, refusal_of, shown_by

T = TypeVar("T")
Happening = Callable[[float], None]

#: What the shared clock says when a course begins.
EPOCH = 1_790_000_000.0
#: Seconds that a refusal, or a fault, takes to come back.
_QUICK = 0.02
#: Wake-ups are late by up to this.
_LATE = 0.003
#: Seconds after which the jobs of a killed process are taken up by others.
_RESCUE = 30.0
_MOST_EVENTS = 200_000
#: The state goes through JSON after so many changes: each time would take most of ours.
_CHANGES = 7


@dataclass(slots=True, kw_only=True)
class Job:
    """One page to ask about, there from `comes` on."""

    number: int
    tokens: int
    comes: float = 0.0
    priority: int = 0
    tenant: str = "t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Who works.

    Attributes:
        estimate: Tokens that are estimated for each true one.
        strays: How far single estimates lie from that (standard deviation of the log).
        steps: Moments at which the shared clock is set, and by how much.
        killed: Moments at which a process ends in the middle of everything.
    """

    workers: int = 32
    processes: int = 1
    estimate: float = 1.0
    strays: float = 0.0
    steps: tuple[tuple[float, float], ...] = ()
    killed: tuple[tuple[float, int], ...] = ()


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class Course:
    """What came of it; all moments in seconds from the beginning."""

    served: list[tuple[float, Job]] = field(default_factory=list)
    sent: list[tuple[float, Job]] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    failed: list[float] = field(default_factory=list)
    news: list[News] = field(default_factory=list)
    in_flight: list[tuple[float, int]] = field(default_factory=list)
    state: GateState = field(default_factory=GateState)
    least: float = 0.0

    @property
    def wall(self) -> float:
        """Seconds until the last answer."""
        return max((moment for moment, _ in self.served), default=math.inf)

    @property
    def efficiency(self) -> float:
        """The shortest time that was possible, as a share of the time it took."""
        return self.least / self.wall

    def sent_of(self, **wanted: object) -> list[float]:
        """Return when calls went out for jobs with these attributes."""
        return [
            at
            for at, job in self.sent
            if all(getattr(job, name) == value for name, value in wanted.items())
        ]


def make_jobs(number: int, *, seed: int = 0, tokens: int = 1500) -> list[Job]:
    """Return jobs of different sizes, all there from the beginning."""
    chance = random.Random(seed)  # noqa: S311 - the same jobs each time
    return [
        Job(number=one, tokens=max(1, int(tokens * chance.lognormvariate(0, 0.4))))
        for one in range(number)
    ]


@dataclass(slots=True, eq=False)
class _Waiting:
    job: Job
    asker: Asker
    order: int


@dataclass(slots=True)
class _Process:
    """One process: idle workers, waiting calls, whom it served last."""

    idle: int
    waiting: list[_Waiting] = field(default_factory=list)
    served: dict[str, int] = field(default_factory=dict)
    at_work: dict[int, Job] = field(default_factory=dict)
    wake: int = 0
    is_alive: bool = True

    def head(self) -> _Waiting:
        """Choose as the gate does: by priority, in turns, by age."""
        return min(self.waiting, key=self._rank)

    def _rank(self, one: _Waiting) -> tuple[int, int, int]:
        served = self.served.get(one.job.tenant, -1)
        return one.job.priority, served, one.order


class Simulation:
    """One course from its beginning to the last job's answer."""

    def __init__(
        self,
        conduct: Conduct,
        limits: Limits,
        crew: Crew,
        jobs: list[Job],
        *,
        seed: int = 1,
    ) -> None:
        self._conduct = conduct
        self._limits = limits
        self._crew = crew
        self._jobs = jobs
        self._quotas = Quotas(conduct.rules)
        self._chance = random.Random(seed)  # noqa: S311 - the same course each time
        self._queue: list[tuple[int, int, Job]] = []
        self._state = GateState()
        self._events: list[tuple[float, int, Happening]] = []
        self._numbers = itertools.count()
        share = crew.workers // crew.processes
        self._processes = [_Process(share) for _ in range(crew.processes)]
        self._at_provider = 0
        self._clock_off = 0.0
        self.course = Course()

    def run(self) -> Course:
        """Let everything happen; jobs that find no end are not among `served`."""
        for job in self._jobs:
            self._at(job.comes, partial(self._come, job))
        for moment in self._conduct.others:
            self._at(moment, partial(self._quotas.admit, 1500))
        for moment, by in self._crew.steps:
            self._at(moment, partial(self._set_clock, by))
        for moment, which in self._crew.killed:
            self._at(moment, partial(self._kill, self._processes[which]))
        for _ in range(_MOST_EVENTS):
            if not self._events or len(self.course.served) == len(self._jobs):
                break
            now, _, happen = heapq.heappop(self._events)
            happen(now)
        self.course.state = self._state
        costs = [job.tokens for job in self._jobs]
        last = clairvoyant(self._conduct.rules, costs)[-1]
        self.course.least = last + self._conduct.latency(last)
        return self.course

    def _at(self, moment: float, happen: Callable[[float], object]) -> None:
        def nothing_back(now: float) -> None:
            happen(now)

        heapq.heappush(self._events, (moment, next(self._numbers), nothing_back))

    def _change(self, now: float, rule: Callable[[GateState, float], T]) -> T:
        result = rule(self._state, EPOCH + now + self._clock_off)
        self.course.in_flight.append((now, len(self._state.flights)))
        if len(self.course.in_flight) % _CHANGES == 0:
            self._state = from_json(json.loads(json.dumps(to_json(self._state))))
        return result

    # -------------------------------------------------------------- the workers

    def _come(self, job: Job, now: float) -> None:
        heapq.heappush(self._queue, (job.priority, next(self._numbers), job))
        for one in self._processes:
            self._take_up(one, now)

    def _take_up(self, process: _Process, now: float) -> None:
        while process.is_alive and process.idle and self._queue:
            _, order, job = heapq.heappop(self._queue)
            process.idle -= 1
            process.at_work[job.number] = job
            self._wait(process, job, order, now)
        self._ask(process, now)

    def _wait(self, process: _Process, job: Job, order: int, now: float) -> None:
        stray = self._chance.lognormvariate(0, self._crew.strays)
        asker = Asker(
            id=f"{job.number}-{next(self._numbers)}",
            priority=job.priority,
            since=EPOCH + now,
            cost=Cost(tokens=max(1, int(job.tokens * self._crew.estimate * stray))),
        )
        process.waiting.append(_Waiting(job, asker, order))

    def _ask(self, process: _Process, now: float) -> None:
        process.wake += 1
        while process.is_alive and process.waiting:
            head = process.head()
            decision = self._change(now, partial(self._reserve, process, head))
            if isinstance(decision, Wait):
                pause = max(0.0, decision.until - EPOCH - now - self._clock_off)
                late = self._chance.uniform(0.0005, _LATE)
                self._at(now + pause + late, partial(self._wake, process, process.wake))
                return
            process.waiting.remove(head)
            process.served[head.job.tenant] = decision.number
            self._send(process, head, decision, now)

    def _reserve(
        self, process: _Process, head: _Waiting, state: GateState, now: float
    ) -> Permit | Wait:
        for one in process.waiting:
            if one is not head:
                withdraw(state, one.asker.id)
        return reserve(state, now, head.asker, self._limits)

    def _wake(self, process: _Process, number: int, now: float) -> None:
        if process.wake == number:
            self._ask(process, now)

    # ------------------------------------------------------------- the provider

    def _send(
        self, process: _Process, one: _Waiting, permit: Permit, now: float
    ) -> None:
        self.course.sent.append((now, one.job))
        way = self._chance.uniform(0.005, self._conduct.way)
        self._at_provider += 1
        self._at(now + way, partial(self._receive, process, one, permit, way))

    def _receive(
        self, process: _Process, one: _Waiting, permit: Permit, way: float, now: float
    ) -> None:
        conduct = self._conduct
        ending: Ending = "answered"
        refusal = None
        is_crowded = self._at_provider > conduct.crowd(now)
        if conduct.is_sick(now) or is_crowded:
            ending, takes = "failed", _QUICK
        elif full := self._quotas.admit(one.job.tokens, now):
            ending, takes = "refused", _QUICK
            refusal = refusal_of(conduct, full)
        else:
            spread = self._chance.lognormvariate(0, 0.35)
            takes = conduct.latency(now) * spread
        is_told = ending == "answered" and not self._limits.charges_upfront
        outcome = Outcome(
            ending=ending,
            took=way + takes,
            sent_after=way,
            cost=Cost(tokens=one.job.tokens) if is_told else None,
            refusal=refusal,
            shown=shown_by(self._quotas.standings(now)) if conduct.shows else (),
            slow_down=is_crowded,
        )
        end = partial(self._end, process, one, permit, outcome)
        self._at(now + takes, end)

    def _end(
        self,
        process: _Process,
        one: _Waiting,
        permit: Permit,
        outcome: Outcome,
        now: float,
    ) -> None:
        self._at_provider -= 1
        if not process.is_alive:
            return
        self.course.news += self._change(
            now, lambda state, at: settle(state, at, permit, outcome, self._limits)
        )
        if outcome.ending == "answered":
            self.course.served.append((now, one.job))
            process.idle += 1
            del process.at_work[one.job.number]
            self._take_up(process, now)
            return
        wrong = (
            self.course.refused if outcome.ending == "refused" else self.course.failed
        )
        wrong.append(now)
        self._wait(process, one.job, one.order, now)
        self._ask(process, now)

    # ------------------------------------------------------------------ mishaps

    def _set_clock(self, by: float, now: float) -> None:
        del now
        self._clock_off += by

    def _kill(self, process: _Process, now: float) -> None:
        process.is_alive = False
        for job in process.at_work.values():
            self._at(now + _RESCUE, partial(self._come, job))
