"""Pages that say nearly the same, and titles that nobody can tell apart."""

from __future__ import annotations

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

from app.domain.outline.pages import (
    SKETCH,
    OutlinePage,
    folded_title,
    id_order,
)
from app.domain.outline.proposals import Proposal, confident
from app.domain.outline.tree import Tree
from app.domain.pages import LONGEST_TITLE

#: Shorter pages are alike by chance.
_FEWEST_WORDS = 40
#: A run of words on more pages than this comes from a template.
_FEW = 3
#: Runs that must be left of a page without those.
_LEFT = 20
#: The part of the runs that two pages have in common, or of the smaller one's runs.
_SAME, _INSIDE, _INSIDE_SAME = 0.55, 0.85, 0.25
_DIGITS = re.compile(r"\d+")
#: Counts below pages are compared only as far as this.
_COUNTED = 100


def merges(tree: Tree) -> list[Proposal]:
    """Return groups of pages that say nearly the same, surest first."""
    alike = _alike(tree)
    found = [
        _merge(tree, group, min(alike[pair] for pair in alike if set(pair) <= group))
        for group in _groups(alike)
    ]
    return sorted(found, key=lambda one: (-one.confidence, id_order(one.page_id)))


def retitles(tree: Tree, *, merged: Collection[str | None]) -> list[Proposal]:
    """Return new titles for pages whose titles differ only by what nobody sees.

    Pages that are `merged` need none.
    """
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for page_id, page in tree.pages.items():
        if folded := folded_title(page.title):
            holders[folded].append(page_id)
    found: list[Proposal] = []
    for ids in list(holders.values()):
        found += [
            _retitle(tree, ids[0], page_id, holders)
            for page_id in ids[1:]
            if page_id not in merged
        ]
    return found


def _alike(tree: Tree) -> dict[tuple[str, str], float]:
    """Return pairs of pages with the part of their runs of words that they share."""
    holders: defaultdict[int, list[str]] = defaultdict(list)
    for page_id, page in tree.pages.items():
        if page.words >= _FEWEST_WORDS and not page.is_template:
            for run in page.sketch:
                holders[run].append(page_id)
    common = Counter(
        pair
        for ids in holders.values()
        if 1 < len(ids) <= _FEW
        for pair in combinations(ids, 2)
    )
    own = {run for run, ids in holders.items() if len(ids) <= _FEW}
    kept: dict[str, array[int]] = {}
    found: dict[tuple[str, str], float] = {}
    for pair, count in common.items():
        if count < _LEFT // 2 or _is_series(tree, *pair):
            continue
        for one in pair:
            if one not in kept:
                sketch = tree.pages[one].sketch
                kept[one] = array("I", (run for run in sketch if run in own))
        same = _same(tree.pages, kept, *pair)
        if same is not None:
            found[pair] = same
    return found


def _same(
    pages: Mapping[str, OutlinePage], kept: Mapping[str, array[int]], a: str, b: str
) -> float | None:
    """Return the part of two pages that is the same, None if it is too little."""
    if min(len(kept[a]), len(kept[b])) < _LEFT:
        return None
    union = sorted(set(kept[a]) | set(kept[b]))[:SKETCH]
    both = set(kept[a]) & set(kept[b])
    same = sum(run in both for run in union) / len(union)
    runs = pages[a].runs + pages[b].runs
    inside = same * runs / (1 + same) / min(pages[a].runs, pages[b].runs)
    if same >= _SAME or (inside >= _INSIDE and same >= _INSIDE_SAME):
        return max(same, min(inside, 1.0))
    return None


def _is_series(tree: Tree, one: str, other: str) -> bool:
    """Whether titles differ only by numbers, as those of minutes and releases do."""
    a, b = folded_title(tree.title(one)), folded_title(tree.title(other))
    return a != b and _DIGITS.sub("0", a) == _DIGITS.sub("0", b)


