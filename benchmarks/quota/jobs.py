"""The questions that all contenders ask: the sandbox's real pages, in a seeded order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

from app.ai.prompts import render
from app.ai.remote import TEXT_TOKENS
from app.ai.wire import Question
from app.confluence.reading import read_page
from app.domain.completions import Candidate, Prompt
from app.domain.evaluation.samples import Sample, read_samples
from sandbox.ai.config import ProviderName
from sandbox.ai.tokens import charge_upfront, estimate

_PAGES = Path(__file__).resolve().parents[2] / "sandbox/samples/docs.jsonl"
_CANDIDATES = 20
_MOST_LABELS = 5
_DRAFT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One page to be asked about; `question` is what the prompt comes to as text."""

    number: int
    prompt: Prompt = field(repr=False)
    question: Question = field(repr=False)

    def charge(self, provider: ProviderName) -> int:
        """Return the tokens that the provider takes from its quota for this page."""
        asked = self.question
        said = asked.instructions + asked.text
        if provider == "openai":
            return charge_upfront(said, asked.max_output_tokens)
        return estimate(json.dumps(dict(asked.schema), ensure_ascii=False) + said)


def make_jobs(count: int, seed: int) -> list[Job]:
    """Return `count` jobs; each page comes as often as any other."""
    draw = Random(seed)
    pages = _samples()
    order: list[Sample] = []
    while len(order) < count:
        order += draw.sample(pages, len(pages))
    return [
        _job(number, page, draw) for number, page in enumerate(order[:count], start=1)
    ]


@cache
def _samples() -> tuple[Sample, ...]:
    lines = _PAGES.read_text(encoding="utf-8").splitlines()
    return tuple(read_samples(_PAGES.name, lines, read_page))


def _job(number: int, page: Sample, draw: Random) -> Job:
    vocabulary = sorted({label for one in _samples() for label in one.labels})
    others = [label for label in vocabulary if label not in page.labels]
    own = sorted(page.labels)[:_MOST_LABELS]
    names = own + draw.sample(others, _CANDIDATES - len(own))
    scores = sorted((draw.random() for _ in names), reverse=True)
    prompt = Prompt(
        page=page.text,
        language=page.language,
        candidates=tuple(
            Candidate(name=name, score=score)
            for name, score in zip(names, scores, strict=True)
        ),
        max_labels=_MOST_LABELS,
        summary_language=page.language,
        draft=(page.text.paragraphs or ("",))[0][:_DRAFT],
    )
    question = render(prompt, text_tokens=TEXT_TOKENS)
    return Job(number=number, prompt=prompt, question=question)
