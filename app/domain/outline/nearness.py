"""Which pages are about the same things, by the stems that few others have."""

from __future__ import annotations

import heapq
import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from app.domain.outline.pages import OutlinePage, Part, id_order

#: A stem on more pages than this names no neighbours: it says too little for the work.
_COMMON = 150
#: No stem of more than this share of the pages does either, but in small spaces.
_COMMON_SHARE = 0.25
_FEWEST = 6


class _Posting:
    """Where a stem occurs, and how much of each page it is."""

    __slots__ = ("places", "shares")

    def __init__(self) -> None:
        self.places = array("I")
        self.shares = array("f")

    def add(self, place: int, share: float) -> None:
        """Note a page."""
        self.places.append(place)
        self.shares.append(share)


class Nearness:
    """Similarity of pages (0..1), and the nearest ones of each."""

    def __init__(self, pages: Iterable[OutlinePage]) -> None:
        known = list(pages)
        spread: Counter[str] = Counter()
        for page in known:
            spread.update(page.stems)
        self._rarity = {
            stem: math.log((len(known) + 1) / count) for stem, count in spread.items()
        }
        self._unseen = math.log(len(known) + 1)
        self._common = min(_COMMON, max(_FEWEST, int(len(known) * _COMMON_SHARE)))
        self._vectors = {page.id: self.vector(page) for page in known}
        self._ids = list(self._vectors)
        self._postings: defaultdict[str, _Posting] = defaultdict(_Posting)
        for place, vector in enumerate(self._vectors.values()):
            for stem, value in vector.items():
                if 1 < spread[stem] <= self._common:
                    self._postings[stem].add(place, value)

    def vector(self, of: OutlinePage | Part) -> Mapping[str, float]:
        """Return the stems of a page or a section as a unit vector, the rare ones long."""
        values = {
            stem: share * self._rarity.get(stem, self._unseen)
            for stem, share in zip(of.stems, of.shares, strict=True)
        }
        return unit(values)

    def of(self, page_id: str) -> Mapping[str, float]:
        """Return a page's vector."""
        return self._vectors[page_id]

    def likeness(self, page_id: str, others: Sequence[str]) -> float:
        """Return how alike a page is to others, on average; 0 to none."""
        if not others:
            return 0.0
        own = self._vectors[page_id]
        return math.fsum(alike(own, self._vectors[one]) for one in others) / len(others)

    def nearest(self, page_id: str, *, most: int) -> list[tuple[float, str]]:
        """Return the most similar pages with their similarity, nearest first."""
        own = self._vectors[page_id]
        sums: defaultdict[int, float] = defaultdict(float)
        for stem, value in own.items():
            posting = self._postings.get(stem)
            if posting is not None:
                for place, share in zip(posting.places, posting.shares, strict=True):
                    sums[place] += value * share
        best = heapq.nsmallest(most + 1, sums, key=lambda at: (-sums[at], at))
        found = [self._ids[place] for place in best]
        return sorted(
            (
                (alike(own, self._vectors[other]), other)
                for other in found
                if other != page_id
            ),
            key=lambda one: (-round(one[0], 9), id_order(one[1])),
        )[:most]


def unit(values: Mapping[str, float]) -> dict[str, float]:
    """Return a vector of length one; an empty one stays as it is."""
    length = math.sqrt(math.fsum(value * value for value in values.values())) or 1.0
    return {stem: value / length for stem, value in values.items()}


def alike(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return the similarity (0..1) of two unit vectors."""
    if len(other) < len(one):
        one, other = other, one
    return math.fsum(value * other.get(stem, 0.0) for stem, value in one.items())
