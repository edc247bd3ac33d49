"""Merging labels: which are meant, and what it does to a page and to the terms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from app.domain.changes import OURS, THEIRS, Change
from app.domain.labels import normalise
from app.domain.vocabulary.terms import Term, Vocabulary, fold
from app.errors import MalformedPayload, NotFound

#: Labels that are merged at once.
MOST_MERGED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Labels that become one.

    Attributes:
        merged: The labels that go, letter by letter.
        into: The term that stays.
    """

    merged: tuple[str, ...]
    into: str


def resolve(
    vocabulary: Vocabulary, used: Collection[str], names: Iterable[str], into: str
) -> Merge:
    """Return which labels are meant.

    The survivor may be named by any of its names; a merged label is named as it stands
    on pages, but for its case.

    Args:
        vocabulary: The site's.
        used: Labels that stand on any page of the site.
        names: Labels that are to go.
        into: The one that is to stay.

    Raises:
        NotFound: A label is no term and on no page.
        MalformedPayload: It cannot be merged: into itself, into an excluded term.
    """
    survivor = vocabulary.canonical(into) or _standing(vocabulary, used, into)
    if survivor is None:
        raise NotFound(f"{into!r} is no term, and on no page")
    term = vocabulary.terms.get(survivor)
    if term is not None and term.excluded:
        reason = f"{survivor!r} is excluded: no page may get it"
        raise MalformedPayload("merge", reason)
    asked = tuple(names)
    found = {name: _standing(vocabulary, used, name) for name in asked}
    unknown = sorted(name for name, label in found.items() if label is None)
    if unknown:
        told = ", ".join(map(repr, unknown))
        # A synonym that is on no page has been merged already.
        raise NotFound(f"no term and on no page, so nothing to merge: {told}")
    merged = tuple(dict.fromkeys(label for label in found.values() if label))
    if survivor in merged:
        called = "" if into == survivor else f" ({into!r} is a name of it)"
        reason = f"{survivor!r} cannot be merged into itself{called}"
        raise MalformedPayload("merge", reason)
    if not 0 < len(merged) <= MOST_MERGED:
        reason = f"name 1 to {MOST_MERGED} labels that are to go"
        raise MalformedPayload("merge", reason)
    return Merge(merged=merged, into=survivor)


def _standing(vocabulary: Vocabulary, used: Collection[str], name: str) -> str | None:
    """Return the label of that spelling that is a term or on a page."""
    spellings = (name, name.strip(), normalise(name))
    return next(
        (one for one in spellings if one in vocabulary.terms or one in used), None
    )


def on_page(
    merge: Merge, page_id: str, present: Collection[str], ours: Collection[str]
) -> Iterator[Change]:
    """Walk what a merge does to one page: the survivor comes, then the others go.

    The survivor is a person's where one of the labels that it stands for is.

    Args:
        merge: The labels.
        page_id: The page.
        present: Which of all these labels stand on the page.
        ours: Which of them stand there because of us.
    """
    leaving = [name for name in merge.merged if name in present]
    if leaving and merge.into not in present:
        whose = OURS if set(leaving) <= set(ours) else THEIRS
        yield Change(kind="label_add", page_id=page_id, value=merge.into, before=whose)
    for name in leaving:
        yield Change(
            kind="label_remove",
            page_id=page_id,
            value=name,
            before={"into": merge.into},
        )


def survivor_of(merge: Merge, survivor: Term, merged: Sequence[Term]) -> Term:
    """Return the survivor with all other names among its synonyms."""
    # Its own name is known already, so it becomes no synonym of itself.
    names = [
        name for term in (survivor, *merged) for name in (term.name, *term.synonyms)
    ]
    known = {fold(survivor.name)}
    synonyms: list[str] = []
    for name in (*names, *merge.merged):
        if fold(name) not in known:
            known.add(fold(name))
            synonyms.append(name)
    parent = None if survivor.parent in merge.merged else survivor.parent
    return replace(survivor, synonyms=tuple(synonyms), parent=parent)
