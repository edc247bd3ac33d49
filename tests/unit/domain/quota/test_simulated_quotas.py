"""Whole courses under every kind of quota: nothing refused that could be foreseen.

Each scenario runs with several seeds. `efficiency` is the time of a client that knows
all and waits for nothing but the quota, as a share of the time that it took.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from app.domain.quota.values import Limits
from sandbox.ai.quotas import Change, Rules
from tests.unit.domain.quota.conduct import Conduct
from tests.unit.domain.quota.simulation import (
    EPOCH,
    Course,
    Crew,
    Simulation,
    make_jobs,
)

SEEDS = (1, 2, 3)
PACIFIC = "America/Los_Angeles"
CUT = (Change(at=100, rpm=20),)
TOKENS = {"rpm": 600, "tpm": 40_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is run, and what is demanded of it."""

    conduct: Conduct
    limits: Limits = field(default_factory=Limits)
    crew: Crew = field(default_factory=Crew)
    jobs: int = 200
    refusals: int = 0
    efficiency: float = 0.97


def of(kind: str, /, **rules: object) -> Rules:
    return Rules(kind=kind, **({"rpm": 60} | rules))  # type: ignore[arg-type]


SCENARIOS: dict[str, Scenario] = {
    "sliding": Scenario(conduct=Conduct(rules=of("sliding")), limits=Limits(rpm=60)),
    "sliding shown": Scenario(conduct=Conduct(rules=of("sliding"), shows=True)),
    "sliding of 600": Scenario(
        conduct=Conduct(rules=of("sliding", rpm=600), latency=lambda _: 0.3),
        limits=Limits(rpm=600, concurrency=64),
        crew=Crew(workers=64),
        jobs=1300,
        efficiency=0.96,
    ),
    "fixed minute": Scenario(conduct=Conduct(rules=of("fixed")), limits=Limits(rpm=60)),
    "fixed minute, other phase": Scenario(
        # Two minutes' worth around its turn would pass: nobody can know that.
        conduct=Conduct(rules=of("fixed", phase=17.0)),
        limits=Limits(rpm=60),
        efficiency=0.74,
    ),
    "bucket": Scenario(conduct=Conduct(rules=of("bucket"), shows=True)),
    "bucket not shown": Scenario(
        # A log where the provider keeps a bucket is safe, and wastes a fifth.
        conduct=Conduct(rules=of("bucket")),
        limits=Limits(rpm=60),
        efficiency=0.75,
    ),
    "bucket in four processes": Scenario(
        conduct=Conduct(rules=of("bucket"), shows=True), crew=Crew(processes=4)
    ),
    "sliding in four processes": Scenario(
        conduct=Conduct(rules=of("sliding")),
        limits=Limits(rpm=60),
        crew=Crew(processes=4),
    ),
    "tokens of a log": Scenario(
        conduct=Conduct(rules=of("sliding", **TOKENS)),
        limits=Limits(rpm=600, tpm=40_000),
        crew=Crew(estimate=1.1, strays=0.05),
        efficiency=0.96,
    ),
    "tokens of a bucket": Scenario(
        conduct=Conduct(rules=of("bucket", **TOKENS), shows=True),
        limits=Limits(charges_upfront=True),
        crew=Crew(estimate=1.1, strays=0.03),
        efficiency=0.96,
    ),
    "tokens of a bucket, estimated badly": Scenario(
        conduct=Conduct(rules=of("bucket", **TOKENS), shows=True),
        limits=Limits(charges_upfront=True),
        crew=Crew(estimate=0.8, strays=0.1),
        refusals=3,
        efficiency=0.96,
    ),
    "second": Scenario(
        conduct=Conduct(rules=of("per_second"), way=0.01),
        limits=Limits(rpm=60),
        refusals=1,
    ),
    "second of 600": Scenario(
        conduct=Conduct(rules=of("per_second", rpm=600), way=0.01),
        limits=Limits(rpm=600),
        jobs=600,
        refusals=1,
        efficiency=0.96,
    ),
    "second shown": Scenario(
        conduct=Conduct(rules=of("per_second"), way=0.01, shows=True), refusals=1
    ),
    "second, less configured": Scenario(
        # Fifty a minute takes four minutes; at sixty it would be three and a third.
        conduct=Conduct(rules=of("per_second"), way=0.01),
        limits=Limits(rpm=50),
        refusals=2,
        efficiency=0.8,
    ),
    "unknown, values told": Scenario(
        conduct=Conduct(rules=of("sliding")), refusals=3, efficiency=0.965
    ),
    "unknown, only waits told": Scenario(
        conduct=Conduct(rules=of("sliding"), names_limit=False),
        refusals=3,
        efficiency=0.965,
    ),
    "unknown, nothing told": Scenario(
        conduct=Conduct(rules=of("sliding"), names_limit=False, tells_wait=False),
        refusals=3,
        efficiency=0.965,
    ),
    "unknown, refusals count": Scenario(
        conduct=Conduct(rules=of("sliding", refusals_count=True)),
        refusals=3,
        efficiency=0.965,
    ),
    "refusals count": Scenario(
        conduct=Conduct(rules=of("sliding", refusals_count=True)),
        limits=Limits(rpm=60),
    ),
    "configured too high": Scenario(
        conduct=Conduct(rules=of("sliding")), limits=Limits(rpm=90), refusals=5
    ),
    "cut, shown": Scenario(
        conduct=Conduct(rules=of("bucket", changes=CUT), shows=True),
        refusals=1,
        efficiency=0.965,
    ),
    "cut, values told": Scenario(
        conduct=Conduct(rules=of("sliding", changes=CUT)),
        limits=Limits(rpm=60),
        refusals=2,
    ),
    "cut, only waits told": Scenario(
        conduct=Conduct(rules=of("sliding", changes=CUT), names_limit=False),
        limits=Limits(rpm=60),
        refusals=4,
        efficiency=0.96,
    ),
    "cut, nothing told": Scenario(
        conduct=Conduct(
            rules=of("sliding", changes=CUT), names_limit=False, tells_wait=False
        ),
        limits=Limits(rpm=60),
        refusals=6,
        efficiency=0.96,
    ),
    "one a minute": Scenario(
        conduct=Conduct(rules=of("sliding", rpm=1)), limits=Limits(rpm=1), jobs=8
    ),
    "one a minute, unknown": Scenario(
        conduct=Conduct(rules=of("sliding", rpm=1)), jobs=8, refusals=2
    ),
    "slow answers": Scenario(
        conduct=Conduct(rules=of("sliding"), latency=lambda _: 20.0),
        limits=Limits(rpm=60),
        crew=Crew(workers=64),
        # The last of many answers is the slowest, which no gate can help.
        efficiency=0.8,
    ),
}


