"""Terms that a page does not name but may mean: by their description, by their place.

These are hints and no more. What they are worth could not be measured (the sites that
the ranker was measured on have neither trees nor, but for one, descriptions, and there
descriptions gained nothing), so they stay far below what is suggested: a model that
reads the page gets to see the term, and nothing is done on a hint alone.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.completions import Candidate
from app.domain.stems import stems
from app.domain.vocabulary.terms import Term

#: The chance of the best hint.
STRONGEST = 0.05
#: From this similarity of page and description on, a hint is as strong as can be.
_ALIKE = 0.3
#: A description must share so many stems with the page.
_SHARED = 2
#: So many hints of each kind.
_MOST = 10
#: Terms from this chance on hint at their neighbours in the tree.
_LIKELY = 0.1


@dataclass(frozen=True, slots=True)
class Hints:
    """Descriptions and the tree of a vocabulary, ready to be asked.

    Attributes:
        described: Stem -> the terms whose description has it, and its share of a unit
            vector.
        parents: Term -> its parent, where that may be chosen too.
        children: Term -> its children.
    """

    described: Mapping[str, Sequence[tuple[str, float]]] = field(repr=False)
    parents: Mapping[str, str] = field(repr=False)
    children: Mapping[str, Sequence[str]] = field(repr=False)

    @classmethod
    def build(cls, terms: Iterable[Term]) -> Hints:
        """Lay out descriptions and parents of `terms`."""
        listed = list(terms)
        names = {one.name for one in listed}
        parents = {
            one.name: one.parent
            for one in listed
            if one.parent in names and one.parent != one.name
        }
        children: defaultdict[str, list[str]] = defaultdict(list)
        for name, parent in parents.items():
            children[parent].append(name)
        return cls(dict(_described(listed)), parents, dict(children))

    def by_description(self, subject: Mapping[str, float]) -> Iterator[Candidate]:
        """Walk the terms whose descriptions speak of what the page speaks of.

        Args:
            subject: What sets the page apart, stem by stem.
        """
        length = math.sqrt(math.fsum(weight * weight for weight in subject.values()))
        sums: defaultdict[str, float] = defaultdict(float)
        shared: Counter[str] = Counter()
        for stem in subject.keys() & self.described.keys():
            for name, share in self.described[stem]:
                sums[name] += share * subject[stem] / length
                shared[name] += 1
        fitting = [
            (-similarity, name)
            for name, similarity in sums.items()
            if shared[name] >= _SHARED
        ]
        for similarity, name in heapq.nsmallest(_MOST, fitting):
            score = round(STRONGEST * min(1.0, -similarity / _ALIKE), 6)
            yield Candidate(name=name, score=score, evidence="its description fits")

    def by_tree(self, likely: Iterable[Candidate]) -> Iterator[Candidate]:
        """Walk the parents and children of terms that are likely themselves."""
        found: dict[str, Candidate] = {}
        for one in likely:
            if one.score < _LIKELY:
                continue
            score = round(STRONGEST * one.score, 6)
            related = [(name, "narrower") for name in self.children.get(one.name, ())]
            if one.name in self.parents:
                related.insert(0, (self.parents[one.name], "broader"))
            for name, how in related[:_MOST]:
                hint = Candidate(
                    name=name, score=score, evidence=f"{how} than {one.name}"
                )
                found.setdefault(name, hint)
        yield from heapq.nsmallest(_MOST, found.values(), key=lambda one: -one.score)


def _described(
    terms: Sequence[Term],
) -> Mapping[str, Sequence[tuple[str, float]]]:
    said = {one.name: frozenset(stems(one.description)) for one in terms}
    spread = Counter(stem for some in said.values() for stem in some)
    found: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for name, some in said.items():
        rare = {stem: math.log1p(len(terms) / spread[stem]) for stem in some}
        length = math.sqrt(math.fsum(weight * weight for weight in rare.values()))
        for stem in sorted(some):
            found[stem].append((name, rare[stem] / length))
    return found
