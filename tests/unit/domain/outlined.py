"""Pages for the tests of outlines: prose on subjects that have nothing in common."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from app.domain.outline.pages import OutlinePage, outline_page, outline_part
from app.domain.outline.tree import Tree
from app.domain.pages import PageText

_COMMON = [f"common{number}" for number in range(400)]


def words_on(subject: str, seed: int, count: int = 120) -> str:
    """Return prose of which half is on a subject; the same for the same seed."""
    rng = random.Random(f"{subject} {seed}")  # noqa: S311 - no secret
    own = [f"{letter}{subject}" for letter in "abcdefghijklmnopqrst"]
    return " ".join(
        rng.choice(own if rng.random() < 0.5 else _COMMON) for _ in range(count)
    )


def page(
    page_id: str,
    title: str,
    text: str = "",
    parent_id: str | None = "1",
    headings: Iterable[str] = (),
    **more: Any,
) -> OutlinePage:
    """Return a page as an outline knows it."""
    said = PageText(title=title, paragraphs=(text,), headings=tuple(headings))
    return outline_page(page_id, said, parent_id=parent_id, **more)


def long_page(
    page_id: str, title: str, *sections: tuple[str, str], **more: Any
) -> OutlinePage:
    """Return a page of sections: their headings, and what they say."""
    parts = tuple(
        outline_part(heading, PageText(title="", paragraphs=(text,)))
        for heading, text in sections
    )
    whole = " ".join(text for _, text in sections)
    return page(page_id, title, whole, parts=parts, **more)


def branches(*subjects: str, pages: int = 5) -> list[OutlinePage]:
    """Return a homepage (id 1) and branches on subjects (ids 10, 20, ...; 11, 12, ...)."""
    found = [page("1", "Home", "Read on.", None)]
    for place, subject in enumerate(subjects, start=1):
        own = f"{place}0"
        found.append(page(own, f"All of {subject}", words_on(subject, 0)))
        found += [
            page(f"{place}{at}", f"{subject} no {at}", words_on(subject, at), own)
            for at in range(1, pages + 1)
        ]
    return found


def tree_of(*pages: OutlinePage) -> Tree:
    """Return a space of which page 1 is the homepage."""
    return Tree(pages, homepage_id="1")
