"""Reads the Atlassian Document Format (ADF), the JSON tree of live docs.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/

As in `storage_format`, a table says what each node type does to the text; the
content of a node of unknown type is read as blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from app.confluence.blocks import TextBuilder
from app.confluence.storage_format import read_storage
from app.domain.pages import OWN_EXCERPT

#: Longer bodies are searched for their texts only, up to here.
MAX_BODY = 5_000_000

Node: TypeAlias = Mapping[str, Any]
_Enter: TypeAlias = Callable[[Node, TextBuilder], bool]
_Leave: TypeAlias = Callable[[TextBuilder], None]

_TEXT_FIELD = re.compile(r'"text"\s*:\s*("(?:[^"\\]|\\.)*+")')


def read_adf(body: str, out: TextBuilder) -> bool:
    """Read a body into `out`; return whether it was damaged.

    Never fails: of a body that is no JSON, or nested too deeply for the decoder,
    the text fields are taken as they stand, each a block.
    """
    if not body.strip():
        return False
    try:
        document = json.loads(body) if len(body) <= MAX_BODY else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        _scavenge(body[:MAX_BODY], out)
        return True
    return _walk(document, out)


def _scavenge(body: str, out: TextBuilder) -> None:
    for found in _TEXT_FIELD.finditer(body):
        try:
            out.block(json.loads(found[1], strict=False))
        except ValueError:
            continue


def _walk(document: Node, out: TextBuilder) -> bool:
    """Visit the nodes in reading order without recursion; return damage."""
    path: list[tuple[str, Iterator[Any]]] = [("doc", _content(document))]
    damaged = not isinstance(document.get("content"), list)
    while path:
        kind, nodes = path[-1]
        node = next(nodes, _END)
        if node is _END:
            path.pop()
            _LEAVE.get(kind, TextBuilder.end_block)(out)
        elif not isinstance(node, dict):
            damaged = True
        elif _ENTER.get(_kind(node), _enter_block)(node, out):
            path.append((_kind(node), _content(node)))
    return damaged


_END = object()


def _kind(node: Node) -> str:
    return str(node.get("type"))


def _content(node: Node) -> Iterator[Any]:
    content = node.get("content")
    return iter(content if isinstance(content, list) else ())


def _attribute(node: Node, *path: str) -> str:
    """Return what lies at `path` below the node's attributes, if it is text."""
    value: Any = node.get("attrs")
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _macro_parameter(node: Node, name: str) -> str:
    return _attribute(node, "parameters", "macroParams", name, "value")


def _read_text(node: Node, out: TextBuilder) -> bool:
    text = node.get("text")
    out.words(text if isinstance(text, str) else "")
    return False


def _enter_block(_node: Node, out: TextBuilder) -> bool:
    out.end_block()
    return True


def _enter_titled(node: Node, out: TextBuilder) -> bool:
    out.block(_attribute(node, "title"))
    return True


def _enter_heading(_node: Node, out: TextBuilder) -> bool:
    out.begin_heading()
    return True


def _enter_line(_node: Node, out: TextBuilder) -> bool:
    out.begin_line()
    return True


def _enter_cell(_node: Node, out: TextBuilder) -> bool:
    out.begin_cell()
    return True


def _drop(_node: Node, out: TextBuilder) -> bool:
    out.gap()
    return False


def _read_line_break(_node: Node, out: TextBuilder) -> bool:
    out.line_break()
    return False


def _read_code(node: Node, out: TextBuilder) -> bool:
    texts = (part.get("text") for part in _content(node) if isinstance(part, dict))
    out.code("".join(text for text in texts if isinstance(text, str)))
    return False


def _read_emoji(node: Node, out: TextBuilder) -> bool:
    out.word(_attribute(node, "text") or _attribute(node, "shortName"))
    return False


def _read_status(node: Node, out: TextBuilder) -> bool:
    out.word(_attribute(node, "text"))
    return False


def _read_date(node: Node, out: TextBuilder) -> bool:
    """Read a date; its timestamp is in milliseconds, as text or number."""
    attributes = node.get("attrs")
    stamp = attributes.get("timestamp") if isinstance(attributes, dict) else None
    try:
        moment = datetime.fromtimestamp(int(str(stamp)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return _drop(node, out)
    out.word(moment.date().isoformat())
    return False


def _enter_extension(node: Node, out: TextBuilder) -> bool:
    """Read a macro: its title or issue key, its plain text body, its content."""
    key = _attribute(node, "extensionKey")
    if key == "excerpt" and _macro_parameter(node, "name") == OWN_EXCERPT:
        return _drop(node, out)
    title = _macro_parameter(node, "key" if key == "jira" else "title")
    if _kind(node) == "inlineExtension":
        out.word(title)
    else:
        out.block(title)
    out_of_line = _macro_parameter(node, "__bodyContent")
    if out_of_line:
        out.code(out_of_line)
    return True


def _read_storage(node: Node, out: TextBuilder) -> bool:
    """Read what the editor could not convert: it is kept in storage format."""
    read_storage(_attribute(node, "cxhtml"), out)
    return False


def _leave_nothing(_out: TextBuilder) -> None:
    pass


_LINES = ("blockTaskItem", "decisionItem", "listItem", "tableRow", "taskItem")
_LISTS = ("bulletList", "decisionList", "orderedList", "table", "taskList")
_UNCONVERTED = ("confluenceUnsupportedBlock", "confluenceUnsupportedInline")
_EXTENSIONS = ("bodiedExtension", "extension", "multiBodiedExtension")

_ENTER: Mapping[str, _Enter] = {
    **dict.fromkeys(_LINES, _enter_line),
    **dict.fromkeys(("tableCell", "tableHeader"), _enter_cell),
    **dict.fromkeys(("expand", "nestedExpand"), _enter_titled),
    **dict.fromkeys((*_EXTENSIONS, "inlineExtension"), _enter_extension),
    **dict.fromkeys(("inlineCard", "media", "mediaInline"), _drop),
    **dict.fromkeys(("mention", "placeholder"), _drop),
    **dict.fromkeys(_UNCONVERTED, _read_storage),
    "codeBlock": _read_code,
    "date": _read_date,
    "emoji": _read_emoji,
    "hardBreak": _read_line_break,
    "heading": _enter_heading,
    "status": _read_status,
    "text": _read_text,
}
_LEAVE: Mapping[str, _Leave] = {
    **dict.fromkeys(_LISTS, TextBuilder.end_lines),
    "heading": TextBuilder.end_heading,
    "inlineExtension": _leave_nothing,
}
