"""A long page within a budget of tokens: every section says what it is about.

Nothing is rewritten. Each section keeps its heading and its most telling sentences,
the beginning of the page keeps more than its end; tables come after prose, code after
tables. The order stays, and what is left out is marked.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from app.ai.estimates import estimate
from app.domain.pages import PageText
from app.domain.sentences import MAX_SENTENCE_CHARACTERS, sentences
from app.domain.summaries import SENTENCE_FEATURES, candidates
from app.domain.summary_weights import SENTENCE_WEIGHTS

#: Stands where something was left out.
LEFT_OUT = "[...]"

#: A sentence, row or line of code with more characters is cut.
LONGEST = 600
#: How many times its share of the budget is looked at of each section.
_LOOK_AHEAD = 4
#: Headings take at most this part of the budget; if they are more, only some stay.
_HEADINGS_SHARE = 0.3
#: What the first section gets beyond its share, for each 1.0 that all sections get.
_BEGINNING = 0.2
#: What the shortest section gets, for each 1.0 that one gets on average.
_LEAST = 0.3
#: Rows of a table, or blocks of code, that speak for a section without prose; and the
#: lines that such a block keeps.
_STAND_INS = 3
_STAND_IN_LINES = 8
#: What a mark costs, in tokens, and that part of it that each piece pays in advance.
_MARK = 4
_MARK_SHARE = 2
#: Where the marks cost more after all, the choice is made again with less room.
_TRIALS = 8
#: No text has more characters a token, but for runs of one letter.
_MOST_CHARACTERS = 16

_NEW_PARAGRAPH = "\n\n"
_FENCE = re.compile(r"`{3,}")
_BORDER = " | "

_Kind = Literal["heading", "prose", "table", "code"]
_ORDER: dict[_Kind, int] = {"heading": 0, "prose": 1, "table": 2, "code": 3}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the text, or a block of code; `joint` stands before it."""

    kind: _Kind
    text: str
    joint: str
    at: int


