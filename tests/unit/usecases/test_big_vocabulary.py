"""A vocabulary of five thousand terms on its way into one question."""

from __future__ import annotations

import time

from app.ai.prompts import render
from app.domain.completions import Candidate, Completion, LabelChoice
from app.domain.pages import PageText
from app.domain.plans import FixedBar, plan_labels
from app.domain.questions import CANDIDATES, question
from app.domain.ranking import Consultation
from app.domain.vocabulary.retrieval import candidates
from app.domain.vocabulary.terms import Term, Vocabulary
from app.usecases.ask_ai import checked

TERMS = 5_000


def test_five_thousand_terms_are_one_small_question() -> None:
    """The whole way takes a moment, and only the likeliest are shown."""
    terms = [
        Term(
            name=f"термін-{number}",
            description="Про що це. " * 10,
            synonyms=(f"term {number}", f"Begriff_{number}"),
        )
        for number in range(TERMS)
    ]
    text = "Резервну копію сервера роблять щоночі. " * 20
    page = PageText(title="Резервні копії", paragraphs=(text,), text=text)
    ranked = [
        Candidate(name=f"TERM-{number}", score=number / TERMS)
        for number in range(TERMS)
    ]
    began = time.process_time()

    vocabulary = Vocabulary.build(terms)
    offered = candidates(vocabulary, ranked, {}, used=())
    prompt = question(page, Consultation(candidates=offered, examples=()), max_labels=5)
    asked = render(prompt, text_tokens=4_000)
    completion = Completion(
        labels=tuple(
            LabelChoice(name=f"термін-{number}", confidence=0.9)
            for number in range(TERMS)
        ),
        summary="",
        language="uk",
        provider="test",
        model="test",
    )
    plan = plan_labels(
        checked(completion, prompt.candidates, vocabulary),
        on_page=(),
        ledger={},
        vocabulary=vocabulary,
        bar=FixedBar(),
        max_labels=5,
    )
    took = time.process_time() - began

    assert took < 3
    assert len(offered) == TERMS
    assert [one.name for one in prompt.candidates][:2] == ["термін-4999", "термін-4998"]
    assert len(prompt.candidates) == CANDIDATES
    assert len(asked.text) < 10_000
    assert len(plan.labels("add")) == 5
    assert set(plan.labels("add")) <= {one.name for one in prompt.candidates}
