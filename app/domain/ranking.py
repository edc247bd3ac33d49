"""Which of a site's labels a person would put on a page, likeliest first, and why.

The ranker learns from nothing but the site's own pages (`app.domain.memory`): which
labels similar pages carry, whether a label's name stands on the page, how common it
is, and what the parent and the siblings carry (`app.domain.outlooks`). A logistic
model turns that into a probability; only the model is shipped, never a word of data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.domain.completions import Candidate
from app.domain.memory import SiteMemory
from app.domain.outlooks import FEATURES, survey
from app.domain.pages import PageText
from app.domain.ranking_weights import SHIPPED, RankWeights

__all__ = ["SiteMemory", "probability", "rank"]

#: Digits of a score: enough to order by, too few to show in which order it was added up.
_DIGITS = 6
_STEEPEST = 30.0


def rank(
    memory: SiteMemory,
    page: PageText,
    *,
    page_id: str | None = None,
    parent_id: str | None = None,
    limit: int = 30,
    weights: RankWeights = SHIPPED,
) -> tuple[Candidate, ...]:
    """Return the likeliest labels for a page, best first, ties by name.

    Candidates are labels that other pages carry, and the memory's vocabulary; the end
    of the list may hold labels with hardly any chance.

    Args:
        memory: What the site has taught.
        page: The page's text as it is now.
        page_id: Its id, so that what the memory knows of it is left out.
        parent_id: Its parent, whose labels and other children are looked at.
        limit: At most so many.
        weights: The model; only measurements take another than the shipped one.
    """
    learned, outlooks = survey(memory, page, page_id=page_id, parent_id=parent_id)
    scored = [
        Candidate(
            name=outlook.name,
            score=round(probability(outlook.features, learned, weights), _DIGITS),
            evidence=outlook.evidence,
        )
        for outlook in outlooks
    ]
    ordered = sorted(scored, key=lambda one: (-one.score, one.name))
    return tuple(ordered[: max(0, limit)])


def probability(
    features: Sequence[float], learned: float, weights: RankWeights
) -> float:
    """Return the chance (0..1) that a person would put a label with these features.

    `learned` says how much the site has taught, 0..1, and scales the learned part.
    """
    total = math.fsum(
        value * weights.of(name, learned)
        for name, value in zip(FEATURES, features, strict=True)
    )
    return 1.0 / (1.0 + math.exp(-max(-_STEEPEST, min(_STEEPEST, total))))
