"""A page as sections of lines: where on the page something is said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from app.domain.pages import PageText

#: What stands between the cells of a table's row.
BORDER = " | "

_FENCE = re.compile(r"`{3,}")


@dataclass(slots=True)
class Section:
    """A heading and what stands below it; the page may begin without one.

    Attributes:
        lines: Prose and rows of tables, in reading order.
        code: Lines of code.
    """

    heading: str = ""
    lines: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)


def sections(page: PageText) -> list[Section]:
    """Return a page's sections in reading order, empty ones left out."""
    raw = (page.text or "\n\n".join(page.paragraphs)).split("\n")
    headings = Counter(page.headings)
    found = [Section()]
    for at, line, is_code in _lines(raw):
        if is_code:
            found[-1].code.append(line)
        elif headings[line] > 0 and _stands_alone(raw, at):
            headings[line] -= 1
            found.append(Section(heading=line))
        elif line.strip():
            found[-1].lines.append(line)
    return [one for one in found if one.heading or one.lines or one.code]


def _lines(raw: Sequence[str]) -> Iterator[tuple[int, str, bool]]:
    """Walk the lines but for fences; code ends at a fence like that it began with."""
    left = Counter(line for line in raw if line[:3] == "```" and _FENCE.fullmatch(line))
    fence = ""
    for at, line in enumerate(raw):
        if line not in left:
            yield at, line, bool(fence)
            continue
        left[line] -= 1
        if line == fence:
            fence = ""
        elif fence:
            yield at, line, True
        elif left[line] > 0:
            fence = line


def _stands_alone(raw: Sequence[str], at: int) -> bool:
    around = (*raw[max(0, at - 1) : at], *raw[at + 1 : at + 2])
    return not any(line.strip() for line in around)
