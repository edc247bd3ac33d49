"""Pages that belong to another branch: what they are about stands there, all of it.

Stability comes first. A page stays unless its own branch has nothing like it and
another one is full of it; and where many pages of a branch would go the same way, that
is how somebody sorted them, and none of them goes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.outline.nearness import Nearness
from app.domain.outline.pages import id_order, title_stems
from app.domain.outline.proposals import Proposal, confident
from app.domain.outline.tree import Tree

#: Shorter pages say too little.
_FEWEST_WORDS = 25
#: Neighbours that are asked, how alike they must be, and how many of them must agree.
_ASKED, _ALIKE, _AGREED = 6, 0.12, 3
#: The part of the neighbours' likeness that must speak for the other branch.
_SHARE = 0.6
#: The nearest of them among whom no page of the own branch may be.
_CLOSEST = 3
#: So much nearer the other branch must be than the own one.
_NEARER = 2.0
#: A branch with fewer pages is no home yet.
_HOME = 3
#: Pages below one that moves, at most.
_TRAIN = 10
#: Siblings that are compared.
_COMPARED = 20
#: Of one branch at most this share goes, but two may; of a space this share, or five.
_BRANCH_SHARE, _BRANCH = 0.2, 2
_SPACE_SHARE, _SPACE = 0.03, 5
#: Spaces where so few pages stand beside the homepage mean them to stand below it.
_ORPHANS, _SMALL = 3, 8
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """Where a page's neighbours stand."""

    home: str
    share: float
    neighbours: tuple[str, ...]


def moves(tree: Tree, nearness: Nearness) -> list[Proposal]:
    """Return the moves that are well founded, surest first."""
    found = [
        proposal
        for page_id in tree.pages
        if (proposal := _move(tree, nearness, page_id)) is not None
    ]
    leaving = Counter(tree.parent(one.page_id) for one in found if one.page_id)
    kept = [
        one
        for one in found
        if one.page_id and not _is_habit(tree, tree.parent(one.page_id), leaving)
    ]
    kept.sort(key=lambda one: (-one.confidence, id_order(one.page_id)))
    return kept[: max(_SPACE, int(len(tree.pages) * _SPACE_SHARE))]


def orphans(tree: Tree, nearness: Nearness) -> list[Proposal]:
    """Return pages that stand beside the homepage where all others stand below it."""
    home = tree.homepage_id
    alone = [
        page_id
        for page_id in tree.children(None)
        if page_id != home
        and not tree.hangs_elsewhere(page_id)
        and not tree.children(page_id)
    ]
    top = [one for one in tree.children(None) if not tree.hangs_elsewhere(one)]
    is_exception = len(top) - 1 <= _ORPHANS and len(tree.pages) >= _SMALL
    if home is None or not is_exception:
        return []
    return [_orphan(tree, nearness, page_id, home) for page_id in alone]


def _orphan(tree: Tree, nearness: Nearness, page_id: str, home: str) -> Proposal:
    called = _called(tree, nearness, page_id)
    parent_id = called.home if called else home
    return Proposal(
        kind="move",
        page_id=page_id,
        title=tree.title(page_id),
        reason="It stands beside the homepage, while the other pages stand below it.",
        evidence=_titles(tree, called.neighbours) if called else (),
        confidence=confident(0.7 if called else 0.5),
        parent_id=parent_id,
        parent_title=tree.title(parent_id),
        by_hand="the site has no way back to the top of a space, so no plan moves it",
    )


def _is_habit(tree: Tree, parent_id: str | None, leaving: Counter[str | None]) -> bool:
    most = max(_BRANCH, int(len(tree.children(parent_id)) * _BRANCH_SHARE))
    return leaving[parent_id] > most


def _move(tree: Tree, nearness: Nearness, page_id: str) -> Proposal | None:
    page, parent_id = tree.pages[page_id], tree.parent(page_id)
    if (
        parent_id is None
        or page_id == tree.homepage_id
        or page.is_template
        or page.words < _FEWEST_WORDS
        or tree.below(page_id, most=_TRAIN + 1) > _TRAIN
        or title_stems(page.title) & title_stems(tree.title(parent_id))
    ):
        return None
    called = _called(tree, nearness, page_id)
    if called is None or not _is_strange(tree, nearness, page_id, called):
        return None
    shared = _shared_labels(tree, page_id, tree.children(called.home))
    if _shared_labels(tree, page_id, tree.siblings(page_id)) - shared:
        return None
    labels = f", and its label {min(shared)} is theirs" if shared else ""
    return Proposal(
        kind="move",
        page_id=page_id,
        title=page.title,
        reason=(
            f"{len(called.neighbours)} of the pages most like it stand below "
            f"“{tree.title(called.home)}”, none below “{tree.title(parent_id)}”{labels}."
        ),
        evidence=_titles(tree, called.neighbours),
        confidence=confident(0.45 + 0.35 * called.share + 0.15 * bool(shared)),
        parent_id=called.home,
        parent_title=tree.title(called.home),
    )


def _called(tree: Tree, nearness: Nearness, page_id: str) -> _Call | None:
    """Return the branch where a page's neighbours stand, if it is one branch."""
    votes: defaultdict[str, float] = defaultdict(float)
    voters: defaultdict[str, list[str]] = defaultdict(list)
    total = 0.0
    for value, other in _neighbours(nearness, page_id):
        total += value
        for home in _homes(tree, other):
            votes[home] += value
            voters[home].append(other)
    fitting = [
        home
        for home in votes
        if len(voters[home]) >= _AGREED
        and votes[home] >= _SHARE * total
        and len(tree.children(home)) >= _HOME
        and home != tree.homepage_id
        and not tree.is_below(home, page_id)
    ]
    if not fitting:
        return None
    home = min(fitting, key=lambda one: (-round(votes[one], 6), id_order(one)))
    return _Call(home=home, share=votes[home] / total, neighbours=tuple(voters[home]))


def _neighbours(nearness: Nearness, page_id: str) -> list[tuple[float, str]]:
    found = nearness.nearest(page_id, most=_ASKED)
    return [one for one in found if one[0] >= _ALIKE]


def _homes(tree: Tree, page_id: str) -> Iterator[str]:
    """Walk the branches that a neighbour speaks for: its parent, and itself as one."""
    parent_id = tree.parent(page_id)
    if parent_id is not None:
        yield parent_id
    if tree.children(page_id):
        yield page_id


def _is_strange(tree: Tree, nearness: Nearness, page_id: str, called: _Call) -> bool:
    """Whether a page has nothing to do with its own branch, and much with the other."""
    parent_id = tree.parent(page_id)
    if called.home == parent_id or called.home in tree.above(page_id):
        return False
    family = {parent_id, *tree.siblings(page_id), *tree.children(page_id)}
    closest = [other for _, other in _neighbours(nearness, page_id)[:_CLOSEST]]
    if family.intersection(closest):
        return False
    there = nearness.likeness(page_id, tree.children(called.home)[:_COMPARED])
    here = nearness.likeness(page_id, tree.siblings(page_id)[:_COMPARED])
    return there > _NEARER * here


def _shared_labels(tree: Tree, page_id: str, others: Sequence[str]) -> set[str]:
    """Return a page's labels that at least half of the other pages carry."""
    counts = Counter(name for one in others for name in tree.pages[one].labels)
    return {
        name for name in tree.pages[page_id].labels if 2 * counts[name] >= len(others)
    }


def _titles(tree: Tree, page_ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(tree.title(one) for one in page_ids[:_NAMED])
