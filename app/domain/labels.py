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
#: Alphabets that share the looks of many letters.
_LOOKALIKES = frozenset(("LATIN", "CYRILLIC", "GREEK"))
_APOSTROPHES = frozenset("'’ʼ`´")


def normalise(name: str) -> str:
    """Return a label for a new name, or an empty string if nothing is left.

    Labels that stand on the site already are not sent through here: their spelling
    is accepted as it is.

    Letters of any script stay (Ukrainian labels are labels); case is folded down,
    apostrophes inside a word vanish, everything else that Confluence refuses or
    splits at becomes one hyphen.
    """
    # Joined first: what an invisible character kept apart may compose afterwards.
    joined = "".join(one for one in name if not _is_within_words(one))
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", joined).lower())
    hyphened = _HYPHENS.sub("-", "".join(map(_accepted, folded)))
    if not any(map(str.isalnum, hyphened)):
        return ""
    return hyphened.strip("-_")[:MAX_LENGTH].rstrip("-_")


def is_disguised(name: str) -> bool:
    """Whether a word of it mixes alphabets, as only words do that pose as others.

    Parts between hyphens are words of their own (`api-ключ`), and so digits do not count.
    """
    return any(
        len({_alphabet(one) for one in word} - {""}) > 1
        for word in re.split(r"[-_]", name)
    )


def _alphabet(letter: str) -> str:
    """Return the alphabet of a letter where others have letters that look the same."""
    first = unicodedata.name(letter, "").partition(" ")[0]
    return first if first in _LOOKALIKES else ""


def _is_within_words(character: str) -> bool:
    """Whether it belongs to its word and vanishes in it: apostrophes, joiners."""
    return character in _APOSTROPHES or unicodedata.category(character) == "Cf"


def _accepted(character: str) -> str:
    """Return the character, or a hyphen where Confluence would refuse it or split."""
    is_word = unicodedata.category(character)[0] in _WORD
    return character if is_word or character in "-_" else "-"
