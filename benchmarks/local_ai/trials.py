"""Runs the ranker and the summariser page by page, each page left out of its site."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from app.domain.completions import Candidate
from app.domain.memory import PageMemory, SiteMemory
from app.domain.pages import PageText
from app.domain.ranking import rank
from app.domain.ranking_weights import SHIPPED, RankWeights
from app.domain.sentences import sentences
from app.domain.stems import name_stems, stems
from app.domain.summaries import summarise
from app.domain.summary_weights import SENTENCE_WEIGHTS
from benchmarks.local_ai.samples import Sample

_Result = TypeVar("_Result")

#: More than any site has labels.
_ALL = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTrial:
    """What was ranked for one page, and what people had chosen."""

    sample: Sample
    ranked: tuple[Candidate, ...]
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryTrial:
    """What one page was summed up as."""

    sample: Sample
    summary: str
    milliseconds: float


def label_trials(
    samples: Sequence[Sample],
    vocabulary: Sequence[str],
    *,
    weights: RankWeights = SHIPPED,
    tree: bool = False,
    pages: int | None = None,
) -> Iterator[LabelTrial]:
    """Rank the site's labels for each page.

    The site remembers all other pages, or only `pages` of them, drawn at random but
    alike in every run.
    """
    remembered = [sample.remembered(tree=tree) for sample in samples]
    whole = SiteMemory.build(remembered, vocabulary=vocabulary)
    chance = random.Random(pages)
    for sample in samples:
        memory = whole
        if pages is not None:
            memory = _young(sample, remembered, vocabulary, pages, chance)
        ask = partial(
            rank,
            memory,
            sample.text,
            page_id=sample.id,
            parent_id=sample.folder if tree else None,
            limit=_ALL,
            weights=weights,
        )
        ranked, milliseconds = _timed(ask)
        yield LabelTrial(sample=sample, ranked=ranked, milliseconds=milliseconds)


def popularity_trials(
    samples: Sequence[Sample], vocabulary: Sequence[str]
) -> Iterator[LabelTrial]:
    """Offer every page the site's most used labels: what a ranker has to beat."""
    remembered = [sample.remembered(tree=False) for sample in samples]
    memory = SiteMemory.build(remembered, vocabulary=vocabulary)
    alone = RankWeights(always={"popularity": 1.0}, learned={})
    for sample in samples:
        ranked = rank(memory, sample.text, page_id=sample.id, limit=_ALL, weights=alone)
        yield LabelTrial(sample=sample, ranked=ranked, milliseconds=0.0)


def name_trials(
    samples: Sequence[Sample], vocabulary: Sequence[str]
) -> Iterator[LabelTrial]:
    """Offer labels whose names stand in the title or the text."""
    for sample in samples:
        title = frozenset(stems(sample.text.title))
        prose = frozenset(stems("\n".join(sample.text.paragraphs)))
        scores = {name: _named(name, title, prose) for name in vocabulary}
        yield _trial(sample, scores)


def summary_trials(
    samples: Iterable[Sample], *, weights: Mapping[str, float] = SENTENCE_WEIGHTS
) -> Iterator[SummaryTrial]:
    """Sum every page up."""
    for sample in samples:
        text, milliseconds = _timed(partial(summarise, sample.text, weights=weights))
        yield SummaryTrial(sample=sample, summary=text, milliseconds=milliseconds)


def baseline_summaries(
    samples: Iterable[Sample], baseline: Callable[[PageText], str]
) -> Iterator[SummaryTrial]:
    """Sum every page up in a simple way."""
    for sample in samples:
        yield SummaryTrial(
            sample=sample, summary=baseline(sample.text), milliseconds=0.0
        )


def first_sentence(page: PageText) -> str:
    """Return the first sentence, or the title."""
    found = (text for paragraph in page.paragraphs for text in sentences(paragraph))
    return next(found, page.title)


def title(page: PageText) -> str:
    """Return the title."""
    return page.title


def _young(
    sample: Sample,
    remembered: Sequence[PageMemory],
    vocabulary: Sequence[str],
    pages: int,
    chance: random.Random,
) -> SiteMemory:
    others = [page for page in remembered if page.page_id != sample.id]
    drawn = chance.sample(others, min(pages, len(others)))
    return SiteMemory.build(drawn, vocabulary=vocabulary)


def _named(name: str, title: frozenset[str], prose: frozenset[str]) -> float:
    parts = frozenset(name_stems(name))
    return 0.6 * (parts <= title) + 0.4 * (parts <= prose) if parts else 0.0


def _trial(sample: Sample, scores: Mapping[str, float]) -> LabelTrial:
    ranked = tuple(
        Candidate(name=name, score=scores[name])
        for name in sorted(scores, key=lambda name: (-scores[name], name))
    )
    return LabelTrial(sample=sample, ranked=ranked, milliseconds=0.0)


def _timed(work: Callable[[], _Result]) -> tuple[_Result, float]:
    begin = time.process_time()
    result = work()
    return result, (time.process_time() - begin) * 1000
