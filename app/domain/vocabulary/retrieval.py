"""Which terms are offered for a page: what the ranker knows, and what the page names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.domain.completions import Candidate
from app.domain.pages import PageText
from app.domain.vocabulary.terms import Vocabulary


def candidates(
    vocabulary: Vocabulary, ranked: Sequence[Candidate], page: PageText
) -> tuple[Candidate, ...]:
    """Return the labels that may be chosen for a page, likeliest first.

    What the ranker knows under several names is one label, with the best of their
    chances; what may not be chosen is not offered.
    """
    best: dict[str, Candidate] = {}
    for one in ranked:
        name = vocabulary.canonical(one.name) or one.name
        if not vocabulary.may_choose(name):
            continue
        known = best.get(name)
        if known is None or known.score < one.score:
            best[name] = replace(one, name=name)
    del page
    return tuple(sorted(best.values(), key=lambda one: (-one.score, one.name)))
