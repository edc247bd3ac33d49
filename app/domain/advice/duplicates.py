"""Whether one page says what another says: by their words, five at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app.domain.advice.findings import Finding, quoted
from app.domain.advice.views import PageView
from app.domain.pages import PageText
from app.domain.stems import words

_SHINGLE = 5
#: Of a page that is too short, a few common phrases are most of it.
_FEWEST_SHINGLES = 40
#: Words that are looked at; a longer page is a dump.
_MOST_WORDS = 20_000
#: Shares in common from which two pages are one, and a page is part of another.
_SAME = 0.8
_PART = 0.85
#: Shares are told so coarsely that one word more or less does not change them.
_STEP = 5

Shingles = frozenset[tuple[str, ...]]
_NONE: Final[Shingles] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Another page of the site.

    Attributes:
        is_near: Whether it stands in the same space, so that who reads one page may
            be told the other's title.
    """

    page_id: str
    title: str = field(repr=False)
    text: PageText = field(repr=False)
    is_near: bool = True


def shingles(text: str) -> Shingles:
    """Return a text's runs of five words; none of a text that is too short."""
    said = words(text)[:_MOST_WORDS]
    found = frozenset(zip(*(said[at:] for at in range(_SHINGLE)), strict=False))
    return found if len(found) >= _FEWEST_SHINGLES else _NONE


def duplicate(page: PageView, others: Sequence[Other]) -> Finding | None:
    """Return that the page says what another says, by the one it has most in common with."""
    own = shingles(page.text.text)
    found: list[tuple[float, float, Other]] = []
    for other in others:
        theirs = shingles(other.text.text)
        common = len(own & theirs)
        if common:
            found.append((common / len(own), common / len(theirs), other))
    if not found:
        return None
    mine, theirs_share, other = max(found, key=lambda one: (one[0], one[1]))
    if mine >= _SAME and theirs_share >= _SAME:
        return _finding("same_text", page, own, other, mine)
    if mine >= _PART:
        return _finding("part_of", page, own, other, mine)
    return None


def _finding(
    signal: str, page: PageView, own: Shingles, other: Other, share: float
) -> Finding:
    theirs = shingles(other.text.text)
    passage = next(
        (
            one
            for _, one in page.paragraphs()
            if (said := _runs(one) & own) and said <= theirs
        ),
        page.title,
    )
    return Finding(
        kind="duplicate",
        signal=signal,
        severity=3 if signal == "same_text" else 2,
        place=other.page_id,
        passage=quoted(passage),
        facts={
            "title": page.title,
            "other": quoted(other.title),
            "other_id": other.page_id,
            "share": str(int(share * 100) // _STEP * _STEP),
        },
        is_private=not other.is_near,
    )


def _runs(paragraph: str) -> Shingles:
    said = words(paragraph)
    return frozenset(zip(*(said[at:] for at in range(_SHINGLE)), strict=False))
