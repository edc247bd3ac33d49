"""One sentence of a page that says what the page is about.

The sentence is the page's own, chosen by a linear score over its place, its words in
common with the title, its length, how central its words are to the page, and how it
begins. Nothing is rewritten, so nothing is invented.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from app.domain.openers import (
    ABILITY,
    ABOUT_THE_PAGE,
    LEANING,
    POINTING,
    REMARK,
    STEP,
)
from app.domain.pages import PageText
from app.domain.plain_words import one_line, plain
from app.domain.sentences import sentences
from app.domain.stems import MAX_CHARACTERS, stems, words
from app.domain.summary_weights import SENTENCE_WEIGHTS

#: A sentence of a summary has at most so many words, and characters.
MAX_WORDS = 45
MOST_CHARACTERS = 400
#: A page with less prose is summed up by its title.
FEWEST_WORDS = 5
#: A sentence with fewer words says too little.
SHORTEST_SENTENCE = 4
#: Fewer words than this make a sentence short; these many make a good length.
_SHORT = 9
_GOOD_LENGTH = range(12, 29)
#: Sentences looked at; a summary hardly ever stands further down.
MAX_SENTENCES = 40

_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ‘`´", "'"))
_STOPS = (".", "!", "?", "…", "。", "！", "？")

#: What is known of a sentence, in the order of `Sentence.features`.
SENTENCE_FEATURES = (
    "first",
    "nearness",
    "depth",
    "title_share",
    "share_in_title",
    "title_weighted",
    "centrality",
    "short",
    "medium",
    "length",
    "about_the_page",
    "ability",
    "leaning",
    "pointing",
    "step",
    "unfinished",
    "lower_case",
    "begins_with_title",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence that may stand for its page, with what is known of it."""

    text: str = field(repr=False)
    features: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    text: str
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    title: frozenset[str]
    weight: Mapping[str, float]
    heaviest: float


def summarise(
    page: PageText, *, weights: Mapping[str, float] = SENTENCE_WEIGHTS
) -> str:
    """Return the best sentence of at most `MAX_WORDS` words, or the title.

    The title answers for pages with hardly any prose. Where every sentence is too
    long, the first one is cut. What the page shows of markup and links is taken off.
    Only a page with no words at all yields an empty string.
    """
    source = f"{page.title}\n{page.text}"
    for text in (_best(page, weights), page.title):
        words_alone = one_line(plain(text, source=source).text, MAX_CHARACTERS)
        if any(map(str.isalnum, words_alone)):
            return words_alone
    return ""


def _best(page: PageText, weights: Mapping[str, float]) -> str:
    title = " ".join(page.title.split())
    if not _has_prose(page.paragraphs):
        return title
    found = candidates(page)
    if not found:
        return _shortened(page.paragraphs) or title
    values = [weights.get(name, 0.0) for name in SENTENCE_FEATURES]
    return max(
        found, key=lambda one: math.fsum(map(_product, values, one.features))
    ).text


def shorter(sentence: str) -> str:
    """Return a sentence within `MOST_CHARACTERS`, cut at a word if it is longer."""
    if len(sentence) <= MOST_CHARACTERS:
        return sentence
    kept = sentence[: MOST_CHARACTERS - 1]
    at_word = kept.rpartition(" ")[0]
    return (at_word or kept).rstrip(" .,;:–—-") + "…"


def candidates(page: PageText) -> list[Sentence]:
    """Return the sentences that may stand for the page, in reading order.

    Left out are remarks (`Note:`, `Applies to …`), what ends with a colon, and what is
    too short or too long.
    """
    subject = _subject(page)
    return [
        Sentence(text=place.text, features=_features(place, subject))
        for place in islice(_places(page.paragraphs), MAX_SENTENCES)
        if _may_stand(place.text)
    ]


def _product(weight: float, value: float) -> float:
    return weight * value


def _has_prose(paragraphs: Iterable[str]) -> bool:
    seen = 0
    for paragraph in paragraphs:
        seen += len(words(paragraph[:MAX_CHARACTERS]))
        if seen >= FEWEST_WORDS:
            return True
    return False


def _places(paragraphs: Iterable[str]) -> Iterator[_Place]:
    texts = (
        text
        for paragraph in paragraphs
        for text in sentences(paragraph[:MAX_CHARACTERS])
    )
    for index, text in enumerate(texts):
        yield _Place(text, index)


def _may_stand(text: str) -> bool:
    if text.endswith((":", "：")) or REMARK.match(_folded(text)):
        return False
    return SHORTEST_SENTENCE <= len(text.split()) <= MAX_WORDS


def _shortened(paragraphs: Iterable[str]) -> str:
    first = next((text for text in paragraphs if text.strip()), "")
    kept = first[:MAX_CHARACTERS].split()
    if len(kept) <= MAX_WORDS:
        return " ".join(kept)
    return " ".join(kept[:MAX_WORDS]).rstrip(".,;:–—-") + "…"


def _subject(page: PageText) -> _Subject:
    weight: Counter[str] = Counter()
    left = MAX_CHARACTERS
    for text in page.paragraphs:
        weight.update(stems(text[:left]))
        left -= len(text)
        if left <= 0:
            break
    dampened = {stem: math.log1p(count) for stem, count in weight.items()}
    return _Subject(
        title=frozenset(stems(page.title[:MAX_CHARACTERS])),
        weight=dampened,
        heaviest=max(dampened.values(), default=1.0),
    )


def _folded(text: str) -> str:
    return text.translate(_APOSTROPHES).lower()


def _features(place: _Place, subject: _Subject) -> tuple[float, ...]:
    text = place.text
    count = len(text.split())
    return (
        *_place_features(place),
        *_subject_features(list(dict.fromkeys(stems(text))), subject),
        float(count < _SHORT),
        float(count in _GOOD_LENGTH),
        count / MAX_WORDS,
        *_opening_features(_folded(text)),
        float(not text.rstrip("\"'»“”’)]").endswith(_STOPS)),
        float(text[:1].islower()),
        float(next(stems(text), "") in subject.title),
    )


def _place_features(place: _Place) -> tuple[float, ...]:
    return (
        float(place.index == 0),
        1.0 / (1 + place.index),
        math.log1p(place.index) / math.log1p(MAX_SENTENCES),
    )


def _subject_features(own: Sequence[str], subject: _Subject) -> tuple[float, ...]:
    shared = subject.title.intersection(own)
    weight = math.fsum(subject.weight.get(stem, 0.0) for stem in own)
    known = math.fsum(subject.weight.get(stem, 0.0) for stem in subject.title)
    in_title = math.fsum(subject.weight.get(stem, 0.0) for stem in shared)
    return (
        len(shared) / max(1, len(subject.title)),
        len(shared) / max(1, len(own)),
        in_title / (known or 1.0),
        weight / max(1, len(own)) / subject.heaviest,
    )


def _opening_features(folded: str) -> tuple[float, ...]:
    return (
        float(bool(ABOUT_THE_PAGE.match(folded))),
        float(bool(ABILITY.match(folded))),
        float(bool(LEANING.match(folded))),
        float(bool(POINTING.search(folded))),
        float(bool(STEP.match(folded))),
    )
