"""A section's heading and what stands below it, told apart byte for byte."""

from __future__ import annotations

from app.domain.pages import Section
from app.errors import MarkupAmbiguous
from app.usecases.ports import PageMarkup


def heading_of(markup: PageMarkup, section: Section) -> str:
    """Return a section's heading as it is written; empty before the first heading.

    Raises:
        MarkupAmbiguous: It cannot be told where the heading ends.
    """
    if not section.level:
        return ""
    end = f"</h{section.level}>"
    heading, found, _ = section.markup.partition(end)
    said = sections_of(markup, heading + found) if found else []
    if [(one.heading, one.level) for one in said] != [(section.heading, section.level)]:
        raise MarkupAmbiguous("it cannot be told where the heading of the section ends")
    return heading + found


def content_of(markup: PageMarkup, section: Section) -> str:
    """Return what stands below a section's heading, sub-sections included.

    Raises:
        MarkupAmbiguous: It cannot be told where the heading ends.
    """
    return section.markup[len(heading_of(markup, section)) :]


def sections_of(markup: PageMarkup, body: str) -> list[Section]:
    """Return the sections of a body; of one that is not well-formed none."""
    try:
        return list(markup.sections(body))
    except MarkupAmbiguous:
        return []


def topmost(sections: list[Section]) -> list[Section]:
    """Return the sections that lie in no other: the largest parts of a page."""
    levels = [one.level for one in sections if one.level]
    top = min(levels, default=0)
    return [one for one in sections if one.level in (0, top)]
