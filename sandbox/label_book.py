"""Labels of a site: their grammar, their ids, and which pages carry them.

https://developer.atlassian.com/cloud/confluence/rest/v1/api-group-content-labels/
"""

from __future__ import annotations

from collections import Counter
from itertools import count

from sandbox.model import Label, Page
from sandbox.refusals import LabelMissing, Malformed

#: Characters that no label may hold; white space does not fail but splits.
REFUSED_CHARACTERS = frozenset(":;.,?&[]()#^*@!'`")
MAX_LENGTH = 255
PREFIXES = frozenset({"global", "my", "team"})


def split_name(name: str) -> list[str]:
    """Return the labels that `name` becomes: one a word, in lower case.

    Raises:
        Malformed: Nothing is left, a word is too long or holds a refused character.
    """
    words = name.lower().split()
    if not words:
        raise Malformed("Label name must not be empty")
    for word in words:
        if len(word) > MAX_LENGTH:
            raise Malformed(f"Label is longer than {MAX_LENGTH} characters")
        bad = sorted(REFUSED_CHARACTERS.intersection(word))
        if bad or not word.isprintable():
            raise Malformed(f"Label contains invalid characters: {' '.join(bad)}")
    return words


class LabelBook:
    """Which labels there are and where; a label counts only while it is in use."""

    def __init__(self) -> None:
        self._numbers = count(1_048_577)
        self._labels: dict[tuple[str, str], Label] = {}
        self._by_id: dict[str, Label] = {}
        self._pages: dict[str, set[int]] = {}
        self._of_space: dict[str, Counter[str]] = {}

    def label(self, prefix: str, name: str) -> Label:
        """Return the label of that name, made on first use."""
        key = (prefix, name)
        if key not in self._labels:
            made = Label(id=str(next(self._numbers)), name=name, prefix=prefix)
            self._labels[key] = self._by_id[made.id] = made
        return self._labels[key]

    def by_id(self, label_id: str) -> Label:
        """Return a label that is in use.

        Raises:
            LabelMissing: It is unknown, or on no page.
        """
        if not self._pages.get(label_id):
            raise LabelMissing(label_id)
        return self._by_id[label_id]

    def by_name(self, name: str) -> list[Label]:
        """Return the labels in use that have this name, whatever their prefix."""
        named = (self._labels.get((prefix, name)) for prefix in sorted(PREFIXES))
        return [label for label in named if label and self._pages.get(label.id)]

    def attach(self, page: Page, label: Label) -> None:
        """Count `label` as used by `page`."""
        self._pages.setdefault(label.id, set()).add(page.number)
        self._of_space.setdefault(page.space_id, Counter())[label.id] += 1

    def detach(self, page: Page, label: Label) -> None:
        """Count `label` as no longer used by `page`."""
        self._pages[label.id].discard(page.number)
        counts = self._of_space[page.space_id]
        counts[label.id] -= 1
        if not counts[label.id]:
            del counts[label.id]

    def attach_all(self, page: Page) -> None:
        """Count all labels of a page that comes back."""
        for use in page.labels.values():
            self.attach(page, use.label)

    def detach_all(self, page: Page) -> None:
        """Stop counting the labels of a page that goes."""
        for use in page.labels.values():
            self.detach(page, use.label)

    def in_use(self, space_id: str | None = None) -> list[Label]:
        """Return labels on pages of one space, or of all, by id."""
        if space_id is None:
            ids = [label_id for label_id, pages in self._pages.items() if pages]
        else:
            ids = list(self._of_space.get(space_id, ()))
        return [self._by_id[label_id] for label_id in sorted(ids, key=int)]

    def page_numbers(self, label_id: str) -> list[int]:
        """Return the ids of the pages that carry a label, as sorted numbers."""
        return sorted(self._pages.get(label_id, ()))
