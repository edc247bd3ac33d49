"""Where a page's own content begins and ends: a page with a layout has it in cells."""

from __future__ import annotations

from collections.abc import Iterator

from app.confluence.markup_tree import Markup, Node
from app.errors import MarkupAmbiguous


def is_layout(node: Node) -> bool:
    """Whether an element of a page is a layout."""
    return node.name == "ac:layout"


def layout_cells(layout: Node) -> Iterator[Node]:
    """Walk the cells of a layout in order."""
    for section in layout.children:
        for cell in section.children:
            if cell.name == "ac:layout-cell":
                yield cell


def put_inside(markup: Markup, new: str, *, at_end: bool) -> str:
    """Return the body with something new as the first or the last of its content.

    A cell that is written as one empty tag becomes a pair of tags.

    Raises:
        MarkupAmbiguous: There is a layout, but no cell to write to.
    """
    place = _place(markup.root, at_end=at_end)
    if place.is_shut:
        opened = f"<{place.name}>{new}</{place.name}>"
        return markup.spliced(place.start, place.end, opened)
    at = place.close if at_end else place.inner
    return markup.spliced(at, at, new)


def _place(root: Node, *, at_end: bool) -> Node:
    layouts = [one for one in root.children if is_layout(one)]
    if not layouts:
        return root
    cells = [cell for layout in layouts for cell in layout_cells(layout)]
    if not cells:
        raise MarkupAmbiguous("the page has a layout without a cell")
    return cells[-1 if at_end else 0]
