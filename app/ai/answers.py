"""From a reply's text to an answer: forgiving in form, strict in substance.

Models wrap JSON in thoughts, fences and prose, and get types wrong: that is mended.
They also choose labels that do not exist, quote what is not there, and answer in the
wrong language: that is dropped, and what the house knew before stands instead.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.ai.prompts import MAX_PROPOSALS
from app.ai.summary_answers import read_summary
from app.domain.completions import LabelChoice, Passage, Prompt
from app.domain.labels import MAX_LENGTH, is_disguised, normalise
from app.domain.languages import UNDETERMINED, script_for, script_of
from app.domain.pages import PageText
from app.domain.plain_words import one_line

#: A longer reply is read up to here; a valid one has a few thousand characters.
MAX_REPLY = 200_000
#: How many braces are tried as the beginning of the object.
_BEGINNINGS = 100
#: How many entries of a list are looked at.
_ENTRIES = 100
_EVIDENCE_CHARACTERS = 160
#: A longer name is a sentence, not a label.
_LONGEST_NEW_NAME = 50
#: How sure a new name may be if the model does not say: one in twenty is what people
#: would write.
_PROPOSAL_CONFIDENCE = 0.05
#: Confidences from the second on are percent; beyond the first they mean nothing.
_PERCENT = 100
_FEWEST_PERCENT = 2

_END_OF_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_STRING_OR_COMMA = re.compile(r'("(?:[^"\\]|\\.?)*+"?)|,(?=\s*+[}\]])', re.DOTALL)
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")
_GAP_IN_QUOTE = re.compile(r"\s*(?:\.{3}|…|\[\.\.\.\])\s*")


class AnswerMalformed(Exception):
    """The reply is no answer. `reason`: `empty`, `no_json`, `not_asked`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What of a reply may be used.

    Attributes:
        labels: Candidates in the site's spelling, surest first.
        summary: The model's, or the draft where that cannot be used.
        language: The language the summary is in.
        sources: What speaks for each sentence of the summary.
        proposals: New names in Confluence's spelling, never candidates.
        dropped: Labels that were no candidates, as they were written.
        oddities: What was mended or dropped, in constant words, each once.
    """

    labels: tuple[LabelChoice, ...]
    summary: str = field(repr=False)
    language: str
    sources: tuple[Passage, ...] = field(default=(), repr=False)
    proposals: tuple[LabelChoice, ...] = ()
    dropped: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()


def read_answer(reply: str, prompt: Prompt) -> Answer:
    """Return what `reply` answers to `prompt`.

    Raises:
        AnswerMalformed: There is no JSON object with labels or a summary in it.
    """
    return _Reading(prompt).answer(_found(reply))


def _found(reply: str) -> Mapping[str, Any]:
    """Return the first object that answers, wherever it stands in the reply.

    What follows the last thought is searched first; then all of it, for a thought may
    have no end, and a page may speak of thoughts.
    """
    if not reply.strip("\ufeff \t\r\n"):
        raise AnswerMalformed("empty")
    ends = [found.end() for found in _END_OF_THOUGHT.finditer(reply)]
    any_object = False
    for begin in dict.fromkeys((*ends[-1:], 0)):
        text = reply[begin : begin + MAX_REPLY]
        for source in (text, _STRING_OR_COMMA.sub(_without_comma, text)):
            for value in _objects(source):
                any_object = True
                if "labels" in value or "summary" in value:
                    return value
    raise AnswerMalformed("not_asked" if any_object else "no_json")


def _without_comma(found: re.Match[str]) -> str:
    return found.group(1) or ""


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Walk the JSON objects in a text, outer ones before those inside them."""
    decoder = json.JSONDecoder(strict=False)
    at = -1
    for _ in range(_BEGINNINGS):
        at = text.find("{", at + 1)
        if at < 0:
            return
        try:
            value, _end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            continue
        yield value


