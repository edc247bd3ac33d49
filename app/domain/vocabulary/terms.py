"""Terms of a vocabulary, and which of them a name stands for.

A site has terms; a space may say a few things differently (`TermPatch`). Whatever a
person or a model writes leads to one canonical name: another case, hyphens for spaces,
a synonym in any language.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Literal, TypeVar

#: What happens to labels that the vocabulary lacks: nothing, they wait in a queue of
#: proposals, or they may be written like any other.
Openness = Literal["closed", "propose", "open"]

T = TypeVar("T")

_WITHIN_WORDS = frozenset("'’ʼ`´")
_BETWEEN_WORDS = frozenset("-_‐‑‒–— \t\u00a0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A label of the vocabulary.

    Attributes:
        name: The label as it is written to pages, in Confluence's own spelling.
        description: What it is for, for people and for the model.
        synonyms: Other names, in any language; they lead here and are never written.
        parent: The broader term's name, if there is one.
        excluded: Nobody's page gets it from us, and it is not offered.
        manual_only: People may put it; we neither put, suggest nor remove it.
        min_confidence: From which confidence on (0..1) it is written without asking;
            None takes the policy's.
    """

    name: str
    description: str = ""
    synonyms: tuple[str, ...] = ()
    parent: str | None = None
    excluded: bool = False
    manual_only: bool = False
    min_confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermPatch:
    """What one space says differently of a term, or a term of its own; None inherits.

    An empty parent says that there is none, whatever the site says.
    """

    name: str
    description: str | None = None
    synonyms: tuple[str, ...] | None = None
    parent: str | None = None
    excluded: bool | None = None
    manual_only: bool | None = None
    min_confidence: float | None = None

    def over(self, term: Term | None) -> Term:
        """Return the term as this space has it."""
        said = {
            name: value
            for name in _PATCHED
            if (value := getattr(self, name)) is not None
        }
        if said.get("parent") == "":
            said["parent"] = None
        return replace(term or Term(name=self.name), **said)


_PATCHED = tuple(name for name in Term.__dataclass_fields__ if name != "name")


# Vocabularies are built anew with every change, of nearly the same names.
@lru_cache(maxsize=1 << 15)
def fold(name: str) -> str:
    """Return what makes two spellings the same name.

    Case, width, invisible characters and apostrophes do not count; hyphens, dashes,
    underscores and spaces are one.
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    kept = (
        "-" if one in _BETWEEN_WORDS else one
        for one in unicodedata.normalize("NFKC", text)
        if one not in _WITHIN_WORDS and unicodedata.category(one) != "Cf"
    )
    return "-".join(part for part in "".join(kept).split("-") if part)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The terms that hold in one place, by name.

    Attributes:
        terms: Every term, excluded and manual ones too.
        openness: What happens to other labels.
        version: Changes with what is said of terms; names alone do not count.
        refused: Folded names that people said no to; openness does not let them in.
    """

    terms: Mapping[str, Term]
    openness: Openness = "propose"
    version: str = ""
    refused: frozenset[str] = frozenset()
    _names: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    _made: dict[type, object] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def build(
        cls,
        terms: Iterable[Term],
        patches: Iterable[TermPatch] = (),
        *,
        openness: Openness = "propose",
        refused: Iterable[str] = (),
    ) -> Vocabulary:
        """Lay a space's patches over the site's terms."""
        found = {term.name: term for term in terms}
        for patch in patches:
            found[patch.name] = patch.over(found.get(patch.name))
        ordered = {name: found[name] for name in sorted(found)}
        # Names go over synonyms; of two terms with one synonym the first has it.
        names: dict[str, str] = {}
        for term in ordered.values():
            names.setdefault(fold(term.name), term.name)
        for term in ordered.values():
            for synonym in term.synonyms:
                names.setdefault(fold(synonym), term.name)
        version = _version(ordered.values(), openness)
        return cls(ordered, openness, version, frozenset(refused), names)

    def __len__(self) -> int:
        return len(self.terms)

    def canonical(self, name: str) -> str | None:
        """Return the term's name that `name` stands for; None for a stranger."""
        return name if name in self.terms else self._names.get(fold(name))

    def term(self, name: str) -> Term | None:
        """Return the term that a name, spelling or synonym stands for."""
        known = self.canonical(name)
        return None if known is None else self.terms[known]

    def may_choose(self, name: str) -> bool:
        """Whether we may offer, suggest or write the label called exactly that."""
        term = self.terms.get(name)
        if term is None:
            is_open = self.openness == "open" and fold(name) not in self.refused
            return is_open and self.canonical(name) is None
        return not (term.excluded or term.manual_only)

    def key(self, name: str) -> str:
        """Return what all names of one label have in common."""
        return self.canonical(name) or fold(name)

    def once(self, kind: type[T], make: Callable[[Iterable[Term]], T]) -> T:
        """Return what is made of the terms that may be chosen, made at the first asking.

        It is kept as long as the vocabulary is: an index over thousands of terms takes a
        good part of a second.
        """
        found = self._made.get(kind)
        if not isinstance(found, kind):
            terms = self.terms.values()
            found = make(one for one in terms if self.may_choose(one.name))
            self._made[kind] = found
        return found

    def same(self, one: str, other: str) -> bool:
        """Whether two names mean the same label."""
        return self.key(one) == self.key(other)


def _version(terms: Iterable[Term], openness: Openness) -> str:
    # A name alone leaves the answers that are there as they are: vocabularies grow with
    # every label that somebody uses for the first time.
    telling = [asdict(term) for term in terms if term != Term(name=term.name)]
    said = json.dumps([openness, *telling], ensure_ascii=False)
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]
