"""Which labels are used alike: on the same pages, or on pages about the same things.

That is how translations show without a dictionary: `backup` and `резервна-копія` stand
side by side, or each on pages of its language that speak of the same products. Labels
of one alphabet that always go together are more often a thing and its part.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations

from app.domain.memory import SiteMemory
from app.domain.vocabulary.likeness import is_cyrillic

Found = Iterator[tuple[str, str, float]]

#: Pages from which on anything is told of a label.
_FEWEST = 5
#: Labels of which so many pages of all pages of both carry both are always together.
_TOGETHER = 0.8
#: Two middles of pages so alike are about the same things.
_ALIKE = 0.6
#: Stems of a label's middle that are looked at, and labels that share one.
_STEMS, _SHARED = 60, 200


def together(memory: SiteMemory) -> Found:
    """Walk labels that stand together on nearly all of their pages."""
    both: Counter[tuple[str, str]] = Counter()
    often = {name for name, count in memory.counts.items() if count >= _FEWEST}
    for trace in memory.traces.values():
        for one, other in combinations(sorted(trace.labels & often), 2):
            both[one, other] += 1
    for (one, other), count in both.items():
        share = count / (memory.counts[one] + memory.counts[other] - count)
        if share >= _TOGETHER:
            differs = is_cyrillic(one) != is_cyrillic(other)
            yield one, other, round((0.65 if differs else 0.4) + 0.2 * share, 3)


def alike(memory: SiteMemory) -> Found:
    """Walk labels of two alphabets whose pages are more alike than any others'."""
    middles = _middles(memory)
    nearest: dict[str, tuple[float, str]] = {}
    for (one, other), similarity in _similarities(middles).items():
        for name, beside in ((one, other), (other, one)):
            nearest[name] = max(nearest.get(name, (0.0, "")), (similarity, beside))
    for name, (similarity, beside) in nearest.items():
        is_mutual = nearest[beside][1] == name and name < beside
        if is_mutual and similarity >= _ALIKE:
            extra = (similarity - _ALIKE) / (1.0 - _ALIKE)
            yield name, beside, round(0.7 + 0.05 * min(1.0, extra), 3)


def _middles(memory: SiteMemory) -> Mapping[str, Mapping[str, float]]:
    """Return, for each label that tells anything, what its pages are about together."""
    pages = len(memory.traces)
    sums: defaultdict[str, defaultdict[str, float]] = defaultdict(
        lambda: defaultdict(float)
    )
    for trace in memory.traces.values():
        for name in trace.labels:
            if memory.counts[name] >= _FEWEST:
                for stem, share in zip(trace.stems, trace.shares, strict=True):
                    sums[name][stem] += share
    return {name: _unit(weights, memory, pages) for name, weights in sums.items()}


def _unit(
    weights: Mapping[str, float], memory: SiteMemory, pages: int
) -> Mapping[str, float]:
    rare = {
        stem: weight * math.log(pages / memory.pages_with(stem))
        for stem, weight in weights.items()
    }
    heaviest = heapq.nsmallest(_STEMS, rare.items(), key=lambda one: (-one[1], one[0]))
    length = math.sqrt(math.fsum(weight * weight for _, weight in heaviest)) or 1.0
    return {stem: weight / length for stem, weight in heaviest}


def _similarities(
    middles: Mapping[str, Mapping[str, float]],
) -> Mapping[tuple[str, str], float]:
    sharing: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for name in sorted(middles):
        for stem, weight in middles[name].items():
            sharing[stem].append((name, weight))
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for some in sharing.values():
        if len(some) > _SHARED:
            continue
        for (one, first), (other, second) in combinations(some, 2):
            if is_cyrillic(one) != is_cyrillic(other):
                sums[one, other] += first * second
    return sums
