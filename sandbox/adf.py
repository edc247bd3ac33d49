"""Storage format to Atlassian Document Format, simply: blocks of text.

Good enough for readers of `atlas_doc_format`; marks such as bold are left out, and a
table becomes one paragraph a cell.
https://developer.atlassian.com/cloud/confluence/adf/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from lxml import etree

from sandbox.refusals import Malformed
from sandbox.storage import AC, parse

Node: TypeAlias = dict[str, Any]

_PANELS = {
    "info": "info",
    "note": "note",
    "tip": "success",
    "warning": "warning",
    "panel": "info",
}
_BLOCKS = frozenset(
    {
        "p",
        "ul",
        "ol",
        "table",
        "pre",
        "blockquote",
        "div",
        "hr",
        *(f"h{level}" for level in range(1, 7)),
        f"{AC}structured-macro",
        f"{AC}layout",
        f"{AC}layout-section",
        f"{AC}layout-cell",
        f"{AC}rich-text-body",
        f"{AC}task-list",
        f"{AC}adf-extension",
        f"{AC}adf-content",
    }
)
#: Not meant for readers: ids of tasks, settings of macros, doubled content.
_SILENT = frozenset(
    f"{AC}{name}"
    for name in (
        "parameter",
        "placeholder",
        "task-id",
        "task-uuid",
        "task-status",
        "adf-fallback",
    )
)


def convert(body: str) -> Node:
    """Return an ADF document with the text of a storage body."""
    try:
        root = parse(body)
    except Malformed:
        return {"type": "doc", "version": 1, "content": [_paragraph(body)]}
    return {"type": "doc", "version": 1, "content": list(_blocks(root))}


def _text(element: etree._Element) -> str:
    """Return the readable text of an element and what is in it."""
    parts = [element.text or ""]
    for child in element:
        if child.tag not in _SILENT:
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _paragraph(text: str) -> Node:
    clean = " ".join(text.split())
    content = [{"type": "text", "text": clean}] if clean else []
    return {"type": "paragraph", "content": content}


def _blocks(parent: etree._Element) -> Iterator[Node]:
    """Yield the blocks of `parent`; text between blocks becomes paragraphs."""
    loose = [parent.text or ""]
    for child in parent:
        if child.tag in _BLOCKS:
            yield from _loose(loose)
            yield from _block(child)
        elif child.tag not in _SILENT:
            loose.append(_text(child))
        loose.append(child.tail or "")
    yield from _loose(loose)


def _loose(parts: list[str]) -> Iterator[Node]:
    if "".join(parts).strip():
        yield _paragraph("".join(parts))
    parts.clear()


def _block(element: etree._Element) -> Iterator[Node]:
    tag = str(element.tag)
    convert_one = _CONVERTERS.get(tag)
    if convert_one is not None:
        yield from convert_one(element)
    elif tag[0] == "h" and tag[1:].isdecimal():
        yield {
            "type": "heading",
            "attrs": {"level": int(tag[1:])},
            "content": _paragraph(_text(element))["content"],
        }
    else:
        yield from _blocks(element)


def _plain(element: etree._Element) -> Iterator[Node]:
    yield _paragraph(_text(element))


def _rule(_: etree._Element) -> Iterator[Node]:
    yield {"type": "rule"}


def _code(element: etree._Element) -> Iterator[Node]:
    text = _text(element)
    content = [{"type": "text", "text": text}] if text else []
    yield {"type": "codeBlock", "attrs": {}, "content": content}


def _list(element: etree._Element) -> Iterator[Node]:
    kind = "orderedList" if element.tag == "ol" else "bulletList"
    items = [
        {"type": "listItem", "content": list(_blocks(item)) or [_paragraph("")]}
        for item in element.iterchildren("li", f"{AC}task")
    ]
    if items:
        yield {"type": kind, "content": items}


def _quote(element: etree._Element) -> Iterator[Node]:
    yield {"type": "blockquote", "content": list(_blocks(element))}


def _table(element: etree._Element) -> Iterator[Node]:
    for cell in element.iter("th", "td"):
        yield from _blocks(cell)


def _macro(element: etree._Element) -> Iterator[Node]:
    name = element.get(f"{AC}name", "")
    rich = element.find(f"{AC}rich-text-body")
    plain = element.find(f"{AC}plain-text-body")
    if plain is not None:
        yield from _code(plain)
    if rich is None:
        return
    content = list(_blocks(rich))
    if name in _PANELS:
        yield {
            "type": "panel",
            "attrs": {"panelType": _PANELS[name]},
            "content": content,
        }
    elif name == "expand":
        yield {
            "type": "expand",
            "attrs": {"title": _parameter(element, "title")},
            "content": content,
        }
    else:
        yield from content


def _parameter(macro: etree._Element, name: str) -> str:
    for parameter in macro.iterchildren(f"{AC}parameter"):
        if parameter.get(f"{AC}name") == name:
            return parameter.text or ""
    return ""


_CONVERTERS: dict[str, Callable[[etree._Element], Iterator[Node]]] = {
    "p": _plain,
    "hr": _rule,
    "pre": _code,
    "ul": _list,
    "ol": _list,
    f"{AC}task-list": _list,
    "blockquote": _quote,
    "table": _table,
    f"{AC}structured-macro": _macro,
}