@dataclass(slots=True)
class _Section:
    """A heading and what follows it; the page may begin without one."""

    heading: str = ""
    lines: list[_Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """What stays or goes as a whole: a heading, a sentence, a row, a block of code.

    Attributes:
        at: Its line.
        index: Its place in the line.
        last: Whether the line ends with it.
        worth: How telling it is, among its section's.
    """

    kind: _Kind
    text: str
    joint: str
    at: int
    index: int = 0
    last: bool = True
    worth: float = 0.0

    @property
    def cost(self) -> int:
        """Tokens, with a part of the mark for what may be left out beside it."""
        return estimate(self.joint + self.text) + _MARK_SHARE

    def follows(self, before: _Piece) -> bool:
        """Whether nothing stands between the two in the page."""
        if self.at == before.at:
            return self.index == before.index + 1
        return before.last and self.index == 0 and self.at == before.at + 1


def condense(page: PageText, tokens: int) -> str:
    """Return the page's text in at most `tokens` tokens, as `estimate` counts them.

    A text that fits is returned as it is. A sentence stays whole or goes; only a
    monstrous one is cut, at a word, with an ellipsis. All of the page is glanced at;
    what is looked at closely grows with the budget, not with the page.
    """
    if tokens <= 0:
        return ""
    text = page.text
    if len(text) <= tokens * _MOST_CHARACTERS and estimate(text) <= tokens:
        return text
    lines = _with_fewer_headings(list(_lines(page)), tokens)
    if not lines:
        return ""
    pieces = _pieces(page, _sections(lines), tokens)
    room = tokens
    for _ in range(_TRIALS):
        kept = _written(_chosen(pieces, room), end=len(lines))
        over = estimate(kept) - tokens
        if over <= 0:
            return kept or _cut_to(text, tokens)
        room -= over
    return _cut_to(text, tokens)


def _lines(page: PageText) -> Iterator[_Line]:
    """Walk the text line by line, in the layout that `PageText` promises."""
    raw = page.text.split("\n")
    headings = Counter(page.headings)
    fences = _Fences(raw)
    joint, at, number = "", 0, 0
    while at < len(raw):
        text, end, closing = raw[at], at + 1, fences.closing(at)
        if not text.strip():
            joint, at = _NEW_PARAGRAPH, end
            continue
        is_row = _BORDER in text and len(text) <= LONGEST
        kind: _Kind = "table" if is_row else "prose"
        alone = joint != "\n" and not "".join(raw[end : end + 1]).strip()
        if closing is not None:
            kind, end = "code", closing + 1
            text = "\n".join(raw[at:end])
        elif alone and headings[text] > 0:
            kind = "heading"
            headings[text] -= 1
        yield _Line(kind, text, joint, number)
        joint, at, number = "\n", end, number + 1


class _Fences:
    """Where code ends: at the next line equal to the fence that it began with."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        for at, line in enumerate(lines):
            if line.startswith("```") and _FENCE.fullmatch(line):
                self._places[line].append(at)

    def closing(self, at: int) -> int | None:
        places = self._places.get(self._lines[at], [])
        later = bisect_right(places, at)
        return places[later] if later < len(places) else None


def _with_fewer_headings(lines: list[_Line], tokens: int) -> list[_Line]:
    """Take all headings for headings, or where they are too many every n-th."""
    found = [line for line in lines if line.kind == "heading"]
    cost = estimate("\n".join(line.text for line in found)) + _MARK * len(found)
    step = math.ceil(cost / (tokens * _HEADINGS_SHARE))
    if step <= 1:
        return lines
    spared = {line.at for line in found[::step]}
    return [
        replace(line, kind="prose")
        if line.kind == "heading" and line.at not in spared
        else line
        for line in lines
    ]


def _sections(lines: Sequence[_Line]) -> list[_Section]:
    found = [_Section()]
    for line in lines:
        if line.kind == "heading":
            found.append(_Section(heading=line.text))
        found[-1].lines.append(line)
    return [one for one in found if one.lines]


def _pieces(
    page: PageText, sections: Sequence[_Section], tokens: int
) -> list[tuple[float, list[_Piece]]]:
    """Return each section's part of the budget, 0..1, and its pieces, best first."""
    weights = [
        math.sqrt(sum(len(line.text) for line in section.lines)) for section in sections
    ]
    # A short section may say what its heading only announces.
    least = _LEAST * math.fsum(weights) / max(1, len(weights))
    weights = [max(weight, least) for weight in weights]
    # The page says first what it is about.
    first = _BEGINNING * math.fsum(weights)
    total = first + math.fsum(weights)
    parts = [weight / total for weight in weights]
    parts[0] += first / total
    return [
        (part, _ranked(page, section, tokens * part))
        for part, section in zip(parts, sections, strict=True)
    ]


def _ranked(page: PageText, section: _Section, share: float) -> list[_Piece]:
    """Return a section's pieces, the most telling first.

    Of its prose only so much as its share may call for; the rest is left out anyway.
    """
    found: list[_Piece] = []
    unseen = share * _LOOK_AHEAD
    stand_ins = 0 if any(one.kind == "prose" for one in section.lines) else _STAND_INS
    for line in section.lines:
        if line.kind == "prose":
            said = _sentences(line, unseen) if unseen > 0 else []
            unseen -= sum(piece.cost for piece in said)
            found.extend(said)
        elif line.kind != "heading" and stand_ins > 0:
            stand_ins -= 1
            text = _first_lines(line.text, _STAND_IN_LINES)
            found.append(_Piece(kind="prose", text=text, joint=line.joint, at=line.at))
        else:
            found.append(
                _Piece(kind=line.kind, text=line.text, joint=line.joint, at=line.at)
            )
    return _by_worth(found, f"{page.title} {section.heading}")


def _sentences(line: _Line, most: float) -> list[_Piece]:
    """Return the sentences of a line, as far as `most` tokens may call for them."""
    found: list[_Piece] = []
    index, endless = -1, False
    for index, text in enumerate(sentences(line.text)):
        # The first words of an endless sentence stand for all the parts it comes in.
        continued, endless = endless, len(text) >= MAX_SENTENCE_CHARACTERS - 1
        if continued:
            continue
        piece = _Piece(
            kind="prose",
            text=_cut(text),
            joint=" " if index else line.joint,
            at=line.at,
            index=index,
            last=False,
        )
        found.append(piece)
        most -= piece.cost
        if most < 0:
            return found
    if found and found[-1].index == index:
        found[-1] = replace(found[-1], last=True)
    return found


def _by_worth(pieces: Sequence[_Piece], title: str) -> list[_Piece]:
    """Order pieces by how well each would sum up its section, then as they stand."""
    prose = tuple(piece.text for piece in pieces if piece.kind == "prose")
    worth = {
        one.text: math.fsum(
            SENTENCE_WEIGHTS.get(name, 0.0) * value
            for name, value in zip(SENTENCE_FEATURES, one.features, strict=True)
        )
        for one in candidates(PageText(title=title, paragraphs=prose))
    }
    return sorted(pieces, key=lambda piece: -worth.get(piece.text, -math.inf))


def _chosen(sections: Sequence[tuple[float, list[_Piece]]], room: int) -> list[_Piece]:
    """Choose what stays, in reading order: each section's share of prose first."""
    kept = [
        piece for _, ranked in sections for piece in ranked if piece.kind == "heading"
    ]
    room -= sum(piece.cost for piece in kept)
    rest: list[_Piece] = []
    spare, left = 0.0, room
    for part, ranked in sections:
        # What one section does not need, the next ones may take.
        spare += part * room
        for piece in ranked:
            if piece.kind == "prose" and piece.cost <= spare:
                kept.append(piece)
                spare -= piece.cost
                left -= piece.cost
            elif piece.kind != "heading":
                rest.append(piece)
    for piece in sorted(rest, key=lambda one: (_ORDER[one.kind], one.at, one.index)):
        fitting = _fitting(piece, left)
        if fitting is not None:
            kept.append(fitting)
            left -= fitting.cost
    return sorted(kept, key=lambda one: (one.at, one.index))


def _fitting(piece: _Piece, room: int) -> _Piece | None:
    """Return what of a piece fits: code may lose its end, all else may not."""
    if room <= _MARK:
        return None
    if piece.cost <= room:
        return piece
    if piece.kind != "code":
        return None
    count = piece.text.count("\n")
    while count > 1:
        count //= 2
        shorter = replace(piece, text=_first_lines(piece.text, count))
        if shorter.cost <= room:
            return shorter
    return None


def _written(pieces: Sequence[_Piece], *, end: int) -> str:
    """Return the pieces as one text, with a mark wherever something is missing."""
    parts: list[str] = []
    before = _Piece(kind="prose", text="", joint="", at=-1)
    for piece in pieces:
        if piece.follows(before):
            parts.append(piece.joint)
        elif piece.at == before.at:
            parts.append(f" {LEFT_OUT} ")
        elif piece.index:
            parts.append(f"\n\n{LEFT_OUT} ")
        else:
            parts.append(f"\n\n{LEFT_OUT}{piece.joint or _NEW_PARAGRAPH}")
        parts.append(piece.text)
        before = piece
    if pieces and not (before.last and before.at == end - 1):
        parts.append(f"\n\n{LEFT_OUT}")
    return "".join(parts).strip("\n")


def _first_lines(text: str, count: int) -> str:
    """Return the first lines of a row or of fenced code, the fence kept closed."""
    fence, *lines = text.split("\n")
    if not lines:
        return _cut(text)
    kept = [_cut(line) for line in lines[: min(count, len(lines) - 1)]]
    left_out = [LEFT_OUT] if count < len(lines) - 1 else []
    return "\n".join((fence, *kept, *left_out, lines[-1]))


def _cut(text: str, most: int = LONGEST) -> str:
    """Return a text of at most `most` characters, cut at a word if it can be."""
    if len(text) <= most:
        return text
    kept = text[: max(0, most - 1)]
    at_word = kept.rpartition(" ")[0]
    return (at_word if len(at_word) * 2 > len(kept) else kept).rstrip() + "…"


def _cut_to(text: str, tokens: int) -> str:
    """Return the beginning of a text, cut at a word: nothing else fits in."""
    most = tokens * _MOST_CHARACTERS
    while most > 1:
        kept = _cut(text, most)
        if estimate(kept) <= tokens:
            return kept
        most = most * 2 // 3
    return ""
