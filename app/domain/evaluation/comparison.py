"""Whether a difference between two providers is more than chance: paired bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

ROUNDS = 2_000
#: Share of rounds that the interval leaves out at either end: 95 % lie within.
_TAIL = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much better one is than the other on the same pages, with a 95 % interval."""

    n: int
    difference: float
    low: float
    high: float


def paired(
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    seed: int = 0,
    rounds: int = ROUNDS,
) -> Difference | None:
    """Compare two scores page by page; None without pages.

    Pages are drawn anew with replacement `rounds` times; the same seed draws the same.
    """
    gains = [one - other for one, other in zip(ours, theirs, strict=True)]
    if not gains:
        return None
    chance = Random(seed)  # noqa: S311 - no secret: repeatable is what is wanted
    means = sorted(
        sum(chance.choices(gains, k=len(gains))) / len(gains) for _ in range(rounds)
    )
    cut = int(rounds * _TAIL)
    return Difference(
        n=len(gains),
        difference=sum(gains) / len(gains),
        low=means[cut],
        high=means[-cut - 1],
    )
