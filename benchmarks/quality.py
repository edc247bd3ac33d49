"""Writes `docs/quality.md`: how good the local provider is, in figures.

`python -m benchmarks.quality --data pages.jsonl [--vocabulary vocab.json]
[--held-out weights.json] [--out docs/quality.md]`

The pages are those that the shipped weights were fitted on, which flatters them.
`weights.json` makes it honest: `{source: {"labels": {"always": {…}, "learned": {…}},
"sentences": {…}}}`, for each source the weights that were fitted on all others. Without
it the page says that these figures are missing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.ai.local import LocalProvider
from app.clock import utc_now
from app.confluence.reading import read_page
from app.domain.completions import Turn
from app.domain.evaluation.answers import Trial, answered
from app.domain.evaluation.baselines import BASELINES
from app.domain.evaluation.report import Report, report
from app.domain.evaluation.samples import Sample, read_samples, read_vocabulary
from app.domain.evaluation.sites import Site, by_source, chosen
from app.domain.outlooks import FEATURES
from app.domain.ranking_weights import RankWeights
from app.domain.summaries import SENTENCE_FEATURES, summarise
from app.usecases.evaluate import NO_TENANT, Course, evaluate, question
from benchmarks import quality_page

#: Labelled pages that a young site remembers; None is a whole site.
AGES = (0, 3, 8, 20, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A model that never saw the site it is measured on."""

    labels: RankWeights
    sentences: Mapping[str, float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write; without `arguments` those of the command line count."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--vocabulary", type=Path)
    options.add_argument("--held-out", type=Path)
    options.add_argument("--out", type=Path, default=Path("docs/quality.md"))
    wanted = options.parse_args(arguments)
    pages = chosen(_sites(wanted.data, wanted.vocabulary))
    weights = _weights(wanted.held_out) if wanted.held_out else {}
    shipped = {age: _shipped(pages, age) for age in AGES}
    held_out = {age: _held_out(pages, age, weights) for age in AGES if weights}
    text = quality_page.write(shipped, held_out, today=utc_now().date())
    wanted.out.write_text(text, encoding="utf-8")
    print(f"{wanted.out}: {len(pages)} pages")


def _sites(data: Path, vocabulary: Path | None) -> list[Site]:
    """Read the data; without a vocabulary named, `vocab.json` beside them counts."""
    lines = data.read_text(encoding="utf-8").split("\n")
    samples = read_samples(data.name, lines, read_page)
    known = vocabulary or data.with_name("vocab.json")
    if vocabulary is None and not known.exists():
        return by_source(samples)
    text = known.read_text(encoding="utf-8")
    sources = {sample.source for sample in samples}
    return by_source(samples, read_vocabulary(known.name, text, sources))


def _weights(path: Path) -> dict[str, Weights]:
    """Read weights by held-out source; those of another model are refused."""
    held: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for source, found in held.items():
        names = [*found["labels"]["always"], *found["sentences"]]
        if set(names) != {*FEATURES, *SENTENCE_FEATURES}:
            sys.exit(f"{path}: the weights without {source} are of another model")
    return {
        source: Weights(
            labels=RankWeights(**found["labels"]), sentences=found["sentences"]
        )
        for source, found in held.items()
    }


def _shipped(pages: Sequence[tuple[Site, Sample]], age: int | None) -> Report:
    """Measure the provider exactly as `confluence-ai evaluate` does."""
    trials: list[Trial] = []
    provider = LocalProvider()
    course = Course(memory=age)
    asyncio.run(evaluate(pages, {provider.name: provider}, course, done=trials.append))
    return report(trials, models={provider.name: provider.model})


def _held_out(
    pages: Sequence[tuple[Site, Sample]],
    age: int | None,
    weights: Mapping[str, Weights],
) -> Report:
    """Measure the provider with weights that never saw the page's site."""
    provider = LocalProvider()
    trials = [
        asyncio.run(_trial(provider, site, sample, age, weights[site.name]))
        for site, sample in pages
    ]
    return report(trials, models={provider.name: provider.model})


async def _trial(
    provider: LocalProvider,
    site: Site,
    sample: Sample,
    age: int | None,
    weights: Weights,
) -> Trial:
    known = site.without(sample, size=age)
    prompt, ranked = question(sample, known, weights=weights.labels)
    completion = await provider.complete(prompt, Turn(tenant_id=NO_TENANT))
    summary = summarise(sample.text, weights=weights.sentences)
    answer = answered(
        replace(completion, summary=summary),
        [candidate.name for candidate in ranked],
        vocabulary=known.memory.labels,
        milliseconds=0.0,
    )
    baselines = {name: ask(sample, known) for name, ask in BASELINES.items()}
    return Trial(
        sample=sample,
        learnable=frozenset(known.counts),
        answers={provider.name: answer, **baselines},
    )


if __name__ == "__main__":
    main()
