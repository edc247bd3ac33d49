"""Reads storage format, Confluence's XML dialect: every word that a reader sees.

The format: elements of XHTML and of two undeclared prefixes, `ac:` (macros, tasks,
layouts) and `ri:` (what links point to), with HTML's named entities.
https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html

A table says for each element what it does to the text. To teach the reader a new
macro, add a line to `_MACROS`; a macro without one has its title and bodies read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from lxml import etree

from app.confluence.blocks import TextBuilder
from app.confluence.markup_repair import NAMESPACES, repair, resolve_references
from app.domain.pages import OWN_EXCERPT

#: Longer bodies are read up to here: Confluence itself refuses 5 MB and more.
MAX_BODY = 5_000_000

_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
_PREFIXES = {uri: f"{prefix}:" for prefix, uri in NAMESPACES.items()}

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml has no public name for it
#: An element's effect when it begins; True means: go on with its content.
_Enter: TypeAlias = Callable[[Element, TextBuilder], bool]
_Leave: TypeAlias = Callable[[TextBuilder], None]


def read_storage(body: str, out: TextBuilder) -> bool:
    """Read a body into `out`; return whether it was damaged.

    Never fails: what cannot be parsed is repaired first, and what is too long is
    cut off; both count as damage.
    """
    source, damaged = resolve_references(body[:MAX_BODY])
    damaged = damaged or len(body) > MAX_BODY
    try:
        root = _parse(source, recover=False)
    except etree.XMLSyntaxError:
        damaged = True
        root = _parse(repair(source), recover=True)
    _walk(root, out)
    return damaged


def _parse(content: str, *, recover: bool) -> Element:
    parser = etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    wrapped = f"<page {_DECLARED}>{content}</page>"
    return etree.fromstring(wrapped.encode(), parser)


def _walk(root: Element, out: TextBuilder) -> None:
    """Visit the tree in reading order without recursion."""
    path: list[tuple[str, Element, Iterator[Element]]] = [("", root, iter(root))]
    out.words(root.text or "")
    while path:
        name, element, children = path[-1]
        child = next(children, None)
        if child is None:
            path.pop()
            _LEAVE.get(name, TextBuilder.end_block)(out)
            out.words(element.tail or "")
            continue
        name = _name(child)
        if _ENTER.get(name, _enter_block)(child, out):
            out.words(child.text or "")
            path.append((name, child, iter(child)))
        else:
            out.words(child.tail or "")


def _name(element: Element) -> str:
    """Return the name as the format spells it: `ac:link`, `p`."""
    uri, brace, local = str(element.tag).removeprefix("{").rpartition("}")
    return _PREFIXES.get(uri, "") + local if brace else local


def _attribute(element: Element, prefix: str, name: str) -> str:
    return str(element.get(f"{{{NAMESPACES[prefix]}}}{name}") or "")


def _all_text(element: Element) -> str:
    return "".join(str(text) for text in element.itertext())


def _children(element: Element, name: str) -> Iterator[Element]:
    return element.iterchildren(f"{{{NAMESPACES['ac']}}}{name}")


def _parameter(macro: Element, name: str) -> str:
    """Return a macro's parameter as text, empty if there is none."""
    for parameter in _children(macro, "parameter"):
        if _attribute(parameter, "ac", "name") == name:
            return _all_text(parameter).strip()
    return ""


def _enter_inline(_element: Element, _out: TextBuilder) -> bool:
    return True


def _enter_block(_element: Element, out: TextBuilder) -> bool:
    out.end_block()
    return True


def _enter_heading(_element: Element, out: TextBuilder) -> bool:
    out.begin_heading()
    return True


def _enter_line(_element: Element, out: TextBuilder) -> bool:
    out.begin_line()
    return True


def _enter_cell(_element: Element, out: TextBuilder) -> bool:
    out.begin_cell()
    return True


def _enter_gap(_element: Element, out: TextBuilder) -> bool:
    out.gap()
    return True


def _drop(_element: Element, out: TextBuilder) -> bool:
    out.gap()
    return False


def _enter_line_break(_element: Element, out: TextBuilder) -> bool:
    out.line_break()
    return True


def _read_code(element: Element, out: TextBuilder) -> bool:
    for line_break in element.iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    out.code(_all_text(element))
    return False


def _enter_time(element: Element, out: TextBuilder) -> bool:
    out.word(str(element.get("datetime") or ""))
    return True


def _enter_emoticon(element: Element, out: TextBuilder) -> bool:
    fallback = _attribute(element, "ac", "emoji-fallback")
    out.word(fallback or _attribute(element, "ac", "emoji-shortname"))
    return True


