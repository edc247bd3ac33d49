"""How terms change: what somebody says of them is laid over what is there, and checked.

All that stands against it is told at once, and then nothing is changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.domain.labels import MAX_LENGTH, normalise
from app.domain.vocabulary.saying import Said, patch_of, told
from app.domain.vocabulary.terms import Term, TermPatch, Vocabulary, fold
from app.errors import TermsRefused

MOST_TERMS = 20_000
#: Levels of broader terms above a term.
MOST_LEVELS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The terms of one place, as they can be edited there.

    Attributes:
        here: What is said in this place, by name.
        below: The site's terms under a space; None for the site itself.
    """

    here: Mapping[str, TermPatch]
    below: Mapping[str, Term] | None = None

    @property
    def terms(self) -> dict[str, Term]:
        """The terms that hold there, by name."""
        below = self.below or {}
        own = {name: one.over(below.get(name)) for name, one in self.here.items()}
        return {**below, **own}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A place's terms before and after; what is in neither of the three stays."""

    before: Mapping[str, TermPatch]
    after: Mapping[str, TermPatch]

    @property
    def added(self) -> tuple[str, ...]:
        """Names that nothing was said of before."""
        return tuple(sorted(set(self.after) - set(self.before)))

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of which something else is said now."""
        both = set(self.after) & set(self.before)
        return tuple(sorted(x for x in both if self.after[x] != self.before[x]))

    @property
    def removed(self) -> tuple[str, ...]:
        """Names that nothing is said of any more."""
        return tuple(sorted(set(self.before) - set(self.after)))

    @property
    def kept(self) -> tuple[TermPatch, ...]:
        """All that is to be written."""
        return tuple(self.after[name] for name in (*self.added, *self.changed))


def edit(
    layer: Layer,
    said: Sequence[Said] = (),
    *,
    removed: Collection[str] = (),
    only_said: bool = False,
    spelled: Collection[str] = (),
) -> Edit:
    """Lay what somebody says over a place's terms.

    Args:
        layer: The place.
        said: Terms to add or change; a name of a term in another spelling is that term.
        removed: Names of terms to remove.
        only_said: Remove whatever is not said here.
        spelled: Labels that stand on the site: Confluence takes them as they are.

    Raises:
        TermsRefused: Some of it cannot be; nothing is changed then.
    """
    work = _Editing(layer, frozenset(spelled))
    for one in said:
        work.say(one)
    for name in removed:
        work.remove(name)
    if only_said:
        work.remove_unsaid()
    work.check()
    if work.problems:
        raise TermsRefused(work.problems)
    return Edit(before=layer.here, after=work.after)


@dataclass(slots=True)
class _Editing:
    """An edit on its way; `said` is what was said of each term, by its name."""

    layer: Layer
    spelled: frozenset[str]
    after: dict[str, TermPatch] = field(init=False)
    said: dict[str, Said] = field(init=False, default_factory=dict)
    problems: list[str] = field(init=False, default_factory=list)
    _before: Mapping[str, Term] = field(init=False)
    _by_fold: dict[str, str] = field(init=False)
    _gone: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.after = dict(self.layer.here)
        self._before = self.layer.terms
        self._by_fold = {
            fold(name): name for name in sorted(self._before, reverse=True)
        }

    def say(self, one: Said) -> None:
        """Take up what is said of a term."""
        if len(one.name) > MAX_LENGTH and one.name not in self._before:
            self._complain(one, f"a label has at most {MAX_LENGTH} characters")
            return
        name = self._meant(one.name)
        if name in self.said:
            where = self.said[name].place
            again = f"is said already ({where})" if where else "is said twice"
            self._complain(one, again)
            return
        if name not in self._before and not self._may_be_new(one):
            return
        self._by_fold.setdefault(fold(name), name)
        self.said[name] = one
        patch = replace(self.after.get(name) or TermPatch(name=name), **one.fields)
        if self.layer.below is None:
            patch = patch_of(patch.over(None))
        elif name in self.layer.below and not told(patch):
            self.after.pop(name, None)
            return
        self.after[name] = patch

    def remove(self, typed: str) -> None:
        """Take a term out, or what a space says of it."""
        name = self._meant(typed)
        if name in self.layer.here:
            self.after.pop(name, None)
            self.said.pop(name, None)
            self._gone.add(name)
            return
        why = "there is no such term here"
        if name in self._before:
            why = "the space says nothing of it; it is the site's"
        elif (owner := Vocabulary.build(self._before.values()).canonical(name)) is None:
            why = "there is no such term"
        else:
            why = f"is a synonym of {owner}, no term itself"
        self.problems.append(f"{typed[:80]}: {why}")

    def remove_unsaid(self) -> None:
        """Take out all that was not spoken of."""
        for name in set(self.layer.here) - set(self.said):
            del self.after[name]
            self._gone.add(name)

    def check(self) -> None:
        """Hold all that was said against all that will be there."""
        if len(self.after) > max(MOST_TERMS, len(self.layer.here)):
            self.problems.append(f"a vocabulary has at most {MOST_TERMS} terms")
        terms = Layer(here=self.after, below=self.layer.below).terms
        vocabulary = Vocabulary.build(terms.values())
        clashes = _Clashes(self._before, terms)
        for name, one in self.said.items():
            for problem in clashes.of(terms[name]):
                self._complain(one, problem)
            self._check_parent(name, one, vocabulary)
        for name in sorted(self._gone):
            self._check_children(name, vocabulary)

    def _meant(self, name: str) -> str:
        if name in self._before:
            return name
        return self._by_fold.get(fold(name), name)

    def _may_be_new(self, one: Said) -> bool:
        if one.name in self.spelled:
            return True
        accepted = normalise(one.name)
        if accepted and accepted == one.name:
            return True
        problem = "is no label that Confluence accepts"
        if accepted:
            problem = f"Confluence would write it as {accepted[:80]!r}: say that"
        self._complain(one, problem)
        return False

    def _check_parent(self, name: str, one: Said, vocabulary: Vocabulary) -> None:
        term = vocabulary.terms[name]
        if term.parent is None:
            return
        was = self._before.get(name)
        is_new = was is None or was.parent != term.parent
        parent = vocabulary.canonical(term.parent)
        if parent is None:
            # A space may have said so of a term that the site has removed since.
            if is_new or term.parent in self._gone:
                missing = f"there is no term {term.parent!r} to be its parent"
                self._complain(one, missing)
            return
        if is_new:
            self._check_above(name, one, vocabulary)
            self._set_parent(name, parent)

    def _check_above(self, name: str, one: Said, vocabulary: Vocabulary) -> None:
        above = _above(name, vocabulary)
        if name in above:
            chain = " > ".join([name, *above[: above.index(name) + 1]])
            self._complain(one, f"its parents go round: {chain}")
        elif len(above) > MOST_LEVELS:
            self._complain(one, f"more than {MOST_LEVELS} terms stand above it")

    def _set_parent(self, name: str, parent: str) -> None:
        own = self.after.get(name)
        if own is not None and own.parent:
            self.after[name] = replace(own, parent=parent)

    def _check_children(self, gone: str, vocabulary: Vocabulary) -> None:
        if vocabulary.canonical(gone) is not None:
            return
        children = [
            term.name
            for term in vocabulary.terms.values()
            if term.parent == gone and term.name not in self.said
        ]
        if children:
            listed = ", ".join(children[:5])
            self.problems.append(
                f"{gone}: is the parent of {listed}; change that first"
            )

    def _complain(self, one: Said, problem: str) -> None:
        place = f"{one.place}: " if one.place else ""
        self.problems.append(f"{place}{one.name[:80] or '(no name)'}: {problem}")


def _above(name: str, vocabulary: Vocabulary) -> list[str]:
    """Return the terms above a term, nearest first, as far as it makes sense to look."""
    found: list[str] = []
    at = vocabulary.terms[name]
    while at.parent is not None and len(found) <= MOST_LEVELS:
        above = vocabulary.term(at.parent)
        if above is None:
            break
        found.append(above.name)
        if above.name == name:
            break
        at = above
    return found


class _Clashes:
    """Finds names and synonyms that two terms would share, and did not share before."""

    def __init__(self, before: Mapping[str, Term], after: Mapping[str, Term]) -> None:
        self._before = before
        self._names = {fold(name): name for name in sorted(after, reverse=True)}
        self._owners: dict[str, list[str]] = {}
        for term in after.values():
            for synonym in term.synonyms:
                self._owners.setdefault(fold(synonym), []).append(term.name)

    def of(self, term: Term) -> Iterator[str]:
        """Tell what is wrong with a term's names."""
        before = self._before.get(term.name)
        if before is None:
            for owner in self._others(fold(term.name), term):
                yield f"is a synonym of {owner}"
        known = {fold(one) for one in before.synonyms} if before else set()
        for synonym in term.synonyms:
            key = fold(synonym)
            if key in known:
                continue
            if self._names.get(key, term.name) != term.name:
                yield f"its synonym {synonym!r} is a term itself"
            for owner in self._others(key, term):
                yield f"its synonym {synonym!r} is a synonym of {owner}"

    def _others(self, key: str, term: Term) -> list[str]:
        return [one for one in self._owners.get(key, ()) if one != term.name][:1]
