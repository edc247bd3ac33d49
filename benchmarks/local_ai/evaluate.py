"""Measures the shipped ranker and summariser on labelled pages.

`python -m benchmarks.local_ai.evaluate --data pages.jsonl [--vocabulary vocab.json]`

Every page is left out of its own site's memory. On the pages that the shipped weights
were fitted on, the figures flatter a little: `fit` prints honest ones for those.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.local_ai.report import (
    print_calibration,
    print_labels,
    print_summaries,
)
from benchmarks.local_ai.samples import load, vocabularies
from benchmarks.local_ai.trials import (
    baseline_summaries,
    first_sentence,
    label_trials,
    name_trials,
    popularity_trials,
    summary_trials,
    title,
)

#: Sites that remember so few labelled pages.
YOUNG = (0, 3, 8, 20)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--vocabulary", type=Path)
    chosen = options.parse_args()
    sites = load(chosen.data)
    beside = chosen.data.with_name("vocab.json")
    known = vocabularies(chosen.vocabulary or beside, sites)
    pairs = [(pages, known[site]) for site, pages in sites.items()]

    ranked = [trial for pair in pairs for trial in label_trials(*pair)]
    print_labels("labels: site memory", ranked)
    in_tree = [
        trial
        for pages, names in pairs
        if any(page.folder is not None for page in pages)
        for trial in label_trials(pages, names, tree=True)
    ]
    print_labels("labels: site memory with the page tree", in_tree)
    for size in YOUNG:
        young = [trial for pair in pairs for trial in label_trials(*pair, pages=size)]
        print_labels(f"labels: site memory of {size} pages", young)
    popular = [trial for pair in pairs for trial in popularity_trials(*pair)]
    print_labels("labels: baseline, popular labels", popular)
    named = [trial for pair in pairs for trial in name_trials(*pair)]
    print_labels("labels: baseline, names on the page", named)
    print_calibration(ranked)

    everything = [page for pages, _ in pairs for page in pages]
    print_summaries("summaries: best sentence", list(summary_trials(everything)))
    for baseline in (first_sentence, title):
        trials = list(baseline_summaries(everything, baseline))
        print_summaries(f"summaries: baseline, {baseline.__name__}", trials)


if __name__ == "__main__":
    main()
