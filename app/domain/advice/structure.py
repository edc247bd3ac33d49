"""Pages whose parts do not help a reader to find the way: headings, lists, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.domain.advice.findings import Finding, quoted
from app.domain.advice.views import PageView, Part

#: Words of a page that needs headings; of a part that needs some inside; of a
#: paragraph that nobody reads to its end.
_LONG_PAGE = 700
_GIANT_PART = 1_500
_WALL = 250
_FEWEST_PARAGRAPHS = 8
#: Levels that a heading may be deeper than the one that it lies under.
_STEP = 1
_FEWEST_DASHES = 3
_FEWEST_ROWS = 3

_PARAGRAPH: Final = re.compile(r"<p(?:\s[^>]*)?(?<!/)>(.*?)</p>", re.DOTALL)
_BREAK: Final = re.compile(r"<br\b[^>]*>")
_MARKS = r"(?:<(?:span|strong|em|u|a|ac:[\w-]+)\b[^<>]*>)*"
_DASH: Final = re.compile(
    rf"{_MARKS}\s*(?:[-*](?:\s|&nbsp;)+|[•·](?:\s|&nbsp;)*){_MARKS}[^\W_-]"
)
_TABLE: Final = re.compile(r"<table\b(?:(?!<table\b).)*?</table>", re.DOTALL)
_ROW: Final = re.compile(r"<tr\b")
_CELL: Final = re.compile(r"<td\b")
_TAG: Final = re.compile(r"<[^<>]*>")


def broken_structure(page: PageView) -> Iterator[Finding]:
    """Walk what of a page's structure is missing or out of order."""
    yield from _long_pieces(page)
    yield from _headings(page)
    for part in page.parts:
        yield from _dashes(part)
        yield from _tables(part)


def _long_pieces(page: PageView) -> Iterator[Finding]:
    paragraphs = list(page.paragraphs())
    if not any(one.level for one in page.parts):
        if page.words >= _LONG_PAGE and len(paragraphs) >= _FEWEST_PARAGRAPHS:
            first = paragraphs[0][1]
            yield Finding(
                kind="broken_structure",
                signal="no_headings",
                severity=2,
                passage=quoted(first),
                facts={"words": _about(page.words)},
            )
    else:
        for part in page.parts:
            if part.words >= _GIANT_PART:
                words = part.words
                yield _finding("giant_section", part, part.heading, words=words)
    for part, paragraph in paragraphs:
        words = len(paragraph.split())
        if words >= _WALL:
            yield _finding("wall_of_text", part, paragraph, words=words)


def _headings(page: PageView) -> Iterator[Finding]:
    seen: dict[tuple[int | None, str], Part] = {}
    for part in page.parts:
        if not part.level:
            continue
        outer = None if part.parent is None else page.parts[part.parent]
        if outer is not None and part.level > outer.level + _STEP:
            yield _finding("level_jump", part, f"{outer.heading} → {part.heading}")
        name = " ".join(part.heading.casefold().split())
        before = seen.setdefault((part.parent, name), part)
        if name and before is not part and before.level == part.level:
            yield _finding("repeated_heading", part, part.heading)


def _dashes(part: Part) -> Iterator[Finding]:
    """Find lists that are typed as lines with dashes, in paragraphs or with breaks."""
    run: list[str] = []
    end = -1
    for match in _PARAGRAPH.finditer(part.markup):
        together = not part.markup[end : match.start()].strip() if run else True
        lines = _BREAK.split(match[1])
        dashed = [one for one in lines if _DASH.match(one)]
        if len(dashed) >= _FEWEST_DASHES:
            run = dashed
            break
        whole = len(lines) == 1 and bool(dashed)
        run = [*run, match[1]] if whole and together else lines if whole else []
        end = match.end()
        if len(run) >= _FEWEST_DASHES:
            break
    if len(run) >= _FEWEST_DASHES:
        yield _finding("typed_list", part, _TAG.sub("", run[0]))


def _tables(part: Part) -> Iterator[Finding]:
    for match in _TABLE.finditer(part.markup):
        table = match[0]
        rows = len(_ROW.findall(table))
        wide = len(_CELL.findall(table)) >= 2 * rows
        if rows >= _FEWEST_ROWS and wide and "<th" not in table.replace("<thead", ""):
            first = _TAG.sub(" ", table.partition("</tr>")[0])
            yield _finding("headless_table", part, first)
            return


def _finding(
    signal: str, part: Part, passage: str, *, words: int | None = None
) -> Finding:
    return Finding(
        kind="broken_structure",
        signal=signal,
        severity=1,
        heading=part.heading,
        place=part.place,
        passage=quoted(passage),
        facts={} if words is None else {"words": _about(words)},
    )


def _about(words: int) -> str:
    """Return a number that one more word does not change."""
    return str(words // 50 * 50)
