"""Which language a text is written in: by its letters first, its common words second."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from app.domain.language_words import CYRILLIC_WORDS, LATIN_WORDS
from app.domain.pages import PageText
from app.domain.stems import words

#: No language could be told.
UNDETERMINED = "und"

Script = Literal["latin", "cyrillic", "other"]

#: Characters looked at; more would not change the answer.
_SAMPLE = 20_000
#: Fewer letters than this tell nothing.
_FEWEST_LETTERS = 3
#: A text with a smaller share of common words is in a language we do not know. Real
#: pages of the known ones have 24 or more in a hundred.
_FEWEST_COMMON = 0.18
#: Cyrillic of which less is told apart by letters; these many common words are enough.
_FEWEST_BULGARIAN = 0.2

#: Of so many letters some are Ukraine's own, if it is Ukrainian, or a hard sign, if it
#: is Bulgarian; Russian may lack its own.
_LONG_CYRILLIC = 50

#: Paragraphs of a page that have a vote, and what is read of each.
_VOTERS = 200
_VOTE_CHARACTERS = 1_000
#: A shorter paragraph is a caption or a cell, and speaks no language.
_FEWEST_TO_VOTE = 20
#: Votes for a language count if they come from this share of what was read.
_QUORUM = 0.2

_CYRILLIC = re.compile("[\u0400-\u04ff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_LETTER = re.compile(r"[^\W\d_]", re.UNICODE)
_ONLY_UKRAINIAN = re.compile("[іїєґІЇЄҐ]")
_ONLY_RUSSIAN = re.compile("[ыэёЫЭЁ]")
#: Letters that name a Cyrillic language by themselves. Belarusian shares its others
#: with Ukrainian and Russian.
_TELLING_CYRILLIC = (
    ("be", re.compile("[ўЎ]")),
    ("mk", re.compile("[ќѓѕЌЃЅ]")),
    ("sr", re.compile("[ђћљњџјЂЋЉЊЏЈ]")),
)
#: Bulgarian has it for a vowel, in every other sentence; Russian has it before these
#: letters alone (`объект`), Ukrainian never.
_HARD_SIGN = re.compile("[ъЪ](?![еёюяЕЁЮЯ])")
#: Letters that decide between neighbours with as many common words.
_TELLING_LATIN: Mapping[str, re.Pattern[str]] = {
    "pl": re.compile("[ąęłńśźż]", re.IGNORECASE),
    "cs": re.compile("[ěřůčšžýď]", re.IGNORECASE),
    "sv": re.compile("[äö]", re.IGNORECASE),
    "da": re.compile("[æø]", re.IGNORECASE),
    "de": re.compile("[äöüß]", re.IGNORECASE),
    "pt": re.compile("[ãõç]", re.IGNORECASE),
    "es": re.compile("[ñ¿¡]", re.IGNORECASE),
    "ro": re.compile("[ăășțâî]", re.IGNORECASE),
}
#: Written so much alike that a sentence or two may be either.
_NEIGHBOURS = frozenset({"da", "no", "nb", "nn"})
#: Scripts that one language writes, or one above all. Japanese prose has kana in it,
#: Chinese has none.
_OWN_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("ka", re.compile("[\u10a0-\u10ff]")),
    ("hy", re.compile("[\u0530-\u058f]")),
)
#: Of this many letters one must be kana for Chinese characters to be Japanese.
_KANA_SHARE = 10


def detect(text: str) -> str:
    """Return the text's ISO 639-1 code, or `und` where none is sure (short, unknown).

    Script decides before words do: Cyrillic prose about Latin-named software stays
    Cyrillic unless Latin letters outnumber it by far.
    """
    sample = unicodedata.normalize("NFC", text[:_SAMPLE])
    cyrillic = len(_CYRILLIC.findall(sample))
    latin = len(_LATIN.findall(sample))
    letters = len(_LETTER.findall(sample))
    if letters < _FEWEST_LETTERS:
        return UNDETERMINED
    if (cyrillic + latin) * 2 < letters:
        return _by_script(sample, letters)
    # A Ukrainian page on software quotes names, paths and commands in Latin letters.
    if cyrillic * 3 >= latin:
        return _cyrillic_language(sample)
    return _commonest(sample, LATIN_WORDS, LATIN_WORDS, at_least=_FEWEST_COMMON)


def language_of(page: PageText) -> str:
    """Return the language that most of a page's prose is in; `und` where none is sure.

    Paragraphs vote by their length, from all over the page: an English summary above
    a Ukrainian page does not make it English. Code and names in cells have no vote.
    """
    votes: Counter[str] = Counter()
    read = 0
    for paragraph in _spread(page.paragraphs, _VOTERS):
        text = paragraph[:_VOTE_CHARACTERS]
        if len(text) >= _FEWEST_TO_VOTE:
            read += len(text)
            votes[detect(text)] += len(text)
    del votes[UNDETERMINED]
    if votes and votes.total() >= read * _QUORUM:
        return max(sorted(votes), key=lambda code: votes[code])
    return detect(f"{page.title}\n{page.text}")


def script_of(text: str) -> Script:
    """Return the script that most letters of a text are of; `other` for none."""
    latin, cyrillic = len(_LATIN.findall(text)), len(_CYRILLIC.findall(text))
    if max(latin, cyrillic) * 2 < len(_LETTER.findall(text)) or not latin + cyrillic:
        return "other"
    return "latin" if latin >= cyrillic else "cyrillic"


def script_for(language: str) -> Script | None:
    """Return the script that a language is written in; None where we do not know."""
    if language in LATIN_WORDS:
        return "latin"
    if language in {*CYRILLIC_WORDS, *(code for code, _ in _TELLING_CYRILLIC)}:
        return "cyrillic"
    return "other" if language in dict(_OWN_SCRIPTS) else None


def is_told_apart(language: str) -> bool:
    """Whether `detect` knows the language."""
    return script_for(language) is not None


def is_same(one: str, other: str) -> bool:
    """Whether two codes name one language, as far as a few sentences can tell."""
    return one == other or {one, other} <= _NEIGHBOURS


def _spread(paragraphs: Sequence[str], most: int) -> Iterable[str]:
    step = -(-len(paragraphs) // most) or 1
    return paragraphs[::step]


def _by_script(sample: str, letters: int) -> str:
    counts = {code: len(script.findall(sample)) for code, script in _OWN_SCRIPTS}
    han = counts["zh"]
    if han and counts["ja"] * _KANA_SHARE >= han:
        counts["ja"] += han
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] * 2 >= letters else UNDETERMINED


def _cyrillic_language(sample: str) -> str:
    ukrainian = len(_ONLY_UKRAINIAN.findall(sample))
    russian = len(_ONLY_RUSSIAN.findall(sample))
    for code, letters in _TELLING_CYRILLIC:
        other = len(letters.findall(sample))
        if other * 5 > max(ukrainian, russian):
            return code
    if ukrainian != russian:
        return "uk" if ukrainian > russian else "ru"
    if _HARD_SIGN.search(sample):
        # No other letter told: with the hard sign it is Bulgarian, or nothing we know.
        return _commonest(sample, CYRILLIC_WORDS, ("bg",), at_least=_FEWEST_BULGARIAN)
    found = _commonest(sample, CYRILLIC_WORDS, CYRILLIC_WORDS, at_least=0.0)
    if found == UNDETERMINED and len(_CYRILLIC.findall(sample)) >= _LONG_CYRILLIC:
        return "ru"
    return found


def _commonest(
    sample: str,
    common: Mapping[str, frozenset[str]],
    languages: Iterable[str],
    *,
    at_least: float,
) -> str:
    """Return the language whose common words are the most.

    If two have as many, letters decide; else nothing does.
    """
    counted = Counter(words(sample))
    total, seen = counted.total(), counted.keys()
    shares = {
        language: sum(counted[word] for word in common[language] & seen) / total
        for language in languages
    }
    most = max(shares.values())
    best = [language for language, share in shares.items() if share == most]
    if most <= at_least:
        return UNDETERMINED
    if len(best) > 1:
        best = [one for one in best if _has_its_letters(sample, one)]
    return best[0] if len(best) == 1 else UNDETERMINED


def _has_its_letters(sample: str, language: str) -> bool:
    letters = _TELLING_LATIN.get(language)
    return letters is not None and letters.search(sample) is not None
