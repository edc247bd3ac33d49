"""What was answered for one page, by a provider or by a baseline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.completions import Completion, LabelChoice, Usage
from app.domain.evaluation.samples import Sample

#: A page gets at most so many labels.
PLACES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer for one page.

    Attributes:
        ranked: Labels, best first: those chosen, then the candidates passed over in
            the ranker's order. None from whoever gives no labels.
        choices: Labels chosen with a confidence, surest first, all of the vocabulary.
        strangers: Labels named that are not of the vocabulary; a run drops them.
        summary: None from whoever gives no summary.
        milliseconds: From asking the site's memory to the answer.
        failure: Why there is no answer, in a constant word; empty if there is one.
    """

    ranked: tuple[str, ...] | None = None
    choices: tuple[LabelChoice, ...] = ()
    strangers: tuple[str, ...] = ()
    summary: str | None = None
    milliseconds: float | None = None
    usage: Usage = field(default_factory=Usage)
    failure: str = ""

    def at_least(self, confidence: float) -> frozenset[str]:
        """Return the surest labels from `confidence` on, at most `PLACES`."""
        return frozenset(
            choice.name
            for choice in self.choices[:PLACES]
            if choice.confidence >= confidence
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One page with everybody's answer, by name.

    Attributes:
        learnable: Labels that another remembered page carries; the rest of the page's
            own nobody could have learned.
    """

    sample: Sample
    learnable: frozenset[str]
    answers: Mapping[str, Answer]


def answered(
    completion: Completion,
    ranked: Sequence[str],
    *,
    vocabulary: Collection[str],
    milliseconds: float,
) -> Answer:
    """Return a completion as it would count in a run."""
    best: dict[str, LabelChoice] = {}
    for choice in sorted(
        completion.labels, key=lambda one: (-one.confidence, one.name)
    ):
        best.setdefault(choice.name, choice)
    choices = tuple(one for one in best.values() if one.name in vocabulary)
    return Answer(
        ranked=tuple(dict.fromkeys((*(one.name for one in choices), *ranked))),
        choices=choices,
        strangers=tuple(name for name in best if name not in vocabulary),
        summary=completion.summary,
        milliseconds=milliseconds,
        usage=completion.usage,
    )


def failed(kind: str, usage: Usage) -> Answer:
    """Return a failure: no label and no summary, so that it scores nothing at all."""
    return Answer(ranked=(), summary="", usage=usage, failure=kind)
