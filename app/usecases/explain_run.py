"""Says in a receipt how a run came to what it did; nothing is kept here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain.changes import Change
from app.domain.completions import Attempt
from app.domain.fingerprint import content_hash
from app.domain.pages import Page
from app.domain.policy import Policy
from app.domain.receipts import (
    FORM,
    answer_row,
    attempt_row,
    label_rows,
    policy_row,
    question_row,
)
from app.usecases.complete_page import Answer
from app.usecases.decide_page import Decision
from app.usecases.writing.work import Write

Row = dict[str, Any]


def explained(
    page: Page,
    decision: Decision | None,
    attempts: Sequence[Attempt],
    writes: Sequence[Write],
    *,
    policy: Policy,
    prompt_version: int,
) -> Row:
    """Return a run's receipt, but for what its row tells already.

    Args:
        page: The page as it was read.
        decision: What followed; None if it did not come to that.
        attempts: Who was asked.
        writes: What was to be written, and what became of it.
        policy: What holds in the page's space.
        prompt_version: Of today's questions.
    """
    answer = decision.answer if decision else None
    return {
        "form": FORM,
        "page": _page(page, decision),
        "prompt_version": prompt_version,
        "vocabulary_version": decision.vocabulary.version if decision else None,
        "policy": policy_row(decision.policy if decision else policy),
        "question": question_row(attempts),
        "attempts": [attempt_row(one) for one in attempts],
        "reused": _reused(answer) if answer else None,
        "answer": _answer(answer) if answer else None,
        "decision": _decision(decision) if decision else None,
        "writes": [_write(one) for one in writes],
    }


def _page(page: Page, decision: Decision | None) -> Row:
    return {
        "title": page.title,
        "space_id": page.space_id,
        "content": content_hash(decision.text) if decision else None,
        "labels": sorted(one.name for one in page.labels or ()),
    }


def _answer(answer: Answer) -> Row:
    return {**answer_row(answer.completion), "fallback": answer.is_fallback}


def _reused(answer: Answer) -> Row | None:
    """Say which answer was used again; None if somebody was asked this time."""
    if answer.reused is None:
        return None
    given_at = answer.reused.given_at
    return {
        "key": answer.key,
        "given_at": given_at.isoformat(timespec="seconds") if given_at else None,
        "page": answer.reused.page_id or None,
    }


def _decision(decision: Decision) -> Row:
    answer, bar = decision.answer, decision.bar
    return {
        "skipped": decision.skipped,
        "labels": (
            label_rows(answer.completion, decision.plan, bar) if answer and bar else []
        ),
        "waiting": [_change(one.change) for one in decision.suggested],
    }


def _write(one: Write) -> Row:
    return {
        **_change(one.change),
        "outcome": one.outcome,
        "reason": one.reason,
        "authority": one.authority,
    }


def _change(change: Change) -> Row:
    return {
        "kind": change.kind,
        "value": change.value,
        "before": change.before,
        "after": change.after,
        "confidence": change.confidence,
    }
