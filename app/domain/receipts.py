"""What a receipt says of a run: question, answer, and each label's way, in plain values.

All of it may quote the page: receipts lie sealed. `docs/receipts.md` tells their form.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from app.domain.completions import (
    Attempt,
    Candidate,
    Completion,
    Example,
    LabelChoice,
    Prompt,
)
from app.domain.pages import PageText
from app.domain.plans import Plan
from app.domain.policy import Policy
from app.domain.teaching import LearnedBar

#: Told in each receipt; raised whenever a field changes its meaning.
FORM = 1

#: What may become of a label that was answered and that no plan has.
BELOW, PASSED_OVER = "forget", "drop"

Row = dict[str, Any]


def packed(receipt: Mapping[str, Any]) -> str:
    """Return a receipt as text, a third of its size: much of a page is said twice."""
    said = json.dumps(receipt, ensure_ascii=False).encode("utf-8", "replace")
    return base64.b64encode(zlib.compress(said)).decode("ascii")


def unpacked(text: str) -> Row:
    """Return a receipt again.

    Raises:
        ValueError: It is none.
    """
    try:
        receipt: Row = json.loads(zlib.decompress(base64.b64decode(text)))
    except zlib.error as error:
        raise ValueError("not a receipt") from error
    return receipt


def question_row(attempts: Sequence[Attempt]) -> Row | None:
    """Return what was to be asked, without the words; None if nobody was asked."""
    prompt = _prompt(attempts)
    if prompt is None:
        return None
    return {
        "title": prompt.page.title,
        "language": prompt.language,
        "summary_language": prompt.summary_language,
        "label_language": prompt.label_language,
        "sentences": prompt.sentences,
        "max_labels": prompt.max_labels,
        "existing": list(prompt.existing),
        "draft": prompt.draft,
        "candidates": [
            {
                "label": one.name,
                "score": one.score,
                "evidence": one.evidence,
                "parts": dict(one.parts),
                "untried": one.is_untried,
            }
            for one in prompt.candidates
        ],
        "examples": [
            {"title": one.title, "labels": list(one.labels)} for one in prompt.examples
        ],
    }


def _prompt(attempts: Sequence[Attempt]) -> Prompt | None:
    found = (one.exchange.prompt for one in reversed(attempts) if one.exchange)
    return next(found, None)


def attempt_row(one: Attempt) -> Row:
    """Return who was asked, in which words, and what came back."""
    exchange = one.exchange
    return {
        **attempt_figures(one),
        "instructions": exchange.instructions if exchange else "",
        "message": exchange.message if exchange else "",
        "schema": dict(exchange.schema) if exchange else {},
        "page_text": exchange.page_text if exchange else "",
        "reply": exchange.reply if exchange else "",
        "mended": list(exchange.oddities) if exchange else [],
        "dropped": list(exchange.dropped) if exchange else [],
    }


def attempt_figures(one: Attempt) -> Row:
    """Return what of an attempt quotes nothing."""
    return {
        "provider": one.provider,
        "model": one.model,
        "outcome": one.outcome,
        "reason": one.reason,
        "seconds": one.seconds,
        "usage": asdict(one.usage),
    }


def answer_row(completion: Completion) -> Row:
    """Return an answer as it was used."""
    return {
        "provider": completion.provider,
        "model": completion.model,
        "summary": completion.summary,
        "language": completion.language,
        "labels": [asdict(one) for one in completion.labels],
        "proposals": [asdict(one) for one in completion.proposals],
        "sources": [asdict(one) for one in completion.sources],
        "oddities": list(completion.oddities),
    }


def policy_row(policy: Policy) -> Row:
    """Return the fields of a policy that a decision depends on."""
    return {
        "mode": policy.mode,
        "openness": policy.openness,
        "order": list(policy.order),
        "local_only": policy.local_only,
        "max_labels": policy.max_labels,
        "apply_at": policy.apply_at,
        "suggest_at": policy.suggest_at,
        "thresholds": dict(policy.thresholds),
        "summary_place": policy.summary_place,
        "summary_language": policy.summary_language,
        "summary_sentences": policy.summary_sentences,
        "label_language": policy.label_language,
        "learn_from_reviews": policy.learn_from_reviews,
        "unlock_auto": policy.unlock_auto,
        "unlock_after": policy.unlock_after,
        "keep_receipts_days": policy.keep_receipts_days,
    }


def label_rows(completion: Completion, plan: Plan, bar: LearnedBar) -> list[Row]:
    """Return each label of an answer, what became of it, and the bar that applied.

    Besides the plan's actions: `forget` a label that nobody would be asked about, and
    `drop` one that the vocabulary does not let us choose or knows by another name.
    """
    planned = {one.label: one for one in plan.items}
    rows = [
        _label(
            LabelChoice(
                name=one.label, confidence=one.confidence, evidence=one.evidence
            ),
            one.action,
            bar,
        )
        for one in plan.items
    ]
    rows += [
        _label(one, _fate(one, bar), bar)
        for one in _choices(completion, bar)
        if one.name not in planned
    ]
    return rows


def _choices(completion: Completion, bar: LearnedBar) -> Iterator[LabelChoice]:
    yield from completion.labels
    if bar.vocabulary.openness == "open":
        yield from completion.proposals


def _fate(choice: LabelChoice, bar: LearnedBar) -> str:
    return BELOW if choice.confidence < bar.suggest_at else PASSED_OVER


def _label(choice: LabelChoice, action: str, bar: LearnedBar) -> Row:
    return {
        "label": choice.name,
        "action": action,
        "confidence": choice.confidence,
        "evidence": choice.evidence,
        "apply_at": bar.apply_at(choice.name),
        "suggest_at": bar.suggest_at,
        "why": bar.why(choice.name),
    }


def prompt_of(receipt: Mapping[str, Any]) -> Prompt | None:
    """Return a receipt's question, with as much of the page as was sent then.

    None where no text of the page was sent to anybody: there is nothing to ask again.
    """
    question = receipt["question"]
    texts = [one["page_text"] for one in receipt["attempts"] if one["page_text"]]
    if question is None or not texts:
        return None
    lines = (line.strip() for line in texts[-1].splitlines())
    return Prompt(
        page=PageText(
            title=question["title"],
            paragraphs=tuple(line for line in lines if line),
            text=texts[-1],
        ),
        language=question["language"],
        summary_language=question["summary_language"],
        # Receipts of earlier versions have neither.
        label_language=question.get("label_language", ""),
        sentences=question.get("sentences", 1),
        max_labels=question["max_labels"],
        existing=tuple(question["existing"]),
        draft=question["draft"],
        candidates=tuple(
            Candidate(
                name=one["label"],
                score=one["score"],
                evidence=one["evidence"],
                parts=tuple(one["parts"].items()),
                is_untried=one.get("untried", False),
            )
            for one in question["candidates"]
        ),
        examples=tuple(
            Example(title=one["title"], labels=tuple(one["labels"]))
            for one in question["examples"]
        ),
    )
