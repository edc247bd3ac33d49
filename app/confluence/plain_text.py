"""Plain text as storage format: nothing of it survives as markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import groupby, takewhile
from operator import itemgetter

from app.confluence.markup_repair import NOT_XML

_FENCE = re.compile(r"\s*(`{3,})[^`]*")
_HEADING = re.compile(r"(#{1,6})\s+(.+)")
_ITEM = re.compile(r"(?:([-*])|\d{1,9}\.)\s+(.+)")


def escaped(text: str) -> str:
    """Return text as it may stand between tags, without what XML cannot hold."""
    return html.escape(NOT_XML.sub("", text), quote=False)


def paragraphs(text: str) -> str:
    """Return each line as a paragraph of its own, empty ones as well."""
    return "".join(f"<p>{escaped(line)}</p>" for line in _lines(text))


def from_text(text: str) -> str:
    """Return plain text as storage format.

    Lines that begin with `#` to `######` are headings; those with `-`, `*` or a
    number and a dot are items of lists; what stands between fences of three or more
    backticks is code. All else is paragraphs, which empty lines keep apart.
    """
    blocks = groupby(_read(_lines(text)), key=itemgetter(0))
    return "".join(_markup(kind, [line for _, line in block]) for kind, block in blocks)


def links(titles: Sequence[str]) -> str:
    """Return a list of links to pages of the same space; no titles, no list."""
    items = "".join(
        f'<li><p><ac:link><ri:page ri:content-title="{_quoted(title)}" /></ac:link></p>'
        "</li>"
        for title in titles
    )
    return f"<ul>{items}</ul>" if items else ""


def _quoted(text: str) -> str:
    return html.escape(NOT_XML.sub("", text), quote=True)


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _read(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield what each line is (an element, or nothing), with its text."""
    rest = iter(lines)
    for line in rest:
        if fence := _FENCE.fullmatch(line):
            marks = fence[1]
            inside = takewhile(lambda one: not _closes(one, marks), rest)  # noqa: B023 - used at once
            yield "code", "\n".join(inside)
            yield "", ""
        else:
            yield _line(line.strip())


def _closes(line: str, marks: str) -> bool:
    bare = line.strip()
    return bare.startswith(marks) and not bare.strip("`")


def _line(line: str) -> tuple[str, str]:
    if heading := _HEADING.fullmatch(line):
        return f"h{len(heading[1])}", heading[2]
    if item := _ITEM.fullmatch(line):
        return ("ul" if item[1] else "ol"), item[2]
    return ("p" if line else ""), line


def _markup(kind: str, lines: list[str]) -> str:
    if kind == "":
        return ""
    if kind == "code":
        return _code(lines[0])
    texts = [escaped(line) for line in lines]
    if kind == "p":
        return f"<p>{'<br />'.join(texts)}</p>"
    if kind in ("ul", "ol"):
        items = "".join(f"<li><p>{text}</p></li>" for text in texts)
        return f"<{kind}>{items}</{kind}>"
    return "".join(f"<{kind}>{text}</{kind}>" for text in texts)


def _code(code: str) -> str:
    # The end of a section of CDATA is the one thing that it cannot hold.
    inside = NOT_XML.sub("", code).replace("]]>", "]]]]><![CDATA[>")
    return (
        '<ac:structured-macro ac:name="code" ac:schema-version="1">'
        f"<ac:plain-text-body><![CDATA[{inside}]]></ac:plain-text-body>"
        "</ac:structured-macro>"
    )
