"""Whether a provider knows how sure it may be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

#: Where one bin ends and the next begins; a confidence on the edge is in the upper one.
EDGES = (0.0, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Labels that were promised about alike.

    Attributes:
        predicted: Their mean confidence.
        observed: The share that people had put there.
        n: How many.
    """

    low: float
    high: float
    predicted: float
    observed: float
    n: int


def calibration(promises: Iterable[tuple[float, bool]]) -> tuple[Bin, ...]:
    """Sort promises (confidence, whether it was right) into bins; empty ones are left out."""
    bins: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, right in promises:
        bins[sum(confidence >= edge for edge in EDGES[1:-1])].append(
            (confidence, right)
        )
    return tuple(
        Bin(
            low=EDGES[at],
            high=EDGES[at + 1],
            predicted=sum(confidence for confidence, _ in held) / len(held),
            observed=sum(right for _, right in held) / len(held),
            n=len(held),
        )
        for at, held in sorted(bins.items())
    )


def expected_error(bins: Iterable[Bin]) -> float | None:
    """Return how far promise and truth are apart on average; None without promises.

    The expected calibration error: https://arxiv.org/abs/1706.04599, section 2.
    """
    held = list(bins)
    total = sum(one.n for one in held)
    if not total:
        return None
    return sum(one.n * abs(one.predicted - one.observed) for one in held) / total
