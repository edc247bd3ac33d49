"""Collects a page's words block by block, whatever format they are read from.

Readers report what they meet (running text, the end of a block, a heading, code);
this module alone decides what whitespace, invisible characters and separators
become, so that both body formats yield the same text for the same page.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from app.domain.pages import PageText

#: Marks a place where something without words stood between two words. A
#: noncharacter: no valid page contains it.
_GAP = "\uffff"
_GAP_IN_WORD = re.compile(rf"(?<=\w){_GAP}+(?=\w)")
#: Soft hyphens, zero-width spaces, direction marks, control characters and lone
#: surrogates: nobody sees them, no encoding needs them.
_INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    "\ufffe\x00-\x08\x0e-\x1b\x7f\ud800-\udfff]"
)
#: Joiners, which scripts and emoji need, are noise between Latin or Cyrillic letters.
_JOINER = re.compile(
    "(?<=[A-Za-z\u00c0-\u04ff])[\u200c\u200d]+(?=[A-Za-z\u00c0-\u04ff])"
)
_FENCE_RUN = re.compile(r"`{3,}")

_Kind = Literal["prose", "heading", "code"]
#: What stands before a block in the whole text: a new paragraph, a new line
#: (list items, table rows), or a cell border.
_Lead = Literal["\n\n", "\n", " | "]


@dataclass(frozen=True, slots=True)
class _Block:
    kind: _Kind
    text: str
    lead: _Lead


class TextBuilder:
    """Takes a page's text in reading order and yields a `PageText`."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._parts: list[str] = []
        self._lead: _Lead = "\n\n"
        self._heading_depth = 0
        self._broken_line = False

    def words(self, text: str) -> None:
        """Add running text; it joins the text before it without a space."""
        if not text:
            return
        self._parts.append(text.replace(_GAP, ""))
        if self._broken_line and not text.isspace():
            self._broken_line = False

    def gap(self) -> None:
        """Keep the words before and after apart: something wordless stands here."""
        self._parts.append(_GAP)

    def word(self, text: str) -> None:
        """Add a word of its own: a date, a status, an issue key."""
        self.gap()
        self.words(text)
        self.gap()

    def line_break(self) -> None:
        """Break the line; two breaks in a row end the block."""
        if self._broken_line:
            self.end_block()
            return
        self._parts.append("\n")
        self._broken_line = True

    def end_block(self) -> None:
        """End the block of running text, if one is open."""
        self._broken_line = False
        if not self._parts:
            return
        raw = "".join(self._parts)
        self._parts.clear()
        # Most of what stands between blocks is indentation.
        text = "" if raw.isspace() else tidy(raw)
        if text:
            self._add("heading" if self._heading_depth else "prose", text)

    def begin_heading(self) -> None:
        """Take the text from here on as a heading."""
        self.end_block()
        self._heading_depth += 1

    def end_heading(self) -> None:
        """Close what `begin_heading` opened."""
        self.end_block()
        self._heading_depth -= 1

    def begin_line(self) -> None:
        """Start a list item or a table row: it follows on the next line."""
        self.end_block()
        self._lead = "\n"

    def begin_cell(self) -> None:
        """Start a table cell: it follows behind a border, if it is not the first."""
        self.end_block()
        if self._lead != "\n":
            self._lead = " | "

    def end_lines(self) -> None:
        """Close a list or a table: what follows is a new paragraph."""
        self.end_block()
        self._lead = "\n\n"

    def block(self, text: str) -> None:
        """Add a block of prose by itself."""
        self.end_block()
        self.words(text)
        self.end_block()

    def code(self, text: str) -> None:
        """Add code: its lines and indentation stay."""
        self.end_block()
        code = tidy_code(text)
        if code:
            self._add("code", code)

    def finish(self, *, title: str, damaged: bool) -> PageText:
        """Close the last block and return all that was read."""
        self.end_block()
        return PageText(
            title=tidy(title),
            paragraphs=self._of_kind("prose"),
            headings=self._of_kind("heading"),
            code=self._of_kind("code"),
            text=self._whole(),
            damaged=damaged,
        )

    def _add(self, kind: _Kind, text: str) -> None:
        self._blocks.append(_Block(kind, text, self._lead))
        self._lead = "\n\n"

    def _of_kind(self, kind: _Kind) -> tuple[str, ...]:
        return tuple(block.text for block in self._blocks if block.kind == kind)

    def _whole(self) -> str:
        parts: list[str] = []
        before: _Block | None = None
        for block in self._blocks:
            if before is not None:
                parts.append(_separator(before, block))
            parts.append(_fence(block.text) if block.kind == "code" else block.text)
            before = block
        return "".join(parts)


def _separator(before: _Block, block: _Block) -> _Lead:
    """Return what stands between two blocks in the whole text."""
    if block.lead == " | " and "code" in {before.kind, block.kind}:
        return "\n"  # a fence needs lines of its own, even in a table cell
    if block.lead == "\n" and before.kind == "heading":
        return "\n\n"
    return block.lead


def tidy(text: str) -> str:
    """Return running text in one spelling: NFC, single spaces, nothing invisible."""
    spaced = _JOINER.sub("", _INVISIBLE.sub("", text))
    if _GAP in spaced:
        spaced = _GAP_IN_WORD.sub(" ", spaced).replace(_GAP, "")
    return " ".join(unicodedata.normalize("NFC", spaced).split())


def tidy_code(text: str) -> str:
    """Return code in one spelling; indentation and inner empty lines stay."""
    seen = _INVISIBLE.sub("", text).replace(_GAP, "").replace("\u00a0", " ")
    lines = unicodedata.normalize("NFC", seen).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _fence(code: str) -> str:
    """Fence code by more backticks than it contains in a row."""
    longest = max((len(run) for run in _FENCE_RUN.findall(code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{code}\n{fence}"
