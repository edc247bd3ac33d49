"""Which pages of a site share the rare words of one: a short list to look at closely."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Mapping

from app.domain.memory import SiteMemory

#: A word that more pages have is no sign of a copy.
_MOST_PAGES = 40
#: Fewer rare words than this are chance.
_FEWEST_STEMS = 12
#: Share of a page's rare words that a copy of it has.
_SHARED = 0.6


class Alike:
    """The rare words of a site's pages, and where each stands.

    Built once for many questions: it takes about as long as reading the memory does.
    """

    def __init__(self, memory: SiteMemory) -> None:
        self._pages = tuple(memory.traces)
        rare = {
            stem
            for stem, posting in memory.postings.items()
            if posting.pages <= _MOST_PAGES
        }
        self._places: dict[str, array[int]] = {}
        for slot, trace in enumerate(memory.traces.values()):
            for stem in rare.intersection(trace.stems):
                self._places.setdefault(stem, array("I")).append(slot)

    def nearest(
        self, weights: Mapping[str, float], *, page_id: str, limit: int
    ) -> tuple[str, ...]:
        """Return pages that have most of this one's rare words, nearest first.

        Args:
            weights: The page's stems.
            page_id: The page itself, which is left out.
            limit: At most so many.
        """
        counts: Counter[int] = Counter()
        rare = 0
        for stem in weights:
            places: Collection[int] = self._places.get(stem, ())
            counts.update(places)
            # What no other page has is no sign that another has it.
            rare += any(self._pages[slot] != page_id for slot in places)
        if rare < _FEWEST_STEMS:
            return ()
        found = sorted(
            (-count, self._pages[slot])
            for slot, count in counts.items()
            if count >= _SHARED * rare and self._pages[slot] != page_id
        )
        return tuple(other for _, other in found[:limit])
