"""Storage format: is it well-formed, and what the site makes of it when saving.

Bodies use the prefixes `ac:` and `ri:` and HTML entities without declaring either,
so they are wrapped before they are parsed.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Callable

from lxml import etree

from sandbox.refusals import Malformed, TooLarge

#: The site refuses larger bodies.
#: https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-page/
MAX_BODY_BYTES = 5 * 1024 * 1024

#: Readers of bodies walk them recursively.
MAX_DEPTH = 120

AC = "{http://atlassian.com/content}"
RI = "{http://atlassian.com/resource/identifier}"

_CDATA = r"<!\[CDATA\[.*?\]\]>"
_COMMENT = r"<!--.*?-->"
_ENTITY = re.compile(
    rf"{_CDATA}|{_COMMENT}|&(?P<name>[A-Za-z][A-Za-z0-9]*);", re.DOTALL
)
_OPEN_TAG = re.compile(
    rf"{_CDATA}|{_COMMENT}"
    r"|<(?P<name>[A-Za-z_][\w:.-]*)"
    r"(?P<attributes>(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)"
    r"\s*(?P<end>/?)>",
    re.DOTALL,
)
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
#: XML 1.0 has no way to write these, not even as references.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")


def _spell_out(match: re.Match[str]) -> str:
    name = match["name"]
    if name is None or name in _XML_ENTITIES:
        return match[0]
    characters = html.entities.html5.get(f"{name};")
    if characters is None:
        return match[0]
    return "".join(f"&#{ord(character)};" for character in characters)


def parse(body: str) -> etree._Element:
    """Return the root that holds `body`'s elements.

    Raises:
        Malformed: It is not well-formed; the message names line and reason.
    """
    unwritable = _UNWRITABLE.search(body)
    if unwritable is not None:
        code = ord(unwritable[0])
        raise Malformed(f"Error parsing xhtml: illegal character U+{code:04X}")
    wrapped = (
        f'<storage xmlns:ac="{AC[1:-1]}" xmlns:ri="{RI[1:-1]}">'
        f"{_ENTITY.sub(_spell_out, body)}</storage>"
    )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(wrapped.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise Malformed(f"Error parsing xhtml: {error.msg}") from error


def check(body: str) -> None:
    """Refuse a body that the site cannot keep.

    Raises:
        TooLarge: Over five megabytes.
        Malformed: Not well-formed, or nested deeper than anybody could read.
    """
    if len(body.encode(errors="surrogatepass")) > MAX_BODY_BYTES:
        raise TooLarge(f"Body is larger than {MAX_BODY_BYTES} bytes")
    depth = 0
    for event, _ in etree.iterwalk(parse(body), events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise Malformed(f"Elements are nested more than {MAX_DEPTH} deep")


def rewrite(body: str, *, new_id: Callable[[], str]) -> str:
    """Return a well-formed `body` as Confluence keeps it, other bytes untouched.

    Empty elements get a space before the slash, and macros an id and a schema
    version where they have none. So a page read back differs from what was sent.
    """

    def respell(match: re.Match[str]) -> str:
        name, attributes, end = match["name"], match["attributes"], match["end"]
        if name is None:
            return match[0]
        if name == "ac:structured-macro":
            if "ac:schema-version" not in attributes:
                attributes += ' ac:schema-version="1"'
            if "ac:macro-id" not in attributes:
                attributes += f' ac:macro-id="{new_id()}"'
        return f"<{name}{attributes} />" if end else f"<{name}{attributes}>"

    return _OPEN_TAG.sub(respell, body)
