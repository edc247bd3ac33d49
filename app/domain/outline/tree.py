"""Which page stands where: sound whatever a site says, cycles and gaps included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from app.domain.outline.pages import OutlinePage, folded_title, id_order


class Tree:
    """The pages of a space, or of a part of it, as they hang below one another.

    A parent that is not among the pages (a folder, a page that the app may not see)
    leaves its pages at the top, as `hangs_elsewhere` tells. Where pages hang below one
    another in a circle, the one of the smallest id is taken for the topmost.

    Attributes:
        pages: The pages by their ids, in the order of the ids.
        taken: The titles that the space has, folded; of a part of it the others' too.
    """

    def __init__(
        self, pages: Iterable[OutlinePage], *, homepage_id: str | None = None
    ) -> None:
        found = {page.id: page for page in pages}
        self.pages: Mapping[str, OutlinePage] = {
            page_id: found[page_id] for page_id in sorted(found, key=id_order)
        }
        self.homepage_id = homepage_id if homepage_id in found else None
        self.taken = frozenset(folded_title(one.title) for one in found.values())
        self._parents = _sound_parents(self.pages)
        below: defaultdict[str | None, list[str]] = defaultdict(list)
        for page_id, parent_id in self._parents.items():
            below[parent_id].append(page_id)
        self._children = {
            parent_id: tuple(sorted(ids, key=self._order))
            for parent_id, ids in below.items()
        }

    def _order(self, page_id: str) -> tuple[str, int]:
        return folded_title(self.pages[page_id].title), id_order(page_id)[0]

    def part(self, root_id: str) -> Tree:
        """Return the tree of a page and all that stands below it."""
        inside = [root_id]
        for page_id in inside:
            inside.extend(self.children(page_id))
        part = Tree((self.pages[one] for one in inside), homepage_id=self.homepage_id)
        part.taken = self.taken
        return part

    def parent(self, page_id: str) -> str | None:
        """Return the page that it hangs below; None at the top."""
        return self._parents[page_id]

    def hangs_elsewhere(self, page_id: str) -> bool:
        """Whether it hangs below something that is not among the pages."""
        page = self.pages[page_id]
        return page.parent_id is not None and page.parent_id not in self.pages

    def children(self, page_id: str | None) -> tuple[str, ...]:
        """Return the pages directly below, by title; for None those at the top."""
        return self._children.get(page_id, ())

    def siblings(self, page_id: str) -> tuple[str, ...]:
        """Return the other pages below the same parent."""
        return tuple(
            one for one in self.children(self.parent(page_id)) if one != page_id
        )

    def above(self, page_id: str) -> Iterator[str]:
        """Walk the pages above, nearest first."""
        parent_id = self._parents[page_id]
        while parent_id is not None:
            yield parent_id
            parent_id = self._parents[parent_id]

    def is_below(self, page_id: str, other_id: str) -> bool:
        """Whether a page is the other one, or stands somewhere below it."""
        return page_id == other_id or other_id in self.above(page_id)

    def below(self, page_id: str, *, most: int) -> int:
        """Count the pages somewhere below, `most` at most."""
        count, waiting = 0, list(self.children(page_id))
        while waiting and count < most:
            waiting.extend(self.children(waiting.pop()))
            count += 1
        return count

    def title(self, page_id: str | None) -> str:
        """Return a page's title; empty for no page."""
        return "" if page_id is None else self.pages[page_id].title


def _sound_parents(pages: Mapping[str, OutlinePage]) -> dict[str, str | None]:
    parents = {
        page_id: page.parent_id if page.parent_id in pages else None
        for page_id, page in pages.items()
    }
    safe: set[str] = set()
    for page_id in pages:
        line: dict[str, None] = {}
        at: str | None = page_id
        while at is not None and at not in safe and at not in line:
            line[at] = None
            at = parents[at]
        if at is not None and at in line:
            walked = list(line)
            circle = walked[walked.index(at) :]
            parents[min(circle, key=id_order)] = None
        safe.update(line)
    return parents
