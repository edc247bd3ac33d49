"""How good labels and summaries are, in the measures that the literature uses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import TypeVar

_Unit = TypeVar("_Unit", str, tuple[str, str])

_WORD = re.compile(r"[^\W_]+", re.UNICODE)


def average_precision(ranked: Sequence[str], wanted: Collection[str]) -> float:
    """Return the precision at each wanted label's place, averaged over all wanted."""
    hits = 0
    total = 0.0
    for place, name in enumerate(ranked, start=1):
        if name in wanted:
            hits += 1
            total += hits / place
    return total / len(wanted)


def recall(chosen: Collection[str], wanted: Collection[str]) -> float:
    """Return the share of wanted labels that were chosen."""
    return len(set(chosen) & set(wanted)) / len(wanted)


def overlap_f1(chosen: Collection[str], wanted: Collection[str], size: int) -> float:
    """Return the harmonic mean of precision among `size` places, and recall."""
    hits = len(set(chosen) & set(wanted))
    return 2 * hits / (size + len(wanted)) if hits else 0.0


def rouge(answer: str, reference: str) -> tuple[float, float, float]:
    """Return ROUGE-1, -2 and -L as F1, on lower-case words of any script, unstemmed."""
    ours, theirs = _WORD.findall(answer.lower()), _WORD.findall(reference.lower())
    return (
        _shared(Counter(ours), Counter(theirs)),
        _shared(_pairs(ours), _pairs(theirs)),
        _f1(_common_subsequence(ours, theirs), len(ours), len(theirs)),
    )


def _pairs(words: Sequence[str]) -> Counter[tuple[str, str]]:
    return Counter(pairwise(words))


def _shared(ours: Counter[_Unit], theirs: Counter[_Unit]) -> float:
    return _f1((ours & theirs).total(), ours.total(), theirs.total())


def _f1(hits: int, ours: int, theirs: int) -> float:
    return 2 * hits / (ours + theirs) if hits else 0.0


def _common_subsequence(ours: Sequence[str], theirs: Sequence[str]) -> int:
    row = [0] * (len(theirs) + 1)
    for word in ours:
        before = 0
        for at, other in enumerate(theirs, start=1):
            before, row[at] = (
                row[at],
                (before + 1 if word == other else max(row[at], row[at - 1])),
            )
    return row[-1]
