"""Which names look or sound like one another; see `duplicates` for what that means.

Each function walks (one, other, score), each pair at least once. None compares every
name with every other: names are laid into blocks first, and what is compared letter by
letter is compared by a library in C.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from anyascii import anyascii
from rapidfuzz import process
from rapidfuzz.distance import OSA

from app.domain.stems import words
from app.domain.stopwords import ANY_STOP_WORD
from app.domain.vocabulary.roots import are_forms, root, roots
from app.domain.vocabulary.terms import fold

Found = Iterator[tuple[str, str, float]]

#: Keys of names that have none.
_NOTHING: frozenset[Hashable] = frozenset({"", ()})
#: Of a block of more names than that, what they share tells nothing.
_BLOCK = 50
#: Letters from which on a word may differ in one letter, and in two.
_ONE_LETTER, _TWO_LETTERS = 6, 12
#: A term of at most this share of another's use may be a slip of somebody's hand.
_RARE = 0.1
_INITIALS = (2, 5)
#: Consonants in common that make a likeness of sound.
_SOUNDS, _MANY_SOUNDS = 3, 4

_NUMERONYM = re.compile(r"([^\W\d_])(\d{1,2})([^\W\d_])")
_BETWEEN_DIGITS = re.compile(r"(?<!\d)-|-(?!\d)")
_DIGITS = re.compile(r"\d+")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_TWICE = re.compile(r"(.)\1+")
_VOWELS = re.compile("[aeiou]+")
#: Ways to write one sound, when what another alphabet says is spelt in Latin letters.
_SPELLINGS = (
    *(("sch", "s"), ("shch", "s"), ("sh", "s"), ("ch", "k"), ("kh", "h"), ("ck", "k")),
    *(("ph", "f"), ("th", "t"), ("ts", "s"), ("zh", "s"), ("qu", "kv"), ("x", "ks")),
    *(("c", "k"), ("q", "k"), ("w", "v"), ("z", "s"), ("y", "i"), ("j", "i")),
)


def written_alike(names: Iterable[str]) -> Found:
    """Walk names that differ in case, hyphens, spaces and underscores only."""
    listed = list(names)
    yield from _alike(listed, fold, 1.0)
    # `back-up` is `backup`, but `1-2` is not `12`.
    yield from _alike(listed, lambda name: _BETWEEN_DIGITS.sub("", fold(name)), 0.97)


def inflected(names: Iterable[str]) -> Found:
    """Walk names of the same words in the same order, in other forms."""
    for one, other, score in _alike(names, roots, 0.95):
        if all(map(are_forms, words(_spaced(one)), words(_spaced(other)))):
            yield one, other, score
    yield from _joined_plurals(names)


def reordered(names: Iterable[str]) -> Found:
    """Walk names of the same words in another order."""
    several = [name for name in names if len(roots(name)) > 1]
    for one, other, score in _alike(
        several, lambda name: tuple(sorted(roots(name))), 0.85
    ):
        if all(map(are_forms, _ordered(one), _ordered(other))):
            yield one, other, score


def transliterated(names: Iterable[str]) -> Found:
    """Walk names that say the same in another alphabet, or sound so."""
    listed = list(names)
    for one, other, score in _alike(listed, _sounds, 0.95):
        if is_cyrillic(one) != is_cyrillic(other):
            yield one, other, score
    for one, other, _ in _alike(listed, _consonants, 0.0):
        shared = _consonants(one)
        if shared and is_cyrillic(one) != is_cyrillic(other):
            is_long = len("".join(shared[:-1])) >= _MANY_SOUNDS
            score = 0.85 if is_long else 0.75
            yield one, other, score


def abbreviated(names: Iterable[str]) -> Found:
    """Walk names of which one is short for the other: `k8s`, `hr`."""
    short: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        said = fold(name)
        if "-" not in said:
            short[said].append(name)
    for name in names:
        for key, certain in _shortened(name):
            for other in short.get(key, ()):
                yield other, name, certain


def misspelt(names: Iterable[str], counts: Mapping[str, int]) -> Found:
    """Walk names that differ in a letter or two of one long word.

    A slip of the hand is rare and what was meant is not: then it is likelier one.
    """
    blocks: defaultdict[tuple[object, ...], list[tuple[str, str]]] = defaultdict(list)
    for name in names:
        said = fold(name).split("-")
        for at, word in enumerate(said):
            if len(word) >= _ONE_LETTER and not _DIGITS.search(word):
                rest = (*said[:at], "", *said[at + 1 :])
                # The first letter of a word is the one that nobody gets wrong.
                blocks[rest, word[0]].append((word, name))
    for block in blocks.values():
        yield from _close(block, counts)


def is_cyrillic(name: str) -> bool:
    """Whether a name is written in Cyrillic letters, one of them at least."""
    return _CYRILLIC.search(name) is not None


def _close(block: Sequence[tuple[str, str]], counts: Mapping[str, int]) -> Found:
    spelt = [word for word, _ in block]
    for at, (word, name) in enumerate(block):
        near = process.extract(
            word, spelt[at + 1 :], scorer=OSA.distance, score_cutoff=2, limit=None
        )
        for other_word, distance, place in near:
            other = block[at + 1 + place][1]
            allowed = 2 if max(len(word), len(other_word)) >= _TWO_LETTERS else 1
            # Forms of one word differ as little, and are told as such.
            if distance <= allowed and not are_forms(word, other_word):
                yield name, other, _slip(counts.get(name, 0), counts.get(other, 0))


def _slip(one: int, other: int) -> float:
    few, many = sorted((one, other))
    return 0.8 if many > few and few <= max(1.0, _RARE * many) else 0.6


def _joined_plurals(names: Iterable[str]) -> Found:
    """Walk `apis` beside `api`, and `back-ups` beside `backup`."""
    joined: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        joined[fold(name).replace("-", "")].append(name)
    for said, some in joined.items():
        singular = joined.get(said[:-1], ()) if _may_be_plural(said) else ()
        for one in some:
            for other in singular:
                yield one, other, 0.95


def _may_be_plural(said: str) -> bool:
    # `aws` is no plural of `aw`, nor `class` one of `clas`.
    return len(said) > 3 and said.isascii() and said.endswith("s") and said[-2] != "s"  # noqa: PLR2004


def _shortened(name: str) -> Iterator[tuple[str, float]]:
    """Walk what a name may be called in short, with how sure that is."""
    said = fold(name).split("-")
    fewest, most = _INITIALS
    if len(said) == 1:
        word = said[0]
        if word.isalpha() and len(word) > most:
            yield f"{word[0]}{len(word) - 2}{word[-1]}", 0.9
        return
    telling = [word for word in said if word not in ANY_STOP_WORD]
    for parts in {tuple(said), tuple(telling)}:
        initials = "".join(word[0] for word in parts)
        if fewest <= len(initials) <= most and initials.isalpha():
            yield initials, 0.8 if len(initials) > fewest else 0.7


def _alike(names: Iterable[str], key: Callable[[str], Hashable], score: float) -> Found:
    blocks: defaultdict[Hashable, list[str]] = defaultdict(list)
    for name in names:
        shared = key(name)
        if shared not in _NOTHING:
            blocks[shared].append(name)
    for block in blocks.values():
        if len(block) <= _BLOCK:
            for one, other in combinations(block, 2):
                yield one, other, score


def _sounds(name: str) -> str:
    """Return a name in Latin letters, ways to spell one sound made one."""
    said = anyascii(fold(name)).casefold().replace("'", "")
    for spelling, sound in _SPELLINGS:
        said = said.replace(spelling, sound)
    return _TWICE.sub(r"\1", said.replace("-", ""))


def _consonants(name: str) -> tuple[str, ...]:
    """Return the consonants of a name, with how many groups of vowels part them.

    A loan word keeps its consonants; its vowels are heard anew (`бекап`, `backup`).
    """
    said = _sounds(name)
    found = tuple(part for part in _VOWELS.split(said) if part)
    if len("".join(found)) < _SOUNDS or _DIGITS.search(said):
        return ()
    return (*found, "v" if said[0] in "aeiou" else "")


def _ordered(name: str) -> list[str]:
    """Return the words of a name in an order that their forms have too."""
    return sorted(words(_spaced(name)), key=root)


def _spaced(name: str) -> str:
    return name.replace("_", " ")
