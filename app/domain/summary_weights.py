"""The sentence scorer's shipped weights.

Made on 2026-11-22 by `python -m benchmarks.local_ai.fit --data dev.jsonl`: least
squares on the root of ROUGE against summaries that people wrote, 310 pages of seven
public sites (English, German, Ukrainian); see `benchmarks/local_ai/README.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Feature of a sentence -> weight.
SENTENCE_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "first": 0.007,
        "nearness": 0.078,
        "depth": -0.090,
        "title_share": 0.106,
        "share_in_title": 0.185,
        "title_weighted": 0.132,
        "centrality": 0.183,
        "short": -0.085,
        "medium": 0.034,
        "length": 0.155,
        "about_the_page": 0.144,
        "ability": 0.037,
        "leaning": -0.023,
        "pointing": -0.050,
        "step": -0.015,
        "unfinished": -0.014,
        "lower_case": -0.037,
        "begins_with_title": -0.012,
    }
)