def _groups(alike: Mapping[tuple[str, str], float]) -> Iterator[set[str]]:
    """Walk the groups of pages that hang together."""
    group_of: dict[str, set[str]] = {}
    for one, other in sorted(alike):
        joined = group_of.get(one, {one}) | group_of.get(other, {other})
        for member in joined:
            group_of[member] = joined
    seen: set[str] = set()
    for member, group in sorted(group_of.items()):
        if member not in seen and len(group) <= _FEW:
            yield group
        seen |= group


def _merge(tree: Tree, group: set[str], same: float) -> Proposal:
    ranked = sorted(group, key=lambda one: _weight(tree, one), reverse=True)
    survivor, others = ranked[0], ranked[1:]
    lacking = _lacking(tree, survivor, others)
    named = ", ".join(f"“{tree.title(one)}”" for one in others)
    left = "their sections it lacks" if lacking else "what little they add"
    apart = [one for one in others if not _may_hang(tree, one, survivor)]
    return Proposal(
        kind="merge",
        page_id=survivor,
        title=tree.title(survivor),
        reason=(
            f"{named} and this page say nearly the same: {same:.0%} of the words. It "
            f"is the one to keep; {left} should be moved over."
        ),
        evidence=tuple(tree.title(one) for one in others),
        confidence=confident(0.4 + 0.5 * same),
        parent_id=tree.parent(survivor),
        parent_title=tree.title(tree.parent(survivor)),
        other_ids=tuple(others),
        sections=lacking,
        by_hand=(
            "what is said twice has to be read by a person"
            if apart
            else "a plan only brings the pages together; their words are for a person"
        ),
    )


def _weight(tree: Tree, page_id: str) -> tuple[int, int, str, int]:
    page = tree.pages[page_id]
    edited = page.edited_at.isoformat() if page.edited_at else ""
    return (
        tree.below(page_id, most=_COUNTED),
        page.words,
        edited,
        -id_order(page_id)[0],
    )


def movable(tree: Tree, proposal: Proposal) -> list[str]:
    """Return the pages of a merge that may be hung below the surviving one."""
    survivor = proposal.page_id or ""
    return [one for one in proposal.other_ids if _may_hang(tree, one, survivor)]


def _may_hang(tree: Tree, page_id: str, survivor: str) -> bool:
    return (
        page_id != tree.homepage_id
        and tree.parent(page_id) not in (None, survivor)
        and not tree.hangs_elsewhere(page_id)
        and not tree.is_below(survivor, page_id)
        and not tree.children(page_id)
    )


def _lacking(tree: Tree, survivor: str, others: Sequence[str]) -> tuple[str, ...]:
    """Return headings of the other pages that the surviving one does not have."""
    has = {folded_title(one) for one in tree.pages[survivor].headings}
    found: dict[str, str] = {}
    for other in others:
        for heading in tree.pages[other].headings:
            if folded_title(heading) not in has:
                found.setdefault(folded_title(heading), heading)
    return tuple(found.values())


def _retitle(
    tree: Tree, first: str, page_id: str, holders: dict[str, list[str]]
) -> Proposal:
    page, parent = tree.pages[page_id], tree.title(tree.parent(page_id))
    wanted = f"{' '.join(page.title.split())} ({parent})"
    is_free = bool(parent) and folded_title(wanted) not in {*holders, *tree.taken}
    if is_free := is_free and len(wanted) <= LONGEST_TITLE:
        holders[folded_title(wanted)] = [page_id]
    where = tree.title(tree.parent(first)) or "the top of the space"
    return Proposal(
        kind="retitle",
        page_id=page_id,
        title=page.title,
        reason=(
            f"Nobody can tell its title from that of another page, below “{where}”: "
            "they differ only by what cannot be seen."
        ),
        evidence=(tree.title(first),),
        confidence=confident(0.8),
        new_title=wanted if is_free else "",
        by_hand="" if is_free else "no free title could be made of its parent's",
    )
