"""Which terms a page names: in its title, its headings or its text, by any of their names.

Names are looked for word by word, not as strings of letters: `java` is not named by
`javascript`, `мережі` names `мережа`, and `network-policy` is two words side by side.
All names of a vocabulary are laid into one index by their first word, so that a page
costs one walk over its words, however many terms there are.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.domain.pages import PageText
from app.domain.stems import MAX_CHARACTERS, is_spaceless, stems, words
from app.domain.stopwords import ANY_STOP_WORD
from app.domain.vocabulary.roots import are_forms, root
from app.domain.vocabulary.terms import Term

Roots = tuple[str, ...]

#: Where a term is named, the most telling place first.
Place = Literal["title", "heading", "text"]
_PLACES: tuple[Place, ...] = ("title", "heading", "text")

#: Names of so few letters are words of any language by chance.
SHORT = 2
_SHORT_WORD = re.compile(r"(?<![\w'’ʼ])\w{1,2}(?![\w'’ʼ])")


@dataclass(slots=True, kw_only=True)
class Mention:
    """How a page names one term.

    Attributes:
        said: The name of the term that the page uses, as the vocabulary spells it; the
            one of the most telling place.
        place: The most telling place.
        count: How often it is named, by all of its names.
        words: The words that name it there, in the page's own form.
    """

    said: str
    place: Place
    words: tuple[str, ...]
    count: int = 0

    @property
    def is_telling(self) -> bool:
        """Whether it says what the page is about, though nobody ever used the term.

        Measured: in the title, or several words in a row in the text. A heading tells
        little: of ten such terms that the ranker thought a page's best, one was right.
        """
        in_a_row = self.place == "text" and len(self.words) > 1
        return self.place == "title" or in_a_row

    @property
    def stems(self) -> tuple[str, ...]:
        """Stems of those words, as the ranker knows them; common words have none."""
        # Joined again where no spaces were.
        glue = "" if is_spaceless(self.words[0]) else " "
        return tuple(dict.fromkeys(stems(glue.join(self.words))))


@dataclass(frozen=True, slots=True)
class _Name:
    """One name of a term, word by word."""

    term: str
    said: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NameIndex:
    """All names of a vocabulary, ready to be found on pages.

    Attributes:
        single: Root -> the names that are one word of it.
        several: Roots of several words in a row -> the names that are such words.
        openings: Root of a first word -> of a second -> of how many words such names
            are.
        short: Names of one or two letters, folded -> the names.
    """

    single: Mapping[str, Sequence[_Name]] = field(repr=False)
    several: Mapping[Roots, Sequence[_Name]] = field(repr=False)
    openings: Mapping[str, Mapping[str, Sequence[int]]] = field(repr=False)
    short: Mapping[str, Sequence[_Name]] = field(repr=False)

    @classmethod
    def build(cls, terms: Iterable[Term]) -> NameIndex:
        """Lay out the names and synonyms of `terms`."""
        single: defaultdict[str, list[_Name]] = defaultdict(list)
        several: defaultdict[Roots, list[_Name]] = defaultdict(list)
        openings: defaultdict[str, dict[str, set[int]]] = defaultdict(dict)
        short: defaultdict[str, list[_Name]] = defaultdict(list)
        for roots, found in _names(terms):
            opener = found.words[0]
            if len(roots) > 1:
                several[roots].append(found)
                openings[roots[0]].setdefault(roots[1], set()).add(len(roots))
            elif len(opener) <= SHORT:
                short[opener].append(found)
            elif opener not in ANY_STOP_WORD:
                single[roots[0]].append(found)
        ordered = {
            opener: {second: sorted(some) for second, some in found.items()}
            for opener, found in openings.items()
        }
        return cls(dict(single), dict(several), ordered, dict(short))

    def find(self, page: PageText) -> dict[str, Mention]:
        """Return the terms that a page names, and how.

        Code is left out; of headings and prose the first `MAX_CHARACTERS` are read.
        """
        found: dict[str, Mention] = {}
        for place, texts in _pieces(page):
            spoken = _spoken(texts)
            # One word is judged once, however often the page says it.
            said = Counter(spoken)
            for name, word in self._words(said):
                _note(found, name, place, (word,), said[word])
            for name, row in self._rows(spoken, said):
                _note(found, name, place, row, 1)
            if self.short.keys() & said:
                short = (one for text in texts for one in self._short_words(text))
                for name, word in short:
                    _note(found, name, place, (word,), 1)
        return found

    def _words(self, said: Iterable[str]) -> Iterator[tuple[_Name, str]]:
        for word in said:
            for name in self.single.get(root(word), ()):
                if are_forms(name.words[0], word):
                    yield name, word

    def _rows(
        self, spoken: Sequence[str], said: Iterable[str]
    ) -> Iterator[tuple[_Name, Sequence[str]]]:
        rooted = {word: root(word) for word in said}
        openers = {
            word: found
            for word, opener in rooted.items()
            if (found := self.openings.get(opener))
        }
        # Of tens of thousands of words few open a name, so the rest must pass quickly.
        roots = [rooted[word] for word in spoken]
        pairs = zip(map(openers.get, spoken), roots[1:], strict=False)
        for at, (seconds, second) in enumerate(pairs):
            if not seconds or second not in seconds:
                continue
            for length in seconds[second]:
                row = spoken[at : at + length]
                for name in self.several.get(tuple(roots[at : at + length]), ()):
                    if all(map(are_forms, name.words, row)):
                        yield name, row

    def _short_words(self, text: str) -> Iterator[tuple[_Name, str]]:
        shouted = text.isupper()
        for written in _SHORT_WORD.findall(text):
            word = written.casefold()
            for name in self.short.get(word, ()):
                if _is_meant(written, word, shouted=shouted):
                    yield name, word


def _names(terms: Iterable[Term]) -> Iterator[tuple[Roots, _Name]]:
    """Walk the names of each term; of forms of the same words the first."""
    for term in terms:
        seen: set[Roots] = set()
        for said in (term.name, *term.synonyms):
            spoken = tuple(_spoken([said])[:-1])
            roots = tuple(map(root, spoken))
            if spoken and roots not in seen:
                seen.add(roots)
                yield roots, _Name(term.name, said, spoken)


def _spoken(texts: Iterable[str]) -> list[str]:
    """Return the words of texts, common ones too, with an empty one after each text.

    Where there are no spaces between words, each character is one.
    """
    found: list[str] = []
    for text in texts:
        found += words(text)
        found.append("")
    if any(map(is_spaceless, set(found))):
        return [
            part for word in found for part in (word if is_spaceless(word) else (word,))
        ]
    return found


def _is_meant(written: str, word: str, *, shouted: bool) -> bool:
    """Whether so short a word is a name: in capitals, or letter by letter no other word."""
    is_common = word in ANY_STOP_WORD
    if written.isupper():
        # `IT`, but neither `I` nor the `IT` of `HOW IT WORKS`.
        return not (is_common and (shouted or len(word) == 1))
    return written == word and len(word) == SHORT and not is_common


def _note(
    found: dict[str, Mention],
    name: _Name,
    place: Place,
    said: Sequence[str],
    times: int,
) -> None:
    known = found.get(name.term)
    if known is None:
        # Places come in the order of what they tell, so the first is the best.
        known = found[name.term] = Mention(
            said=name.said, place=place, words=tuple(said)
        )
    known.count += times


def _pieces(page: PageText) -> Iterator[tuple[Place, Sequence[str]]]:
    yield "title", [page.title[:MAX_CHARACTERS]]
    left = MAX_CHARACTERS
    for place, texts in zip(_PLACES[1:], (page.headings, page.paragraphs), strict=True):
        read: list[str] = []
        for text in texts:
            if left <= 0:
                break
            read.append(text[:left])
            left -= len(text)
        yield place, read
