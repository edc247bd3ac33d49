"""One to three sentences of a page, from all over it: what stands where no AI says better.

The first is the page's best sentence. The others come from other sections, so that a
long page is not summed up by its introduction alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from app.domain.completions import Passage
from app.domain.openers import LEANING, POINTING, STEP
from app.domain.pages import PageText
from app.domain.passages import BORDER, Section, sections
from app.domain.plain_words import plain
from app.domain.stems import stems, words
from app.domain.summaries import SENTENCE_FEATURES, candidates, shorter, summarise
from app.domain.summary_weights import SENTENCE_WEIGHTS

#: A page with so many words of prose has a second sentence, and a third.
LENGTHS = (200, 800)

#: Sections that are looked at, from all over the page, and lines of each.
_SECTIONS = 60
_LINES = 12
#: A further sentence has so many words at least, and this part of the best one's worth.
_FEWEST_WORDS = 6
_LEAST_WORTH = 0.75
#: What it costs a sentence to say what is said already, or to stand beside what is
#: chosen; what it gains if its section is the whole page.
_REPETITION = 0.5
_NEIGHBOUR = 0.15
_SIZE = 0.15
#: Sentences that share more of their words say the same.
_MOST_SHARED = 0.5
_STOPS = (".", "!", "…", "。", "！")
_QUOTES = (("“", "”"), ("«", "»"), ("(", ")"))
#: Sections that speak of other pages, or of nothing.
_AFTERWORD = re.compile(
    r"what'?s next|next steps?|up next|see also|further reading|related|references?\b"
    r"|feedback|change ?log|що далі|див\. також|дивіться також|посилання|що нового"
    r"|nächste schritte|siehe auch|weiterführende|что дальше|см\. также|ссылки"
)
#: Words that point back at what a summary does not have.
_BACKWARD = re.compile(
    r"(?:this|these|those|such|here|as (?:mentioned|noted|described|shown)|above|luckily"
    r"|in (?:this|that|such|these) (?:a )?cases?|with (?:this|that|these|our)|note"
    r"|keep in mind|(?:у|в) (?:цьому|такому|цих) (?:випадку|разі|випадках)"
    r"|in (?:diesem|solchen) fäll?e?n?|(?:в|у) (?:этом|таком) случае|це|ці|цей|ця|тут|як (?:було|зазначено|згадано)|зверніть|зауважте"
    r"|dies\w*|hier|wie (?:oben|erwähnt)|oben|beachte\w*|это|эти|этот|эта|здесь|как было"
    r")\b|.*\b(?:above|see below|вище|нижче|oben|unten|выше|ниже)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A sentence with its place: section, then order within it."""

    text: str
    at: tuple[int, int]
    heading: str
    worth: float
    stems: frozenset[str] = field(repr=False)


def length_for(page: PageText, most: int) -> int:
    """Return how many sentences a page's summary may have: a short page has one."""
    longest = LENGTHS[-1]
    count = 0
    for paragraph in page.paragraphs:
        count += len(paragraph.split())
        if count >= longest:
            break
    return max(1, min(most, 1 + sum(count >= one for one in LENGTHS)))


def draft(page: PageText, count: int = 1) -> str:
    """Return at most `count` sentences: the best, then others in reading order."""
    return " ".join(one.sentence for one in drafted(page, count))


def drafted(page: PageText, count: int = 1) -> tuple[Passage, ...]:
    """Return the same, each sentence as the passage that it is."""
    best = shorter(summarise(page))
    if not best:
        return ()
    parts = sections(page)
    first = _placed(best, parts)
    if count <= 1 or first is None:
        return (_passage(best, first),)
    chosen = [first]
    pool = list(_pool(page, parts, first))
    while len(chosen) < count:
        found = _next(pool, chosen)
        if found is None:
            break
        chosen.append(found)
    others = sorted(chosen[1:], key=lambda one: one.at)
    return tuple(_passage(one.text, one) for one in (first, *others))


