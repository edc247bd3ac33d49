"""What an outline knows of each page: small, so that ten thousand stand in memory."""

from __future__ import annotations

import heapq
import re
import sys
import unicodedata
import zlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape

from app.domain.memory import dampened
from app.domain.pages import LONGEST_TITLE, PageText
from app.domain.scope import PageFacts, is_template
from app.domain.stems import stems, weigh, words

#: Stems of a page and of a section that are kept: the heaviest ones.
_STEMS = 60
#: Words that make a shingle, and the shingles of a page that are kept.
_SHINGLE = 5
SKETCH = 128
#: Characters of a page's prose that shingles are taken of.
_READ = 60_000
_HEADINGS, _LINKS = 40, 100
#: Shorter pages are never split.
LONG_PAGE = 1_200

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
#: A link to a page of the same space, by its title.
_LINK = re.compile(r"<ri:page\b(?P<attributes>[^<>]{0,2000})>")
_TITLE = re.compile(r'ri:content-title="([^"]{1,1000})"')
_ELSEWHERE = re.compile(r"ri:space-key=")
#: Macros that list what stands below a page or is linked from it.
_LISTS = re.compile(
    r'ac:name="(?:children|pagetree|index|contentbylabel|detailssummary|'
    r'recently-updated|blog-posts|listlabels)"'
)
#: What stands only on the page that it was attached to.
_ATTACHED = re.compile(r"<ri:attachment\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section of a long page, with all that lies in it.

    Attributes:
        words: How many it has.
        can_leave: Whether its markup says the same on another page.
    """

    heading: str
    words: int
    stems: tuple[str, ...] = field(repr=False)
    shares: array[float] = field(repr=False)
    can_leave: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinePage:
    """One page.

    Attributes:
        words: How many words of prose it has.
        stems: The heaviest ones; `shares` says how heavy each is.
        sketch: The smallest hashes of its runs of words, in order.
        runs: How many different runs of words it has.
        links: Titles of pages of its space that it links to.
        parts: The sections of a long page.
        lists: Whether it lists what stands below by a macro.
        is_template: Whether other pages are made of it.
    """

    id: str
    title: str
    parent_id: str | None = None
    version: int = 1
    labels: frozenset[str] = frozenset()
    words: int = 0
    headings: tuple[str, ...] = field(default=(), repr=False)
    stems: tuple[str, ...] = field(default=(), repr=False)
    shares: array[float] = field(default_factory=lambda: array("f"), repr=False)
    sketch: array[int] = field(default_factory=lambda: array("I"), repr=False)
    runs: int = 0
    links: tuple[str, ...] = field(default=(), repr=False)
    parts: tuple[Part, ...] = field(default=(), repr=False)
    lists: bool = False
    is_template: bool = False
    edited_at: datetime | None = None


def outline_page(
    page_id: str,
    text: PageText,
    *,
    title: str | None = None,
    parent_id: str | None = None,
    version: int = 1,
    labels: Iterable[str] = (),
    body: str = "",
    parts: tuple[Part, ...] = (),
    edited_at: datetime | None = None,
) -> OutlinePage:
    """Return what is kept of a page.

    Args:
        page_id: Its id.
        text: Its readable text.
        title: As it is spelled on the site; None takes the readable one.
        parent_id: What it hangs below.
        version: Its version.
        labels: Its labels.
        body: Its storage format, for links and macros.
        parts: Its sections, if it is long.
        edited_at: When it was last edited.
    """
    kept, shares = _heaviest(weigh(text))
    sketch, runs, length = _sketch(text)
    names = frozenset(labels)
    return OutlinePage(
        id=page_id,
        title=(text.title if title is None else title)[:LONGEST_TITLE],
        parent_id=parent_id,
        version=version,
        labels=names,
        words=length,
        headings=tuple(one[:LONGEST_TITLE] for one in text.headings[:_HEADINGS]),
        stems=kept,
        shares=shares,
        sketch=sketch,
        runs=runs,
        links=_links(body),
        parts=parts,
        lists=_LISTS.search(body) is not None,
        is_template=is_template(
            PageFacts(page_id=page_id, title=text.title, labels=names)
        ),
        edited_at=edited_at,
    )


def outline_part(heading: str, text: PageText, *, markup: str = "") -> Part:
    """Return what is kept of a section."""
    kept, shares = _heaviest(weigh(text))
    return Part(
        heading=heading[:LONGEST_TITLE],
        words=length_of(text),
        stems=kept,
        shares=shares,
        can_leave=_ATTACHED.search(markup) is None,
    )


def length_of(text: PageText) -> int:
    """Return how many words of prose a text has, roughly: what white space parts."""
    return sum(len(one.split()) for one in text.paragraphs)


def folded_title(title: str) -> str:
    """Return a title as a person sees it: one case, single spaces, nothing invisible."""
    seen = _INVISIBLE.sub("", unicodedata.normalize("NFKC", title))
    return " ".join(seen.casefold().split())


def id_order(page_id: str | None) -> tuple[int, str]:
    """Return what orders pages by their ids, as numbers where they are some."""
    digits = page_id is not None and page_id.isascii() and page_id.isdecimal()
    return (int(page_id or 0) if digits else 0), page_id or ""


def title_stems(title: str) -> frozenset[str]:
    """Return the stems of a title."""
    return frozenset(stems(title))


def _heaviest(weights: Mapping[str, float]) -> tuple[tuple[str, ...], array[float]]:
    shares = dampened(weights)
    kept = heapq.nsmallest(_STEMS, shares, key=lambda stem: (-shares[stem], stem))
    # One string object a stem, however many pages have it.
    return tuple(map(sys.intern, kept)), array("f", (shares[stem] for stem in kept))


def _sketch(text: PageText) -> tuple[array[int], int, int]:
    """Return the sketch, how many runs of words there are, and how many words."""
    said = words(" ".join(text.paragraphs)[:_READ])
    hashes = {
        zlib.crc32(" ".join(said[at : at + _SHINGLE]).encode("utf-8", "replace"))
        for at in range(len(said) - _SHINGLE + 1)
    }
    return array("I", heapq.nsmallest(SKETCH, hashes)), len(hashes), length_of(text)


def _links(body: str) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for link in _LINK.finditer(body):
        title = _TITLE.search(link["attributes"])
        if title is None or _ELSEWHERE.search(link["attributes"]):
            continue
        told = " ".join(unescape(title[1]).split())
        if told and len(told) <= LONGEST_TITLE:
            found.setdefault(folded_title(told), told)
        if len(found) == _LINKS:
            break
    return tuple(found.values())
