"""Finding pages quickly: by id, space, title and place in the tree."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from sandbox.model import Page
from sandbox.refusals import PageMissing, TitleTaken


class PageIndex:
    """All pages of a site, with the orders that lists are read in.

    The index believes what pages say of themselves: take a page out of the tree
    with `unplace` before changing its parent or status, and `place` it after.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, Page] = {}
        self._numbers: list[int] = []
        self._numbers_of_space: dict[str, list[int]] = {}
        self._id_of_title: dict[tuple[str, str], str] = {}
        self._children: dict[tuple[str, str | None], list[str]] = {}
        self._next_position = 1

    def add(self, page: Page) -> None:
        """Take in a new page."""
        self.by_id[page.id] = page
        insort(self._numbers, page.number)
        insort(self._numbers_of_space.setdefault(page.space_id, []), page.number)
        if page.is_listed:
            self.place(page)

    def discard(self, page: Page) -> None:
        """Forget a page for good."""
        self.unplace(page)
        del self.by_id[page.id]
        for numbers in (self._numbers, self._numbers_of_space[page.space_id]):
            del numbers[bisect_left(numbers, page.number)]

    def get(self, page_id: str) -> Page:
        """Return the page.

        Raises:
            PageMissing: There is none.
        """
        page = self.by_id.get(page_id)
        if page is None:
            raise PageMissing(page_id)
        return page

    def numbers(self, space_id: str | None = None) -> list[int]:
        """Return page ids as sorted numbers, of one space or of all; do not change."""
        if space_id is None:
            return self._numbers
        return self._numbers_of_space.get(space_id, [])

    def place(self, page: Page) -> None:
        """Put a page into the tree, last below its parent, and reserve its title."""
        page.position = self._next_position
        self._next_position += 1
        self._children.setdefault((page.space_id, page.parent_id), []).append(page.id)
        self._id_of_title[self._title_key(page.space_id, page.title)] = page.id

    def unplace(self, page: Page) -> None:
        """Take a page out of the tree and free its title."""
        siblings = self._children.get((page.space_id, page.parent_id), [])
        if page.id in siblings:
            siblings.remove(page.id)
        key = self._title_key(page.space_id, page.title)
        if self._id_of_title.get(key) == page.id:
            del self._id_of_title[key]

    def move(self, page: Page, parent_id: str | None) -> None:
        """Hang a placed page below another parent, as the last child."""
        self.unplace(page)
        page.parent_id = parent_id
        self.place(page)

    def retitle(self, page: Page, old_title: str) -> None:
        """Reserve a placed page's new title and free the old one."""
        self._id_of_title.pop(self._title_key(page.space_id, old_title), None)
        self._id_of_title[self._title_key(page.space_id, page.title)] = page.id

    def by_title(self, space_id: str, title: str) -> Page | None:
        """Return the listed page with this title, letter case aside."""
        page_id = self._id_of_title.get(self._title_key(space_id, title))
        return None if page_id is None else self.by_id[page_id]

    def require_free_title(
        self, space_id: str, title: str, *, holder: str | None = None
    ) -> None:
        """Refuse a title that another page of the space than `holder` has.

        Raises:
            TitleTaken: It is in use.
        """
        taken = self.by_title(space_id, title)
        if taken is not None and taken.id != holder:
            raise TitleTaken

    def children(self, page: Page) -> list[Page]:
        """Return the pages directly below, in their order in the tree."""
        ids = self._children.get((page.space_id, page.id), [])
        return [self.by_id[child] for child in ids]

    def roots(self, space_id: str) -> list[Page]:
        """Return the pages of a space that have no parent, in order."""
        return [self.by_id[root] for root in self._children.get((space_id, None), [])]

    def ancestors(self, page: Page) -> list[Page]:
        """Return the pages above, topmost first."""
        line: list[Page] = []
        parent_id = page.parent_id
        while parent_id is not None:
            parent = self.by_id[parent_id]
            line.append(parent)
            parent_id = parent.parent_id
        return line[::-1]

    def descendants(self, page: Page, *, depth: int) -> Iterator[tuple[Page, int]]:
        """Walk what is below with its depth (1 = child), parents before children."""
        level = [page]
        for below in range(1, depth + 1):
            level = [child for parent in level for child in self.children(parent)]
            yield from ((child, below) for child in level)

    @staticmethod
    def _title_key(space_id: str, title: str) -> tuple[str, str]:
        return space_id, title.casefold()
