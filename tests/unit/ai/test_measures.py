"""The measures that the local provider is judged by."""

from __future__ import annotations

import pytest

from benchmarks.local_ai.measures import average_precision, overlap_f1, recall, rouge
from benchmarks.local_ai.regression import Observation, fit_linear, fit_logistic


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        (["a", "b"], 1.0),
        (["x", "a", "b"], (1 / 2 + 2 / 3) / 2),
        (["x"], 0.0),
        ([], 0.0),
    ],
)
def test_average_precision_rewards_early_hits(
    ranked: list[str], expected: float
) -> None:
    """Precision at each wanted label's place, averaged over all that are wanted."""
    found = average_precision(ranked, {"a", "b"})

    assert found == pytest.approx(expected)


def test_overlap_counts_all_places() -> None:
    """F1 at five punishes places that could not be filled well."""
    assert overlap_f1(["a", "x"], {"a"}, 5) == pytest.approx(2 / 6)
    assert recall(["a", "x"], {"a", "b"}) == 0.5


def test_rouge_reads_any_script() -> None:
    """Ukrainian words count as words; case and punctuation do not."""
    one, two, longest = rouge("Кіт сів на дах!", "кіт на дах")

    assert one == pytest.approx(6 / 7)
    assert two == pytest.approx(2 / 5)
    assert longest == pytest.approx(6 / 7)


def test_rouge_of_nothing_is_nothing() -> None:
    """An empty answer shares no word."""
    assert rouge("", "one two") == (0.0, 0.0, 0.0)


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
