"""The quota benchmark: what can be got wrong without anybody noticing it."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.quota.contenders import entries
from benchmarks.quota.course import Run
from benchmarks.quota.jobs import make_jobs
from benchmarks.quota.minimum import clairvoyant_seconds
from benchmarks.quota.predecessor import Pacing
from benchmarks.quota.report import render, shortcomings
from benchmarks.quota.scenarios import CONTROL, SCENARIOS
from sandbox.ai.openai_api import ResponsesApi

JOBS = make_jobs(300, 1)


def test_same_seed_same_jobs() -> None:
    """The seed decides which pages come, in which order, with which candidates."""
    again = make_jobs(300, 1)
    other = make_jobs(300, 2)
    assert [job.prompt for job in again] == [job.prompt for job in JOBS]
    assert [job.prompt for job in other] != [job.prompt for job in JOBS]


def test_a_charge_is_what_the_server_takes() -> None:
    """The bound rests on the same charges as the server's quota."""
    asked = JOBS[0].question
    body = {
        "model": "gpt-6-luna",
        "instructions": asked.instructions,
        "input": asked.text,
        "max_output_tokens": asked.max_output_tokens,
    }
    read = ResponsesApi().read(None, body)  # type: ignore[arg-type]
    said = read.instructions + read.text
    assert JOBS[0].charge("openai") == -(-len(said) // 4) + asked.max_output_tokens


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        # Four whole windows pass before the last sixty of 300 may go.
        ("sliding", 241.0),
        ("bucket", 241.0),
        ("per_second", 300.0),
        # 160 by 100 s, and the other 140 at 20 a minute.
        ("cut", 521.0),
        # 60 of each at once, 60 at 60 s and at 120 s of the one that is there, and the
        # last 60 of the first one when it is back.
        ("outage", 151.0),
        ("processes_pg", 241.0),
    ],
)
def test_the_bound_is_what_can_be_reckoned_by_hand(name: str, seconds: float) -> None:
    """The greatest pace is right where paper and pencil can tell."""
    assert clairvoyant_seconds(SCENARIOS[name], JOBS) == pytest.approx(seconds)


def test_pages_of_the_control_run_fit_into_one_minute() -> None:
    """At 60 a minute 46 pages need no wait; at 15 they need three."""
    pages = JOBS[:46]
    assert clairvoyant_seconds(CONTROL["control"], pages) == pytest.approx(0.8)
    assert clairvoyant_seconds(CONTROL["control_free"], pages) == pytest.approx(180.8)


def test_who_must_be_told_the_limit_is_away_where_nobody_knows_it() -> None:
    """No limiter is given what it could not know."""
    limiter = entries()["aiolimiter"]
    assert "nobody knows" in limiter.absence(SCENARIOS["gemini"])
    assert limiter.absence(SCENARIOS["gemini_known"]) == ""
    assert entries()["ours"].absence(SCENARIOS["processes_pg"]) == ""


def test_the_predecessor_gives_a_page_up_after_its_second_refusal() -> None:
    """Two attempts, no more."""
    calls = []

    async def refused() -> None:
        calls.append(1)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        asyncio.run(Pacing(1000.0).run(refused, lambda _: True))
    assert len(calls) == 2


def test_the_predecessor_does_not_repeat_what_is_no_refusal() -> None:
    """Another failure ends the page at once."""
    calls = []

    async def broken() -> None:
        calls.append(1)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        asyncio.run(Pacing(1000.0).run(broken, lambda _: False))
    assert len(calls) == 1


def _run(*, contender: str, wall: float, answered: int, avoidable: int) -> Run:
    seen = {"refused": avoidable, "avoidable": avoidable, "calls": 300, "log": []}
    return Run(
        scenario="sliding",
        contender=contender,
        seed=1,
        scale=5.0,
        jobs=300,
        workers=32,
        minimum=241.0,
        wall=wall,
        answered=answered,
        lost=300 - answered,
        unfinished=0,
        latencies=[1.0] * answered,
        providers={"openai": seen},
    )


def test_only_our_own_shortcomings_are_told() -> None:
    """Promises are ours alone: lost pages, needless refusals, lost pace."""
    good = _run(contender="ours", wall=245.0, answered=300, avoidable=0)
    bad = _run(contender="ours", wall=300.0, answered=299, avoidable=2)
    rival = _run(contender="sdk", wall=900.0, answered=10, avoidable=500)
    assert shortcomings([good, rival]) == []
    assert len(shortcomings([bad])) == 3


def test_a_table_shows_who_lost_everything() -> None:
    """A run without a single answer is a row like any other."""
    text = render([_run(contender="sdk", wall=10.0, answered=0, avoidable=9)])
    assert "| sdk | 32 | 0.000 | 10.0 | 0.0 % | 9 | 9 | 300 | - | - | - |" in text
