"""What a page's answer comes to: label by label, so that a person always wins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from app.domain.completions import Completion, LabelChoice
from app.domain.vocabulary.terms import Vocabulary, fold

#: Above it a label is written, between the two it waits for a person, below it
#: is forgotten (calibrated: at 0.5 about six of ten are right, at 0.9 nine).
APPLY_AT = 0.5
SUGGEST_AT = 0.2

Action = Literal["add", "keep", "suggest", "respect"]

#: State of a label in the ledger: `planned` is about to be written, `written` stands
#: because of us. `withdrawn` is a tombstone: a person took it off, or said no to it.
#: `undone` was taken back with a plan or a run; only taking that back writes it again.
LedgerState = Literal["planned", "written", "withdrawn", "undone"]

#: Labels in these states are not put on the page (again) by the AI's wish.
REFUSED_STATES: frozenset[LedgerState] = frozenset({"withdrawn", "undone"})


class Bar(Protocol):
    """How sure one must be of a label; see `app.domain.teaching`."""

    def apply_at(self, label: str) -> float:
        """Return the confidence from which it is written without asking; > 1: never."""
        ...

    @property
    def suggest_at(self) -> float:
        """The confidence from which a person is asked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedBar:
    """The same bar for all labels."""

    at: float = APPLY_AT
    suggest_at: float = SUGGEST_AT

    def apply_at(self, label: str) -> float:
        """Return it."""
        del label
        return self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItem:
    """One label and what happens to it.

    Attributes:
        action: `add` it; `keep` what is there; `suggest` it to a person;
            `respect` that a person took it off.
        apply_at: The confidence that would have been enough to add it.
    """

    label: str
    action: Action
    confidence: float
    evidence: str = ""
    apply_at: float = APPLY_AT


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run would change on one page."""

    items: tuple[PlanItem, ...]
    withdrawn: tuple[str, ...] = ()

    def labels(self, action: Action) -> tuple[str, ...]:
        """Return the labels with that action, in the plan's order."""
        return tuple(item.label for item in self.items if item.action == action)


NOTHING = Plan(items=())


def plan_labels(
    completion: Completion,
    *,
    on_page: Collection[str],
    ledger: Mapping[str, LedgerState],
    vocabulary: Vocabulary,
    bar: Bar,
    max_labels: int,
) -> Plan:
    """Decide label by label.

    A label of ours that is gone from the page was taken off by a person: it is never
    put back, under no other spelling or synonym either. A label that stands there
    stays, whoever put it. At most `max_labels` stand on the page because of us. What
    the vocabulary does not let us choose is dropped, whatever the answer says.
    """
    present = set(on_page)
    withdrawn = withdrawn_labels(ledger, present)
    refused = {label for label, state in ledger.items() if state in REFUSED_STATES}
    refused.update(withdrawn)
    ours = sum(
        1
        for label, state in ledger.items()
        if state not in REFUSED_STATES and label in present
    )
    room = max(max_labels - ours, 0)
    named = _Names(vocabulary, present, refused)
    items: list[PlanItem] = []
    for choice in _chosen(completion, vocabulary):
        apply_at = bar.apply_at(choice.name)
        action = named.standing(choice.name)
        if action is None and choice.confidence >= apply_at and room > 0:
            action, room = "add", room - 1
        elif action is None and choice.confidence >= bar.suggest_at:
            action = "suggest"
        if action is not None:
            items.append(
                PlanItem(
                    label=choice.name,
                    action=action,
                    confidence=choice.confidence,
                    evidence=choice.evidence,
                    apply_at=apply_at,
                )
            )
    return Plan(items=tuple(items), withdrawn=withdrawn)


def new_names(
    completion: Completion, vocabulary: Vocabulary
) -> tuple[LabelChoice, ...]:
    """Return the names that wait for a person: proposed, and unknown to the vocabulary.

    None where the vocabulary is closed, or open: there they are choices like any other.
    """
    if vocabulary.openness != "propose":
        return ()
    return tuple(
        one
        for one in completion.proposals
        if fold(one.name) and vocabulary.canonical(one.name) is None
    )


def withdrawn_labels(
    ledger: Mapping[str, LedgerState], present: Collection[str]
) -> tuple[str, ...]:
    """Return the labels of ours that somebody has taken off since."""
    return tuple(
        sorted(
            label
            for label, state in ledger.items()
            if state == "written" and label not in present
        )
    )


def refuses(
    vocabulary: Vocabulary, ledger: Mapping[str, LedgerState], label: str
) -> bool:
    """Whether a tombstone stands against a label, by this name or another of it."""
    return any(
        state in REFUSED_STATES and vocabulary.same(label, buried)
        for buried, state in ledger.items()
    )


class _Names:
    """What stands on the page and what was refused, by any name of it."""

    def __init__(
        self, vocabulary: Vocabulary, present: Iterable[str], refused: Iterable[str]
    ) -> None:
        self._key = vocabulary.key
        self._present = {vocabulary.key(one) for one in present}
        self._refused = {vocabulary.key(one) for one in refused}

    def standing(self, label: str) -> Action | None:
        """Return what is settled about a label, whatever its confidence."""
        key = self._key(label)
        if key in self._present:
            return "keep"
        return "respect" if key in self._refused else None


def _chosen(completion: Completion, vocabulary: Vocabulary) -> Iterator[LabelChoice]:
    """Walk the choices that the vocabulary allows, surest first, each label once.

    Of two choices of one label the surer stays; ties go by name. New names count where
    the vocabulary is open, and only there. A proposed name that is a term by now, or a
    synonym of one, is no new name but a choice of that term.
    """
    choices = list(completion.labels)
    for one in completion.proposals:
        known = vocabulary.canonical(one.name)
        if known is not None:
            choices.append(replace(one, name=known))
        elif vocabulary.openness == "open":
            choices.append(one)
    seen: set[str] = set()
    for choice in sorted(choices, key=lambda one: (-one.confidence, one.name)):
        key = vocabulary.key(choice.name)
        if key in seen or not vocabulary.may_choose(choice.name):
            continue
        seen.add(key)
        yield choice
