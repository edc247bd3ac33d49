"""How many of a page's likeliest labels are put there without asking.

A threshold for each label alone misses what people do: they give a page its one or
two best labels even when no single one is certain, and stop when the next would be one
too many. So the labels are chosen together: as many of the likeliest as make the F1
against a person's choice greatest, as far as the chances tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from app.domain.completions import Candidate, LabelChoice
from app.domain.plans import APPLY_AT, SUGGEST_AT

#: What a chosen label's confidence keeps of its chance, so that their order stays.
_ORDER = 0.02
#: An untried label is no surer than that: just not enough to be written.
_BELOW = APPLY_AT - 0.01


def decide(candidates: Sequence[Candidate], most: int) -> tuple[LabelChoice, ...]:
    """Return the labels worth a person's look, surest first, ties by name.

    A label's confidence is its chance, with one exception: a label of the chosen set
    whose chance is lower is lifted just above `APPLY_AT`, and its evidence says so.
    Whoever asks for more certainty than `APPLY_AT` therefore meets true chances alone.
    A label that is untried (`Candidate.is_untried`) is never lifted, and said to be less
    sure than `APPLY_AT`, whatever its chance.

    Args:
        candidates: Labels with their chances; of two with one name the better counts.
        most: No more labels than this.
    """
    distinct: dict[str, Candidate] = {}
    for one in sorted(candidates, key=lambda one: (-one.score, one.name)):
        distinct.setdefault(one.name, one)
    expected = sum(one.score for one in distinct.values())
    best = [one for one in distinct.values() if one.score >= SUGGEST_AT]
    best = best[: max(0, most)]
    applied = best_count([one.score for one in best], expected)
    choices = [_choice(one, applied=at < applied) for at, one in enumerate(best)]
    return tuple(sorted(choices, key=lambda one: (-one.confidence, one.name)))


def best_count(chances: Sequence[float], expected: float) -> int:
    """Return how many of `chances`, given in falling order, to choose.

    F1 is twice the hits over the labels chosen plus the labels wanted: here expected
    hits over expected numbers, which on real pages chooses as well as the exact mean.

    Args:
        chances: Of the labels that may be chosen.
        expected: How many labels a person would put; never less than one is taken.
    """
    wanted = max(1.0, expected)
    worth = [
        hits / (count + wanted)
        for count, hits in enumerate(accumulate(chances), start=1)
    ]
    return worth.index(max(worth)) + 1 if worth else 0


def _choice(candidate: Candidate, *, applied: bool) -> LabelChoice:
    score, evidence = candidate.score, candidate.evidence
    if candidate.is_untried:
        certain = min(score, _BELOW)
        return LabelChoice(name=candidate.name, confidence=certain, evidence=evidence)
    lifted = APPLY_AT + _ORDER * score
    if applied and score < lifted:
        told = f"{score:.0%} likely, yet among the page's best"
        return LabelChoice(
            name=candidate.name,
            confidence=lifted,
            evidence=f"{evidence}; {told}" if evidence else told,
        )
    return LabelChoice(name=candidate.name, confidence=score, evidence=evidence)
