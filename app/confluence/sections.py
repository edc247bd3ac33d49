"""A page's sections: each heading with what follows it, byte for byte.

Only headings of the page itself count, in the cells of a layout as well; one inside
a macro, a table or a quotation divides nothing but that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.confluence.blocks import TextBuilder
from app.confluence.layouts import is_layout, layout_cells, put_inside
from app.confluence.markup_tree import Markup, Node, read_markup
from app.confluence.storage_format import read_storage
from app.domain.pages import Section
from app.errors import MarkupAmbiguous

_HEADING = re.compile(r"h([1-6])")
#: Paragraphs without a word, as the editor leaves them everywhere.
_NOTHING = re.compile(r"(?:\s|&nbsp;|\u00a0|</p>|<(?:p|br)(?:\s[^<>]*)?/?>)*")


@dataclass(frozen=True, slots=True)
class _Run:
    """A stretch of a page in which sections follow one another."""

    start: int
    end: int
    headings: list[Node]


@dataclass(frozen=True, slots=True)
class _Place:
    heading: str
    level: int
    start: int
    end: int


def sections(body: str) -> tuple[Section, ...]:
    """Return the sections in order, sub-sections after those they lie in.

    Raises:
        MarkupAmbiguous: The body is not well-formed.
    """
    markup = read_markup(body)
    return tuple(
        Section(
            heading=place.heading,
            level=place.level,
            markup=markup.between(place.start, place.end),
        )
        for place in _places(markup)
    )


def with_section(
    body: str, heading: str, markup: str | None, *, precedes: str = ""
) -> str:
    """Return the body with a section replaced, or removed for None.

    A heading that is not there is put before the section of the heading that it
    `precedes`, where that is named and stands there once; else at the end. What should
    stand before the first heading is put at the top.

    Raises:
        MarkupAmbiguous: Several sections have that heading, or body or markup is not
            well-formed.
    """
    page = read_markup(body)
    if markup is not None:
        read_markup(markup)
    places = list(_places(page))
    found = [place for place in places if place.heading == heading]
    if len(found) > 1:
        raise MarkupAmbiguous(f"{len(found)} sections have one heading")
    if found:
        return page.spliced(found[0].start, found[0].end, markup or "")
    if markup is None:
        return body
    after = [place for place in places if precedes and place.heading == precedes]
    if heading and len(after) == 1:
        return page.spliced(after[0].start, after[0].start, markup)
    return put_inside(page, markup, at_end=bool(heading))


def _places(markup: Markup) -> Iterator[_Place]:
    for run in _runs(markup.root):
        levels = [int(node.name[1]) for node in run.headings]
        starts = [node.start for node in run.headings]
        first = starts[0] if starts else run.end
        if not _NOTHING.fullmatch(markup.between(run.start, first)):
            yield _Place("", 0, run.start, first)
        for place, node in enumerate(run.headings):
            level = levels[place]
            end = next(
                (
                    starts[later]
                    for later in range(place + 1, len(starts))
                    if levels[later] <= level
                ),
                run.end,
            )
            yield _Place(_words(markup, node), level, node.start, end)


def _runs(root: Node) -> Iterator[_Run]:
    """Walk the stretches of a page: cells of layouts, and what lies between layouts."""
    start, headings = root.inner, list[Node]()
    for child in root.children:
        if is_layout(child):
            yield _Run(start, child.start, headings)
            for cell in layout_cells(child):
                inside = [one for one in cell.children if _HEADING.fullmatch(one.name)]
                yield _Run(cell.inner, cell.close, inside)
            start, headings = child.end, []
        elif _HEADING.fullmatch(child.name):
            headings.append(child)
    yield _Run(start, root.close, headings)


def _words(markup: Markup, heading: Node) -> str:
    """Return a heading's text, as the readable text of the page has it."""
    out = TextBuilder()
    read_storage(markup.between(heading.start, heading.end), out)
    return " ".join(out.finish(title="", damaged=False).headings)
