"""Pages that a space lacks: linked to, had by all siblings but one, or an overview."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.languages import detect
from app.domain.outline.pages import (
    OutlinePage,
    folded_title,
    id_order,
    title_stems,
)
from app.domain.outline.proposals import Proposal, confident
from app.domain.outline.tree import Tree
from app.domain.pages import LONGEST_TITLE
from app.domain.stems import stem, words

#: So many pages must link to a title that nobody has.
_LINKING = 3
#: A branch of so many pages whose own page says and lists nothing lacks an overview.
_MANY, _NOTHING_SAID = 12, 30
#: So many branches must have a page of a kind; and this share of all of them.
_PATTERN, _PATTERN_SHARE = 3, 0.75
#: Pages that are looked at for what they have in common, and headings taken of it.
_COMPARED, _HEADINGS = 20, 12
#: Pages that a new one links to.
_RELATED = 5
_NAMED = 3

_OVERVIEWS = frozenset(
    {
        *("overview", "index", "contents", "start", "home", "readme"),
        *("übersicht", "überblick", "inhalt", "startseite"),
        *("огляд", "зміст", "покажчик", "обзор", "содержание"),
    }
)
_LATIN = frozenset({"en", "de"})
_OVERVIEW = {"uk": "Огляд", "de": "Überblick", "ru": "Обзор"}


@dataclass(slots=True)
class _Kind:
    """Pages that differ from their parents' titles by the same words."""

    holders: dict[str, str] = field(default_factory=dict)


def missing(tree: Tree) -> list[Proposal]:
    """Return the pages that are missing, surest first; no title twice."""
    taken = set(tree.taken)
    found: list[Proposal] = []
    for proposal in (*_linked(tree), *_patterns(tree), *_overviews(tree)):
        if folded_title(proposal.title) not in taken:
            taken.add(folded_title(proposal.title))
            found.append(proposal)
    return sorted(found, key=lambda one: (-one.confidence, folded_title(one.title)))


# ------------------------------------------------------------------- linked, not there


def _linked(tree: Tree) -> Iterator[Proposal]:
    linking: defaultdict[str, list[str]] = defaultdict(list)
    spelled: dict[str, str] = {}
    for page_id, page in tree.pages.items():
        for title in page.links:
            linking[folded_title(title)].append(page_id)
            spelled.setdefault(folded_title(title), title)
    for folded, ids in sorted(linking.items()):
        if folded in tree.taken or len(ids) < _LINKING:
            continue
        parents = Counter(
            parent for one in ids if (parent := tree.parent(one)) is not None
        )
        parent_id = _commonest(parents) or tree.homepage_id
        yield Proposal(
            kind="missing",
            page_id=None,
            title=spelled[folded],
            reason=f"{len(ids)} pages link to a page of this title, and there is none.",
            evidence=tuple(tree.title(one) for one in ids[:_NAMED]),
            confidence=confident(0.5 + 0.05 * len(ids)),
            parent_id=parent_id,
            parent_title=tree.title(parent_id),
            related=tuple(tree.title(one) for one in ids[:_RELATED]),
        )


def _commonest(counts: Counter[str]) -> str | None:
    if not counts:
        return None
    return min(counts, key=lambda one: (-counts[one], id_order(one)))


# ------------------------------------------------------------- what all siblings have


def _patterns(tree: Tree) -> Iterator[Proposal]:
    for parent_id in (None, *tree.pages):
        branches = [
            one
            for one in tree.children(parent_id)
            if one != tree.homepage_id and not _is_overview(tree, one)
        ]
        if len(branches) <= _PATTERN:
            continue
        kinds = _kinds(tree, branches)
        for key in sorted(kinds, key=sorted):
            holders = kinds[key].holders
            lacking = [one for one in branches if one not in holders]
            few = max(1, int(len(branches) * (1 - _PATTERN_SHARE)))
            if len(holders) >= _PATTERN and 0 < len(lacking) <= few:
                for branch in lacking:
                    yield _wanted(tree, branch, key, holders)


