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
            "bias": -4.400,
            "vote": 4.025,
            "vote_root": 0.380,
            "lift": 0.310,
            "nearest": 0.637,
            "nearest_relative": -0.364,
            "centre": 1.498,
            "in_title": -0.596,
            "partly_in_title": 2.056,
            "in_prose": 1.777,
            "name_weight": 0.266,
            "name_weight_partly": 0.469,
            "popularity": -1.790,
            "habit": -0.036,
            "on_parent": 1.000,
            "on_siblings": 0.416,
        }
    ),
    learned=MappingProxyType(
        {
            "bias": -2.002,
            "vote": 3.539,
            "vote_root": 2.189,
            "lift": -1.382,
            "nearest": -0.037,
            "nearest_relative": 2.743,
            "centre": 0.800,
            "in_title": 1.020,
            "partly_in_title": 1.711,
            "in_prose": 0.600,
            "name_weight": -0.418,
            "name_weight_partly": 0.102,
            "popularity": -0.447,
            "habit": 0.256,
            "on_parent": 0.000,
            "on_siblings": 0.000,
        }
    ),
)
