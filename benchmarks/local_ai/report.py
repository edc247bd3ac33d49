"""Tables of what was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

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
#: From this probability on a label is put on the page without asking.
APPLIED = 0.5
#: From this probability on a label is suggested.
SUGGESTED = 0.2
_STEPS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.01)


def print_labels(title: str, trials: Sequence[LabelTrial]) -> None:
    """Print a line for all pages, for each language, and for each site."""
    print(f"\n{title}")
    print(
        f"  {'':16}{'n':>4}{'MAP':>7}{'P@1':>7}{'R@5':>7}{'F1@5':>7}{'(max)':>7}"
        f"{'F1>=.5':>8}{'P>=.5':>7}{'F1>=.2':>8}{'ms':>7}"
    )
    for name, group in _groups(trials):
        ceiling = _mean(
            overlap_f1(wanted[:PLACES], wanted, PLACES)
            for wanted in (sorted(trial.sample.labels) for trial in group)
        )
        print(
            f"  {name:16}{len(group):4}"
            f"{_mean(map(_precision, group)):7.3f}"
            f"{_mean(_recall_at(trial, 1) > 0 for trial in group):7.3f}"
            f"{_mean(_recall_at(trial, PLACES) for trial in group):7.3f}"
            f"{_mean(_f1_at_places(trial) for trial in group):7.3f}{ceiling:7.3f}"
            f"{_mean(_chosen_f1(trial, APPLIED) for trial in group):8.3f}"
            f"{_chosen_precision(group, APPLIED):7.3f}"
            f"{_mean(_chosen_f1(trial, SUGGESTED) for trial in group):8.3f}"
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


def _precision(trial: LabelTrial) -> float:
    return average_precision(_names(trial), trial.sample.labels)


def _recall_at(trial: LabelTrial, places: int) -> float:
    return recall(_names(trial)[:places], trial.sample.labels)


def _f1_at_places(trial: LabelTrial) -> float:
    return overlap_f1(_names(trial)[:PLACES], trial.sample.labels, PLACES)


def _chosen(trial: LabelTrial, threshold: float) -> list[str]:
    return [one.name for one in trial.ranked[:PLACES] if one.score >= threshold]


def _chosen_f1(trial: LabelTrial, threshold: float) -> float:
    chosen = _chosen(trial, threshold)
    return overlap_f1(chosen, trial.sample.labels, len(chosen))


def _chosen_precision(trials: Iterable[LabelTrial], threshold: float) -> float:
    return _mean(
        name in trial.sample.labels
        for trial in trials
        for name in _chosen(trial, threshold)
    )


def _mean(values: Iterable[float]) -> float:
    seen = list(values)
    return sum(seen) / len(seen) if seen else 0.0