def _enter_link(element: Element, out: TextBuilder) -> bool:
    """Read a link; without a body of its own it shows its target's title."""
    bodies = ("link-body", "plain-text-link-body")
    if any(next(_children(element, body), None) is not None for body in bodies):
        return True
    shown = ""
    for target in element:
        title = _attribute(target, "ri", "content-title")
        shown = shown or title or _attribute(target, "ri", "filename")
    out.word(shown or _attribute(element, "ac", "anchor"))
    return False


def _enter_fallback(element: Element, out: TextBuilder) -> bool:
    """Skip what an old renderer shows, if the content itself stands before it."""
    out.end_block()
    node = element.getprevious()
    if node is None:
        return True
    return next(node.iter(f"{{{NAMESPACES['ac']}}}adf-content"), None) is None


def _enter_macro(element: Element, out: TextBuilder) -> bool:
    name = _attribute(element, "ac", "name")
    return _MACROS.get(name, _enter_any_macro)(element, out)


def _enter_any_macro(element: Element, out: TextBuilder) -> bool:
    """Read a macro's title, then its bodies: panels, expands, and the unknown."""
    has_body = any(
        next(_children(element, body), None) is not None
        for body in ("rich-text-body", "plain-text-body")
    )
    title = _parameter(element, "title")
    if has_body:
        out.block(title)
    else:
        out.word(title)
    return True


def _enter_excerpt(element: Element, out: TextBuilder) -> bool:
    if _parameter(element, "name") == OWN_EXCERPT:
        return _drop(element, out)
    return _enter_any_macro(element, out)


def _read_status(element: Element, out: TextBuilder) -> bool:
    out.word(_parameter(element, "title"))
    return False


def _read_issue_key(element: Element, out: TextBuilder) -> bool:
    out.word(_parameter(element, "key"))
    return False


def _read_markdown(element: Element, out: TextBuilder) -> bool:
    """Read a body that is prose, though kept as plain text."""
    for body in _children(element, "plain-text-body"):
        for paragraph in _all_text(body).split("\n\n"):
            out.block(paragraph)
    return False


def _leave_nothing(_out: TextBuilder) -> None:
    pass


#: Macros whose text is not simply their title and bodies.
_MACROS: Mapping[str, _Enter] = {
    "excerpt": _enter_excerpt,
    "jira": _read_issue_key,
    "markdown": _read_markdown,
    "status": _read_status,
}

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
#: Elements inside a line of text; all others end the block before them.
_INLINE = (
    *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data"),
    *("del", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark", "q", "s"),
    *("samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var"),
    *("ac:inline-comment-marker", "ac:link-body", "ac:plain-text-link-body"),
)
_DROPPED = (
    *("ac:adf-attribute", "ac:default-parameter", "ac:parameter", "ac:placeholder"),
    *("ac:task-id", "ac:task-status", "ac:task-uuid", "script", "style"),
    *("ri:attachment", "ri:blog-post", "ri:content-entity", "ri:page", "ri:shortcut"),
    *("ri:space", "ri:url", "ri:user"),
)

_ENTER: Mapping[str, _Enter] = {
    **dict.fromkeys(_INLINE, _enter_inline),
    **dict.fromkeys(_HEADINGS, _enter_heading),
    **dict.fromkeys(_DROPPED, _drop),
    **dict.fromkeys(("li", "tr", "ac:task"), _enter_line),
    **dict.fromkeys(("td", "th"), _enter_cell),
    **dict.fromkeys(("ac:structured-macro", "ac:macro"), _enter_macro),
    **dict.fromkeys(("pre", "ac:plain-text-body"), _read_code),
    **dict.fromkeys(("ac:image", "img", "wbr"), _enter_gap),
    "ac:adf-fallback": _enter_fallback,
    "ac:emoticon": _enter_emoticon,
    "ac:link": _enter_link,
    "br": _enter_line_break,
    "time": _enter_time,
}
_LEAVE: Mapping[str, _Leave] = {
    **dict.fromkeys((*_INLINE, "br", "wbr"), _leave_nothing),
    **dict.fromkeys(_HEADINGS, TextBuilder.end_heading),
    **dict.fromkeys(("ac:task-list", "ol", "table", "ul"), TextBuilder.end_lines),
    **dict.fromkeys(
        ("ac:emoticon", "ac:image", "ac:link", "ac:macro", "ac:structured-macro"),
        TextBuilder.gap,
    ),
    **dict.fromkeys(("img", "time"), TextBuilder.gap),
}
