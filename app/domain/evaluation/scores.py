"""One answer held against what people wrote: everything that is averaged later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.domain.completions import Usage
from app.domain.evaluation import measures
from app.domain.evaluation.answers import PLACES, Answer, Trial
from app.domain.evaluation.samples import Sample
from app.domain.languages import UNDETERMINED, detect
from app.domain.plans import APPLY_AT, SUGGEST_AT


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScore:
    """Labels of one page.

    Attributes:
        learnable_recall: `recall` of the labels that another page carries; None where
            none is.
        applied: How many would be put on the page without asking; `hits` of them are
            right, out of `wanted`.
        promises: Confidence of each label chosen, and whether it was right.
        strangers: Labels named that are not of the vocabulary.
    """

    average_precision: float
    first: float
    precision: float
    recall: float
    learnable_recall: float | None
    f1: float
    ceiling: float
    applied: int
    hits: int
    wanted: int
    suggested_f1: float
    promises: tuple[tuple[float, bool], ...] = field(repr=False)
    strangers: int

    @property
    def applied_f1(self) -> float:
        """F1 of what would be applied: nothing applied is nothing right."""
        return 2 * self.hits / (self.applied + self.wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryScore:
    """The summary of one page.

    Attributes:
        rouge: ROUGE-1, -2 and -L; None where no person wrote a summary.
        words: How many; 0 is no summary, of which nothing else is known.
        title_overlap: Share of the title's words that are said again.
        same_language: Whether it is in the page's language; None where that cannot
            be told from so few words.
        invented: Share of words that the page lacks.
        inventions: Numbers and names among them.
    """

    rouge: tuple[float, float, float] | None
    words: int
    title_overlap: float | None
    same_language: bool | None
    invented: float | None
    inventions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One answer's worth; None for what was not answered at all."""

    sample: Sample
    labels: LabelScore | None
    summary: SummaryScore | None
    milliseconds: float | None
    usage: Usage
    failure: str


def score(trial: Trial, name: str) -> Score:
    """Return the worth of what `name` answered."""
    answer = trial.answers[name]
    return Score(
        sample=trial.sample,
        labels=_labels(trial, answer),
        summary=_summary(trial.sample, answer),
        milliseconds=answer.milliseconds,
        usage=answer.usage,
        failure=answer.failure,
    )


def _labels(trial: Trial, answer: Answer) -> LabelScore | None:
    if answer.ranked is None:
        return None
    wanted = trial.sample.labels
    best = answer.ranked[:PLACES]
    learnable = wanted & trial.learnable
    applied = answer.at_least(APPLY_AT)
    suggested = answer.at_least(SUGGEST_AT)
    return LabelScore(
        average_precision=measures.average_precision(answer.ranked, wanted),
        first=float(not wanted.isdisjoint(best[:1])),
        precision=len(wanted.intersection(best)) / PLACES,
        recall=measures.recall(best, wanted),
        learnable_recall=measures.recall(best, learnable) if learnable else None,
        f1=measures.overlap_f1(best, wanted, PLACES),
        ceiling=measures.ceiling(len(wanted), PLACES),
        applied=len(applied),
        hits=len(applied & wanted),
        wanted=len(wanted),
        suggested_f1=measures.overlap_f1(suggested, wanted, len(suggested)),
        promises=tuple(_promises(answer, wanted)),
        strangers=len(answer.strangers),
    )


def _promises(answer: Answer, wanted: frozenset[str]) -> Iterator[tuple[float, bool]]:
    for choice in answer.choices:
        yield choice.confidence, choice.name in wanted


def _summary(sample: Sample, answer: Answer) -> SummaryScore | None:
    if answer.summary is None:
        return None
    share, inventions = measures.invented(answer.summary, sample.text)
    count = len(measures.words(answer.summary))
    return SummaryScore(
        rouge=measures.rouge(answer.summary, sample.summary)
        if sample.summary
        else None,
        words=count,
        title_overlap=measures.title_overlap(answer.summary, sample.text.title)
        if count
        else None,
        same_language=_same_language(answer.summary, sample),
        invented=share if count else None,
        inventions=inventions,
    )


def _same_language(summary: str, sample: Sample) -> bool | None:
    found = detect(summary)
    known, _, _ = sample.language.lower().partition("-")
    return None if UNDETERMINED in {found, known} else found == known