def run(scenario: Scenario, seed: int) -> Course:
    jobs = make_jobs(scenario.jobs, seed=seed)
    return Simulation(
        scenario.conduct, scenario.limits, scenario.crew, jobs, seed=seed
    ).run()


class TestQuotas:
    """Everything is served, nearly as fast as can be, with next to no refusal."""

    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("name", SCENARIOS)
    def test_quota_is_used_and_not_overrun(self, name: str, seed: int) -> None:
        """All jobs are done; refusals and wasted time are within the demands."""
        scenario = SCENARIOS[name]

        course = run(scenario, seed)

        assert sorted(job.number for _, job in course.served) == list(
            range(scenario.jobs)
        )
        assert len(course.refused) <= scenario.refusals
        assert course.efficiency >= scenario.efficiency

    @pytest.mark.parametrize("seed", SEEDS)
    def test_operators_lower_limit_holds_whatever_headers_show(self, seed: int) -> None:
        """A bucket of the provider's does not carry us beyond what was configured."""
        scenario = Scenario(
            conduct=Conduct(rules=of("bucket"), shows=True), limits=Limits(rpm=40)
        )

        course = run(scenario, seed)

        moments = [at for at, _ in course.sent]
        assert len(course.served) == 200
        assert most_within(60.0, moments) == 40

    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("kind", ["bucket", "sliding"])
    def test_headers_show_what_others_use(self, kind: str, seed: int) -> None:
        """Thirty calls of somebody else cost us one refusal at most."""
        conduct = Conduct(rules=of(kind), shows=True, others=(1.5,) * 30)

        course = run(Scenario(conduct=conduct), seed)

        assert len(course.served) == 200
        assert len(course.refused) <= 1

    @pytest.mark.parametrize("seed", SEEDS)
    def test_others_that_never_end_cost_time_and_no_job(self, seed: int) -> None:
        """Whoever takes every other unit takes half of the time, too."""
        conduct = Conduct(
            rules=of("sliding"),
            shows=True,
            others=tuple(float(at) for at in range(5, 900, 2)),
        )

        course = run(Scenario(conduct=conduct), seed)

        assert len(course.served) == 200
        assert len(course.refused) <= 10
        assert course.wall < 2.2 * course.least


def most_within(seconds: float, moments: list[float]) -> int:
    """Return the most moments that any span of that length holds."""
    most = begin = 0
    for end, moment in enumerate(moments):
        while moments[begin] <= moment - seconds:
            begin += 1
        most = max(most, end - begin + 1)
    return most


