"""Averages over a group of pages, under the names that reports give them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import reduce
from operator import add
from typing import Any

from app.domain.completions import Usage
from app.domain.evaluation.calibration import calibration, expected_error
from app.domain.evaluation.scores import LabelScore, Score, SummaryScore

#: Digits that are told; more would be noise.
_DIGITS = 4
_MICRO = 1_000_000

Figures = Mapping[str, Any]


def figures(scores: Sequence[Score]) -> Figures:
    """Return everything that is known of a group of answers; None is "not measured".

    A failure counts with no label and no summary, so it scores 0; it is left out of
    calibration, latency, and what is said of summaries that are there.
    """
    usage = reduce(add, (one.usage for one in scores), Usage())
    dollars = usage.micro_usd / _MICRO
    times = sorted(one.milliseconds for one in scores if one.milliseconds is not None)
    told = {
        "n": len(scores),
        **_label_figures([one.labels for one in scores if one.labels]),
        **_summary_figures([one.summary for one in scores if one.summary]),
        "p50_ms": _percentile(times, 0.50),
        "p95_ms": _percentile(times, 0.95),
        "tokens": {
            "input": usage.input_tokens,
            "cached": usage.cached_tokens,
            "output": usage.output_tokens,
            "thinking": usage.thinking_tokens,
        },
        "cost_usd": dollars,
        "cost_usd_per_1000_pages": 1000 * dollars / len(scores) if scores else None,
        "failures": sum(bool(one.failure) for one in scores),
        "failure_kinds": dict(Counter(one.failure for one in scores if one.failure)),
    }
    return {name: _rounded(value) for name, value in told.items()}


def _label_figures(scores: Sequence[LabelScore]) -> Figures:
    bins = calibration(promise for one in scores for promise in one.promises)
    named = sum(len(one.promises) + one.strangers for one in scores)
    return {
        "map": _mean(one.average_precision for one in scores),
        "p_at_1": _mean(one.first for one in scores),
        "p_at_5": _mean(one.precision for one in scores),
        "r_at_5": _mean(one.recall for one in scores),
        "r_at_5_learnable": _mean(one.learnable_recall for one in scores),
        "f1_at_5": _mean(one.f1 for one in scores),
        "f1_at_5_ceiling": _mean(one.ceiling for one in scores),
        **_applied_figures(scores),
        "suggested_f1": _mean(one.suggested_f1 for one in scores),
        "out_of_vocabulary": sum(one.strangers for one in scores) / named
        if named
        else None,
        "calibration": [asdict(one) for one in bins] if scores else None,
        "calibration_error": expected_error(bins),
    }


def _applied_figures(scores: Sequence[LabelScore]) -> Figures:
    """Return what is known of labels that are put on pages without asking.

    The plain names are averages over pages (precision: over those that get a label at
    all), `_micro` counts labels over all pages.
    """
    applied = sum(one.applied for one in scores)
    hits = sum(one.hits for one in scores)
    wanted = sum(one.wanted for one in scores)
    return {
        "applied_precision": _mean(
            one.hits / one.applied for one in scores if one.applied
        ),
        "applied_recall": _mean(one.hits / one.wanted for one in scores),
        "applied_f1": _mean(one.applied_f1 for one in scores),
        "applied_precision_micro": hits / applied if applied else None,
        "applied_recall_micro": hits / wanted if wanted else None,
        "applied_f1_micro": 2 * hits / (applied + wanted) if wanted else None,
        "applied_per_page": applied / len(scores) if scores else None,
    }


def _summary_figures(scores: Sequence[SummaryScore]) -> Figures:
    compared = [one.rouge for one in scores if one.rouge]
    return {
        "rouge1": _mean(one for one, _, _ in compared),
        "rouge2": _mean(two for _, two, _ in compared),
        "rougeL": _mean(longest for _, _, longest in compared),
        "summary_words": _mean(one.words for one in scores if one.words),
        "title_overlap": _mean(one.title_overlap for one in scores),
        "language_match": _mean(one.same_language for one in scores),
        "invented_words": _mean(one.invented for one in scores),
    }


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that `share` of all do not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return value
