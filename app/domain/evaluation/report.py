"""The whole report: figures by language and site, baselines, differences, warnings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

from app.domain.evaluation.answers import Trial
from app.domain.evaluation.baselines import BASELINES
from app.domain.evaluation.comparison import paired
from app.domain.evaluation.figures import Figures, figures
from app.domain.evaluation.samples import Sample
from app.domain.evaluation.scores import Score, score
from app.domain.plans import APPLY_AT

#: Pages shown whose summaries say most that the page does not.
_WORST = 10

Report = Mapping[str, Any]

#: What is compared, and where it stands in a score (None where it was not measured).
_COMPARED: Mapping[str, Callable[[Score], float | None]] = {
    "map": lambda one: one.labels.average_precision if one.labels else None,
    "applied_f1": lambda one: one.labels.applied_f1 if one.labels else None,
    "rouge1": lambda one: (
        one.summary.rouge[0] if one.summary and one.summary.rouge else None
    ),
}
#: The same figures that a provider has to be better in than every baseline.
_TO_BEAT = {"map": "labels", "rouge1": "summaries"}


def report(
    trials: Sequence[Trial], *, models: Mapping[str, str], seed: int = 0
) -> Report:
    """Return all figures as plain values, ready for JSON.

    Args:
        trials: Pages that everybody of `models` and all baselines answered.
        models: Provider -> its model.
        seed: Of the bootstrap.
    """
    scores = {
        name: [score(trial, name) for trial in trials] for name in (*models, *BASELINES)
    }
    baselines = {name: _split(scores[name]) for name in BASELINES}
    overall = {name: found["overall"] for name, found in baselines.items()}
    providers = {}
    for name, model in models.items():
        found = _split(scores[name])
        providers[name] = {
            "model": model,
            **found,
            "inventions": _inventions(scores[name]),
            "warnings": list(_warnings(found["overall"], overall)),
        }
    return {
        "data": _data(trials),
        "apply_at": APPLY_AT,
        "providers": providers,
        "baselines": baselines,
        "differences": list(_differences(scores, list(models), seed)),
    }


def _data(trials: Sequence[Trial]) -> Mapping[str, Any]:
    wanted = sum(len(trial.sample.labels) for trial in trials)
    unseen = sum(len(trial.sample.labels - trial.learnable) for trial in trials)
    return {
        "pages": len(trials),
        "sites": len({trial.sample.source for trial in trials}),
        "labels_per_page": round(wanted / len(trials), 2) if trials else None,
        "labels_unseen": round(unseen / wanted, 4) if wanted else None,
        "summaries": sum(bool(trial.sample.summary) for trial in trials),
    }


def _split(scores: Sequence[Score]) -> dict[str, Any]:
    return {
        "overall": figures(scores),
        "lang": _grouped(scores, lambda sample: sample.language),
        "source": _grouped(scores, lambda sample: sample.source),
    }


def _grouped(
    scores: Sequence[Score], key: Callable[[Sample], str]
) -> Mapping[str, Figures]:
    groups: defaultdict[str, list[Score]] = defaultdict(list)
    for one in scores:
        groups[key(one.sample)].append(one)
    return {name: figures(groups[name]) for name in sorted(groups)}


def _inventions(scores: Sequence[Score]) -> list[Mapping[str, Any]]:
    """Return the pages whose summaries say most that is not on them, worst first."""
    found = sorted(
        (-one.summary.invented, one.sample.id, one.summary.inventions)
        for one in scores
        if one.summary and one.summary.invented
    )
    return [
        {"page": page, "share": round(-share, 4), "numbers_and_names": list(named)}
        for share, page, named in found[:_WORST]
    ]


def _warnings(own: Figures, baselines: Mapping[str, Figures]) -> Iterator[str]:
    for measure, what in _TO_BEAT.items():
        for name, other in baselines.items():
            if other[measure] is None or own[measure] is None:
                continue
            if own[measure] <= other[measure]:
                yield (
                    f"{what} do not beat the baseline {name}: {measure} "
                    f"{own[measure]:.3f}, not above {other[measure]:.3f}"
                )
    if own["out_of_vocabulary"]:
        yield f"{own['out_of_vocabulary']:.1%} of its labels are outside the vocabulary"
    if own["failures"]:
        yield f"{own['failures']} of {own['n']} answers failed and score nothing"


def _differences(
    scores: Mapping[str, Sequence[Score]], providers: Sequence[str], seed: int
) -> Iterator[Mapping[str, Any]]:
    """Walk providers in pairs, then each provider with each baseline."""
    pairs = [
        *combinations(providers, 2),
        *((name, baseline) for name in providers for baseline in BASELINES),
    ]
    for ours, theirs in pairs:
        for measure, value in _COMPARED.items():
            both = [
                (one, other)
                for one, other in zip(
                    map(value, scores[ours]), map(value, scores[theirs]), strict=True
                )
                if one is not None and other is not None
            ]
            found = paired(
                [one for one, _ in both], [other for _, other in both], seed=seed
            )
            if found:
                told = {name: round(value, 4) for name, value in asdict(found).items()}
                yield {"of": ours, "over": theirs, "measure": measure, **told}
