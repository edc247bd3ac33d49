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
            "bias": -4.425,
            "vote": 2.680,
            "vote_root": 0.624,
            "lift": -0.371,
            "nearest": 0.704,
            "nearest_relative": 0.733,
            "centre": 1.338,
            "centre_ratio": 1.725,
            "partly_in_title": 1.660,
            "in_prose": 0.654,
            "new_in_prose": 1.170,
            "name_weight": 0.214,
            "name_weight_partly": 0.438,
            "popularity": -1.277,
            "on_parent": 1.000,
            "on_siblings": 0.380,
        }
    ),
    learned=MappingProxyType(
        {
            "bias": -1.961,
            "vote": 3.165,
            "vote_root": 2.240,
            "lift": -0.853,
            "nearest": -0.213,
            "nearest_relative": 2.247,
            "centre": 0.453,
            "centre_ratio": -0.921,
            "partly_in_title": 2.046,
            "in_prose": 0.838,
            "new_in_prose": 1.294,
            "name_weight": -0.600,
            "name_weight_partly": 0.268,
            "popularity": -0.477,
            "on_parent": 0.000,
            "on_siblings": 0.000,
        }
    ),
)
