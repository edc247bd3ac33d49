"""Label names: what Confluence accepts, and the one spelling we write."""

from __future__ import annotations

import re
import unicodedata

#: No good source gives a limit; 255 is what everybody repeats.
MAX_LENGTH = 255

#: First letters of the Unicode categories that a word is made of: letters, the marks
#: that scripts like Devanagari put on them, digits.
_WORD = frozenset("LMN")
_HYPHENS = re.compile(r"-{2,}")
#: Apostrophes, joiners and soft hyphens belong to their word and vanish in it.
_WITHIN_WORDS = frozenset("'’ʼ`´\u00ad\u200c\u200d")


def normalise(name: str) -> str:
    """Return a label for a new name, or an empty string if nothing is left.

    Labels that stand on the site already are not sent through here: their spelling
    is accepted as it is.

    Letters of any script stay (Ukrainian labels are labels); case is folded down,
    apostrophes inside a word vanish, everything else that Confluence refuses or
    splits at becomes one hyphen.
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())
    hyphened = _HYPHENS.sub("-", "".join(map(_accepted, folded)))
    if not any(map(str.isalnum, hyphened)):
        return ""
    return hyphened.strip("-_")[:MAX_LENGTH].rstrip("-_")


def _accepted(character: str) -> str:
    """Return the character, nothing, or a hyphen where Confluence would refuse it."""
    if character in _WITHIN_WORDS:
        return ""
    is_word = unicodedata.category(character)[0] in _WORD
    return character if is_word or character in "-_" else "-"
