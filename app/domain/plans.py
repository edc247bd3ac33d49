"""Plans: every write is one first, and explains itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.domain.completions import Completion, LabelChoice

#: Above it a label is written, between the two it waits for a person, below it
#: is forgotten (calibrated: at 0.5 about six of ten are right, at 0.9 nine).
APPLY_AT = 0.5
SUGGEST_AT = 0.2

Action = Literal["add", "keep", "suggest", "respect"]

#: State of a label in the ledger: see `app.store.tables.LedgerRow`.
LedgerState = Literal["planned", "written", "withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItem:
    """One label and what happens to it.

    Attributes:
        action: `add` it; `keep` what is there; `suggest` it to a person;
            `respect` that a person took it off.
    """

    label: str
    action: Action
    confidence: float
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run would change on one page."""

    items: tuple[PlanItem, ...]
    withdrawn: tuple[str, ...] = ()

    def labels(self, action: Action) -> tuple[str, ...]:
        """Return the labels with that action, in the plan's order."""
        return tuple(item.label for item in self.items if item.action == action)


def plan_labels(
    completion: Completion,
    *,
    on_page: Collection[str],
    ledger: Mapping[str, LedgerState],
    max_labels: int,
) -> Plan:
    """Decide label by label, so that a person always wins.

    A label of ours that is gone from the page was taken off by a person: it is
    never put back. A label that stands there stays, whoever put it. At most
    `max_labels` stand on the page because of us.
    """
    present = set(on_page)
    withdrawn = tuple(
        sorted(
            label
            for label, state in ledger.items()
            if state == "written" and label not in present
        )
    )
    refused = {label for label, state in ledger.items() if state == "withdrawn"}
    refused.update(withdrawn)
    ours = sum(
        1
        for label, state in ledger.items()
        if state != "withdrawn" and label in present
    )
    room = max(max_labels - ours, 0)
    items: list[PlanItem] = []
    for choice in _distinct(completion.labels):
        action = _action(choice, present, refused, room=room)
        if action is None:
            continue
        room -= action == "add"
        items.append(
            PlanItem(
                label=choice.name,
                action=action,
                confidence=choice.confidence,
                evidence=choice.evidence,
            )
        )
    return Plan(items=tuple(items), withdrawn=withdrawn)


def _action(
    choice: LabelChoice, present: set[str], refused: set[str], *, room: int
) -> Action | None:
    if choice.name in present:
        return "keep"
    if choice.name in refused:
        return "respect"
    if choice.confidence >= APPLY_AT and room > 0:
        return "add"
    return "suggest" if choice.confidence >= SUGGEST_AT else None


def _distinct(choices: Collection[LabelChoice]) -> list[LabelChoice]:
    """Of two choices of one label the surer stays; surest first, ties by name."""
    best: dict[str, LabelChoice] = {}
    for choice in sorted(choices, key=lambda one: (-one.confidence, one.name)):
        best.setdefault(choice.name, choice)
    return list(best.values())


def byline_value(
    *,
    summary: str,
    labels: Collection[str],
    waiting: int,
    page_version: int,
    model: str,
    fallback: bool = False,
) -> dict[str, Any]:
    """Return the content property that the byline shows.

    `title` and `tooltip` are read by the host; the rest is for our own pages. The
    page version is told so that a summary older than the page can say so.
    https://developer.atlassian.com/cloud/confluence/changing-a-byline-dynamically
    """
    title = (
        summary if len(summary) <= _BYLINE else summary[: _BYLINE - 1].rstrip() + "…"
    )
    return {
        "title": title,
        "tooltip": f"{summary} (summary by AI)" if summary else "",
        "summary": summary,
        "labels": sorted(labels),
        "waiting": waiting,
        "page_version": page_version,
        "model": model,
        "fallback": fallback,
        "schema": 1,
    }


#: Characters of the byline's title: it shares a line with author and date.
_BYLINE = 80
