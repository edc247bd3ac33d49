"""From a page's text to weighted stems, for any language that writes letters.

A stem is the first six letters of a word. That is crude, and it is what the
measurements favour: on English, German and Ukrainian pages a real lemmatiser adds
less than a hundredth, and this needs no data at all. Labels' names are stemmed in
the same way, so that a page on `мережевих політик` meets the label `мережева-політика`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping

from app.domain.pages import PageText
from app.domain.stopwords import ANY_STOP_WORD

#: Raised whenever the same text yields other stems or weights than before: weights
#: kept under another version cannot be compared and are made anew.
STEMS_VERSION = 1

#: Letters of a stem.
STEM_LENGTH = 6
#: How many stems of a page are remembered: the heaviest ones.
MAX_STEMS = 400
#: How many characters of a page's prose are looked at. Beyond this a page is a dump,
#: and its beginning tells what it is about.
MAX_CHARACTERS = 200_000

TITLE_WEIGHT = 3.0
HEADING_WEIGHT = 2.0
PROSE_WEIGHT = 1.0

_APOSTROPHES = re.compile("[’ʼ‘`´ʹ＇]")
#: Soft hyphens, zero-width characters and a stress mark that has no letter of its own
#: (Ukrainian dictionaries write `замо́к`) would cut a word in two.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\u0300-\u036f]")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*", re.UNICODE)
#: Scripts without spaces between words: Han, Hiragana, Katakana, Thai, Lao, Khmer.
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
)
_SHORTEST_PLURAL = 4


def words(text: str) -> list[str]:
    """Return the words of `text` in order: composed, case folded, apostrophes gone.

    `об’єкт`, `обʼєкт` and `об'єкт` are one word; an English possessive loses its s.
    """
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    folded = _APOSTROPHES.sub("'", text).casefold()
    return [
        found.removesuffix("'s").replace("'", "") if "'" in found else found
        for found in _WORD.findall(folded)
    ]


def stem(word: str) -> str:
    """Return the stem of a folded word; a short Latin plural loses its s."""
    if (
        _SHORTEST_PLURAL <= len(word) <= STEM_LENGTH
        and word.isascii()
        and word.endswith("s")
        and not word.endswith(("ss", "us", "is"))
    ):
        return word[:-1]
    return word[:STEM_LENGTH]


def is_spaceless(word: str) -> bool:
    """Whether a word is of a script that puts no space between words."""
    return _SPACELESS.match(word) is not None


def stems(text: str) -> Iterator[str]:
    """Walk the stems of `text` in order, without stop-words and lone letters.

    Scripts that put no space between words yield pairs of characters instead.
    """
    for word in words(text):
        if word in ANY_STOP_WORD:
            continue
        if is_spaceless(word):
            yield from (word[at : at + 2] for at in range(max(1, len(word) - 1)))
        elif len(word) > 1:
            yield stem(word)


def name_stems(label: str) -> tuple[str, ...]:
    """Return the stems of a label's name; all of its words if it has only common ones."""
    found = tuple(dict.fromkeys(stems(label.replace("_", " "))))
    return found or tuple(dict.fromkeys(map(stem, words(label.replace("_", " ")))))


def weigh(page: PageText) -> dict[str, float]:
    """Return what a page is about: stem -> weight, the heaviest `MAX_STEMS` of them.

    A stem counts three times in the title, twice in a heading, once in prose. Code is
    left out. Only the first `MAX_CHARACTERS` of headings and prose are read.
    """
    weights: defaultdict[str, float] = defaultdict(float)
    for found in stems(page.title[:MAX_CHARACTERS]):
        weights[found] += TITLE_WEIGHT
    for text, weight in _pieces(page):
        for found in stems(text):
            weights[found] += weight
    return _heaviest(weights)


def _pieces(page: PageText) -> Iterator[tuple[str, float]]:
    left = MAX_CHARACTERS
    for texts, weight in (
        (page.headings, HEADING_WEIGHT),
        (page.paragraphs, PROSE_WEIGHT),
    ):
        for text in texts:
            if left <= 0:
                return
            yield text[:left], weight
            left -= len(text)


def _heaviest(weights: Mapping[str, float]) -> dict[str, float]:
    if len(weights) <= MAX_STEMS:
        return dict(weights)
    ordered = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return dict(ordered[:MAX_STEMS])
