"""Which of a site's labels a person would put on a page, likeliest first, and why.

The ranker learns from nothing but the site's own pages (`app.domain.memory`): which
labels similar pages carry, whether a label's name stands on the page, how common it
is, and what the parent and the siblings carry (`app.domain.outlooks`). A logistic
model turns that into a chance; only the model is shipped, never a word of data. Then
all chances of a page are moved together, towards as many labels as similar pages carry.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from app.domain.completions import Candidate, Example
from app.domain.memory import SiteMemory
from app.domain.outlooks import FEATURES, survey
from app.domain.pages import PageText
from app.domain.ranking_weights import SHIPPED, RankWeights
from app.domain.wording import NOTHING_SPOKEN

__all__ = ["Consultation", "SiteMemory", "chance", "consult", "log_odds", "rank"]

#: Digits of a score: enough to order by, too few to show in which order it was added up.
_DIGITS = 6
#: Digits of a feature's part in it, for people to read.
_SHOWN_DIGITS = 2
_STEEPEST = 30.0
#: Labelled pages that show how labels are used.
_EXAMPLES = 5
#: No page's log odds are moved further; and steps until they stand still.
_FURTHEST = 6.0
_STEPS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Consultation:
    """What a site memory has to say about one page.

    Attributes:
        candidates: The likeliest labels, best first, ties by name.
        examples: The most similar labelled pages that have a title, nearest first.
        used: The labels that other pages carry.
        subject: What sets the page apart from the rest of the site, stem by stem.
    """

    candidates: tuple[Candidate, ...]
    examples: tuple[Example, ...]
    used: Collection[str] = frozenset()
    subject: Mapping[str, float] = field(default_factory=dict, repr=False)


def rank(
    memory: SiteMemory,
    page: PageText,
    *,
    page_id: str | None = None,
    parent_id: str | None = None,
    limit: int = 30,
    weights: RankWeights = SHIPPED,
) -> tuple[Candidate, ...]:
    """Return the candidates of `consult`."""
    return consult(
        memory,
        page,
        page_id=page_id,
        parent_id=parent_id,
        limit=limit,
        weights=weights,
    ).candidates


def consult(
    memory: SiteMemory,
    page: PageText,
    *,
    page_id: str | None = None,
    parent_id: str | None = None,
    limit: int = 30,
    weights: RankWeights = SHIPPED,
    spoken: Mapping[str, Sequence[str]] = NOTHING_SPOKEN,
) -> Consultation:
    """Return the likeliest labels for a page, and the pages that resemble it most.

    Candidates are labels that other pages carry, and the memory's vocabulary; the end
    of the list may hold labels with hardly any chance.

    Args:
        memory: What the site has taught.
        page: The page's text as it is now.
        page_id: Its id, so that what the memory knows of it is left out.
        parent_id: Its parent, whose labels and other children are looked at.
        limit: At most so many candidates.
        weights: The model; only measurements take another than the shipped one.
        spoken: Labels that the page names by other words, with those words' stems.
    """
    seen = survey(memory, page, page_id=page_id, parent_id=parent_id, spoken=spoken)
    odds = [log_odds(one.features, seen.learned, weights) for one in seen.outlooks]
    move = seen.learned * _move(odds, seen.habit)
    scored = sorted(
        (-round(chance(odd + move), _DIGITS), one.name)
        for odd, one in zip(odds, seen.outlooks, strict=True)
    )
    features = {one.name: one.features for one in seen.outlooks}
    examples = (
        Example(
            title=trace.title,
            labels=tuple(sorted(trace.labels)),
            page_id=trace.page_id,
        )
        for trace in seen.closest
        if trace.title.strip()
    )
    return Consultation(
        candidates=tuple(
            Candidate(
                name=name,
                score=-score,
                evidence=seen.evidence(name),
                parts=_parts(features[name], seen.learned, weights, move),
            )
            for score, name in scored[: max(0, limit)]
        ),
        examples=tuple(islice(examples, _EXAMPLES)),
        used=seen.used,
        subject=seen.wording.subject,
    )


def log_odds(features: Sequence[float], learned: float, weights: RankWeights) -> float:
    """Return the log odds that a person would put a label with these features.

    `learned` says how much the site has taught, 0..1, and scales the learned part.
    """
    return math.fsum(
        value * weights.of(name, learned)
        for name, value in zip(FEATURES, features, strict=True)
    )


def _parts(
    features: Sequence[float], learned: float, weights: RankWeights, move: float
) -> tuple[tuple[str, float], ...]:
    """Return what each feature adds to the log odds, the weightiest first."""
    added = {
        name: round(value * weights.of(name, learned), _SHOWN_DIGITS)
        for name, value in zip(FEATURES, features, strict=True)
    }
    added["labels_a_page"] = round(move, _SHOWN_DIGITS)
    parts = ((name, value) for name, value in added.items() if value)
    return tuple(sorted(parts, key=lambda one: (-abs(one[1]), one[0])))


def chance(odds: float) -> float:
    """Return the probability (0..1) that log odds stand for."""
    return 1.0 / (1.0 + math.exp(-max(-_STEEPEST, min(_STEEPEST, odds))))


def _move(odds: Sequence[float], expected: float) -> float:
    """Return what, added to all `odds`, makes their chances add up to `expected`.

    A label is likelier where pages carry many than where they carry one; the model
    sees labels one by one and cannot know. Measured: better calibrated, and the labels
    that are applied are right more often, on sites of one label a page above all.
    """
    if not 0.0 < expected < len(odds):
        return 0.0
    low, high = -_FURTHEST, _FURTHEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if math.fsum(chance(odd + middle) for odd in odds) < expected:
            low = middle
        else:
            high = middle
    return (low + high) / 2
