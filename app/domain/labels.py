"""Label names: what Confluence accepts, and the one spelling we write."""

from __future__ import annotations

import re
import unicodedata

#: No good source gives a limit; 255 is what everybody repeats.
MAX_LENGTH = 255

#: Confluence refuses these, and splits a label at white space without an error.
#: Whatever is no letter, digit, hyphen or underscore becomes a hyphen.
_OUTSIDE = re.compile(r"[^\w-]+", re.UNICODE)
_HYPHENS = re.compile(r"-{2,}")
_APOSTROPHES = str.maketrans(dict.fromkeys("'’ʼ`´", ""))


def normalise(name: str) -> str:
    """Return a label for a new name, or an empty string if nothing is left.

    Labels that stand on the site already are not sent through here: their spelling
    is accepted as it is.

    Letters of any script stay (Ukrainian labels are labels); case is folded down,
    apostrophes inside a word vanish, everything else that Confluence refuses or
    splits at becomes one hyphen.
    """
    folded = unicodedata.normalize("NFC", name).lower().translate(_APOSTROPHES)
    hyphened = _HYPHENS.sub("-", _OUTSIDE.sub("-", folded))
    return hyphened.strip("-_")[:MAX_LENGTH].rstrip("-_")
