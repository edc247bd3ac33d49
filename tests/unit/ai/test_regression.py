"""The regressions that the shipped weights come from."""

from __future__ import annotations

import pytest

from benchmarks.local_ai.regression import Observation, fit_linear, fit_logistic


def test_a_straight_line_is_found() -> None:
    """Least squares give back the weights that made the data."""
    rows = [Observation({0: 1.0, 1: float(x)}, 3.0 + 2.0 * x) for x in range(10)]

    found = fit_linear(rows, 2, ridge=1e-9)

    assert found == pytest.approx([3.0, 2.0], abs=1e-4)


def test_chances_are_found() -> None:
    """A logistic model's bias is the log odds of what was seen."""
    rows = [Observation({0: 1.0}, float(at < 3)) for at in range(4)]

    found = fit_logistic(rows, 1, ridge=1e-9)

    assert found == pytest.approx([1.0986], abs=1e-3)
