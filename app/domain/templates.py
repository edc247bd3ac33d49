"""Pages of templates: `{{placeholders}}` are filled, every other byte stays as it is.

A value is text, whatever it looks like: between tags and in attributes it is escaped,
in CDATA it cannot end the section. What only looks like a placeholder (`{{ a.b }}`)
is none.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.domain.pages import LONGEST_TITLE
from app.errors import MalformedPayload

#: Characters of a value.
LONGEST_VALUE = 20_000
_NAME = r"[^\W\d][\w-]{0,63}"
_PLACEHOLDER = re.compile(rf"\{{\{{\s{{0,8}}({_NAME})\s{{0,8}}\}}\}}")
_NAMED = re.compile(_NAME)
#: What storage format is made of; all else is text.
_PIECE = re.compile(
    r"(?P<cdata><!\[CDATA\[.*?\]\]>)"
    r"|(?P<remark><!--.*?-->|<\?.*?\?>)"
    r"""|(?P<tag></?[A-Za-z](?:[^<>"']|"[^"]*"|'[^']*')*+>)""",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""=\s*("[^"]*"|'[^']*')""")
#: What XML cannot hold, and what no title shows.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

#: How a value is written at a place.
_TEXT, _QUOTED, _RAW = "text", "quoted", "raw"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a template, and how values are written in it; None: not at all."""

    source: str
    writes: str | None


def values_of(pairs: Iterator[str] | tuple[str, ...]) -> dict[str, str]:
    """Return what `name=value` pairs say.

    Raises:
        MalformedPayload: Some are none, say one name twice, or hold what no page can.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals or not _NAMED.fullmatch(name):
            problems.append(f"{pair[:40]!r} is not NAME=VALUE")
        elif name in found:
            problems.append(f"{name} is given twice")
        elif len(value) > LONGEST_VALUE or _NOT_TEXT.search(value):
            problems.append(f"{name} is too long, or holds what no page can")
        else:
            found[name] = value
    if problems:
        raise MalformedPayload("values", "; ".join(problems))
    return found


def placeholders(template: str) -> tuple[str, ...]:
    """Return the names that a template asks for, each once, in order."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(template)))


def require(wanted: tuple[str, ...], values: Mapping[str, str]) -> None:
    """Refuse values that do not fit: all that is missing, and unknown, at once.

    Raises:
        MalformedPayload: They do not fit.
    """
    missing = [name for name in wanted if name not in values]
    unknown = [name for name in values if name not in wanted]
    problems: list[str] = []
    if missing:
        problems.append(f"no value for {', '.join(missing)}")
    if unknown:
        problems.append(f"the template does not ask for {', '.join(unknown)}")
    if problems:
        raise MalformedPayload("values", "; ".join(problems))


def fill(storage: str, values: Mapping[str, str]) -> str:
    """Return a template in storage format with its values in place.

    Raises:
        MalformedPayload: A placeholder stands where no text can: in the name of an
            element or attribute, or in a remark that nobody would see.
    """
    parts: list[str] = []
    for piece in _pieces(storage):
        if not _PLACEHOLDER.search(piece.source):
            parts.append(piece.source)
        elif piece.writes is None or (piece.writes == _TEXT and "<" in piece.source):
            reason = "a placeholder stands where no text can, inside a tag"
            raise MalformedPayload("template", reason)
        else:
            parts.append(_filled(piece.source, values, piece.writes))
    return "".join(parts)


def fill_title(pattern: str, values: Mapping[str, str]) -> str:
    """Return a title with its values in place, on one line.

    Raises:
        MalformedPayload: It is empty, too long, or cannot be shown.
    """
    filled = _PLACEHOLDER.sub(lambda found: values[found[1]], pattern)
    return checked_title(filled)


def checked_title(title: str) -> str:
    """Return a title that Confluence takes, with single spaces.

    Raises:
        MalformedPayload: It is empty, too long, or cannot be shown.
    """
    told = " ".join(title.split())
    if not told:
        raise MalformedPayload("title", "it is empty")
    if len(told) > LONGEST_TITLE:
        raise MalformedPayload("title", f"it has more than {LONGEST_TITLE} characters")
    if not told.isprintable():
        raise MalformedPayload("title", "it has characters that cannot be seen")
    return told


def _pieces(storage: str) -> Iterator[_Piece]:
    at = 0
    for found in _PIECE.finditer(storage):
        yield _Piece(storage[at : found.start()], _TEXT)
        at = found.end()
        if found["cdata"] is not None:
            yield _Piece(found[0], _RAW)
        elif found["remark"] is not None:
            yield _Piece(found[0], None)
        else:
            yield from _tag(found[0])
    yield _Piece(storage[at:], _TEXT)


def _tag(tag: str) -> Iterator[_Piece]:
    at = 0
    for value in _ATTRIBUTE.finditer(tag):
        yield _Piece(tag[at : value.start(1)], None)
        yield _Piece(value[1], _QUOTED)
        at = value.end(1)
    yield _Piece(tag[at:], None)


def _filled(source: str, values: Mapping[str, str], writes: str) -> str:
    return _PLACEHOLDER.sub(lambda found: _written(values[found[1]], writes), source)


def _written(value: str, writes: str) -> str:
    if writes == _RAW:
        return value.replace("]]>", "]]]]><![CDATA[>")
    return html.escape(value, quote=writes == _QUOTED)
