"""What a change does to a page's words, line by line, with signs: `+` comes, `-` goes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.domain.changes import Change, ChangeKind
from app.domain.pages import Page
from app.domain.sentences import sentences
from app.store.plan_items import StoredItem
from app.usecases.ports import ReadPage

#: Kinds whose items are shown with what they do to the page.
SHOWN: frozenset[ChangeKind] = frozenset(
    {"page_create", "page_text", "page_title", "page_move", "page_trash"}
)
#: Lines around each change.
_AROUND = 2
#: Lines of one item; the rest is counted.
_MOST = 400
_MACRO = re.compile(r'<ac:structured-macro\b[^<>]*?\bac:name="([^"]{1,60})"')


def diff_of(read_page: ReadPage, one: StoredItem) -> list[str]:
    """Return what an item does, as lines that begin with `+`, `-`, `@@` or a space.

    The text is the readable one; macros, which may say nothing there, are named.
    """
    change = one.item.change
    if change.kind not in SHOWN:
        return []
    before, after = _said(read_page, change.before), _said(read_page, change.after)
    if before == after and change.before != change.after:
        before, after = _raw(change.before), _raw(change.after)
    lines = list(difflib.unified_diff(before, after, n=_AROUND, lineterm=""))
    # The first two name files, and there are none.
    shown = [*_place(change), *lines[2:]]
    if len(shown) > _MOST:
        left = len(shown) - _MOST
        shown = [*shown[:_MOST], f"... and {left} lines more"]
    return shown


def _place(change: Change) -> list[str]:
    """Return where a page comes to stand."""
    after: Mapping[str, Any] = change.after or {}
    before: Mapping[str, Any] = change.before or {}
    if change.kind == "page_move":
        return [
            f"- below {_above(before)}",
            f"+ below {_above(after)}",
        ]
    if change.kind == "page_create":
        above = after["parent_id"]
        where = f"page {above}" if above else "the homepage"
        told = [f"+ {after['status']} page “{after['title']}” below {where}"]
        return told + ([f"  at {after['webui']}"] if after.get("webui") else [])
    if change.kind == "page_text":
        return [f"  section “{change.value}”"]
    return []


def _above(side: Mapping[str, Any]) -> str:
    parent = side.get("parent_id")
    return f"page {parent}" if parent else "no page"


def _said(read_page: ReadPage, value: Any) -> list[str]:
    """Return the readable lines of one side of a change."""
    said: Mapping[str, Any] = value or {}
    markup = said.get("markup", said.get("body"))
    if markup is None:
        return [said["title"]] if "title" in said else []
    text = read_page(
        Page(id="0", title="", status="current", space_id="", version=1, body=markup)
    ).text
    return [*_sentences(text), *_macros(markup)]


def _sentences(text: str) -> Iterator[str]:
    """Walk a text, a sentence a line: one that changes is one line, not a paragraph."""
    for line in text.splitlines():
        yield from sentences(line) if line.strip() else [""]


def _macros(markup: str) -> Sequence[str]:
    return [f"[macro {name}]" for name in _MACRO.findall(markup)]


def _raw(value: Any) -> list[str]:
    said: Mapping[str, Any] = value or {}
    return str(said.get("markup", said.get("body", ""))).splitlines()
