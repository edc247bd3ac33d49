"""What a site has taught us: its pages' stems and the labels that people put on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMemory:
    """One page as the ranker remembers it.

    Attributes:
        weights: Stem -> weight (title x3, headings x2, prose x1; code left out).
        labels: Labels that people put there; never what this app wrote itself,
            unless a person kept it.
    """

    page_id: str
    parent_id: str | None
    space_id: str
    language: str
    weights: Mapping[str, float] = field(repr=False)
    labels: frozenset[str]
