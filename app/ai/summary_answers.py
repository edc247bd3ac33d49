"""From what a model wrote as a summary to sentences that may be shown.

Plain text, in the language that was asked for, no longer than asked for, and nothing
that the page does not bear out; what is left of it, or else the draft.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from app.ai.giveaways import gives_away
from app.domain.completions import Passage, Prompt
from app.domain.languages import (
    UNDETERMINED,
    detect,
    is_same,
    is_told_apart,
    script_for,
)
from app.domain.pages import PageText
from app.domain.plain_words import one_line, plain
from app.domain.sentences import sentences
from app.domain.summaries import MAX_WORDS, MOST_CHARACTERS, shorter
from app.domain.support import Grounds

#: Told of a draft that stands though another language was asked for.
NOT_TRANSLATED = "summary_not_translated"

#: So much of a summary is looked at.
_MOST_WRITTEN = 2_400
#: A draft with so many words and a full stop is prose.
_FEWEST_WORDS = 6
_STOPS = (".", "!", "?", "…", "。")
#: Languages that models fall back to.
_USUAL = frozenset({"en", "de", "uk", "ru"})

#: Thoughts inside a summary; one without an end takes the rest with it.
_THOUGHT = re.compile(
    r"<think(?:ing)?>.*?(?:</think(?:ing)?>|$)|^.*</think(?:ing)?>",
    re.DOTALL | re.IGNORECASE,
)
#: They join emoji, and letters of some scripts; beside these letters they only hide.
_JOINER = re.compile(
    "(?<=[A-Za-z\u00c0-\u04ff])[\u200c\u200d]+|[\u200c\u200d]+(?=[A-Za-z\u00c0-\u04ff])"
)
#: First and last letter of a script.
_LETTERS = {"latin": ("A", "\u024f"), "cyrillic": ("\u0400", "\u04ff")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What of a summary may be used, or the draft.

    Attributes:
        sources: Its sentences, each with what speaks for it.
        oddities: What was mended or dropped, in constant words.
    """

    sources: tuple[Passage, ...] = field(repr=False)
    language: str
    oddities: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The sentences on one line."""
        return " ".join(one.sentence for one in self.sources)


def read_summary(written: object, prompt: Prompt, *, told: str) -> Summary:
    """Return what of a summary may be used.

    Args:
        written: What the model wrote, of whatever type.
        prompt: What was asked.
        told: The code of the language that the model says it wrote.
    """
    return _Reading(prompt).read(written if isinstance(written, str) else "", told)


class _Reading:
    """Holds one summary against its prompt and notes what is odd."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._oddities: dict[str, None] = {}
        self._grounds = Grounds(prompt.page)

    def read(self, written: str, told: str) -> Summary:
        asked = self._prompt.summary_language
        text = self._cleaned(written)
        found = detect(text)
        sources: tuple[Passage, ...] = ()
        if not any(map(str.isalnum, text)):
            self._odd("summary_missing")
        elif gives_away(text, self._prompt):
            self._odd("summary_gave_away")
        elif self._is_strange(text, found):
            self._odd("summary_in_another_language")
        else:
            sources = self._borne_out(text)
        if not sources:
            return self._draft()
        language = asked
        if asked == UNDETERMINED:
            language = told if found == UNDETERMINED else found
        return self._made(sources, language)

    def _is_strange(self, text: str, found: str) -> bool:
        """Whether a summary is in another language than asked for.

        For a page in a language that we do not know: whether the page has prose, and
        it is not in this one.
        """
        draft, asked = self._prompt.draft, self._prompt.summary_language
        if asked != UNDETERMINED:
            return not _may_be_in(asked, text, found, page=self._prompt.language)
        is_prose = draft.endswith(_STOPS) and len(draft.split()) >= _FEWEST_WORDS
        return found != UNDETERMINED and is_prose and detect(draft) != found

    def _borne_out(self, text: str) -> tuple[Passage, ...]:
        same = self._prompt.summary_language == self._prompt.language
        checked = self._grounds.check(text, same_language=same)
        for reason in checked.dropped:
            self._odd(f"summary_{reason}")
        return checked.passages

    def _draft(self) -> Summary:
        prompt = self._prompt
        found = detect(prompt.draft)
        language = prompt.language if found == UNDETERMINED else found
        if len({language, prompt.summary_language} - {UNDETERMINED}) > 1:
            self._odd(NOT_TRANSLATED)
        found_in = tuple(map(self._grounds.passage, sentences(prompt.draft)))
        return self._made(found_in, language)

    def _made(self, sources: tuple[Passage, ...], language: str) -> Summary:
        return Summary(
            sources=sources, language=language, oddities=tuple(self._oddities)
        )

    def _odd(self, what: str) -> None:
        self._oddities[what] = None

    def _cleaned(self, written: str) -> str:
        """Return a summary as plain text of no more sentences than asked for."""
        said = _THOUGHT.sub(" ", html.unescape(written)[:_MOST_WRITTEN])
        clean = plain(said, source=_whole(self._prompt.page))
        if clean.had_markup:
            self._odd("summary_had_markup")
        if clean.had_address:
            self._odd("summary_had_address")
        text = _JOINER.sub("", clean.text)
        found = list(sentences(one_line(text, _MOST_WRITTEN)))
        kept = [*map(_shortened, found[: max(1, self._prompt.sentences)])]
        if kept != found:
            self._odd("summary_too_long")
        return " ".join(kept)


def _may_be_in(asked: str, text: str, found: str, *, page: str) -> bool:
    """Whether a summary may be in a language, going by letters if by no more.

    Of a language that we cannot tell we know only what it is not: the page's own, or
    one that models fall back to.
    """
    if found != UNDETERMINED:
        if is_told_apart(asked):
            return is_same(found, asked)
        return found not in {page, *_USUAL}
    wanted = _LETTERS.get(script_for(asked) or "")
    if wanted is None:
        return True
    letters = [one for one in text if one.isalpha()]
    return sum(wanted[0] <= one <= wanted[1] for one in letters) * 4 >= len(letters)


def _shortened(sentence: str) -> str:
    """Return a sentence of at most `MAX_WORDS` words, cut at a word if it is longer."""
    words = sentence.split()
    if len(words) <= MAX_WORDS and len(sentence) <= MOST_CHARACTERS:
        return sentence
    return shorter(" ".join(words[:MAX_WORDS]).rstrip(" .,;:–—-…") + "…")


def _whole(page: PageText) -> str:
    return f"{page.title}\n{page.text}"
