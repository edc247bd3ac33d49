"""Which terms are offered for a page: what similar pages carry, and what the page names.

The ranker knows the labels that people use. Beside them it is shown the terms that the
page names by any of their names, so that a term that nobody has used yet has a chance
too, and an honest one: measured on 310 pages of 7 sites, of unused terms that stand in
the title 13 % are right where many pages are labelled and 22 % where 20 are, in the text
2 to 5 %, and the ranker says as much within two hundredths.

Whether such a term is written without asking was measured too. In the title, or as
several words in a row of the text, it is right as often as any label that is lifted over
the bar. Otherwise it is wrong two times of three (20 of 68 were right on sites of three
labelled pages), so it is suggested, whatever its chance (`Candidate.is_untried`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.domain.completions import Candidate
from app.domain.memory import SiteMemory
from app.domain.pages import PageText
from app.domain.ranking import Consultation, consult
from app.domain.ranking_weights import SHIPPED, RankWeights
from app.domain.stems import stems
from app.domain.vocabulary.hints import Hints
from app.domain.vocabulary.mentions import Mention, NameIndex
from app.domain.vocabulary.terms import Term, Vocabulary

#: A vocabulary of so few terms is looked at as a whole, named on the page or not.
FEW = 300
#: Of a bigger one, so many terms that the page names.
MOST_NAMED = 100
#: Of the ranker's labels so many are looked at before strangers and excluded ones go.
RANKED = 120
#: Named so often, and in a title of no more than so many times its own words, a term that
#: nobody has used is worth a person's look: 22 % were right, 36 % on young sites.
PLAINLY, TITLE = 4, 3
#: Such a term is at least that likely: just enough for `app.domain.plans.SUGGEST_AT`.
PLAIN_CHANCE = 0.2

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A vocabulary's terms that may be chosen, laid out for asking; see `advise`."""

    terms: frozenset[str] = field(repr=False)
    names: NameIndex = field(repr=False)
    hints: Hints = field(repr=False)

    @classmethod
    def build(cls, terms: Iterable[Term]) -> Lexicon:
        """Lay out `terms`; 5,000 with three synonyms each take a third of a second."""
        listed = list(terms)
        return cls(
            frozenset(one.name for one in listed),
            NameIndex.build(listed),
            Hints.build(listed),
        )


def advise(
    memory: SiteMemory,
    vocabulary: Vocabulary,
    page: PageText,
    *,
    page_id: str | None = None,
    parent_id: str | None = None,
    limit: int = RANKED,
    weights: RankWeights = SHIPPED,
) -> Consultation:
    """Return the labels that may be chosen for a page, likeliest first, and examples.

    Args:
        memory: What the site has taught.
        vocabulary: What may be chosen.
        page: The page's text as it is now.
        page_id: Its id, so that what the memory knows of it is left out.
        parent_id: Its parent, whose labels and other children are looked at.
        limit: How many of the ranker's labels are looked at.
        weights: The model; only measurements take another than the shipped one.
    """
    lexicon = vocabulary.once(Lexicon, Lexicon.build)
    named = lexicon.names.find(page)
    seen = consult(
        memory.with_vocabulary(_shortlist(lexicon, named)),
        page,
        page_id=page_id,
        parent_id=parent_id,
        limit=limit,
        weights=weights,
        spoken={name: mention.stems for name, mention in named.items()},
    )
    found = candidates(
        vocabulary,
        seen.candidates,
        named,
        used=seen.used,
        title=frozenset(stems(page.title)),
    )
    hints = (
        *lexicon.hints.by_description(seen.subject),
        *lexicon.hints.by_tree(found),
    )
    return replace(seen, candidates=_with_hints(found, hints, vocabulary, seen.used))


def candidates(
    vocabulary: Vocabulary,
    ranked: Sequence[Candidate],
    named: Mapping[str, Mention],
    *,
    used: Collection[str],
    title: Collection[str] = (),
) -> tuple[Candidate, ...]:
    """Return the labels that may be chosen, likeliest first.

    What people use under several names is one label, as likely as that any of them
    fits; what may not be chosen is not offered.

    Args:
        vocabulary: What may be chosen, and which names are one label.
        ranked: What the ranker says of each name.
        named: The terms that the page names.
        used: The names that other pages carry.
        title: Stems of the page's title.
    """
    tried = {vocabulary.canonical(name) or name for name in used}
    best: dict[str, Candidate] = {}
    for one in ranked:
        name = vocabulary.canonical(one.name) or one.name
        if vocabulary.may_choose(name):
            known = best.get(name)
            both_used = known is not None and one.name in used
            best[name] = _either(known, replace(one, name=name), add=both_used)
    for name, mention in named.items():
        if not vocabulary.may_choose(name):
            continue
        known = best.get(name, Candidate(name=name, score=0.0))
        is_plain = mention.count >= PLAINLY and _fills(mention, title)
        best[name] = _as_named(
            known, mention, is_plain=is_plain, is_tried=name in tried
        )
    return tuple(
        sorted(
            (_judged(one, named, tried) for one in best.values()),
            key=lambda one: (-one.score, one.name),
        )
    )


def _shortlist(lexicon: Lexicon, named: Mapping[str, Mention]) -> Collection[str]:
    """Return the terms that the ranker is shown though nobody may have used them."""
    if len(lexicon.terms) <= FEW:
        return lexicon.terms
    places = ("title", "heading", "text")
    ordered = sorted(
        named,
        key=lambda name: (places.index(named[name].place), -named[name].count, name),
    )
    return ordered[:MOST_NAMED]


def _either(known: Candidate | None, other: Candidate, *, add: bool) -> Candidate:
    """Return one label of two names of it, with the evidence of the likelier."""
    if known is None:
        return other
    better = max(known, other, key=lambda one: one.score)
    if not add:
        return better
    either = 1.0 - (1.0 - known.score) * (1.0 - other.score)
    return replace(better, score=round(either, _DIGITS))


def _as_named(
    known: Candidate, mention: Mention, *, is_plain: bool, is_tried: bool
) -> Candidate:
    """Return a term with what the page's naming it adds."""
    if is_plain and not is_tried and known.score < PLAIN_CHANCE:
        known = replace(known, score=PLAIN_CHANCE)
    if mention.said == known.name:
        return known
    told = f"called {mention.said}"
    return replace(
        known, evidence=f"{known.evidence}; {told}" if known.evidence else told
    )


def _fills(mention: Mention, title: Collection[str]) -> bool:
    """Whether the words that name a term are a good part of the title."""
    return mention.place == "title" and len(title) <= TITLE * len(mention.stems)


def _judged(
    one: Candidate, named: Mapping[str, Mention], tried: Collection[str]
) -> Candidate:
    is_tried = one.name in tried or (one.name in named and named[one.name].is_telling)
    return replace(one, is_untried=not is_tried)


def _with_hints(
    found: Sequence[Candidate],
    hints: Iterable[Candidate],
    vocabulary: Vocabulary,
    used: Collection[str],
) -> tuple[Candidate, ...]:
    """Return candidates with hints worked in: a hint never makes a term less likely."""
    best = {one.name: one for one in found}
    for hint in hints:
        known = best.get(hint.name)
        if known is None:
            is_tried = any(vocabulary.canonical(name) == hint.name for name in used)
            best[hint.name] = replace(hint, is_untried=not is_tried)
        elif known.score < hint.score:
            told = "; ".join(filter(None, (known.evidence, hint.evidence)))
            best[hint.name] = replace(known, score=hint.score, evidence=told)
    return tuple(sorted(best.values(), key=lambda one: (-one.score, one.name)))