class _Reading:
    """Holds one decoded answer against its prompt and notes what is odd."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._oddities: dict[str, None] = {}
        self._dropped: list[str] = []
        self._candidates = {one.name: one for one in prompt.candidates}
        # As they were shown to the model; the likeliest of equal ones wins.
        self._spelling = {
            _folded(one_line(name, MAX_LENGTH)): name
            for name in reversed(tuple(self._candidates))
        }
        self._said = ""

    def answer(self, value: Mapping[str, Any]) -> Answer:
        labels = self._labels(value.get("labels"))
        told = _text(value, "language", most=MAX_LENGTH).lower()
        summary = read_summary(
            value.get("summary"),
            self._prompt,
            told=told if _LANGUAGE_CODE.fullmatch(told) else UNDETERMINED,
        )
        for oddity in summary.oddities:
            self._odd(oddity)
        return Answer(
            labels=labels,
            summary=summary.text,
            language=summary.language,
            sources=summary.sources,
            proposals=self._proposals(value.get("proposals")),
            dropped=tuple(self._dropped),
            oddities=tuple(self._oddities),
        )

    def _odd(self, what: str) -> None:
        self._oddities[what] = None

    def _labels(self, value: object) -> tuple[LabelChoice, ...]:
        chosen: dict[str, LabelChoice] = {}
        entries = tuple(_entries(value))
        if not isinstance(value, list | dict) or (value and not entries):
            self._odd("labels_missing")
        for entry in entries:
            choice = self._label(entry)
            if choice is None:
                continue
            known = chosen.get(choice.name)
            if known is not None:
                self._odd("label_repeated")
            if known is None or known.confidence < choice.confidence:
                chosen[choice.name] = choice
        surest = sorted(chosen.values(), key=lambda one: (-one.confidence, one.name))
        if len(surest) > self._prompt.max_labels:
            self._odd("too_many_labels")
        return tuple(surest[: max(0, self._prompt.max_labels)])

    def _label(self, entry: Mapping[str, Any]) -> LabelChoice | None:
        written = _text(entry, "name", "label", most=MAX_LENGTH)
        name = written if written in self._candidates else ""
        if not name:
            name = self._spelling.get(_folded(written), "")
            self._odd("label_respelled" if name else "label_unknown")
        if not name:
            self._dropped.append(written)
            return None
        candidate = self._candidates[name]
        confidence = _confidence(entry.get("confidence"))
        if confidence is None:
            self._odd("confidence_unusable")
            confidence = candidate.score
        evidence = self._evidence(entry) or candidate.evidence
        return LabelChoice(name=name, confidence=confidence, evidence=evidence)

    def _evidence(self, entry: Mapping[str, Any]) -> str:
        """Return words of the page; what does not stand there is no evidence."""
        evidence = _text(entry, "evidence", most=_EVIDENCE_CHARACTERS)
        evidence = evidence.strip("\"'«»“”„‘’ ")
        if not evidence:
            return ""
        self._said = self._said or _wording(_whole(self._prompt.page))
        quotes = (_wording(part) for part in _GAP_IN_QUOTE.split(evidence))
        if all(quote.strip(".,;:!?") in self._said for quote in quotes):
            return evidence
        self._odd("evidence_not_on_page")
        return ""

    def _proposals(self, value: object) -> tuple[LabelChoice, ...]:
        taken = {normalise(name) for name in self._candidates}
        taken.update(map(normalise, self._prompt.existing))
        found: dict[str, LabelChoice] = {}
        for entry in _entries(value):
            name = normalise(_text(entry, "name", "label", most=MAX_LENGTH))
            if not self._may_be_proposed(name) or name in taken:
                self._odd("proposal_dropped")
                continue
            confidence = _confidence(entry.get("confidence"))
            found.setdefault(
                name,
                LabelChoice(
                    name=name,
                    confidence=_PROPOSAL_CONFIDENCE
                    if confidence is None
                    else confidence,
                    evidence=self._evidence(entry),
                ),
            )
        return tuple(found.values())[:MAX_PROPOSALS]

    def _may_be_proposed(self, name: str) -> bool:
        """Whether a new name is one, in letters of the language that was asked for."""
        if not name or len(name) > _LONGEST_NEW_NAME or is_disguised(name):
            return False
        wanted = script_for(self._prompt.label_language)
        # Products keep their Latin names in every language.
        return script_of(name) in {wanted or script_of(name), "latin"}


def _entries(value: object) -> Iterator[Mapping[str, Any]]:
    """Walk a list's entries as objects: bare names and name-to-confidence count too."""
    if isinstance(value, dict):
        value = [{"name": name, "confidence": value[name]} for name in value]
    for entry in value[:_ENTRIES] if isinstance(value, list) else ():
        if isinstance(entry, dict):
            yield entry
        elif isinstance(entry, str):
            yield {"name": entry}


def _text(entry: Mapping[str, Any], *keys: str, most: int) -> str:
    found = next((entry[key] for key in keys if isinstance(entry.get(key), str)), "")
    return one_line(found, most)


def _confidence(value: object) -> float | None:
    """Return a chance from 0 to 1, whatever it was written as; None if it is none."""
    if isinstance(value, str):
        number = value.strip().rstrip("%").strip().replace(",", ".")
        is_percent = value.strip().endswith("%")
        try:
            value = float(number) / (_PERCENT if is_percent else 1)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Not a number is not between them either.
    if not -_PERCENT <= value <= _PERCENT:
        return None
    # Just above 1 is a slip; from 2 on somebody counts in percent.
    scaled = value / _PERCENT if value >= _FEWEST_PERCENT else value
    return min(max(float(scaled), 0.0), 1.0)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _wording(text: str) -> str:
    return " ".join(_folded(text).split())


def _whole(page: PageText) -> str:
    return f"{page.title}\n{page.text}"
