"""Which language a text is written in: by its letters first, its common words second."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from app.domain.stems import words
from app.domain.stopwords import STOP_WORDS

#: No language could be told.
UNDETERMINED = "und"

#: Characters looked at; more would not change the answer.
_SAMPLE = 20_000
#: Fewer letters than this tell nothing.
_FEWEST_LETTERS = 3
#: A text with a smaller share of common words is in a language we do not know. Real
#: pages of the known ones have 24 or more in a hundred.
_FEWEST_COMMON = 0.18

_CYRILLIC = re.compile("[\u0400-\u04ff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_LETTER = re.compile(r"[^\W\d_]", re.UNICODE)
_ONLY_UKRAINIAN = re.compile("[іїєґІЇЄҐ]")
_ONLY_RUSSIAN = re.compile("[ыэёЫЭЁ]")
#: Belarusian, Serbian and Macedonian letters; and the hard sign, which Bulgarian writes
#: in every other word and Russian hardly ever.
_OTHER_CYRILLIC = re.compile("[ўјљњћџђќѓѕъЎЈЉЊЋЏЂЌЃЅЪ]")


def detect(text: str) -> str:
    """Return `en`, `de`, `uk` or `ru`, or `und` for all else (short, mixed, unknown).

    Script decides before words do: Cyrillic prose about Latin-named software stays
    Cyrillic unless Latin letters outnumber it by far.
    """
    sample = unicodedata.normalize("NFC", text[:_SAMPLE])
    cyrillic = len(_CYRILLIC.findall(sample))
    latin = len(_LATIN.findall(sample))
    letters = len(_LETTER.findall(sample))
    if letters < _FEWEST_LETTERS or (cyrillic + latin) * 2 < letters:
        return UNDETERMINED
    # A Ukrainian page on software quotes names, paths and commands in Latin letters.
    if cyrillic * 3 >= latin:
        return _cyrillic_language(sample)
    return _latin_language(sample)


def _cyrillic_language(sample: str) -> str:
    ukrainian = len(_ONLY_UKRAINIAN.findall(sample))
    russian = len(_ONLY_RUSSIAN.findall(sample))
    other = len(_OTHER_CYRILLIC.findall(sample))
    if other * 5 > max(ukrainian, russian):
        return UNDETERMINED
    if ukrainian != russian:
        return "uk" if ukrainian > russian else "ru"
    return _commonest(sample, ("uk", "ru"), at_least=0.0)


def _latin_language(sample: str) -> str:
    return _commonest(sample, ("en", "de"), at_least=_FEWEST_COMMON)


def _commonest(sample: str, languages: tuple[str, ...], *, at_least: float) -> str:
    counted = Counter(words(sample))
    total = counted.total()
    shares = {
        language: sum(counted[word] for word in STOP_WORDS[language]) / total
        for language in languages
    }
    best = max(languages, key=lambda language: shares[language])
    if shares[best] <= at_least or list(shares.values()).count(shares[best]) > 1:
        return UNDETERMINED
    return best
