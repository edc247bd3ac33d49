"""Terms that are likely one label: written, inflected, shortened or translated otherwise.

Nothing here merges anything. A `Group` is a proposal with a reason that a person can
judge, and a pair that a person has called different is never proposed again, not even
by way of a third term. What is found by chance is kept out where it is known how it
comes about: numbers must agree (`v1` and `v2`, `2023` and `2024`), short words must agree
letter by letter (`api` and `app`), and a beginning in common is nothing (`java` and
`javascript`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.domain.memory import SiteMemory
from app.domain.vocabulary import likeness, usage
from app.domain.vocabulary.terms import Term, fold

#: | reason | what two terms have in common | score |
#: |---|---|---|
#: | synonym | one is declared another name of the other | 1 |
#: | writing | all but case, hyphens, spaces, underscores | 1, or .97 joined up |
#: | form | the words, in other forms (`backup`, `backups`) | .95 |
#: | letters | the sound, in other letters (`бекап`, `bekap`, `backup`) | .75 to .95 |
#: | short | one is the other's initials, or counts its letters (`k8s`) | .55 to .9 |
#: | order | the words, in another order | .85 |
#: | spelling | all but a letter or two of a long word | .6, .8 if one is rare |
#: | together | nearly all pages, in other letters or not | .6 to .85 |
#: | pages | what their pages are about, in other letters | .7 to .75 |
Reason = Literal[
    "synonym",
    "writing",
    "form",
    "letters",
    "short",
    "order",
    "spelling",
    "together",
    "pages",
]

#: Two terms that are proposed to be one; weaker pairs are not worth a person's look.
LOWEST: Final = 0.7

Pair = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Why two terms may be one, and how likely that is (0..1)."""

    pair: Pair
    reason: Reason
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Terms that are proposed to be one.

    Attributes:
        survivor: The one that would stay.
        merged: The others, by name.
        reason: Of the weakest likeness that holds the group together.
        score: Of the same.
        likenesses: All that hold it together, strongest first.
    """

    survivor: str
    merged: tuple[str, ...]
    reason: Reason
    score: float
    likenesses: tuple[Likeness, ...]

    @property
    def names(self) -> frozenset[str]:
        """All of its terms."""
        return frozenset((self.survivor, *self.merged))


def pair(one: str, other: str) -> Pair:
    """Return two names as a pair: which comes first makes no difference."""
    return frozenset((one, other))


def duplicates(
    terms: Iterable[Term],
    memory: SiteMemory,
    *,
    different: Collection[Pair] = frozenset(),
    lowest: float = LOWEST,
) -> list[Group]:
    """Return groups of terms that are likely one, surest first; no term is in two.

    Thousands of terms take seconds. Labels that people use are looked at though they are
    no terms (yet).

    Args:
        terms: The vocabulary.
        memory: What the site has taught: who uses what, on which pages.
        different: Pairs that a person has called different.
        lowest: Likenesses below this score are left out.
    """
    known = {one.name: one for one in terms}
    for name in memory.counts:
        known.setdefault(name, Term(name=name))
    found = [
        one
        for one in likenesses(list(known.values()), memory)
        if one.score >= lowest and one.pair not in different
    ]
    return _grouped(found, known, memory.counts, different)


def likenesses(terms: Sequence[Term], memory: SiteMemory) -> list[Likeness]:
    """Return the best likeness of each pair that has one, strongest first."""
    names = [one.name for one in terms]
    sources: tuple[tuple[Reason, Iterator[tuple[str, str, float]]], ...] = (
        ("synonym", _declared(terms)),
        ("writing", likeness.written_alike(names)),
        ("form", likeness.inflected(names)),
        ("letters", likeness.transliterated(names)),
        ("short", likeness.abbreviated(names)),
        ("order", likeness.reordered(names)),
        ("spelling", likeness.misspelt(names, memory.counts)),
        ("together", usage.together(memory)),
        ("pages", usage.alike(memory)),
    )
    best: dict[Pair, Likeness] = {}
    for reason, some in sources:
        for one, other, score in some:
            both = pair(one, other)
            if both not in best or best[both].score < score:
                best[both] = Likeness(pair=both, reason=reason, score=score)
    return sorted(best.values(), key=lambda one: (-one.score, sorted(one.pair)))


def _declared(terms: Iterable[Term]) -> Iterator[tuple[str, str, float]]:
    listed = list(terms)
    names: defaultdict[str, list[str]] = defaultdict(list)
    for term in listed:
        names[fold(term.name)].append(term.name)
    for term in listed:
        for synonym in term.synonyms:
            for other in names.get(fold(synonym), ()):
                if other != term.name:
                    yield term.name, other, 1.0


def _grouped(
    found: Sequence[Likeness],
    terms: Mapping[str, Term],
    counts: Mapping[str, int],
    different: Collection[Pair],
) -> list[Group]:
    """Join pairs, strongest first, but for what would bring different terms together."""
    groups: dict[str, set[str]] = {}
    held: list[Likeness] = []
    for one in found:
        left, right = (groups.get(name, {name}) for name in sorted(one.pair))
        if left is right:
            held.append(one)
        elif not any(pair(a, b) in different for a in left for b in right):
            held.append(one)
            joined = left | right
            groups.update(dict.fromkeys(joined, joined))
    distinct = {id(names): names for names in groups.values()}
    told = [
        _group(names, [one for one in held if one.pair <= names], terms, counts)
        for names in distinct.values()
    ]
    return sorted(told, key=lambda one: (-one.score, one.survivor))


def _group(
    names: Collection[str],
    held: Sequence[Likeness],
    terms: Mapping[str, Term],
    counts: Mapping[str, int],
) -> Group:
    survivor = min(
        names,
        key=lambda name: (
            terms[name].excluded,
            -counts.get(name, 0),
            not terms[name].description,
            len(name),
            name,
        ),
    )
    weakest = _weakest_link(held)
    return Group(
        survivor=survivor,
        merged=tuple(sorted(set(names) - {survivor})),
        reason=weakest.reason,
        score=weakest.score,
        likenesses=tuple(held),
    )


def _weakest_link(held: Sequence[Likeness]) -> Likeness:
    """Return the weakest of the likenesses that are needed to hold a group together."""
    groups: dict[str, set[str]] = {}
    needed = held[0]
    for one in held:
        left, right = (groups.get(name, {name}) for name in sorted(one.pair))
        if left is not right:
            joined = left | right
            groups.update(dict.fromkeys(joined, joined))
            needed = one
    return needed
