"""The label ranker's shipped weights, and their shape.

Made on 2026-11-22 by `python -m benchmarks.local_ai.fit --data dev.jsonl` on 310 pages
of seven public sites (English, German, Ukrainian); see `benchmarks/local_ai/README.md`
for the sites and for what the model is worth. `on_parent` is set by hand: the sites
know folders, not parent pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class RankWeights:
    """A logistic model whose weights grow with what the site has taught.

    Attributes:
        always: Feature -> weight on any site.
        learned: Feature -> weight added in full on a site with very many labelled
            pages, in part on a young one.
    """

    always: Mapping[str, float]
    learned: Mapping[str, float]

    def of(self, feature: str, learned: float) -> float:
        """Return a feature's weight; features that the model does not know have none."""
        return self.always.get(feature, 0.0) + learned * self.learned.get(feature, 0.0)


SHIPPED = RankWeights(
    always=MappingProxyType(
        {
            "bias": -4.403,
            "vote": 4.053,
            "vote_root": 0.303,
            "lift": 0.277,
            "nearest": 0.607,
            "nearest_relative": -0.344,
            "centre": 1.503,
            "in_title": -0.599,
            "partly_in_title": 2.061,
            "in_prose": 1.780,
            "name_weight": 0.266,
            "name_weight_partly": 0.468,
            "popularity": -1.747,
            "habit": -0.035,
            "on_parent": 1.000,
            "on_siblings": 0.417,
        }
    ),
    learned=MappingProxyType(
        {
            "bias": -1.989,
            "vote": 3.588,
            "vote_root": 2.101,
            "lift": -1.339,
            "nearest": -0.060,
            "nearest_relative": 2.761,
            "centre": 0.804,
            "in_title": 1.023,
            "partly_in_title": 1.702,
            "in_prose": 0.602,
            "name_weight": -0.414,
            "name_weight_partly": 0.102,
            "popularity": -0.442,
            "habit": 0.250,
            "on_parent": 0.000,
            "on_siblings": 0.000,
        }
    ),
)
