"""Fits the shipped weights: `python -m benchmarks.local_ai.fit --data dev.jsonl`.

Prints the weights made from all sites, for `app/domain/ranking_weights.py` and
`app/domain/summary_weights.py`. With `--held-out FILE` it also writes, for each site,
the weights that the others make: `python -m benchmarks.quality` judges by them.
Takes a minute.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.evaluation.measures import rouge
from app.domain.memory import SiteMemory
from app.domain.outlooks import FEATURES, Outlook, survey
from app.domain.ranking_weights import RankWeights
from app.domain.summaries import SENTENCE_FEATURES, candidates
from benchmarks.local_ai.regression import Observation, fit_linear, fit_logistic
from benchmarks.local_ai.samples import Sample, load, vocabularies

#: Young sites are drawn with these numbers of labelled pages.
YOUNG = (0, 3, 8, 20)
#: How much a page counts on a young site; 1 on the whole site.
YOUNG_WEIGHT = 0.3
OLDEST_YOUNG_WEIGHT = 1.0
#: Of labels that nothing speaks for, this share is looked at (and counts in full).
IDLE_SHARE = 0.15
#: No site of the data has pages as parents, so nothing can be fitted: a parent's label
#: is taken to be worth somewhat less than standing on all siblings.
ON_PARENT = 1.0
#: Young sites are drawn without their tree, so these cannot grow with what is learned.
_STEADY = frozenset((FEATURES.index("on_parent"), FEATURES.index("on_siblings")))

_WIDTH = len(FEATURES)
_SPEAKING = tuple(
    FEATURES.index(name) for name in ("vote", "partly_in_title", "in_prose")
)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page's labels' outlooks, seen from one site memory."""

    learned: float
    wanted: frozenset[str]
    outlooks: tuple[Outlook, ...]
    weight: float


def main() -> None:
    """Fit, print the weights to be shipped, and write those that judge fairly."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--held-out", type=Path, help="JSON file to write")
    chosen = options.parse_args()
    sites = load(chosen.data)
    known = vocabularies(chosen.data.with_name("vocab.json"), sites)
    chance = random.Random(1)
    seen = {site: list(_pages(sites[site], known[site], chance)) for site in sites}
    spoken = {site: list(_sentences(sites[site])) for site in sites}
    if chosen.held_out:
        held_out = {site: _without(site, seen, spoken) for site in sites}
        chosen.held_out.write_text(json.dumps(held_out, indent=1) + "\n", "utf-8")
    shipped = _fit_labels([page for pages in seen.values() for page in pages])
    _print_weights("always", shipped.always)
    _print_weights("learned", shipped.learned)
    rows = [row for rows in spoken.values() for row in rows]
    _print_weights("sentences", _fit_sentences(rows))


def _without(
    site: str,
    seen: Mapping[str, Sequence[_Page]],
    spoken: Mapping[str, Sequence[Observation]],
) -> dict[str, Any]:
    """Return the weights that all other sites teach: they may judge this one."""
    others = [other for other in seen if other != site]
    labels = _fit_labels([page for other in others for page in seen[other]])
    return {
        "labels": {"always": dict(labels.always), "learned": dict(labels.learned)},
        "sentences": _fit_sentences([row for other in others for row in spoken[other]]),
    }


def _pages(
    samples: Sequence[Sample], vocabulary: Sequence[str], chance: random.Random
) -> Iterator[_Page]:
    plain = [sample.remembered(tree=False) for sample in samples]
    whole = SiteMemory.build(plain, vocabulary=vocabulary)
    tree = SiteMemory.build(
        [sample.remembered(tree=True) for sample in samples], vocabulary=vocabulary
    )
    for sample, own in zip(samples, plain, strict=True):
        yield _page(sample, whole, None, 1.0)
        if sample.folder is not None:
            yield _page(sample, tree, sample.folder, 1.0)
        others = [page for page in plain if page is not own]
        for size in YOUNG:
            drawn = chance.sample(others, min(size, len(others)))
            young = SiteMemory.build(drawn, vocabulary=vocabulary)
            weight = OLDEST_YOUNG_WEIGHT if size == max(YOUNG) else YOUNG_WEIGHT
            yield _page(sample, young, None, weight)


def _page(
    sample: Sample, memory: SiteMemory, folder: str | None, weight: float
) -> _Page:
    seen = survey(memory, sample.text, page_id=sample.id, parent_id=folder)
    return _Page(seen.learned, sample.labels, seen.outlooks, weight)


def _fit_labels(pages: Sequence[_Page]) -> RankWeights:
    chance = random.Random(3)
    rows = [row for page in pages for row in _observations(page, chance)]
    fitted = fit_logistic(rows, 2 * _WIDTH, ridge=1.0)
    always = dict(zip(FEATURES, fitted[:_WIDTH], strict=True))
    learned = dict(zip(FEATURES, fitted[_WIDTH:], strict=True))
    return RankWeights(always=always | {"on_parent": ON_PARENT}, learned=learned)


def _observations(page: _Page, chance: random.Random) -> Iterator[Observation]:
    for outlook in page.outlooks:
        wanted = outlook.name in page.wanted
        weight = page.weight
        if not wanted and not any(outlook.features[at] for at in _SPEAKING):
            if chance.random() > IDLE_SHARE:
                continue
            weight /= IDLE_SHARE
        seen = {at: value for at, value in enumerate(outlook.features) if value}
        grown = {
            _WIDTH + at: value * page.learned
            for at, value in seen.items()
            if at not in _STEADY
        }
        yield Observation(seen | grown, float(wanted), weight)


def _sentences(samples: Sequence[Sample]) -> Iterator[Observation]:
    """Walk sentences as they stand out of their page: above or below its average."""
    for sample in samples:
        found = candidates(sample.text)
        if not found:
            continue
        # The root: between two bad sentences the difference matters more.
        worth = [sum(rouge(one.text, sample.summary)) ** 0.5 for one in found]
        usual = sum(worth) / len(worth)
        middle = [
            sum(at) / len(found)
            for at in zip(*(one.features for one in found), strict=True)
        ]
        for one, value in zip(found, worth, strict=True):
            seen = {at: feature - middle[at] for at, feature in enumerate(one.features)}
            yield Observation(seen, value - usual, len(found) ** -0.5)


def _fit_sentences(rows: Sequence[Observation]) -> dict[str, float]:
    fitted = fit_linear(rows, len(SENTENCE_FEATURES), ridge=10.0)
    return dict(zip(SENTENCE_FEATURES, fitted, strict=True))


def _print_weights(name: str, weights: Mapping[str, float]) -> None:
    print(f"\n{name}:")
    for feature, weight in weights.items():
        print(f'        "{feature}": {weight:.3f},')


if __name__ == "__main__":
    main()
