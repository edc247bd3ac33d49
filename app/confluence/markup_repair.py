"""Makes well-formed XML of storage format that is not, without losing its text.

A parser's own recovery stops at the first stray end tag and drops what follows.
Here every tag is read by itself: stray ends vanish, open elements are closed,
nesting is bounded, and whatever is no markup stays as text. All of it is linear in
the length of the body.
"""

from __future__ import annotations

import html
import re
from html.entities import html5

#: Elements deeper than this lose their tags but keep their text; libxml2 itself
#: refuses at 256.
MAX_DEPTH = 200

#: Prefixes that must be declared around a body, since Confluence leaves that out,
#: with the names that bodies from elsewhere declare for them.
NAMESPACES = {
    "ac": "http://www.atlassian.com/schema/confluence/4/ac/",
    "ri": "http://www.atlassian.com/schema/confluence/4/ri/",
}

#: Characters that XML 1.0 cannot hold, not even as a reference.
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_REFERENCE = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
    r"|&(?:#(?:\d{1,8}|[xX][0-9a-fA-F]{1,6});|(\w{1,40});)?",
    re.DOTALL,
)
_XML_NAMES = frozenset({"amp", "lt", "gt", "quot", "apos"})

_TOKEN = re.compile(
    r"""
      <!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)
    | <!--.*?(?:-->|\Z)
    | <\?[^>]*+>?
    | <![A-Za-z][^\[>]{0,10000}+(?:\[[^\]]{0,10000}+\]\s*)?>?
    | <(?P<end>/)?(?P<name>[A-Za-z][A-Za-z0-9_.-]*(?::[A-Za-z][A-Za-z0-9_.-]*)?)
       (?P<attributes>(?:[^<>"']|"[^"]*"|'[^']*'){0,2000}+)>
    """,
    re.DOTALL | re.VERBOSE,
)
_ATTRIBUTE = re.compile(r"""([A-Za-z][A-Za-z0-9_:.-]*)\s*=\s*("[^"<]*"|'[^'<]*')""")
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_PARTIAL_TAG = re.compile(r"<[/!?A-Za-z][^<>]{0,10000}\Z")

#: Elements without content in HTML, often left unclosed.
_VOID = frozenset({"br", "hr", "img", "col", "input", "wbr"})
#: Elements that hold plain text only: a tag inside means that the end is missing.
_LEAVES = frozenset({"ac:parameter", "ac:task-id", "ac:task-uuid", "ac:task-status"})


def resolve_references(body: str) -> tuple[str, bool]:
    """Replace HTML's entities, which XML does not know, by their characters.

    CDATA sections stay as they are: a reference there is text.

    Returns:
        The body with only the five references of XML left, and whether anything
        in it was no valid reference or character.
    """
    faulty = False

    def replace(match: re.Match[str]) -> str:
        nonlocal faulty
        reference = match.group()
        if reference.startswith("<") or match[1] in _XML_NAMES:
            return reference
        characters = _characters(reference, match[1])
        if not characters:
            faulty = True
            characters = "" if reference.startswith("&#") else reference
        return html.escape(characters, quote=False)

    clean = NOT_XML.sub("", body)
    resolved = _REFERENCE.sub(replace, clean)
    return NOT_XML.sub("", resolved), faulty or len(clean) != len(body)


def _characters(reference: str, name: str | None) -> str:
    """Return what a reference stands for, or an empty string if for nothing."""
    if name is not None:
        return html5.get(f"{name};", "")
    # A bare ampersand unescapes to itself: AT&T is text, and no reference.
    return "" if reference == "&" else html.unescape(reference)


def repair(body: str) -> str:
    """Return `body` as well-formed content; its text survives, tags as far as possible.

    References must have been resolved before.
    """
    return _Repair().run(_PARTIAL_TAG.sub("", body))


class _Repair:
    """The state of one repair: what is open, and how many tags are too deep."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._open: list[str] = []
        self._too_deep = 0

    def run(self, body: str) -> str:
        position = 0
        for match in _TOKEN.finditer(body):
            self._text(body[position : match.start()])
            position = match.end()
            if match["cdata"] is not None:
                self._out.append(html.escape(match["cdata"], quote=False))
            elif match["name"] is not None:
                self._tag(match)
        self._text(body[position:])
        self._close(len(self._open))
        return "".join(self._out)

    def _text(self, text: str) -> None:
        self._out.append(text.replace("<", "&lt;").replace(">", "&gt;"))

    def _tag(self, match: re.Match[str]) -> None:
        name = _element_name(match["name"])
        attributes = match["attributes"]
        if match["end"]:
            self._end(name)
        elif attributes.rstrip().endswith("/") or name in _VOID:
            self._out.append(f"<{name}{_attributes(attributes)}/>")
        else:
            self._start(name, attributes)

    def _start(self, name: str, attributes: str) -> None:
        if self._open and self._open[-1] in _LEAVES:
            self._close(1)
        if len(self._open) >= MAX_DEPTH:
            self._too_deep += 1
            self._out.append(" ")
            return
        self._open.append(name)
        self._out.append(f"<{name}{_attributes(attributes)}>")

    def _end(self, name: str) -> None:
        if name in self._open and not self._too_deep:
            self._close(self._open[::-1].index(name) + 1)
        else:
            self._too_deep = max(0, self._too_deep - 1)
            self._out.append(" ")

    def _close(self, count: int) -> None:
        for _ in range(count):
            self._out.append(f"</{self._open.pop()}>")


def _element_name(name: str) -> str:
    """Return a name that parses: known prefixes stay, others become plain names."""
    prefix, colon, _ = name.partition(":")
    if colon:
        return name if prefix in NAMESPACES else name.replace(":", "-")
    return name.lower()


def _attributes(source: str) -> str:
    """Return the attributes that parse, each once."""
    kept: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(source):
        prefix, colon, local = name.partition(":")
        if not colon or (prefix in NAMESPACES and _PLAIN_NAME.fullmatch(local)):
            kept.setdefault(name, value)
    return "".join(f" {name}={value}" for name, value in kept.items())
