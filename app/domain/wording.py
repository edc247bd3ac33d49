"""A page's words, how rare they are on the rest of its site, and what they say of labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from app.domain.memory import SiteMemory, Trace, dampened
from app.domain.pages import PageText
from app.domain.stems import name_stems, stems, weigh

#: Every label is named by its own words, if at all.
NOTHING_SPOKEN: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Our page's words, and how rare they are on the rest of the site.

    Attributes:
        weights: What the page is about, stem by stem.
        rarity: How rare each of these stems is.
        pages: How many other pages the site has.
        spoken: Label -> stems of other words than its own by which the page names it.
    """

    title: frozenset[str]
    headings: frozenset[str]
    weights: Mapping[str, float]
    rarity: Mapping[str, float]
    pages: int
    spoken: Mapping[str, Sequence[str]]

    def parts(self, name: str) -> Sequence[str]:
        """Return the stems by which the page would name a label."""
        return self.spoken.get(name) or name_stems(name)

    @property
    def subject(self) -> Mapping[str, float]:
        """What sets the page apart: its stems' weights, dampened, by their rarity."""
        return {
            stem: weight * self.rarity[stem]
            for stem, weight in dampened(self.weights).items()
        }

    def rarity_of(self, stem: str) -> float:
        """Rarity of a stem; one that no page has is the rarest."""
        return self.rarity.get(stem, math.log1p(self.pages))


def read_words(
    memory: SiteMemory,
    page: PageText,
    own: Trace | None,
    spoken: Mapping[str, Sequence[str]],
) -> Wording:
    """Read a page with the eyes of a site that has never seen it."""
    weights = weigh(page)
    pages = len(memory.traces) - (own is not None)
    known = frozenset(own.stems) if own is not None else frozenset[str]()
    rarity = {
        stem: math.log1p(pages / (1 + memory.pages_with(stem) - (stem in known)))
        for stem in weights
    }
    return Wording(
        title=frozenset(stems(page.title)),
        headings=frozenset(stem for text in page.headings for stem in stems(text)),
        weights=weights,
        rarity=rarity,
        pages=pages,
        spoken=spoken,
    )


def wording_features(
    parts: Sequence[str], wording: Wording, *, new: bool
) -> tuple[float, ...]:
    """Return what the words say of a label of these stems; `new`: no page carries it."""
    if not parts:
        return (0.0,) * 5
    named = frozenset(parts)
    rarities = [wording.rarity_of(part) for part in parts]
    # On an empty site every word is as rare as can be.
    rarest = math.log1p(wording.pages)
    rare = math.fsum(rarities) / len(parts) / rarest if rarest else 1.0
    said = [wording.weights.get(part, 0.0) for part in parts]
    spoken = math.fsum(w * r for w, r in zip(said, rarities, strict=True))
    in_prose = rare * (named <= wording.weights.keys())
    return (
        rare * len(named & wording.title) / len(named),
        in_prose,
        in_prose * new,
        rare * math.log1p(min(said)),
        math.log1p(spoken / math.fsum(rarities)) if rarest else 0.0,
    )


def told_by_words(named: frozenset[str], wording: Wording) -> Iterator[str]:
    """Say where the page has all of these stems, if it does."""
    if not named:
        return
    if named <= wording.title:
        yield "in the title"
    elif named <= wording.headings:
        yield "in a heading"
    elif named <= wording.weights.keys():
        yield "in the text"
