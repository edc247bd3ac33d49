"""Where a sentence ends, in English, German, Ukrainian and Russian prose."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: A paragraph without a full stop is cut here rather than scanned for ever.
MAX_SENTENCE_CHARACTERS = 2_000

#: Longest number that is taken for an ordinal or a list's number.
_ORDINAL_DIGITS = 2

_SHORT_FORMS = """
ver vers v вер e.g i.e etc vs cf approx incl esp resp fig figs no nos vol pp ed eds al dept est
mr mrs ms dr prof sr jr st inc ltd co corp gov gen rep sen jan feb mar apr jun jul
aug sep sept oct nov dec u.s u.k u.n a.m p.m ph.d
z.b d.h u.a u.u bzw ca ggf evtl inkl exkl max min mind nr abb tab vgl bspw sog usw
str tel hr fr dipl ing o.g i.d.r s.o s.u z.t u.ä o.ä m.e v.a abs art kap bd
напр див рис табл стор ст гл розд пор ін др пр т.д т.п т.зв т.ч ім вул буд кв обл
р рр грн тис млн млрд хв сек год проф доц акад наз англ нім укр рос лат
см стр гг г руб тыс мин чел ред изд
"""
_CLOSING_FORMS = "etc usw т.д т.п ін др пр грн тис a.m p.m"
_ORDINAL_LEADS = "am vom zum der den dem die das bis ab seit"

#: Words with a full stop that rarely end a sentence. Folded to lower case, the
#: inner full stops kept (`z.b`, `т.д`).
_ABBREVIATIONS = frozenset(_SHORT_FORMS.split())
#: Of those, the ones that end a sentence as often as not: a capital letter decides.
_CLOSING = frozenset(_CLOSING_FORMS.split())

_CANDIDATE = re.compile(r"(?:[.!?…]+|[。！？])[\"'»“”’)\]]*(?=\s|$)|[。！？]")
#: What stands before a German ordinal; nothing at all stands before a list's number.
_BEFORE_ORDINALS = frozenset(("", *_ORDINAL_LEADS.split()))
#: How far around a full stop to look.
_NEARBY = 40
_OPENING = "\"'«„“‘([*-–—"


def sentences(paragraph: str) -> Iterator[str]:
    """Walk the sentences of one paragraph in order, white space made single.

    Abbreviations, initials, numbers with full stops (`v1.2.3`, `1. Januar`), file
    names, addresses and an ellipsis inside a sentence do not end it.
    """
    text = " ".join(paragraph.split())
    begin = 0
    for found in _CANDIDATE.finditer(text):
        too_long = found.end() - begin > MAX_SENTENCE_CHARACTERS
        if too_long or _ends(text, found):
            yield from _pieces(text[begin : found.end()])
            begin = found.end()
    yield from _pieces(text[begin:])


def _pieces(text: str) -> Iterator[str]:
    stripped = text.strip()
    for at in range(0, len(stripped), MAX_SENTENCE_CHARACTERS):
        yield stripped[at : at + MAX_SENTENCE_CHARACTERS].strip()


def _ends(text: str, found: re.Match[str]) -> bool:
    mark = found.group()
    ahead = text[found.end() : found.end() + _NEARBY]
    following = ahead.lstrip().lstrip(_OPENING).lstrip()[:1]
    if not following or mark[0] in "!?。！？":
        return True
    if mark.startswith(("…", "..")):
        return not following.islower()
    if following.islower():
        return False
    before = text[max(0, found.start() - _NEARBY) : found.start()]
    return not _is_abbreviated(before, following)


def _is_abbreviated(before: str, following: str) -> bool:
    *_, previous, word = ["", "", *before.casefold().split()]
    word = word.lstrip(_OPENING)
    if word in _CLOSING:
        return not following.isupper()
    # An initial: `T. Shevchenko`, `Т. Шевченко`.
    initial = len(word) == 1 and word.isalpha() and before[-1:].isupper()
    # An ordinal or a list's number: `am 1. Januar`, `2. Open the page`.
    ordinal = (
        word.isdigit() and len(word) <= _ORDINAL_DIGITS and previous in _BEFORE_ORDINALS
    )
    return word in _ABBREVIATIONS or initial or ordinal
