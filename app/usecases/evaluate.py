"""Asks providers and baselines about pages whose labels are known, page by page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain import questions
from app.domain.completions import Candidate, Prompt, Turn, Usage
from app.domain.evaluation.answers import PLACES, Answer, Trial, answered, failed
from app.domain.evaluation.baselines import BASELINES
from app.domain.evaluation.samples import Sample
from app.domain.evaluation.sites import Recollection, Site
from app.domain.jobs import Priority
from app.domain.ranking_weights import SHIPPED, RankWeights
from app.domain.vocabulary.retrieval import advise
from app.errors import AppError, ProviderError
from app.usecases.ai_ports import Provider

#: More than any site has labels: the whole order is judged.
_ALL = 1_000_000
#: On whose behalf pages of a file are asked.
NO_TENANT = "evaluation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How providers are asked.

    Attributes:
        memory: How many labelled pages the site remembers; None is all but the page.
        seed: Of the choice of those.
        at_once: Pages that are asked about at the same time.
        tenant_id: Whose quota the calls are of.
    """

    memory: int | None = None
    seed: int = 0
    at_once: int = 1
    tenant_id: str = NO_TENANT


@dataclass(slots=True)
class _Panel:
    """The providers, and those of them that it is no use to ask again."""

    providers: Mapping[str, Provider]
    turn: Turn
    closed: dict[str, str] = field(default_factory=dict)


async def evaluate(
    pages: Sequence[tuple[Site, Sample]],
    providers: Mapping[str, Provider],
    course: Course,
    *,
    done: Callable[[Trial], None],
) -> None:
    """Ask everybody about every page; hand each page on once all have answered.

    All see the same memory, from which the page itself is gone. A provider's failure
    is an answer too, and one that waits for the operator (no key, no money) is not
    asked again. Whoever cancels this has all pages handed on so far.
    """
    panel = _Panel(providers, Turn(tenant_id=course.tenant_id, priority=Priority.BULK))
    waiting = iter(pages)

    async def work() -> None:
        for site, sample in waiting:
            done(await _trial(site, sample, panel, course))

    async with asyncio.TaskGroup() as group:
        for _ in range(course.at_once):
            group.create_task(work())


async def _trial(site: Site, sample: Sample, panel: _Panel, course: Course) -> Trial:
    known = site.without(sample, size=course.memory, seed=course.seed)
    answers = {
        name: await _answer(name, sample, known, panel) for name in panel.providers
    }
    for name, baseline in BASELINES.items():
        answers[name] = baseline(sample, known)
    return Trial(sample=sample, learnable=frozenset(known.counts), answers=answers)


async def _answer(
    name: str, sample: Sample, known: Recollection, panel: _Panel
) -> Answer:
    if name in panel.closed:
        return failed(panel.closed[name], Usage())
    began = time.perf_counter()
    prompt, ranked = question(sample, known)
    try:
        completion = await panel.providers[name].complete(prompt, panel.turn)
    except ProviderError as error:
        if error.verdict == "ask_operator":
            panel.closed[name] = error.kind
        return failed(error.kind, Usage(**error.usage))
    except AppError as error:
        return failed(type(error).__name__, Usage())
    return answered(
        completion,
        [candidate.name for candidate in ranked],
        vocabulary=known.memory.labels,
        milliseconds=(time.perf_counter() - began) * 1000,
    )


def question(
    sample: Sample, known: Recollection, *, weights: RankWeights = SHIPPED
) -> tuple[Prompt, tuple[Candidate, ...]]:
    """Return what a run would ask about the page, and the ranker's whole order.

    Only measurements of the ranker itself take other `weights` than the shipped ones.
    """
    advice = advise(
        known.memory,
        known.vocabulary,
        sample.text,
        parent_id=sample.parent_id,
        limit=_ALL,
        weights=weights,
    )
    prompt = questions.question(sample.text, advice, max_labels=PLACES)
    return prompt, advice.candidates
