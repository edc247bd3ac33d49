"""Tests for app.usecases.evaluate: what providers see, and what becomes of failures."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from app.domain.completions import Completion, LabelChoice, Prompt, Turn, Usage
from app.domain.evaluation.answers import Trial
from app.domain.evaluation.sites import Site, by_source, chosen
from app.domain.jobs import Priority
from app.errors import (
    AnswerUnusable,
    AppError,
    ProviderMisconfigured,
    Unavailable,
)
from app.usecases.evaluate import Course, evaluate
from tests.unit.domain.evaluated import make_sample, real_samples

pytestmark = pytest.mark.anyio


@dataclass
class Scripted:
    """A provider that keeps what it was asked, and fails where it is told to."""

    name: str = "ai"
    model: str = "m"
    fails: dict[int, AppError] = field(default_factory=dict)
    asked: list[tuple[Prompt, Turn]] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0

    def held_for(self) -> float:
        return 0.0

    def estimate(self, prompt: Prompt) -> Usage:
        raise AssertionError(prompt)

    async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
        self.asked.append((prompt, turn))
        self.busy += 1
        self.busiest = max(self.busy, self.busiest)
        await asyncio.sleep(0)
        self.busy -= 1
        if error := self.fails.get(len(self.asked)):
            raise error
        last = prompt.candidates[-1].name
        return Completion(
            labels=(LabelChoice(name=last, confidence=0.9),),
            summary=prompt.draft,
            language=prompt.language,
            provider=self.name,
            model=self.model,
            usage=Usage(input_tokens=3),
        )


@pytest.fixture(scope="module")
def sites() -> list[Site]:
    """The sites of the sample pages."""
    return by_source(real_samples())


async def ask(
    sites: list[Site], *providers: Scripted, course: Course | None = None
) -> list[Trial]:
    trials: list[Trial] = []
    await evaluate(
        chosen(sites),
        {one.name: one for one in providers},
        course or Course(),
        done=trials.append,
    )
    return trials


async def test_all_providers_see_the_same_question(sites: list[Site]) -> None:
    """The site's labels, a draft, and whose quota it is; nothing of the page's own."""
    one, two = Scripted("one"), Scripted("two")
    course = Course(memory=3, tenant_id="t")

    trials = await ask(sites, one, two, course=course)

    assert one.asked == two.asked
    assert len(trials) == len(one.asked) == 22
    prompt, turn = one.asked[0]
    assert turn == Turn(tenant_id="t", priority=Priority.BULK)
    assert prompt.existing == ()
    assert prompt.draft
    assert len(prompt.examples) == 3
    assert prompt.page.title not in {one.title for one in prompt.examples}
    assert (prompt.language, prompt.summary_language) == ("de", "de")
    assert {one.name for one in prompt.candidates} == sites[0].memory.labels


async def test_answers_and_baselines_stand_side_by_side(sites: list[Site]) -> None:
    """What was chosen comes first, though the ranker thinks little of it."""
    (trial, *_) = await ask(sites, Scripted())

    answer = trial.answers["ai"]
    assert answer.ranked is not None
    assert answer.ranked[0] == answer.choices[0].name
    assert set(answer.ranked) == sites[0].memory.labels
    assert answer.usage.input_tokens == 3
    assert answer.milliseconds is not None
    assert set(trial.answers) == {"ai", "popularity", "name_match", "first_sentence"}


async def test_candidates_are_as_many_as_in_a_run() -> None:
    """However many labels a site has; all of them are ranked all the same."""
    vocabulary = [f"label-{at}" for at in range(100)]
    provider = Scripted()

    (trial,) = await ask(
        [Site.of("site", [make_sample("1", "a")], vocabulary)], provider
    )

    assert len(provider.asked[0][0].candidates) == 30
    assert len(trial.answers["ai"].ranked or ()) == 101


async def test_a_failure_is_an_answer(sites: list[Site]) -> None:
    """It costs what it cost, and the others go on."""
    error = AnswerUnusable("ai", "no", kind="refused", usage={"output_tokens": 9})
    failing, steady = Scripted(fails={2: error}), Scripted("steady")

    trials = await ask(sites, failing, steady)

    failures = [trial.answers["ai"].failure for trial in trials]
    assert failures == ["", "refused", *[""] * 20]
    assert trials[1].answers["ai"].usage == Usage(output_tokens=9)
    assert trials[1].answers["ai"].ranked == ()
    assert not any(trial.answers["steady"].failure for trial in trials)


async def test_any_failure_with_a_name_is_an_answer(sites: list[Site]) -> None:
    """What a provider's own stores run into does not end the run either."""
    failing = Scripted(fails={1: Unavailable("database", "locked")})

    trials = await ask(sites, failing)

    failures = [trial.answers["ai"].failure for trial in trials]
    assert failures == ["Unavailable", *[""] * 21]


async def test_a_provider_that_waits_for_the_operator_is_asked_once(
    sites: list[Site],
) -> None:
    """A wrong key does not come right by page 300."""
    error = ProviderMisconfigured("ai", "no", kind="authentication")
    locked, steady = Scripted(fails={1: error}), Scripted("steady")

    trials = await ask(sites, locked, steady)

    assert (len(locked.asked), len(steady.asked)) == (1, 22)
    assert {trial.answers["ai"].failure for trial in trials} == {"authentication"}


async def test_several_pages_at_once(sites: list[Site]) -> None:
    """As many as were allowed, each page once."""
    provider = Scripted()

    trials = await ask(sites, provider, course=Course(at_once=4))

    assert provider.busiest == 4
    assert len({trial.sample.id for trial in trials}) == len(trials) == 22
