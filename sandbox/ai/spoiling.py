"""Answers that went wrong on the way out of a model: pure functions of a good one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.ai.faults import FaultKind

#: A label that no site has.
FOREIGN_LABEL = "quantum-basket-weaving"
_UKRAINIAN = "Ця відповідь чомусь написана іншою мовою, ніж сама сторінка."
_GERMAN = "Diese Antwort steht aus unbekannten Gründen in einer anderen Sprache."
_THOUGHT = 'Maybe {"labels": []}? No, look again.'
_PROSE = "Sure! This page is mostly about deployments, so I would label it accordingly."


def as_text(answer: Mapping[str, Any]) -> str:
    """Return an answer as models write JSON."""
    return json.dumps(answer, ensure_ascii=False)


def spoiled(answer: Mapping[str, Any], kind: FaultKind) -> str:
    """Return the text that takes the place of `answer`."""
    if kind in _EMPTIED:
        return ""
    text = as_text(_CHANGES.get(kind, dict)(answer))
    return _REWRITES[kind](text) if kind in _REWRITES else text


def _mistyped(value: Any) -> Any:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if isinstance(value, dict):
        return [value]
    return str(value)


def _with_foreign_label(answer: Mapping[str, Any]) -> dict[str, Any]:
    labels = answer.get("labels")
    if not isinstance(labels, list):
        return dict(answer)
    like = labels[0] if labels else {"name": "", "confidence": 0.9, "evidence": ""}
    named = like | {"name": FOREIGN_LABEL} if isinstance(like, dict) else FOREIGN_LABEL
    return {**answer, "labels": [named, *labels]}


def _in_other_language(answer: Mapping[str, Any]) -> dict[str, Any]:
    summary = str(answer.get("summary", ""))
    cyrillic = any("а" <= letter <= "я" for letter in summary.casefold())
    return {**answer, "summary": _GERMAN if cyrillic else _UKRAINIAN}


#: Where no text is left, or none that is shown.
_EMPTIED: frozenset[FaultKind] = frozenset({"empty", "refusal", "blocked", "failed"})
#: What is wrong with what the JSON says.
_CHANGES: Mapping[FaultKind, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "wrong_types": lambda answer: {of: _mistyped(one) for of, one in answer.items()},
    "foreign_labels": _with_foreign_label,
    "other_language": _in_other_language,
}
#: What is wrong with how it is written.
_REWRITES: Mapping[FaultKind, Callable[[str], str]] = {
    "truncated": lambda text: text[: len(text) // 2],
    "not_json": lambda _: _PROSE,
    "thinking_aloud": lambda text: f"<think>\n{_THOUGHT}\n</think>\n\n{text}",
    "fenced": lambda text: f"```json\n{text}\n```",
}
