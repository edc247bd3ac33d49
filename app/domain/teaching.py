"""What people's judgements teach: how sure one must be of a label in a space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.policy import Policy
from app.domain.vocabulary.terms import Vocabulary

#: So many rejections more than acceptances raise a label's bar by a step.
REJECTIONS_A_STEP = 3
STEP = 0.1
#: No bar is raised further: beyond certainty a person is asked, always.
HIGHEST = 1.01
#: Share of acceptances from which a label may go without asking.
UNLOCKED_SHARE = 0.95
#: Digits of a bar: steps of a tenth add up without dust.
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """How often people accepted and rejected a label in a space."""

    accepted: int = 0
    rejected: int = 0

    @property
    def total(self) -> int:
        """All judgements."""
        return self.accepted + self.rejected

    def __add__(self, other: Feedback) -> Feedback:
        """Return what both come to."""
        return Feedback(
            accepted=self.accepted + other.accepted,
            rejected=self.rejected + other.rejected,
        )


NO_FEEDBACK = Feedback()


def by_term(
    feedback: Mapping[str, Feedback], vocabulary: Vocabulary
) -> Mapping[str, Feedback]:
    """Return feedback by term: judgements of other names are judgements of the term."""
    found: dict[str, Feedback] = {}
    for name, one in feedback.items():
        term = vocabulary.canonical(name) or name
        found[term] = found.get(term, NO_FEEDBACK) + one
    return found


@dataclass(frozen=True, slots=True)
class LearnedBar:
    """How sure one must be of each label in one space; see `app.domain.plans.Bar`.

    Attributes:
        feedback: By term; see `by_term`.
    """

    policy: Policy
    vocabulary: Vocabulary
    feedback: Mapping[str, Feedback]

    @property
    def suggest_at(self) -> float:
        """The confidence from which a person is asked."""
        return self.policy.suggest_at

    def apply_at(self, label: str) -> float:
        """Return the confidence from which a label is written without asking."""
        return round(self.base(label) + self.raised(label), _DIGITS)

    def base(self, label: str) -> float:
        """Return what the policy, else the vocabulary, asks for."""
        said = self.policy.thresholds.get(label)
        if said is not None:
            return said
        term = self.vocabulary.term(label)
        if term is not None and term.min_confidence is not None:
            return term.min_confidence
        return self.policy.apply_at

    def raised(self, label: str) -> float:
        """Return by how much people's rejections raise the bar."""
        if not self.policy.learn_from_reviews:
            return 0.0
        seen = self.feedback.get(label, NO_FEEDBACK)
        steps = max(0, seen.rejected - seen.accepted) // REJECTIONS_A_STEP
        room = max(0.0, HIGHEST - self.base(label))
        return round(min(steps * STEP, room), _DIGITS)

    def is_unlocked(self, label: str) -> bool:
        """Whether people accepted it so often that they need not be asked any more."""
        seen = self.feedback.get(label, NO_FEEDBACK)
        if not self.policy.unlock_auto or seen.total < max(1, self.policy.unlock_after):
            return False
        return seen.accepted >= UNLOCKED_SHARE * seen.total

    def why(self, label: str) -> str:
        """Return in words how a bar came about."""
        seen = self.feedback.get(label, NO_FEEDBACK)
        told = f"from {self.apply_at(label):.2f} on without asking"
        if self.raised(label):
            told += (
                f" (raised from {self.base(label):.2f}: rejected {seen.rejected} times"
            )
            told += f", accepted {seen.accepted})"
        if self.is_unlocked(label):
            told += (
                f"; accepted {seen.accepted} of {seen.total} times, so not asked about"
            )
        return told
