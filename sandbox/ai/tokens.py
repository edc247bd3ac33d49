"""Token counts without a tokenizer, and what a provider finds in its prompt cache."""

from __future__ import annotations

import math
from collections import deque

#: Cached input is counted in blocks of this many tokens.
#: https://platform.openai.com/docs/guides/prompt-caching
CACHE_BLOCK = 128
_REMEMBERED = 32


def estimate(text: str) -> int:
    """Return about how many tokens a text has.

    Four characters a token in Latin script, two in any other.
    """
    latin = len(text) if text.isascii() else len(text.encode("latin-1", "ignore"))
    return math.ceil(latin / 4 + (len(text) - latin) / 2)


def charge_upfront(text: str, max_output: int | None) -> int:
    """Return what OpenAI takes from a token quota when a call arrives.

    Its characters by four and all that may be written; nothing is given back.
    """
    return math.ceil(len(text) / 4) + (max_output or 0)


class PromptCache:
    """The latest prompts; a new one shares its beginning with one of them.

    Attributes:
        least: Shared beginnings of fewer tokens are not cached.
    """

    def __init__(self, least: int) -> None:
        self.least = least
        self._prompts: deque[str] = deque(maxlen=_REMEMBERED)

    def shared(self, prompt: str) -> int:
        """Return the tokens at the beginning that are cached, in whole blocks."""
        longest = 0
        for other in self._prompts:
            if prompt[: longest + 1] == other[: longest + 1]:
                longest = _common(prompt, other, longest)
        tokens = estimate(prompt[:longest]) // CACHE_BLOCK * CACHE_BLOCK
        return tokens if tokens >= self.least else 0

    def remember(self, prompt: str) -> None:
        """Keep a prompt."""
        if prompt not in self._prompts:
            self._prompts.append(prompt)


def _common(one: str, other: str, known: int) -> int:
    """Return the length of the common beginning, at least `known`."""
    low, high = known, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
