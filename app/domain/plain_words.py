"""Words and nothing else: no markup, no links, no character that nobody sees.

What stands on a page, and what a model makes of it, is shown elsewhere: in a byline,
a comment, a prompt. There it must be text that does nothing.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, field

#: How often markup is taken off: what stood between marks may be a mark itself.
_LAYERS = 10

#: Control, format and unassigned characters, surrogates, private use: nobody sees them,
#: and instructions have been hidden in them.
_UNSEEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs"))
_MAYBE_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ud800-\uf8ff\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U0010ffff]"
)
#: They join emoji, and letters in some scripts.
_JOINERS = "\u200c\u200d"
#: From here on all is invisible: tags, further variation selectors.
_FIRST_TAG = "\U000e0000"
#: Words that servers of open models take for the end of a message.
_CHAT_MARK = re.compile(
    r"<(?=\||/?s>|(?:start|end)_of_turn>)|\[(?=/?INST\])", re.IGNORECASE
)

_TAG = re.compile(r"<!--.*?-->|<!\[CDATA\[|\]\]>|</?[A-Za-z!][^<>]*>", re.DOTALL)
_TAG_BEGINNING = re.compile(r"<+(?=[A-Za-z!/?])")
#: Chat marks whole, also those that `harmless` broke.
_TURN = re.compile(
    r"<\s?\|[^<>|]{0,40}\|>|<\s?/?s>|<\s?(?:start|end)_of_turn>|\[\s?/?INST\]",
    re.IGNORECASE,
)
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]*)\]\(([^()\s]*)[^()]*\)")
_LINK_BEGINNING = re.compile(r"!?\[(?=[^\[\]]*\]\()|\]\(")
_EMPHASIS = re.compile(r"\*\*|`+|^\s*(?:#{1,6}|[-*>])\s+")
#: Something to click on, or that is fetched by whoever shows it.
_LINK = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,30}://|www\.|(?:mailto|javascript|vbscript|data):)\S+",
    re.IGNORECASE,
)
#: A host with a path, or a file in a folder.
_PLACE = re.compile(r"\b[\w-]+(?:\.[\w-]+)+/\S*")
_PLAIN_PLACE = re.compile(r"[\w./-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """Words, and what was taken off them."""

    text: str = field(repr=False)
    had_markup: bool = False
    had_address: bool = False


def harmless(text: str) -> str:
    """Return `text` without characters that nobody sees or that steer chat servers."""
    seen = _MAYBE_UNSEEN.sub(_seen, text)
    return _CHAT_MARK.sub(lambda found: f"{found.group()} ", seen)


def one_line(text: str, most: int) -> str:
    """Return `text` as one harmless line of at most `most` characters."""
    line = " ".join(harmless(" ".join(text[: most * 4].split())).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def plain(written: str, *, source: str = "") -> Plain:
    """Take tags, links, emphasis and addresses off, layer by layer.

    Nothing is left of what is built to outlast that. Lines and spaces stay as they are.

    Args:
        written: What is to be shown.
        source: The page: paths that stand there, and do no more than name a place,
            stay. Links never do.
    """
    had_address = False

    def known(found: re.Match[str]) -> str:
        nonlocal had_address
        place = found.group().rstrip(".,;:!?)»”\"'")
        if place in source and _PLAIN_PLACE.fullmatch(place):
            return found.group()
        had_address = True
        return found.group()[len(place) :]

    def dropped(found: re.Match[str]) -> str:
        nonlocal had_address
        had_address = True
        return found.group()[len(found.group().rstrip(".,;:!?)»”\"'")) :]

    first = before = text = harmless(html.unescape(written))
    for _ in range(_LAYERS):
        before = text
        text = _MARKDOWN_LINK.sub(r"\1", _TAG.sub(" ", _TURN.sub(" ", text)))
        text = _TAG_BEGINNING.sub("", _EMPHASIS.sub("", text))
        text = _LINK_BEGINNING.sub(" ", text)
        text = _PLACE.sub(known, _LINK.sub(dropped, text))
        if text == before:
            break
    return Plain(
        text=text if text == before else "",
        had_markup=text != first,
        had_address=had_address,
    )


def _seen(found: re.Match[str]) -> str:
    character = found.group()
    if character in _JOINERS:
        return character
    unseen = unicodedata.category(character) in _UNSEEN or character >= _FIRST_TAG
    return "" if unseen else character
