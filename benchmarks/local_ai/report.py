"""Tables of what was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from app.domain.choosing import decide
from app.domain.plans import APPLY_AT
from benchmarks.local_ai.measures import (
    average_precision,
    overlap_f1,
    recall,
    rouge,
)
from benchmarks.local_ai.samples import Sample
from benchmarks.local_ai.trials import LabelTrial, SummaryTrial

_Trial = TypeVar("_Trial", bound=LabelTrial | SummaryTrial)

#: A page gets at most so many labels.
PLACES = 5
#: What the provider is shown.
CANDIDATES = 30
_STEPS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.01)


def print_labels(title: str, trials: Sequence[LabelTrial]) -> None:
    """Print a line for all pages, for each language, and for each site."""
    print(f"\n{title}")
    print(
        f"  {'':16}{'n':>4}{'MAP':>7}{'P@1':>7}{'R@5':>7}{'F1@5':>7}{'(max)':>7}"
        f"{'applied':>9}{'micro':>7}{'right':>7}{'a page':>7}{'p>=.5':>7}{'ms':>7}"
    )
    for name, group in _groups(trials):
        ceiling = _mean(
            overlap_f1(wanted[:PLACES], wanted, PLACES)
            for wanted in (sorted(trial.sample.labels) for trial in group)
        )
        put = [applied(trial) for trial in group]
        hits = sum(
            _hits(labels, trial) for labels, trial in zip(put, group, strict=True)
        )
        count = sum(map(len, put))
        wanted = sum(len(trial.sample.labels) for trial in group)
        print(
            f"  {name:16}{len(group):4}"
            f"{_mean(map(precision, group)):7.3f}"
            f"{_mean(_recall_at(trial, 1) > 0 for trial in group):7.3f}"
            f"{_mean(_recall_at(trial, PLACES) for trial in group):7.3f}"
            f"{_mean(_f1_at_places(trial) for trial in group):7.3f}{ceiling:7.3f}"
            f"{_mean(map(applied_f1, group)):9.3f}{2 * hits / (count + wanted):7.3f}"
            f"{hits / max(1, count):7.3f}{count / len(group):7.2f}"
            f"{_mean(map(_likelier_f1, group)):7.3f}"
            f"{_mean(trial.milliseconds for trial in group):7.1f}"
        )


def print_calibration(trials: Iterable[LabelTrial]) -> None:
    """Print, for ranges of probability, how many labels fell in and were right."""
    ranges: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for trial in trials:
        for one in trial.ranked:
            at = sum(one.score >= step for step in _STEPS[1:])
            ranges[at].append((one.score, one.name in trial.sample.labels))
    print("\ncalibration\n  range           labels  said  right")
    for at, seen in sorted(ranges.items()):
        said = _mean(score for score, _ in seen)
        right = _mean(hit for _, hit in seen)
        span = f"{_STEPS[at]:.2f} - {min(1.0, _STEPS[at + 1]):.2f}"
        print(f"  {span:16}{len(seen):6}{said:6.2f}{right:7.2f}")


def print_summaries(title: str, trials: Sequence[SummaryTrial]) -> None:
    """Print ROUGE for all pages, for each language, and for each site."""
    print(f"\n{title}")
    print(f"  {'':16}{'n':>4}{'R-1':>7}{'R-2':>7}{'R-L':>7}{'words':>7}{'ms':>7}")
    for name, group in _groups(trials):
        scores = [rouge(trial.summary, trial.sample.summary) for trial in group]
        one, two, longest = (_mean(column) for column in zip(*scores, strict=True))
        words = _mean(len(trial.summary.split()) for trial in group)
        print(
            f"  {name:16}{len(group):4}{one:7.3f}{two:7.3f}{longest:7.3f}{words:7.1f}"
            f"{_mean(trial.milliseconds for trial in group):7.1f}"
        )


def _groups(trials: Sequence[_Trial]) -> list[tuple[str, list[_Trial]]]:
    languages = _split(trials, lambda sample: sample.language)
    sites = _split(trials, lambda sample: sample.source)
    return [("all", list(trials)), *languages, *sites]


def _split(
    trials: Sequence[_Trial], key: Callable[[Sample], str]
) -> list[tuple[str, list[_Trial]]]:
    found: defaultdict[str, list[_Trial]] = defaultdict(list)
    for trial in trials:
        found[key(trial.sample)].append(trial)
    return sorted(found.items())


def _names(trial: LabelTrial) -> list[str]:
    return [one.name for one in trial.ranked]


def precision(trial: LabelTrial) -> float:
    """Return the average precision of a page's ranking."""
    return average_precision(_names(trial), trial.sample.labels)


def applied(trial: LabelTrial) -> list[str]:
    """Return the labels that would be put on the page without asking."""
    return [
        choice.name
        for choice in decide(trial.ranked[:CANDIDATES], PLACES)
        if choice.confidence >= APPLY_AT
    ]


def applied_f1(trial: LabelTrial) -> float:
    """Return the F1 of the labels that would be put on the page without asking."""
    put = applied(trial)
    return overlap_f1(put, trial.sample.labels, len(put))


def _recall_at(trial: LabelTrial, places: int) -> float:
    return recall(_names(trial)[:places], trial.sample.labels)


def _f1_at_places(trial: LabelTrial) -> float:
    return overlap_f1(_names(trial)[:PLACES], trial.sample.labels, PLACES)


def _likelier_f1(trial: LabelTrial) -> float:
    """F1 of labels that are likelier than not, which is what is not done."""
    put = [one.name for one in trial.ranked[:PLACES] if one.score >= APPLY_AT]
    return overlap_f1(put, trial.sample.labels, len(put))


def _hits(labels: Iterable[str], trial: LabelTrial) -> int:
    return len(trial.sample.labels.intersection(labels))


def _mean(values: Iterable[float]) -> float:
    seen = list(values)
    return sum(seen) / len(seen) if seen else 0.0
