"""Logistic and linear regression with a ridge, in plain Python, for sparse rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

#: Newton's steps; ten settle these problems to five digits.
STEPS = 10


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen (only what is not zero), what it should give, how much it counts."""

    seen: Mapping[int, float]
    target: float
    weight: float = 1.0


def fit_logistic(
    rows: Sequence[Observation], width: int, *, ridge: float
) -> list[float]:
    """Return the weights that make `rows` likeliest, less `ridge` on their squares."""
    weights = [0.0] * width
    for _ in range(STEPS):
        slope = [-ridge * weight for weight in weights]
        curve = [[0.0] * width for _ in range(width)]
        for row in rows:
            sum_ = sum(weights[at] * value for at, value in row.seen.items())
            chance = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, sum_))))
            _accumulate(
                slope,
                curve,
                row.seen,
                pull=row.weight * (row.target - chance),
                stiffness=row.weight * chance * (1.0 - chance),
            )
        step = _solved(curve, slope, ridge)
        weights = [weight + move for weight, move in zip(weights, step, strict=True)]
    return weights


def fit_linear(rows: Iterable[Observation], width: int, *, ridge: float) -> list[float]:
    """Return the weights with the least squared error, plus `ridge` on their squares."""
    slope = [0.0] * width
    curve = [[0.0] * width for _ in range(width)]
    for row in rows:
        _accumulate(
            slope,
            curve,
            row.seen,
            pull=row.weight * row.target,
            stiffness=row.weight,
        )
    return _solved(curve, slope, ridge)


def _accumulate(
    slope: list[float],
    curve: list[list[float]],
    seen: Mapping[int, float],
    *,
    pull: float,
    stiffness: float,
) -> None:
    for at, value in seen.items():
        slope[at] += pull * value
        line = curve[at]
        scaled = stiffness * value
        for other, second in seen.items():
            line[other] += scaled * second


def _solved(
    curve: Sequence[Sequence[float]], slope: Sequence[float], ridge: float
) -> list[float]:
    """Solve (curve + ridge) x = slope by elimination with pivots."""
    size = len(slope)
    table = [
        [value + (ridge if at == row else 0.0) for at, value in enumerate(curve[row])]
        + [slope[row]]
        for row in range(size)
    ]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(table[row][column]))
        table[column], table[pivot] = table[pivot], table[column]
        lead = table[column]
        for row in range(size):
            if row != column and table[row][column]:
                factor = table[row][column] / lead[column]
                table[row] = [
                    value - factor * other
                    for value, other in zip(table[row], lead, strict=True)
                ]
    return [table[row][size] / table[row][row] for row in range(size)]
