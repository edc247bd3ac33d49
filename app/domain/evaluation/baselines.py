"""The simple answers that a provider has to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.domain.completions import LabelChoice
from app.domain.evaluation.answers import PLACES, Answer
from app.domain.evaluation.samples import Sample
from app.domain.evaluation.sites import Recollection
from app.domain.sentences import sentences
from app.domain.stems import name_stems, stems

Baseline = Callable[[Sample, Recollection], Answer]

#: What it counts that a label's name stands in the title, and in the text.
_IN_TITLE = 0.6
_IN_PROSE = 0.4


def popularity(sample: Sample, known: Recollection) -> Answer:
    """Offer the site's most used labels, each as sure as its share of the pages."""
    del sample
    return _ranked(
        {
            name: known.counts.get(name, 0) / max(1, known.labelled)
            for name in known.memory.labels
        }
    )


def name_match(sample: Sample, known: Recollection) -> Answer:
    """Offer labels whose names stand on the page; those in its title are applied."""
    title = frozenset(stems(sample.text.title))
    prose = frozenset(stems("\n".join(sample.text.paragraphs)))
    return _ranked({name: _named(name, title, prose) for name in known.memory.labels})


def first_sentence(sample: Sample, known: Recollection) -> Answer:
    """Offer the page's first sentence as its summary, or the title."""
    del known
    found = (
        text for paragraph in sample.text.paragraphs for text in sentences(paragraph)
    )
    return Answer(summary=next(found, sample.text.title))


#: By the name that reports give them.
BASELINES: Mapping[str, Baseline] = {
    "popularity": popularity,
    "name_match": name_match,
    "first_sentence": first_sentence,
}


def _named(name: str, title: frozenset[str], prose: frozenset[str]) -> float:
    parts = frozenset(name_stems(name))
    if not parts:
        return 0.0
    return _IN_TITLE * (parts <= title) + _IN_PROSE * (parts <= prose)


def _ranked(scores: Mapping[str, float]) -> Answer:
    names = sorted(scores, key=lambda name: (-scores[name], name))
    return Answer(
        ranked=tuple(names),
        choices=tuple(
            LabelChoice(name=name, confidence=scores[name])
            for name in names[:PLACES]
            if scores[name]
        ),
    )
