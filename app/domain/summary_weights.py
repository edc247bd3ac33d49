"""The sentence scorer's shipped weights.

Made on 2026-11-22 by `python -m benchmarks.local_ai.fit --data dev.jsonl`: least
squares on ROUGE against summaries that people wrote, 310 pages of seven public sites
(English, German, Ukrainian); see `benchmarks/local_ai/README.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Feature of a sentence -> weight.
SENTENCE_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "first": -0.013,
        "nearness": 0.179,
        "depth": -0.072,
        "title_share": 0.135,
        "share_in_title": 0.328,
        "title_weighted": 0.057,
        "centrality": 0.203,
        "short": -0.049,
        "medium": 0.028,
        "length": 0.170,
        "about_the_page": 0.278,
        "ability": 0.049,
        "leaning": -0.018,
        "pointing": -0.059,
        "step": -0.006,
        "unfinished": -0.016,
        "lower_case": -0.062,
        "begins_with_title": -0.018,
    }
)
