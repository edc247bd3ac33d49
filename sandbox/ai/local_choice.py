"""What a faithful model makes of the app's own prompt: the estimates and draft in it.

So a system that runs on these servers shows the choice of the app's local provider,
whatever words the rest of the prompt uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

#: Below it, a label is not even worth a suggestion.
_LEAST_PERCENT = 20
_CANDIDATE = re.compile(r'^- ("(?:[^"\\]|\\.)*") (\d{1,3})$', re.MULTILINE)
_DRAFT = re.compile(r'^Draft of the summary: ("(?:[^"\\]|\\.)*")$', re.MULTILINE)


def chosen(text: str) -> Mapping[str, Any] | None:
    """Return labels and summary as `text` proposes them; None if it proposes none.

    Labels are (name, confidence) pairs, surest first.
    """
    draft = _DRAFT.search(text)
    if draft is None:
        return None
    # What stands after the draft is the page's, and may say anything.
    labels = sorted(_labels(text[: draft.start()]), key=lambda one: (-one[1], one[0]))
    return {"labels": labels, "summary": json.loads(draft.group(1))}


def _labels(text: str) -> Iterator[tuple[str, float]]:
    for found in _CANDIDATE.finditer(text):
        percent = int(found.group(2))
        if percent >= _LEAST_PERCENT:
            yield json.loads(found.group(1)), min(1.0, percent / 100)