def _kinds(tree: Tree, branches: Sequence[str]) -> Mapping[frozenset[str], _Kind]:
    """Return what the pages below branches are called but for their branch."""
    kinds: defaultdict[frozenset[str], _Kind] = defaultdict(_Kind)
    for branch in branches:
        own = title_stems(tree.title(branch))
        for child in tree.children(branch):
            said = title_stems(tree.title(child))
            if said & own and (rest := said - own):
                kinds[rest].holders.setdefault(branch, child)
    return kinds


def _wanted(
    tree: Tree, branch: str, key: frozenset[str], holders: Mapping[str, str]
) -> Proposal:
    examples = [holders[one] for one in sorted(holders, key=id_order)]
    titles = [tree.title(one) for one in examples]
    return Proposal(
        kind="missing",
        page_id=None,
        title=_title(tree, branch, key, holders)[:LONGEST_TITLE],
        reason=(
            f"{len(holders)} branches beside “{tree.title(branch)}” have such a page, "
            "and it has none."
        ),
        evidence=tuple(titles[:_NAMED]),
        confidence=confident(0.5 + 0.05 * len(holders)),
        parent_id=branch,
        parent_title=tree.title(branch),
        related=(tree.title(branch), *titles[: _RELATED - 1]),
        sections=_common_headings([tree.pages[one] for one in examples]),
    )


def _title(
    tree: Tree, branch: str, key: frozenset[str], holders: Mapping[str, str]
) -> str:
    """Return a title as the siblings have them, with this branch's name in it."""
    name = tree.title(branch)
    spelled: Counter[str] = Counter()
    for other, page_id in holders.items():
        its, title = tree.title(other), tree.title(page_id)
        at = title.casefold().find(its.casefold())
        # Case folding may change lengths: then the place is not known.
        if at >= 0 and len(title.casefold()) == len(title) and its:
            spelled[f"{title[:at]}{name}{title[at + len(its) :]}"] += 1
    if spelled:
        return min(spelled, key=lambda one: (-spelled[one], one))
    sample = tree.title(min(holders.values(), key=id_order))
    kept = [one for one in sample.split() if set(map(stem, words(one))) & key]
    return f"{name}: {' '.join(kept)}"


def _common_headings(pages: Sequence[OutlinePage]) -> tuple[str, ...]:
    """Return the headings that at least half of the pages have, in their order."""
    looked = pages[:_COMPARED]
    counts: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for page in looked:
        own = {folded_title(one): one for one in page.headings}
        counts.update(own.keys())
        for folded, heading in own.items():
            spelled.setdefault(folded, heading)
    common = [one for one in spelled if 2 * counts[one] >= len(looked) and one]
    return tuple(spelled[one] for one in common[:_HEADINGS])


# ------------------------------------------------------------------------- overviews


def _overviews(tree: Tree) -> Iterator[Proposal]:
    for page_id, page in tree.pages.items():
        below = tree.children(page_id)
        if (
            len(below) < _MANY
            or page.words >= _NOTHING_SAID
            or page.lists
            or len(page.links) >= _PATTERN
            or any(_is_overview(tree, one) for one in below)
        ):
            continue
        titles = [tree.title(one) for one in below]
        yield Proposal(
            kind="missing",
            page_id=None,
            title=f"{_overview(page.title, titles)}: {page.title}"[:LONGEST_TITLE],
            reason=(
                f"{len(below)} pages stand below “{page.title}”, which says next to "
                "nothing and lists none of them."
            ),
            evidence=tuple(titles[:_NAMED]),
            confidence=confident(0.4 + 0.01 * len(below)),
            parent_id=page_id,
            parent_title=page.title,
            related=tuple(titles),
        )


def _overview(title: str, below: Sequence[str]) -> str:
    """Return the word for an overview, in the language of the titles."""
    language = detect(" ".join([title, *below]))
    if title.isascii() and language not in _LATIN:
        return "Overview"
    return _OVERVIEW.get(language, "Overview")


def _is_overview(tree: Tree, page_id: str) -> bool:
    return not _OVERVIEWS.isdisjoint(words(tree.title(page_id)))
