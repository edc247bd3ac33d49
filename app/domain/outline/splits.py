"""Long pages of which large sections have nothing to do with the rest."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from app.domain.outline.nearness import Nearness, alike, unit
from app.domain.outline.pages import (
    LONG_PAGE,
    OutlinePage,
    Part,
    folded_title,
    id_order,
    title_stems,
)
from app.domain.outline.proposals import Proposal, confident
from app.domain.outline.tree import Tree
from app.domain.pages import LONGEST_TITLE

#: A section that is to be a page of its own has so many words.
_LARGE = 250
_SEVERAL = 2
#: And is no more alike to all the rest of its page than this.
_UNLIKE = 0.08
#: Of a page so many words stay.
_STAYS = 100


@dataclass(slots=True)
class _Large:
    part: Part
    vector: Mapping[str, float] = field(repr=False)
    likeness: float = 0.0


def splits(tree: Tree, nearness: Nearness) -> list[Proposal]:
    """Return long pages with the sections that should be pages, surest first."""
    found = [
        proposal
        for page in tree.pages.values()
        if page.words >= LONG_PAGE and not page.is_template
        if (proposal := _split(nearness, page, tree.taken)) is not None
    ]
    return sorted(found, key=lambda one: (-one.confidence, id_order(one.page_id)))


def _split(
    nearness: Nearness, page: OutlinePage, taken: Collection[str]
) -> Proposal | None:
    strange = _strange(nearness, page)
    if not strange:
        return None
    leaving = [one.part for one in strange]
    by_hand = ""
    if not all(one.can_leave for one in leaving):
        by_hand = "pictures or files of a section are attached to this page"
    if any(new_page_title(page.title, one.heading, taken) is None for one in leaving):
        by_hand = "no free title could be made for a section"
    words = sum(one.words for one in leaving)
    closest = max(one.likeness for one in strange)
    return Proposal(
        kind="split",
        page_id=page.id,
        title=page.title,
        reason=(
            f"It has {page.words} words on several subjects: {words} of them have next "
            "to nothing in common with the rest."
        ),
        evidence=tuple(f"{one.heading} ({one.words} words)" for one in leaving),
        confidence=confident(0.8 - 3 * closest),
        parent_id=page.id,
        parent_title=page.title,
        sections=tuple(one.heading for one in leaving),
        by_hand=by_hand,
    )


def new_page_title(page_title: str, heading: str, taken: Collection[str]) -> str | None:
    """Return a free title for a section that becomes a page; None if there is none.

    Args:
        page_title: Of the page that it comes from.
        heading: Of the section.
        taken: Titles of the space, folded.
    """
    for title in (heading, f"{page_title}: {heading}"):
        if heading and len(title) <= LONGEST_TITLE and folded_title(title) not in taken:
            return title
    return None


def _strange(nearness: Nearness, page: OutlinePage) -> list[_Large]:
    """Return the large sections that are unlike the rest; never all of a page."""
    names = [folded_title(one.heading) for one in page.parts]
    large = [
        _Large(one, nearness.vector(one))
        for one in page.parts
        if one.words >= _LARGE
        and one.heading
        and names.count(folded_title(one.heading)) == 1
    ]
    if len(large) < _SEVERAL:
        return []
    for one in large:
        rest = [nearness.vector(two) for two in page.parts if two is not one.part]
        one.likeness = alike(one.vector, _sum(rest))
    subject = title_stems(page.title)
    found = [
        one
        for one in large
        if one.likeness < _UNLIKE
        and not subject & (title_stems(one.part.heading) | set(one.part.stems[:10]))
    ]
    left = sum(one.words for one in page.parts) - sum(one.part.words for one in found)
    # A page of which nothing would be left is kept by what was there first.
    return found if left >= _STAYS else found[1:]


def _sum(vectors: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: defaultdict[str, list[float]] = defaultdict(list)
    for vector in vectors:
        for stem, value in vector.items():
            total[stem].append(value)
    return unit({stem: math.fsum(values) for stem, values in total.items()})
