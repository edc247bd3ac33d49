"""A page as the rules of advice look at it: part by part, each with its own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.languages import detect
from app.domain.pages import Page, PageText, Section

#: Code is quoted, not said: nothing in it is advice's business.
_QUOTED = re.compile(r"<!\[CDATA\[.*?\]\]>|<(pre|code)\b[^>]*>.*?</\1>", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A heading with what follows it, up to the next heading of any level.

    Attributes:
        level: 1 to 6; 0 before the first heading.
        place: The heading; of headings that repeat, with a number.
        markup: Its storage format without code, and without the parts below it.
        text: Its words, the heading's among them.
        parent: Which of the page's parts it lies in; None for none.
    """

    heading: str
    level: int
    place: str
    markup: str = field(repr=False)
    text: PageText = field(repr=False)
    parent: int | None = None

    @property
    def words(self) -> int:
        """How many words of prose it has itself."""
        return sum(len(one.split()) for one in self.text.paragraphs)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """A page and the moment at which it is looked at.

    Attributes:
        now: Aware, as `page.edited_at` is.
    """

    page: Page
    text: PageText
    parts: tuple[Part, ...]
    now: datetime
    language: str

    @property
    def title(self) -> str:
        """The cleaned title."""
        return self.text.title

    @property
    def words(self) -> int:
        """How many words of prose the page has."""
        return sum(one.words for one in self.parts)

    @property
    def days_untouched(self) -> int | None:
        """Days since the last edit; None if nobody knows."""
        edited = self.page.edited_at
        return None if edited is None else (self.now - edited).days

    def paragraphs(self) -> Iterator[tuple[Part, str]]:
        """Walk the page's prose with the part that each paragraph stands in."""
        for part in self.parts:
            for one in part.text.paragraphs:
                yield part, one


def view(
    page: Page,
    text: PageText,
    sections: Sequence[Section],
    *,
    read: Callable[[str], PageText],
    now: datetime,
) -> PageView:
    """Take a page apart.

    Args:
        page: The page with its storage body.
        text: Its readable text.
        sections: What its body consists of, sub-sections after what they lie in.
        read: Returns the readable text of a piece of storage format.
        now: The moment to judge it at.
    """
    seen: Counter[str] = Counter()
    parts: list[Part] = []
    for one, (parent, length) in zip(sections, _nested(sections), strict=True):
        seen[one.heading] += 1
        count = seen[one.heading]
        own = one.markup[:length]
        parts.append(
            Part(
                heading=one.heading,
                level=one.level,
                place=one.heading if count == 1 else f"{one.heading} #{count}",
                markup=_QUOTED.sub(" ", own),
                text=read(own),
                parent=parent,
            )
        )
    return PageView(
        page=page,
        text=text,
        parts=tuple(parts),
        now=now,
        language=detect(f"{text.title}\n{text.text}"),
    )


def _nested(sections: Sequence[Section]) -> list[tuple[int | None, int]]:
    """Return for each section what it lies in, and where in it the first inner begins.

    A section lies in another if it is deeper and stands there word for word: in the
    cells of a layout, deeper ones may follow without lying in what came before.
    """
    found: list[tuple[int | None, int]] = []
    ends: dict[int, int] = {}
    above: list[int] = []
    for at, one in enumerate(sections):
        while above:
            outer = above[-1]
            start = _start(one, sections[outer], ends.get(outer))
            if start >= 0:
                if outer not in ends:
                    found[outer] = (found[outer][0], start)
                ends[outer] = start + len(one.markup)
                break
            above.pop()
        found.append((above[-1] if above else None, len(one.markup)))
        if one.level:
            above.append(at)
    return found


def _start(one: Section, outer: Section, end: int | None) -> int:
    """Return where a section begins in another, right after the inner one before it."""
    if one.level <= outer.level:
        return -1
    if end is None:
        return outer.markup.find(one.markup)
    return end if outer.markup.startswith(one.markup, end) else -1
