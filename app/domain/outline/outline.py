"""The outline of a space: its sections as they would be, and what would change them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from app.domain.outline.merges import merges, movable, retitles
from app.domain.outline.missing import missing
from app.domain.outline.moves import moves, orphans
from app.domain.outline.nearness import Nearness
from app.domain.outline.proposals import Proposal
from app.domain.outline.splits import splits
from app.domain.outline.tree import Tree

#: Lines that an outline shows.
_LINES = 1_000

#: What a line is: as it was; come from elsewhere; yet to be written.
Mark = Literal["", "moved", "new"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of an outline: a section, or a page that something would happen to.

    Attributes:
        depth: How many lines above it lies in.
        below: The pages below it, all together.
    """

    depth: int
    page_id: str | None
    title: str
    below: int = 0
    mark: Mark = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A space's sections as they would be, and the proposals that lead there.

    Attributes:
        pages: How many pages were looked at.
        left_out: Lines that there was no room for.
    """

    pages: int
    lines: tuple[Line, ...]
    proposals: tuple[Proposal, ...]
    left_out: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "pages": self.pages,
            "left_out": self.left_out,
            "lines": [asdict(one) for one in self.lines],
            "proposals": [one.as_json() for one in self.proposals],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Outline:
        """Return a stored one."""
        return cls(
            pages=value["pages"],
            left_out=value["left_out"],
            lines=tuple(Line(**one) for one in value["lines"]),
            proposals=tuple(map(Proposal.from_json, value["proposals"])),
        )


def propose(tree: Tree) -> tuple[Proposal, ...]:
    """Return what would make a space better; a well-kept one yields little or nothing.

    The same pages always yield the same, in whatever order they come.
    """
    nearness = Nearness(tree.pages.values())
    merged = merges(tree)
    in_merges = {one for merge in merged for one in (merge.page_id, *merge.other_ids)}
    moved = [
        one
        for one in (*moves(tree, nearness), *orphans(tree, nearness))
        if one.page_id not in in_merges
    ]
    return (
        *merged,
        *_apart(tree, moved),
        *splits(tree, nearness),
        *retitles(tree, merged=in_merges),
        *missing(tree),
    )


def outline(tree: Tree, proposals: Iterable[Proposal]) -> Outline:
    """Return the sections of a space as the proposals would leave them."""
    kept = tuple(proposals)
    lines = list(_lines(tree, kept))
    return Outline(
        pages=len(tree.pages),
        lines=tuple(lines[:_LINES]),
        left_out=max(0, len(lines) - _LINES),
        proposals=kept,
    )


def _apart(tree: Tree, proposals: Iterable[Proposal]) -> Iterator[Proposal]:
    """Walk moves that do not depend on one another: no home of one moves itself."""
    moving = {one.page_id for one in proposals}
    for one in proposals:
        above = tree.above(one.parent_id) if one.parent_id is not None else ()
        if not moving.intersection({one.parent_id, *above}):
            yield one


def _lines(tree: Tree, proposals: Iterable[Proposal]) -> Iterator[Line]:
    """Walk the sections in the order in which they are read, changes worked in."""
    goes = _goes(tree, proposals)
    comes: defaultdict[str | None, list[Line]] = defaultdict(list)
    for one in proposals:
        if one.kind == "missing":
            line = Line(depth=0, page_id=None, title=one.title, mark="new")
            comes[one.parent_id].append(line)
        elif one.kind == "split":
            comes[one.page_id] += [
                Line(depth=0, page_id=None, title=heading, mark="new")
                for heading in one.sections
            ]
    for page_id, parent_id in goes.items():
        line = Line(depth=0, page_id=page_id, title=tree.title(page_id), mark="moved")
        comes[parent_id].append(line)
    counts = _counts(tree)
    waiting = [(page_id, 0) for page_id in reversed(tree.children(None))]
    while waiting:
        page_id, depth = waiting.pop()
        if page_id in goes:
            continue
        has = bool(tree.children(page_id) or comes[page_id])
        if has or depth == 0:
            title, below = tree.title(page_id), counts[page_id]
            yield Line(depth=depth, page_id=page_id, title=title, below=below)
            for line in comes[page_id]:
                yield replace(line, depth=depth + 1)
        waiting += [(one, depth + 1) for one in reversed(tree.children(page_id))]
    yield from comes[None]


def _goes(tree: Tree, proposals: Iterable[Proposal]) -> dict[str, str | None]:
    """Return the pages that would move, and where to."""
    goes: dict[str, str | None] = {}
    for one in proposals:
        if one.kind == "move" and one.page_id is not None:
            goes[one.page_id] = one.parent_id
        elif one.kind == "merge":
            goes |= dict.fromkeys(movable(tree, one), one.page_id)
    return goes


def _counts(tree: Tree) -> Counter[str]:
    """Return how many pages stand below each, near and far."""
    order: list[str] = list(tree.children(None))
    for page_id in order:
        order.extend(tree.children(page_id))
    counts: Counter[str] = Counter()
    for page_id in reversed(order):
        parent_id = tree.parent(page_id)
        if parent_id is not None:
            counts[parent_id] += counts[page_id] + 1
    return counts
