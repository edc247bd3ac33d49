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
        "first": -0.014,
        "nearness": 0.178,
        "depth": -0.073,
        "title_share": 0.129,
        "share_in_title": 0.368,
        "title_weighted": 0.052,
        "centrality": 0.209,
        "short": -0.049,
        "medium": 0.028,
        "length": 0.175,
        "about_the_page": 0.278,
        "ability": 0.048,
        "leaning": -0.017,
        "pointing": -0.053,
        "step": -0.007,
        "unfinished": -0.019,
        "lower_case": -0.062,
        "begins_with_title": -0.016,
    }
)
