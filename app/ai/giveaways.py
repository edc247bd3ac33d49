"""Whether a summary tells what the question said beside the page.

A page can ask for that, and a model can obey. Our own words are no secret, only no
summary; but titles of other pages stand in the question too, and not everybody who reads
this page may read those.
"""

from __future__ import annotations

import re

from app.ai.prompts import OWN_WORDS
from app.domain.completions import Prompt
from app.domain.pages import PageText
from app.domain.stems import MAX_CHARACTERS, stems

#: So many letters on end, some five words, are no coincidence.
_RUN = 30
#: Words of a title that the page lacks and the summary has: one may be a coincidence.
_FEWEST = 2
#: Nobody says such a thing: it is encoded, a checksum, a key.
_CODE = re.compile(r"[A-Za-z0-9+/_=-]{32,}|\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{16,}\b")


def gives_away(summary: str, prompt: Prompt) -> bool:
    """Whether a summary repeats our words, hides some, or names another page.

    What stands on the page itself gives nothing away.
    """
    page = _whole(prompt.page)
    return (
        any(code not in page for code in _CODE.findall(summary))
        or _repeats(_letters(summary), page)
        or _names_another(summary, page, prompt)
    )


def _repeats(said: str, page: str) -> bool:
    """Whether a run of our own letters is in it, however it is spaced or written."""
    runs = {said[at : at + _RUN] for at in range(len(said) - _RUN + 1)}
    ours = [one for one in runs if one in _OWN_LETTERS]
    if not ours:
        return False
    theirs = _letters(page)
    return any(one not in theirs for one in ours)


def _names_another(summary: str, page: str, prompt: Prompt) -> bool:
    """Whether all that a title of another page has beyond this one is told."""
    if not prompt.examples:
        return False
    known, told = set(stems(page[:MAX_CHARACTERS])), set(stems(summary))
    for example in prompt.examples:
        beyond = set(stems(example.title)) - known
        if len(beyond) >= _FEWEST and beyond <= told:
            return True
    return False


def _whole(page: PageText) -> str:
    return f"{page.title}\n{page.text}"


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


_OWN_LETTERS = _letters(OWN_WORDS)
