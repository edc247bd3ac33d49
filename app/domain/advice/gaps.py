"""What is missing on a page: sections that its like have, text under headings, words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.domain.advice.findings import Finding, quoted
from app.domain.advice.page_kinds import PageKind, kind_of
from app.domain.advice.views import PageView, Part
from app.domain.stems import stems

#: Pages of a kind that show what is usual, at least; and how many of them must have a
#: section for it to be.
FEWEST_PAGES = 4
_USUAL = 0.75
_FEWEST_WORDS = 60
_NAMED_AT_MOST = 3

#: Something that readers see though no word of it stands in the page.
_SEEN: Final = re.compile(r"<(?:ac:(?!placeholder)|ri:|img|table|iframe|hr|time|input)")
#: What a template asks for, and nobody has filled in.
_PLACEHOLDER: Final = re.compile(
    r"<ac:placeholder\b[^>]*>(?P<asked>[^<]+)</ac:placeholder>"
    r"|(?P<insert>(?:&lt;|\[)\s*(?:insert|enter|add|describe|type|your \w+ here|"
    r"вставте|введіть|додайте|опишіть|вкажіть|einfügen|eingeben|beschreiben sie|"
    r"hier)\b[^<>\]&]{2,80}(?:&gt;|\]))(?!\()"
    r"|(?P<lorem>\blorem ipsum dolor\b[^<]{0,60})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customs:
    """The sections that pages of a kind usually have.

    Attributes:
        sections: What each is called, most usual first.
        pages: How many pages show it; 0 if it is common knowledge.
    """

    sections: tuple[str, ...] = field(repr=False)
    pages: int = 0


#: Where a site has too few pages of a kind to show its own: a word of each language
#: is enough for a section to be there, wherever on the page it stands.
_COMMON: Final[dict[PageKind, tuple[tuple[str, str], ...]]] = {
    "incident": (
        (
            "Timeline",
            r"timeline|chronolog|\d{1,2}:\d\d|хронологі|перебіг|zeitleiste|ablauf",
        ),
        ("Root cause", r"cause|причин|ursache"),
        ("Action items", r"action|follow-?up|next step|prevent|дії|заход|maßnahme"),
    ),
    "decision": (
        ("Decision", r"deci|рішен|вирішен|entscheid|entschied"),
        ("Consequences", r"consequence|impact|trade-?off|наслідк|вплив|folge|auswirk"),
    ),
    "meeting": (
        (
            "Participants",
            r"participant|attend|present|учасник|присутн|teilnehm|anwesend",
        ),
        (
            "Action items",
            (
                r"action|task|todo|to-do|next step|deci|дії|завдан|рішен|"
                r"aufgabe|maßnahme|beschl|entscheid"
            ),
        ),
    ),
}


def usual(pages: Sequence[Iterable[str]]) -> Customs | None:
    """Return what most of some pages' headings agree on; None if they are too few."""
    if len(pages) < FEWEST_PAGES:
        return None
    counts: Counter[frozenset[str]] = Counter()
    spellings: dict[frozenset[str], Counter[str]] = {}
    for headings in pages:
        own: dict[frozenset[str], str] = {}
        for heading in headings:
            own.setdefault(frozenset(stems(heading)), " ".join(heading.split()))
        for key, heading in own.items():
            if key:
                counts[key] += 1
                spellings.setdefault(key, Counter())[heading] += 1
    sections = [
        max(sorted(spellings[key]), key=spellings[key].__getitem__)
        for key, count in sorted(
            counts.items(), key=lambda one: (-one[1], sorted(one[0]))
        )
        if count >= _USUAL * len(pages)
    ]
    return Customs(sections=tuple(sections), pages=len(pages))


def missing(page: PageView, customs: Customs | None) -> Iterator[Finding]:
    """Say which usual sections a page of a kind lacks, by heading and by word."""
    kind = kind_of(page.title, [one.name for one in page.page.labels or ()])
    if kind is None or page.words < _FEWEST_WORDS:
        return
    if customs is None:
        said = page.text.text
        lacking = [
            name
            for name, pattern in _COMMON.get(kind, ())
            if not re.search(pattern, said, re.IGNORECASE)
        ]
    else:
        lacking = list(_lacking(page, customs))
    if lacking:
        yield Finding(
            kind="missing_sections",
            signal="missing",
            severity=1,
            place="sections",
            passage=quoted(", ".join(lacking[:_NAMED_AT_MOST])),
            facts={
                "sections": ", ".join(lacking[:_NAMED_AT_MOST]),
                "pages": str(customs.pages if customs else 0),
            },
        )


def _lacking(page: PageView, customs: Customs) -> Iterator[str]:
    """Walk sections of which the page's headings say no word."""
    own = frozenset(one for part in page.parts for one in stems(part.heading))
    for name in customs.sections:
        if not own.intersection(stems(name)):
            yield name


def gaps(page: PageView) -> Iterator[Finding]:
    """Walk headings with nothing below, and what a template left to fill in."""
    for at, part in enumerate(page.parts):
        found = _PLACEHOLDER.search(part.markup)
        if found:
            passage = found["asked"] or found["insert"] or found["lorem"]
            yield _finding("placeholder", part, passage)
        elif part.level and not _holds_anything(page, at):
            yield _finding("empty_section", part, part.heading)


def _holds_anything(page: PageView, at: int) -> bool:
    part = page.parts[at]
    if part.text.paragraphs or part.text.code or _SEEN.search(part.markup):
        return True
    following = page.parts[at + 1] if at + 1 < len(page.parts) else None
    # A heading that is followed by a deeper one begins a chapter.
    return following is not None and following.level > part.level


def _finding(signal: str, part: Part, passage: str) -> Finding:
    return Finding(
        kind="missing_sections",
        signal=signal,
        severity=2,
        heading=part.heading,
        place=part.place,
        passage=quoted(passage.replace("&lt;", "<").replace("&gt;", ">")),
    )