def _passage(text: str, found: _Found | None) -> Passage:
    heading = found.heading if found else ""
    return Passage(sentence=text, quote=text, section=heading)


def _placed(text: str, parts: Sequence[Section]) -> _Found | None:
    """Return where a sentence stands; None for the title, and for what was cut."""
    for number, section in enumerate(parts):
        for at, line in enumerate(section.lines):
            if text in line:
                return _Found(
                    text=text,
                    at=(number, at),
                    heading=section.heading,
                    worth=math.inf,
                    stems=frozenset(stems(text)),
                )
    return None


def _pool(page: PageText, parts: Sequence[Section], first: _Found) -> Iterator[_Found]:
    """Walk the sentences of all sections that may stand beside the first one."""
    total = sum(len(line) for part in parts for line in part.lines) or 1
    step = math.ceil(len(parts) / _SECTIONS)
    looked_at = {*range(0, len(parts), step), len(parts) - 1}
    looked_at = {
        at for at in looked_at if not _AFTERWORD.match(parts[at].heading.lower())
    }
    found = [
        replace(one, worth=one.worth + _SIZE * math.sqrt(size / total))
        for number in sorted(looked_at)
        for size in (sum(map(len, parts[number].lines)),)
        for one in _of_section(page, number, parts[number])
    ]
    best = max((one.worth for one in found), default=0.0)
    for one in found:
        if one.worth >= best * _LEAST_WORTH and one.text != first.text:
            yield one


def _of_section(page: PageText, number: int, section: Section) -> Iterator[_Found]:
    prose = [line for line in section.lines[: _LINES * 2] if BORDER not in line]
    title = f"{page.title} {section.heading}"
    own = PageText(title=title, paragraphs=tuple(prose[:_LINES]))
    places = {line: at for at, line in reversed([*enumerate(section.lines)])}
    for one in candidates(own):
        if not _stands_by_itself(one.text):
            continue
        line = next((line for line in prose if one.text in line), "")
        yield _Found(
            text=one.text,
            at=(number, places.get(line, 0)),
            heading=section.heading,
            worth=math.fsum(
                SENTENCE_WEIGHTS.get(name, 0.0) * value
                for name, value in zip(SENTENCE_FEATURES, one.features, strict=True)
            ),
            stems=frozenset(stems(one.text)),
        )


def _stands_by_itself(text: str) -> bool:
    """Whether a sentence makes sense without those around it."""
    folded = text.lower()
    return (
        len(words(text)) >= _FEWEST_WORDS
        and text.endswith(_STOPS)
        and not text[:1].islower()
        and shorter(text) == text
        and plain(text, source=text).text == text
        and all(text.count(begin) == text.count(end) for begin, end in _QUOTES)
        and not _BACKWARD.match(folded)
        and not LEANING.match(folded)
        and not STEP.match(folded)
        and not POINTING.search(folded)
    )


def _next(pool: Sequence[_Found], chosen: Sequence[_Found]) -> _Found | None:
    """Return the sentence that adds most to those chosen; None if none adds enough."""
    worth = {
        at: _added(one, chosen)
        for at, one in enumerate(pool)
        if all(_shared(one, other) <= _MOST_SHARED for other in chosen)
    }
    best = max(worth, key=lambda at: worth[at], default=None)
    return None if best is None else pool[best]


def _added(one: _Found, chosen: Sequence[_Found]) -> float:
    beside = sum(one.at[0] == other.at[0] for other in chosen)
    said = max(_shared(one, other) for other in chosen)
    return one.worth - _NEIGHBOUR * beside - _REPETITION * said


def _shared(one: _Found, other: _Found) -> float:
    """Return which part of a sentence's words another has, by the shorter one."""
    fewest = min(len(one.stems), len(other.stems))
    return len(one.stems & other.stems) / max(1, fewest)
