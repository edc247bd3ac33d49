"""Reads storage format as a tree that knows where in the source each element stands.

For changes that must leave all other bytes as they are: expat tells positions and
judges whether the markup is well-formed; nothing is ever written back from the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.entities import html5
from xml.parsers import expat

from app.confluence.markup_repair import MAX_DEPTH
from app.errors import MarkupAmbiguous

_ROOT = b"<page>"
_CLOSE = b"</page>"
#: A start tag; the parser has found it sound already.
_TAG = re.compile(rb"""<(?:[^"'>]|"[^"]*"|'[^']*')*+>""")

#: What Confluence adds to markup when it saves it.
_ADDED = frozenset(
    {
        *("ac:macro-id", "ac:schema-version", "ac:local-id", "local-id"),
        "ri:version-at-save",
    }
)


@dataclass(slots=True, kw_only=True)
class Node:
    """An element. Positions are bytes of the source in UTF-8.

    Attributes:
        name: As it is spelled, with its prefix.
        start: Where its start tag begins; `end` is behind its end tag.
        inner: Where its content begins; `close` is where its end tag does. An empty
            element without an end tag has both at its end.
        content: Elements and text in order; entities are resolved.
    """

    name: str
    attributes: Mapping[str, str]
    start: int
    inner: int
    close: int = 0
    end: int = 0
    content: list[Node | str] = field(default_factory=list)

    @property
    def children(self) -> Iterator[Node]:
        """Walk the elements directly inside."""
        return (one for one in self.content if isinstance(one, Node))

    @property
    def is_shut(self) -> bool:
        """Whether it is written as one tag, so that nothing can be put inside."""
        return self.inner == self.end

    def walk(self) -> Iterator[Node]:
        """Walk all elements inside in the order of their start tags."""
        for child in self.children:
            yield child
            yield from child.walk()

    @property
    def text(self) -> str:
        """All text inside."""
        return "".join(
            one if isinstance(one, str) else one.text for one in self.content
        )


class _Reader:
    """Listens to the parser and builds the tree."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        # An outer DTD that is never read: names of entities are then reported, not
        # refused, and none can be declared.
        parser.UseForeignDTD()
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._enter
        parser.EndElementHandler = self._leave
        parser.CharacterDataHandler = self._characters
        parser.SkippedEntityHandler = self._entity
        self._open: list[Node] = []
        self.root: Node | None = None

    def read(self) -> Node:
        self._parser.Parse(self._source, True)  # noqa: FBT003 - the only way
        assert self.root is not None  # noqa: S101 - the parser has seen its end tag
        return self.root

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        start = self._parser.CurrentByteIndex
        tag = _TAG.match(self._source, start)
        inner = tag.end() if tag else start
        node = Node(name=name, attributes=attributes, start=start, inner=inner)
        if self._open:
            self._open[-1].content.append(node)
        else:
            self.root = node
        self._open.append(node)
        if len(self._open) > MAX_DEPTH:
            raise MarkupAmbiguous("the markup is nested too deep")

    def _leave(self, _name: str) -> None:
        node = self._open.pop()
        if self._source[node.inner - 2 : node.inner] == b"/>":
            node.close = node.end = node.inner
        else:
            node.close = self._parser.CurrentByteIndex
            node.end = self._source.index(b">", node.close) + 1

    def _characters(self, text: str) -> None:
        self._open[-1].content.append(text)

    def _entity(self, name: str, _is_parameter: bool) -> None:  # noqa: FBT001 - expat's
        characters = html5.get(f"{name};")
        if characters is None:
            raise MarkupAmbiguous("the markup has an unknown entity")
        self._characters(characters)


@dataclass(frozen=True, slots=True)
class Markup:
    """A body's bytes and its tree; positions count from the start of `source`."""

    source: bytes
    root: Node

    def spliced(self, start: int, end: int, new: str) -> str:
        """Return the body with the bytes from `start` to `end` replaced by `new`."""
        whole = self.source[:start] + new.encode() + self.source[end:]
        return whole[len(_ROOT) : -len(_CLOSE)].decode()

    def between(self, start: int, end: int) -> str:
        """Return a part of the body as it is written."""
        return self.source[start:end].decode()


def read_markup(body: str) -> Markup:
    """Read a body in storage format.

    Raises:
        MarkupAmbiguous: It is not well-formed, or nested deeper than anybody reads.
    """
    try:
        source = _ROOT + body.encode() + _CLOSE
        return Markup(source, _Reader(source).read())
    except (expat.ExpatError, UnicodeEncodeError):
        # Without a cause: the message may quote the page.
        raise MarkupAmbiguous("the markup is not well-formed") from None


def is_same_markup(one: str, other: str) -> bool:
    """Whether two bodies say the same, whatever Confluence adds when it saves them."""
    try:
        return _told(read_markup(one).root) == _told(read_markup(other).root)
    except MarkupAmbiguous:
        return one == other


def _told(node: Node) -> tuple[object, ...]:
    attributes = {
        name: value for name, value in node.attributes.items() if name not in _ADDED
    }
    parts: list[object] = []
    for one in node.content:
        if isinstance(one, Node):
            parts.append(_told(one))
        elif parts and isinstance(parts[-1], str):
            parts[-1] += one
        else:
            parts.append(one)
    return node.name, attributes, parts
