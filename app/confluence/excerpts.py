"""The named excerpt block that a page's summary may stand in.

It is Confluence's own excerpt macro with a `name`: people see it at the top, may edit
it, hide it or move it, and may include it elsewhere. It is not hidden by us: what is
written to a page, its readers shall see.
https://support.atlassian.com/confluence-cloud/docs/insert-the-excerpt-macro/
"""

from __future__ import annotations

from app.confluence.layouts import put_inside
from app.confluence.markup_tree import Markup, Node, read_markup
from app.confluence.plain_text import escaped, paragraphs
from app.errors import MarkupAmbiguous

_MACROS = frozenset({"ac:structured-macro", "ac:macro"})
_BODY = "ac:rich-text-body"
#: Begin and end a line of their own.
_LINES = frozenset(
    {
        *("p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "td", "th", "pre"),
        *("blockquote", "ac:task-body", "ac:plain-text-body", "ac:rich-text-body"),
    }
)
_SILENT = frozenset({"ac:parameter", "ac:task-id", "ac:task-uuid", "ac:task-status"})


def excerpt(body: str, name: str) -> str | None:
    """Return the plain text of the excerpt block of that name; None without one.

    Raises:
        MarkupAmbiguous: There are several, or the body is not well-formed.
    """
    block = _block(read_markup(body), name)
    return None if block is None else _text(block)


def with_excerpt(body: str, name: str, text: str | None) -> str:
    """Return the body with that block saying `text`, or without it for None.

    A new block stands at the top; an old one keeps its place and parameters, and its
    very bytes if it says so already.

    Raises:
        MarkupAmbiguous: There are several, or the body is not well-formed.
    """
    markup = read_markup(body)
    block = _block(markup, name)
    if block is None:
        return body if text is None else _with_new(markup, name, text)
    if text is None:
        return markup.spliced(block.start, block.end, "")
    if _text(block) == text:
        return body
    inside = _inside(block)
    if inside is None:
        return markup.spliced(block.close, block.close, _body(text))
    if inside.is_shut:
        return markup.spliced(inside.start, inside.end, _body(text))
    return markup.spliced(inside.inner, inside.close, paragraphs(text))


def _body(text: str) -> str:
    return f"<{_BODY}>{paragraphs(text)}</{_BODY}>"


def _with_new(markup: Markup, name: str, text: str) -> str:
    block = (
        '<ac:structured-macro ac:name="excerpt" ac:schema-version="1">'
        f'<ac:parameter ac:name="name">{escaped(name)}</ac:parameter>'
        f"{_body(text)}</ac:structured-macro>"
    )
    return put_inside(markup, block, at_end=False)


def _block(markup: Markup, name: str) -> Node | None:
    found = [one for one in markup.root.walk() if _is_named(one, name)]
    if len(found) > 1:
        raise MarkupAmbiguous(f"{len(found)} excerpt blocks have one name")
    return found[0] if found else None


def _is_named(node: Node, name: str) -> bool:
    return (
        node.name in _MACROS
        and node.attributes.get("ac:name") == "excerpt"
        and any(
            one.name == "ac:parameter"
            and one.attributes.get("ac:name") == "name"
            and one.text.strip() == name
            for one in node.children
        )
    )


def _inside(block: Node) -> Node | None:
    bodies = [one for one in block.children if one.name == _BODY]
    if len(bodies) > 1:
        raise MarkupAmbiguous("an excerpt block has several bodies")
    return bodies[0] if bodies else None


def _text(block: Node) -> str:
    """Return what a block says, a line for each paragraph or the like."""
    inside = _inside(block)
    if inside is None:
        return ""
    lines = _Lines()
    lines.read(inside)
    return lines.text


class _Lines:
    """Collects lines of text out of a tree."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._loose: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def read(self, node: Node) -> None:
        """Read an element that is a line of its own, or holds some."""
        before = len(self._lines)
        for one in node.content:
            self._take(one)
        alone = len(self._lines) == before
        self._end(keep=alone and node.name != _BODY)

    def _take(self, one: Node | str) -> None:
        if isinstance(one, str):
            self._loose.append(one)
        elif one.name == "br":
            self._loose.append("\n")
        elif one.name in _LINES:
            self._end(keep=False)
            self.read(one)
        elif one.name not in _SILENT:
            for part in one.content:
                self._take(part)

    def _end(self, *, keep: bool) -> None:
        """End a line; what is only white space is one where `keep` says so."""
        line = "".join(self._loose)
        self._loose.clear()
        if keep or line.strip():
            self._lines.append(line)
