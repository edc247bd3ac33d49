"""Pages, answers and trials for the tests of the evaluation."""

from __future__ import annotations

from pathlib import Path

from app.confluence.reading import read_page
from app.domain.completions import LabelChoice, Usage
from app.domain.evaluation.answers import Answer, Trial
from app.domain.evaluation.samples import Sample, read_samples
from app.domain.pages import PageText

FOLDER = Path(__file__).parents[2] / "samples" / "evaluation"
DATA = FOLDER / "pages.jsonl"
VOCABULARY = FOLDER / "vocabulary.json"


def real_samples() -> list[Sample]:
    """Return the sample pages, of three sites in three languages."""
    return read_samples("pages.jsonl", DATA.read_text("utf-8").split("\n"), read_page)


def make_sample(
    page_id: str,
    *labels: str,
    text: str = "The backup runs every night.",
    title: str = "Backup",
    summary: str = "",
    language: str = "en",
    source: str = "site",
) -> Sample:
    """Return a page of one paragraph."""
    return Sample(
        id=page_id,
        source=source,
        language=language,
        text=PageText(title=title, paragraphs=(text,), text=text),
        labels=frozenset(labels),
        summary=summary,
    )


def make_answer(
    *choices: tuple[str, float],
    then: tuple[str, ...] = (),
    summary: str | None = None,
    milliseconds: float | None = 1.0,
    usage: Usage | None = None,
) -> Answer:
    """Return an answer that chose labels, and passed over others."""
    return Answer(
        ranked=(*(name for name, _ in choices), *then),
        choices=tuple(LabelChoice(name=name, confidence=at) for name, at in choices),
        summary=summary,
        milliseconds=milliseconds,
        usage=usage or Usage(),
    )


def make_trial(
    sample: Sample, *, learnable: frozenset[str] | None = None, **answers: Answer
) -> Trial:
    """Return a trial whose baselines gave no answer but those that are named."""
    silent = Answer()
    return Trial(
        sample=sample,
        learnable=sample.labels if learnable is None else learnable,
        answers={
            "popularity": silent,
            "name_match": silent,
            "first_sentence": silent,
            **answers,
        },
    )
