"""One thing that would make a page better, and what tells it from all others."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

FindingKind = Literal[
    "no_owner",
    "outdated",
    "unclear_title",
    "missing_sections",
    "broken_structure",
    "duplicate",
]
KINDS: Final[tuple[FindingKind, ...]] = (
    "duplicate",
    "outdated",
    "no_owner",
    "missing_sections",
    "unclear_title",
    "broken_structure",
)

#: A hint; it costs readers time; it misleads them.
Severity = Literal[1, 2, 3]

#: What is found so may be looked at, is gone from the page, or was waved aside.
FindingState = Literal["open", "fixed", "dismissed"]

#: More at once is not read.
HANDFUL = 5
#: Of one signal on one page: whoever mends these knows where to look for more.
_OF_A_SIGNAL = 3
_LONGEST_PASSAGE = 240
_KEY_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something on a page that could be better.

    Attributes:
        signal: The rule of its kind that fired, in a constant word.
        heading: Of the section that it stands in; empty before the first one.
        passage: What shows it, in the page's own words.
        place: What tells it from others of the same signal; the heading, if empty.
        facts: What the advice speaks of: titles, names of sections, numbers.
        is_private: Whether it quotes what not every reader of the page may see.
    """

    kind: FindingKind
    signal: str
    severity: Severity
    heading: str = field(default="", repr=False)
    passage: str = field(default="", repr=False)
    place: str = field(default="", repr=False)
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_private: bool = False

    @property
    def key(self) -> str:
        """Its name on its page: the same for as long as it stands where it does."""
        place = " ".join((self.place or self.heading).casefold().split())
        said = f"{self.signal}\n{place}".encode("utf-8", "replace")
        return f"{self.kind}-{hashlib.sha256(said).hexdigest()[:_KEY_DIGITS]}"


def sifted(findings: Collection[Finding]) -> tuple[Finding, ...]:
    """Return findings severest first, each key once, a few of each signal at most."""
    ordered = sorted(
        enumerate(findings),
        key=lambda one: (-one[1].severity, KINDS.index(one[1].kind), one[0]),
    )
    kept: dict[str, Finding] = {}
    counts: dict[str, int] = {}
    for _, one in ordered:
        if one.key in kept or counts.get(one.signal, 0) == _OF_A_SIGNAL:
            continue
        counts[one.signal] = counts.get(one.signal, 0) + 1
        kept[one.key] = one
    return tuple(kept.values())


def quoted(text: str, *, around: Sequence[int] = (0, 0)) -> str:
    """Return a passage on one line, cut to what a reader takes in at a glance.

    Args:
        text: Where it stands.
        around: Start and end of what must not be cut away.
    """
    start, end = around
    if len(text) > _LONGEST_PASSAGE and end > _LONGEST_PASSAGE:
        begin = max(0, start - _LONGEST_PASSAGE // 2)
        text = "…" + text[begin:].partition(" ")[2] if begin else text
    clean = " ".join(text.split())
    if len(clean) <= _LONGEST_PASSAGE:
        return clean
    return clean[: _LONGEST_PASSAGE - 1].rstrip() + "…"
