"""Storage format to the HTML that people read, by a whitelist.

Whatever is not known is shown by its text alone: no element, attribute or address of
a page reaches the browser that is not named here.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from lxml import etree
from markupsafe import Markup, escape

from sandbox.refusals import Malformed
from sandbox.storage import AC, RI, parse

_PLAIN = frozenset(
    [
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "strong",
        "b",
        "em",
        "i",
        "u",
        "s",
        "del",
        "ins",
        "sub",
        "sup",
        "small",
        "code",
        "pre",
        "blockquote",
        "table",
        "tbody",
        "thead",
        "tfoot",
        "tr",
        "th",
        "td",
        "div",
        "span",
        "dl",
        "dt",
        "dd",
        "q",
        "cite",
        "kbd",
    ]
)
_VOID = {"br": Markup("<br>"), "hr": Markup("<hr>")}
_SPANS = frozenset({"colspan", "rowspan"})
_SCHEMES = frozenset({"http", "https", "mailto"})
_PANELS = frozenset({"info", "note", "tip", "warning", "panel"})
_SILENT = frozenset(
    f"{AC}{name}"
    for name in ("parameter", "placeholder", "adf-fallback", "task-id", "task-uuid")
) | {"script", "style", "iframe", "object", "embed", "template", "noscript"}
_LOZENGES = {"green", "yellow", "red", "blue", "purple", "grey"}


def render(body: str) -> Markup:
    """Return safe HTML for a storage body; a broken one is shown as it is written."""
    try:
        root = parse(body)
    except Malformed:
        return Markup("<pre>{}</pre>").format(body)
    return _inside(root)


def _inside(element: etree._Element) -> Markup:
    """Return the HTML of what is in an element."""
    parts = [escape(element.text or "")]
    for child in element:
        parts.append(_element(child))
        parts.append(escape(child.tail or ""))
    return Markup("").join(parts)


def _element(element: etree._Element) -> Markup:
    tag = str(element.tag)
    if tag in _SILENT:
        return Markup("")
    show = _SHOWN.get(tag)
    if show is not None:
        return show(element)
    if tag in _VOID:
        return _VOID[tag]
    if tag in _PLAIN:
        return _plain(element)
    return _inside(element)


def _plain(element: etree._Element) -> Markup:
    attributes = Markup("").join(
        Markup(' {}="{}"').format(name, element.get(name))
        for name in sorted(_SPANS)
        if (element.get(name) or "").isdecimal()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(element.tag, attributes, _inside(element))


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    if parts.scheme:
        return parts.scheme.lower() in _SCHEMES
    return address.startswith(("/", "#", "?")) and not address.startswith("//")


def _anchor(element: etree._Element) -> Markup:
    address = element.get("href") or ""
    inside = _inside(element)
    if not _is_safe(address) or any(ord(character) < 33 for character in address):
        return inside
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(
        address, inside
    )


def _image(element: etree._Element) -> Markup:
    # Nothing is fetched from elsewhere: an image is told by its name.
    file = element.find(f"{RI}attachment")
    name = "" if file is None else file.get(f"{RI}filename") or ""
    text = element.get(f"{AC}alt") or element.get("alt") or name or "image"
    return Markup('<span class="image" role="img">{}</span>').format(text)


def _link(element: etree._Element) -> Markup:
    text = Markup("").join(
        _inside(body)
        for body in element.iterchildren(f"{AC}link-body", f"{AC}plain-text-link-body")
    )
    page = element.find(f"{RI}page")
    if not text and page is not None:
        text = escape(page.get(f"{RI}content-title") or "")
    return Markup('<span class="link">{}</span>').format(text)


def _time(element: etree._Element) -> Markup:
    return Markup("<time>{}</time>").format(element.get("datetime") or "")


def _task(element: etree._Element) -> Markup:
    body = element.find(f"{AC}task-body")
    status = element.findtext(f"{AC}task-status", default="")
    mark = Markup(" checked") if status.strip() == "complete" else Markup("")
    inside = Markup("") if body is None else _inside(body)
    return Markup(
        '<li><label><input type="checkbox" disabled{}> <span>{}</span></label></li>'
    ).format(mark, inside)


def _tasks(element: etree._Element) -> Markup:
    items = Markup("").join(_task(task) for task in element.iterchildren(f"{AC}task"))
    return Markup('<ul class="tasks">{}</ul>').format(items)


def _section(element: etree._Element) -> Markup:
    return Markup('<div class="layout">{}</div>').format(_inside(element))


def _parameter(macro: etree._Element, name: str) -> str:
    for parameter in macro.iterchildren(f"{AC}parameter"):
        if parameter.get(f"{AC}name") == name:
            return parameter.text or ""
    return ""


def _macro(element: etree._Element) -> Markup:
    name = element.get(f"{AC}name") or ""
    rich = element.find(f"{AC}rich-text-body")
    inside = Markup("") if rich is None else _inside(rich)
    title = _parameter(element, "title")
    if name in _PANELS:
        heading = Markup("<strong>{}</strong>").format(title) if title else Markup("")
        return Markup('<div class="panel {}">{}{}</div>').format(name, heading, inside)
    if name == "expand":
        return Markup("<details><summary>{}</summary>{}</details>").format(
            title or "Details", inside
        )
    if name == "status":
        colour = _parameter(element, "colour").lower()
        colour = colour if colour in _LOZENGES else "grey"
        return Markup('<span class="lozenge {}">{}</span>').format(colour, title)
    plain = element.find(f"{AC}plain-text-body")
    if plain is not None:
        return Markup("<pre><code>{}</code></pre>").format(plain.text or "")
    if rich is not None:
        return inside
    return Markup('<span class="macro">{}</span>').format(name)


_SHOWN: dict[str, Callable[[etree._Element], Markup]] = {
    "a": _anchor,
    "img": _image,
    "time": _time,
    f"{AC}image": _image,
    f"{AC}link": _link,
    f"{AC}task-list": _tasks,
    f"{AC}structured-macro": _macro,
    f"{AC}layout-section": _section,
}