class TestDay:
    """Limits of the day."""

    @pytest.mark.parametrize("known", [True, False])
    def test_day_of_a_hundred_goes_on_after_midnight(self, known: bool) -> None:  # noqa: FBT001 - a case
        """A hint of seconds that comes with it is not believed: one refusal, not many."""
        midnight = _seconds_to_midnight()
        rules = Rules(rpm=60, rpd=100, day_kind="fixed", day_phase=midnight)
        limits = Limits(rpm=60, rpd=100 if known else None, day_zone=PACIFIC)
        scenario = Scenario(
            conduct=Conduct(rules=rules, day_hint=26.0), limits=limits, jobs=150
        )

        course = run(scenario, 1)

        assert len(course.served) == 150
        assert len(course.refused) <= (0 if known else 2)
        late = [at for at, _ in course.sent if at > 1000]
        assert len(late) == 50
        assert 0 <= min(late) - midnight < 400

    def test_day_without_a_calendar_waits_as_told(self) -> None:
        """Some providers count any 24 hours; then the wait that they tell counts."""
        rules = Rules(rpm=60, rpd=100, day_kind="sliding")
        scenario = Scenario(
            conduct=Conduct(rules=rules), limits=Limits(rpm=60), jobs=150
        )

        course = run(scenario, 1)

        assert len(course.served) == 150
        assert len(course.refused) <= 3
        assert course.efficiency > 0.99

    def test_bucket_of_a_day_is_known_by_its_headers(self) -> None:
        """What remains of the day is shown where it is nearer to its end."""
        rules = Rules(rpm=60, rpd=100, kind="bucket", day_kind="bucket")
        scenario = Scenario(conduct=Conduct(rules=rules, shows=True), jobs=105)

        course = run(scenario, 1)

        assert len(course.served) == 105
        assert len(course.refused) <= 1
        assert course.efficiency > 0.98


def _seconds_to_midnight() -> float:
    local = datetime.fromtimestamp(EPOCH, ZoneInfo(PACIFIC))
    gone = local.hour * 3600 + local.minute * 60 + local.second
    return 86_400.0 - gone


class TestTurns:
    """Who goes first."""

    @pytest.mark.parametrize("processes", [1, 3])
    def test_events_go_before_bulk(self, processes: int) -> None:
        """An event that comes into a long bulk run is sent with the next free unit."""
        jobs = make_jobs(150)
        for job in jobs:
            job.priority = 20
        events = jobs[-10:]
        for place, job in enumerate(events):
            job.priority, job.comes = 0, 70.0 + 8 * place
        limits = Limits(rpm=60)
        crew = Crew(workers=160 * processes, processes=processes)

        course = Simulation(
            Conduct(rules=of("sliding")), limits, crew, jobs, seed=1
        ).run()

        assert len(course.served) == 150
        assert course.refused == []
        waits = [at - job.comes for at, job in course.sent if job.priority == 0]
        bulk = course.sent_of(priority=20)
        # Nothing of the bulk was sent while an event waited for the same unit.
        for at, job in course.sent:
            if job.priority == 0:
                between = [one for one in bulk if job.comes + 0.3 < one < at]
                assert between == []
        assert sorted(waits)[len(waits) // 2] < 52

    def test_events_of_another_process_get_a_place(self) -> None:
        """Where calls in flight are what is scarce, bulk leaves a place to events."""
        jobs = make_jobs(300)
        for job in jobs:
            job.priority = 20
        jobs[-1].priority, jobs[-1].comes = 0, 10.3
        crew = Crew(workers=80, processes=2)
        limits = Limits(rpm=6000, concurrency=4)

        course = Simulation(
            Conduct(rules=of("sliding", rpm=6000)), limits, crew, jobs, seed=1
        ).run()

        (sent,) = course.sent_of(priority=0)
        assert sent - 10.3 < 2.0
        assert len(course.served) == 300

    def test_tenants_take_turns(self) -> None:
        """One with five pages does not wait for one with two hundred."""
        jobs = make_jobs(205)
        for job in jobs:
            job.tenant = "great" if job.number < 200 else "small"
        crew = Crew(workers=300)

        course = Simulation(
            Conduct(rules=of("sliding")), Limits(rpm=60), crew, jobs, seed=1
        ).run()

        assert max(course.sent_of(tenant="small")) < 60
        assert len(course.served) == 205

    def test_first_come_is_first_served_across_processes(self) -> None:
        """Among equals age counts, whichever process waits."""
        jobs = make_jobs(150)
        for job in jobs:
            job.comes = job.number * 0.1
        crew = Crew(workers=400, processes=4)

        course = Simulation(
            Conduct(rules=of("sliding")), Limits(rpm=60), crew, jobs, seed=1
        ).run()

        order = [job.number for _, job in course.sent]
        late = [one - place for place, one in enumerate(order)]
        assert max(map(abs, late)) <= 40
        assert len(course.served) == 150


class TestWhatIsNeverSent:
    """Courses where nothing is known at first."""

    def test_first_answer_is_waited_for(self) -> None:
        """Of all workers one asks; the others wait for what its headers show."""
        course = run(Scenario(conduct=Conduct(rules=of("bucket"), shows=True)), 1)

        (first, _), (second, _) = course.sent[:2]
        answered = course.served[0][0]
        assert first < answered <= second

    def test_growth_beyond_what_ever_passed_is_slow(self) -> None:
        """Without a limit calls are spaced, so that only few find the limit."""
        course = run(Scenario(conduct=Conduct(rules=Rules(rpm=6000))), 1)

        moments = [at for at, _ in course.sent]
        gaps = [b - a for a, b in itertools.pairwise(moments[1:])]
        assert min(gaps) >= 0.039
        assert len(course.served) == 200
