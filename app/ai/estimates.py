"""How many tokens a text costs, told without a tokenizer: fast, and a little high.

Each text is reduced to its skeleton, one byte a character that says what kind of
character it is. Tokens follow from how often which kinds stand there, and how often a
word begins. The weights were fitted to two real tokenizers (see `docs/prompts.md`);
what they miss for one model or language, the gate learns from true usage.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping

from app.ai.wire import Question

#: Tokens that a message costs beside its words: roles, separators, the schema's frame.
OVERHEAD = 25

#: Every estimate is raised by so much: one too low ends in a refusal, one too high
#: only waits a moment longer.
_MARGIN = 1.04

#: Kind of character -> first bytes of its UTF-8 form. All else in ASCII is punctuation.
_KINDS: Mapping[str, Iterable[int]] = {
    "l": range(0x61, 0x7B),
    "U": range(0x41, 0x5B),
    "9": range(0x30, 0x3A),
    " ": b" \t",
    "n": b"\n\r\v\f",
    "q": [0xC2],  # signs of Latin-1: « » ° §
    "x": range(0xC3, 0xCB),  # Latin letters with marks
    "g": range(0xCB, 0xD0),  # Greek
    "c": range(0xD0, 0xD5),  # Cyrillic
    "a": range(0xD5, 0xE0),  # Armenian, Hebrew, Arabic
    "i": range(0xE0, 0xE2),  # the scripts of India and around, Georgian
    "y": [0xE2],  # dashes, quotation marks, arrows
    "k": range(0xE3, 0xEA),  # Chinese, Japanese
    "h": range(0xEA, 0xEE),  # Korean
    "z": range(0xEE, 0xF0),  # private use, full width
    "e": range(0xF0, 0x100),  # emoji and rare scripts
}


def _skeleton_table() -> bytes:
    table = bytearray(b"p" * 256)
    for kind, leads in _KINDS.items():
        for lead in leads:
            table[lead] = ord(kind)
    return bytes(table)


_TABLE = _skeleton_table()
_CONTINUATIONS = bytes(range(0x80, 0xC0))
#: Folds kinds together that continue one another within a word, or a run of signs.
_FOLDED = bytes.maketrans(b"Uxgnqy", b"lll pp")

#: Tokens for each character of a kind, or each pair that follow one another.
_BY_KIND: tuple[tuple[bytes, float], ...] = (
    (b"l", 0.08),
    (b"U", 0.08),
    (b"lU", 0.3),
    (b"x", 2.7),
    (b"c", 0.3),
    (b"9", 0.95),
    (b"p", 0.17),
    (b"n", 0.85),
    (b"  ", 0.36),
    (b"q", 1.0),
    (b"y", 0.95),
    (b"g", 0.46),
    (b"a", 0.55),
    (b"i", 0.42),
    (b"k", 0.7),
    (b"h", 0.55),
    (b"z", 2.0),
    (b"e", 2.0),
)
#: The same where kinds are folded: here words, numbers and runs of signs begin.
_BY_BEGINNING: tuple[tuple[bytes, float], ...] = (
    (b" l", 0.62),
    (b"pl", 0.85),
    (b"9l", 0.85),
    (b" c", 0.25),
    (b"pc", 0.25),
    (b" 9", 0.25),
    (b"p9", 0.25),
    (b"l9", 0.25),
    (b" p", 0.78),
    (b"lp", 0.78),
    (b"9p", 0.78),
    (b"cp", 0.78),
)


def estimate(text: str) -> int:
    """Return about how many tokens `text` costs with today's large models.

    Meant to be a few in a hundred too high; 0 only for an empty text.
    """
    # A line's beginning costs like any other: the first word gets a space before it.
    skeleton = b" " + text.encode("utf-8", "replace").translate(_TABLE, _CONTINUATIONS)
    folded = skeleton.translate(_FOLDED)
    total = math.fsum(skeleton.count(kind) * weight for kind, weight in _BY_KIND)
    begun = math.fsum(folded.count(pair) * weight for pair, weight in _BY_BEGINNING)
    return max(math.ceil((total + begun) * _MARGIN), bool(text))


def estimate_input(question: Question) -> int:
    """Return about how many tokens are read when `question` is asked.

    The schema counts: providers put it before the instructions.
    """
    schema = json.dumps(question.schema, ensure_ascii=False)
    parts = (question.instructions, question.text, schema)
    return sum(map(estimate, parts)) + OVERHEAD
