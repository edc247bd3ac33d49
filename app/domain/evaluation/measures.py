"""What one answer is worth, in the measures that the literature uses; all 0..1."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import TypeVar

from app.domain.pages import PageText

_Unit = TypeVar("_Unit", str, tuple[str, str])

#: Letters and digits of any script.
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
#: Letters that forms of one word have in common, at least and at most; Slavic and German
#: endings have up to three.
_FEWEST_COMMON, _MOST_COMMON = 4, 6
_ENDING = 3


def words(text: str) -> list[str]:
    """Return the words of `text` in order, lower case, unstemmed."""
    return _WORD.findall(text.lower())


def average_precision(ranked: Sequence[str], wanted: Collection[str]) -> float:
    """Return the precision at each wanted label's place, averaged over all wanted."""
    hits = 0
    total = 0.0
    for place, name in enumerate(ranked, start=1):
        if name in wanted:
            hits += 1
            total += hits / place
    return total / len(wanted)


def recall(chosen: Collection[str], wanted: Collection[str]) -> float:
    """Return the share of wanted labels that were chosen."""
    return len(set(chosen) & set(wanted)) / len(wanted)


def overlap_f1(chosen: Collection[str], wanted: Collection[str], size: int) -> float:
    """Return the harmonic mean of precision among `size` places, and recall."""
    hits = len(set(chosen) & set(wanted))
    return 2 * hits / (size + len(wanted)) if hits else 0.0


def ceiling(wanted: int, size: int) -> float:
    """Return the best F1 that `size` guesses can have where `wanted` labels are right."""
    return 2 * min(wanted, size) / (wanted + size)


def rouge(answer: str, reference: str) -> tuple[float, float, float]:
    """Return ROUGE-1, -2 and -L as F1 on words of any script.

    As published (https://aclanthology.org/W04-1013/), but for the stemming, which
    only English would profit from.
    """
    ours, theirs = words(answer), words(reference)
    return (
        _shared(Counter(ours), Counter(theirs)),
        _shared(Counter(pairwise(ours)), Counter(pairwise(theirs))),
        _f1(_common_subsequence(ours, theirs), len(ours), len(theirs)),
    )


def title_overlap(summary: str, title: str) -> float | None:
    """Return the share of the title's words that the summary says again.

    None where the title has no words. ROUGE rewards copying the title; this shows it.
    """
    told = set(words(title))
    return len(told & set(words(summary))) / len(told) if told else None


def invented(summary: str, page: PageText) -> tuple[float, tuple[str, ...]]:
    """Return the share of a summary's words that the page lacks, and the worst of them.

    Another form of a word on the page is no invention: what begins it (without an
    ending, four to six letters) begins a word there too. A number must be there digit by digit. The worst are
    numbers and names, as written.
    """
    whole = [page.title, *page.paragraphs, *page.headings, *page.code, page.text]
    known = set(words("\n".join(whole)))
    beginnings = {
        word[:size]
        for word in known
        for size in range(_FEWEST_COMMON, _MOST_COMMON + 1)
    }
    written = _WORD.findall(summary)
    missing = [
        word
        for word in written
        if word.lower() not in known
        and (_has_digit(word) or _beginning(word.lower()) not in beginnings)
    ]
    worst = dict.fromkeys(word for word in missing if _is_number_or_name(word))
    return (len(missing) / len(written) if written else 0.0), tuple(worst)


def _beginning(word: str) -> str:
    return word[: min(_MOST_COMMON, max(_FEWEST_COMMON, len(word) - _ENDING))]


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _is_number_or_name(word: str) -> bool:
    return _has_digit(word) or word[:1].isupper()


def _shared(ours: Counter[_Unit], theirs: Counter[_Unit]) -> float:
    return _f1((ours & theirs).total(), ours.total(), theirs.total())


def _f1(hits: int, ours: int, theirs: int) -> float:
    return 2 * hits / (ours + theirs) if hits else 0.0


def _common_subsequence(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, a row at a time."""
    row = [0] * (len(theirs) + 1)
    for word in ours:
        diagonal = 0
        for at, other in enumerate(theirs, start=1):
            above = row[at]
            row[at] = diagonal + 1 if word == other else max(above, row[at - 1])
            diagonal = above
    return row[-1]
