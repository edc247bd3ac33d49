"""Titles that do not say what their page is about, and better ones from its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from app.domain.advice.findings import Finding, quoted
from app.domain.advice.moments import moments
from app.domain.advice.views import PageView
from app.domain.keyphrases import keyphrases
from app.domain.languages import UNDETERMINED
from app.domain.stems import stems

_NUMBER = r"[\s#(№-]*\d{0,4}\)?"
#: A title that is nothing but such a word, perhaps with a number.
_EMPTY: Final = re.compile(
    r"(?:untitled(?: page| document)?|new page|page|notes?|my notes|misc(?:ellaneous)?|"
    r"drafts?|test(?: page)?|temp|tmp|todo|stuff|other|various|sandbox|"
    r"без назви|нова сторінка|сторінка|нотатки|замітки|різне|інше|чернетка|тест|"
    r"ohne titel|unbenannt|neue seite|seite|notiz(?:en)?|sonstiges|verschiedenes|entwurf)"
    + _NUMBER,
    re.IGNORECASE,
)
_COPY: Final = re.compile(
    r"^(?:copy of|копія|kopie von)\b:?\s*(?P<of>.+)"
    r"|^(?P<before>.+?)\s*[-–(]\s*(?:copy|копія|kopie)(?:\s*\d*)?\)?$",
    re.IGNORECASE,
)
#: A ticket or a code: letters and a number, and no word.
_CODE: Final = re.compile(r"(?:[A-ZА-ЯІЇЄҐ]{2,10}[-_ ]?\d{2,}[-_\d]*)")
#: Names that look like codes, and are what everybody calls the thing.
_NAMES: Final = re.compile(r"(?:CVE|RFC|ISO|DIN|EN|ADR|IEEE|PEP|ДСТУ|HTTP|UTF)\b")
_LETTERS: Final = re.compile(r"[^\W\d_]", re.UNICODE)
_CYRILLIC: Final = re.compile("[\u0400-\u04ff]")
#: Left of a dated title when the date is gone.
_ALMOST_NOTHING = 2
#: For a title to share nothing with its text, there must be something of both.
_FEWEST_WORDS = 150
_FEWEST_STEMS = 2
#: Letters that two words have in common if they are related.
_PIECE = 4
_LONGEST_TITLE = 90
_SHORTEST_TITLE = 4


def unclear_title(page: PageView) -> Iterator[Finding]:
    """Say so, once, if the title tells nothing."""
    title = page.title.strip()
    copied = _COPY.search(title)
    if _EMPTY.fullmatch(title):
        yield _finding(page, "says_nothing", 2, _better(page))
    elif copied:
        yield _finding(page, "copy", 2, copied["of"] or copied["before"])
    elif _is_date(title):
        yield _finding(page, "date_alone", 1, _better(page))
    elif _CODE.fullmatch(title) and not _NAMES.match(title):
        yield _finding(page, "code_alone", 1, _better(page))
    elif _is_unrelated(page):
        yield _finding(page, "unrelated", 1, _better(page))


def _finding(
    page: PageView, signal: str, severity: Literal[1, 2], better: str
) -> Finding:
    return Finding(
        kind="unclear_title",
        signal=signal,
        severity=severity,
        place="title",
        passage=quoted(page.title),
        facts={"better": better} if better else {},
    )


def _is_date(title: str) -> bool:
    rest = title
    for one in reversed(moments(title)):
        rest = rest[: one.start] + rest[one.end :]
    return rest != title and len(_LETTERS.findall(rest)) <= _ALMOST_NOTHING


def _is_unrelated(page: PageView) -> bool:
    """Whether no word of the title stands in the text, both being of one script."""
    own = frozenset(stems(page.title))
    if len(own) < _FEWEST_STEMS or page.words < _FEWEST_WORDS:
        return False
    if page.language == UNDETERMINED or page.text.code:
        return False
    if _is_cyrillic(page.title) != _is_cyrillic(page.text.text):
        return False
    said = page.text.text.casefold()
    # German joins words: any piece of the title in the text is something in common.
    return not any(piece in said for one in own for piece in _pieces(one))


def _pieces(one: str) -> Iterator[str]:
    for at in range(max(1, len(one) - _PIECE + 1)):
        yield one[at : at + _PIECE]


def _is_cyrillic(text: str) -> bool:
    return len(_CYRILLIC.findall(text)) * 2 > len(_LETTERS.findall(text))


def _better(page: PageView) -> str:
    """Return a title from the page's own words: its first heading, or what it repeats."""
    for part in page.parts:
        heading = part.heading
        if _SHORTEST_TITLE <= len(heading) <= _LONGEST_TITLE and _says_something(
            heading
        ):
            return heading
    phrases = [one.replace("-", " ") for one in keyphrases(page.text, limit=2)]
    own = frozenset(stems(page.title))
    return ", ".join(one for one in phrases if not own.intersection(stems(one)))


def _says_something(heading: str) -> bool:
    return (
        not _EMPTY.fullmatch(heading)
        and not _is_date(heading)
        and _COMMON.fullmatch(heading) is None
    )


#: Headings that every second page begins with.
_COMMON: Final = re.compile(
    r"(?:overview|introduction|summary|about|contents|table of contents|background|goals?|"
    r"вступ|огляд|зміст|опис|мета|загальні положення|"
    r"überblick|übersicht|einleitung|einführung|inhalt|zusammenfassung|ziele?)\W*",
    re.IGNORECASE,
)
