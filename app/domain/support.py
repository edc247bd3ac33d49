"""Holds a summary against its page: what the page does not say, the summary may not.

Numbers, versions, names, addresses and names of code must stand on the page in some
spelling; of the other words enough must. For each sentence the passage is told that
speaks for it best.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.domain.completions import Passage
from app.domain.german_nouns import is_common_noun
from app.domain.languages import detect, language_of, script_of
from app.domain.numerals import MONTHS, NUMBER, NUMBERS, forms, numbers, ungrouped
from app.domain.pages import PageText
from app.domain.passages import BORDER, Section, sections
from app.domain.sentences import sentences
from app.domain.stems import STEM_LENGTH, stem, stems, words
from app.domain.stopwords import ANY_STOP_WORD

#: A sentence of which the page knows a smaller share of words is somebody else's.
FEWEST_KNOWN = 0.5
#: Of fewer words no share is telling.
_FEWEST_WORDS = 4
#: Lines that are looked at closely for the best passage.
_CLOSE_LOOKS = 40
_QUOTE_CHARACTERS = 300
_HEADING_CHARACTERS = 120
#: Letters in which two forms of one name agree at least, and those an ending may have.
_FEWEST_SHARED = 3
_ENDING = 3
#: Scripts without spaces are held against the page by pairs of characters.
_PAIR = 2
#: Parts of a number with one point; a version has more.
_DECIMAL = 2
#: Longest unit that may stand behind a number: `30min`, `5GB`.
_UNIT = 4

_EDGES = "\"'`«»“”„‘’‹›()[]{}<>.,;:!?…*#~=+|•·、。「」"
_OPENING = frozenset("\"'«“„‘(")
_CLOSING = frozenset("\"'»”“’)")
#: Letters of scripts that have neither capitals nor spaces: Thai to Khmer, kana, Han.
_UNSPACED = re.compile(
    "[\u0e00-\u0e4f\u0e5a-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+"
)
_PURE_NUMBER = re.compile(r"[-−–±$€£₴%‰°§#v\d.,]*\d[-−–±$€£₴%‰°§#\d.,]*", re.IGNORECASE)
_WITH_UNIT = re.compile(rf"(\d+(?:[.,]\d+)*)[^\W\d_]{{1,{_UNIT}}}")
_JOINED = re.compile(r"[-–—/+&]|(?<=\d)[:×](?=\d)")
_CODE_LIKE = re.compile(
    r"[^\W_][_$][^\W_]|::|^--[a-z]|^\$\w|\w\(|[a-z0-9]\.[a-z]{2,}$|^/\w+/"
)
_CAMEL = re.compile(r"[a-zа-яіїєґ][A-ZА-ЯІЇЄҐ]")
_ADDRESS = re.compile(r"@|://|^www\.", re.IGNORECASE)
_SHORT_FORM = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
#: How English verbs end that a name at a sentence's beginning is the subject of.
_VERB = re.compile(r"has|is|was|will|[a-z]{2,}(?:[^s]s|ed|et)")
#: Words at a beginning that are no names.
_NO_NAME = re.compile(
    r".*(?:ing|tion|ment|ness|ity|ly|ed|s)|page|article|guide|post|team|everyone|someone"
    r"|(?:admin|administrat|edit|auth|maintain|own|us|read)(?:or|er)?|manual|text|wiki",
    re.IGNORECASE,
)
#: What an apostrophe hangs on a word: `GSA’s`, `I’ll`, `Pod'ів`.
_HUNG_ON = re.compile(r"['’ʼ](?:s|ll|d|ve|re|m|[а-яіїєґ]{1,4})?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A summary as far as its page bears it out.

    Attributes:
        passages: The sentences that stay, each with what speaks for it.
        dropped: Why each of the others went, in constant words.
    """

    passages: tuple[Passage, ...]
    dropped: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The sentences that stay."""
        return " ".join(one.sentence for one in self.passages)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_first: bool
    is_subject: bool
    in_german: bool
    is_foreign: bool


class Grounds:
    """What a page says, made ready for holding many sentences against it."""

    def __init__(self, page: PageText) -> None:
        """Read the page once; 2 MB take a second."""
        self._page = page
        self._whole = _folded(f"{page.title}\n{page.text or ' '.join(page.paragraphs)}")

    def check(self, summary: str, *, same_language: bool) -> Checked:
        """Return the sentences of a summary that the page bears out.

        In another language than the page's only what is written alike in all of them
        is held against it: numbers, addresses, names of code.
        """
        kept: list[Passage] = []
        dropped: list[str] = []
        for sentence in sentences(summary):
            reason = self.objection(sentence, same_language=same_language)
            if reason:
                dropped.append(reason)
            else:
                kept.append(self.passage(sentence))
        return Checked(passages=tuple(kept), dropped=tuple(dropped))

    def objection(self, sentence: str, *, same_language: bool) -> str:
        """Return what the page does not bear out, in a constant word; empty if all is.

        `number_not_on_page`, `name_not_on_page`, `not_said_on_page`.
        """
        in_german = self._is_german or detect(sentence) == "de"
        for token in _tokens(sentence, in_german=in_german):
            reason = self._against(token, same_language=same_language)
            if reason:
                return reason
        own = list(dict.fromkeys(stems(sentence)))
        if not same_language or len(own) < _FEWEST_WORDS:
            return ""
        known = sum(self._knows(one) for one in own)
        return "" if known >= len(own) * FEWEST_KNOWN else "not_said_on_page"

    def passage(self, sentence: str) -> Passage:
        """Return the place of the page that says most of what a sentence says."""
        wanted = frozenset(stems(sentence)) | frozenset(numbers(sentence))
        best, share = ("", ""), 0.0
        for section, line in self._likely(wanted):
            for quote in sentences(line):
                said = frozenset(stems(quote)) | frozenset(numbers(quote))
                found = len(wanted & said) / len(wanted)
                if found > share:
                    best, share = (section, quote), found
        return Passage(
            sentence=sentence,
            section=_cut(best[0], _HEADING_CHARACTERS),
            quote=_cut(best[1], _QUOTE_CHARACTERS),
            support=round(share, 2),
        )

    # -------------------------------------------------------------------- the page

    @cached_property
    def _is_german(self) -> bool:
        return language_of(self._page) == "de"

    @cached_property
    def _sections(self) -> Sequence[Section]:
        return sections(self._page)

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(words(self._whole))

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(map(stem, self._words))

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        """The first letters of all words: they name a word whatever its ending."""
        return frozenset(
            word[:count]
            for word in self._words
            for count in range(_FEWEST_SHARED, min(len(word), 12) + 1)
        )

    @cached_property
    def _numbers(self) -> frozenset[str]:
        spelled = {NUMBERS[word] for word in self._words & NUMBERS.keys()}
        months = {MONTHS[word] for word in self._words & MONTHS.keys()}
        return frozenset(numbers(self._whole)) | spelled | months

    @cached_property
    def _truncated(self) -> frozenset[str]:
        """What versions begin with: whoever says 1.27 of 1.27.3 says nothing wrong."""
        return frozenset(
            ".".join(parts[:count])
            for parts in (one.split(".") for one in self._numbers)
            if len(parts) > _DECIMAL
            for count in range(1, len(parts))
        )

    @cached_property
    def _initials(self) -> frozenset[str]:
        """First letters of two to five words in a row: `Service Level Agreement`."""
        text = f"{self._page.title}\n{self._page.text}"
        found: set[str] = set()
        for run in re.findall(r"(?:\b[^\W\d_]+[ -]){1,5}[^\W\d_]+", text[:200_000]):
            letters = "".join(word[0] for word in re.split("[ -]", run)).casefold()
            found.update(
                letters[at:end]
                for at in range(len(letters))
                for end in range(at + 2, len(letters) + 1)
            )
        return frozenset(found)

    def _knows(self, found: str) -> bool:
        if found in self._stems or found in self._beginnings:
            return True
        if len(found) == _PAIR and found in self._whole:
            return True
        return len(found) > _FEWEST_SHARED + 1 and found[:-1] in self._beginnings

    def _likely(self, wanted: frozenset[str]) -> Iterator[tuple[str, str]]:
        """Walk the lines, and their headings, that have most of the words."""
        if not wanted:
            return
        parts = "|".join(sorted(map(re.escape, wanted), key=len, reverse=True))
        pattern = re.compile(rf"(?<![^\W_])(?:{parts})")
        counted: Counter[tuple[int, int, str, str]] = Counter()
        for number, section in enumerate(self._sections):
            for at, line in enumerate((*section.lines, *section.code)):
                hits = len(set(pattern.findall(_folded(line))))
                if hits:
                    counted[number, at, section.heading, line] = hits
        for place, _ in counted.most_common(_CLOSE_LOOKS):
            yield place[2], place[3].replace(BORDER, " ")

    # ------------------------------------------------------------------ the tokens

    def _against(self, token: _Token, *, same_language: bool) -> str:
        text = token.text
        if _ADDRESS.search(text):
            return "" if self._has_as_it_is(text) else "name_not_on_page"
        if any(map(str.isdigit, text)):
            return self._against_number(text)
        if _SHORT_FORM.fullmatch(text):
            return ""
        if not self._is_checked(token, same_language=same_language):
            return ""
        return "" if self._all_known(text) else "name_not_on_page"

    def _is_checked(self, token: _Token, *, same_language: bool) -> bool:
        """Whether a word has to stand on the page: a name, or something of code's."""
        text = token.text
        if _CODE_LIKE.search(text) or _CAMEL.search(text) or token.is_foreign:
            return same_language or text.isascii()
        return same_language and self._is_name(token)

    def _against_number(self, text: str) -> str:
        if self._has_number(text):
            return ""
        if not text.isdigit() and self._has_as_it_is(text):
            return ""
        parts = [part for part in _JOINED.split(text) if part]
        if sum(map(str.isdigit, parts)) > 1 and any(map(str.isalpha, parts)):
            return "number_not_on_page"  # a sign like `M-23-22` is one number
        if len(parts) > 1:
            return next(filter(None, map(self._against_part, parts)), "")
        return self._against_part(text)

    def _against_part(self, text: str) -> str:
        if not any(map(str.isdigit, text)):
            return ""
        with_unit = _WITH_UNIT.fullmatch(text)
        if with_unit:
            text = with_unit.group(1)
        if _PURE_NUMBER.fullmatch(text):
            return "" if self._has_number(text) else "number_not_on_page"
        return "" if self._has_as_it_is(text) else "number_not_on_page"

    def _has_as_it_is(self, text: str) -> bool:
        """Whether the page has just these characters, whole."""
        exactly = rf"(?<![\w@])(?<!\d\.){re.escape(_folded(text))}(?![\w@])"
        return re.search(exactly, self._whole) is not None

    def _has_number(self, text: str) -> bool:
        if not _PURE_NUMBER.fullmatch(text):
            return False
        found = [forms(one) for one in NUMBER.findall(text)]
        known = self._numbers
        return all(
            any(form in known or form in self._truncated for form in forms)
            for forms in found
        )

    def _is_name(self, token: _Token) -> bool:
        """Whether a word is a name by its look: in German, capitals prove nothing."""
        text = token.text
        folded = "".join(words(text))
        if folded in ANY_STOP_WORD or folded in MONTHS:
            return False
        if _is_in_capitals(text):
            return True
        if not text[:1].isupper() or (token.is_first and not token.is_subject):
            return False
        return not (token.in_german and self._is_german_noun(text))

    def _is_german_noun(self, text: str) -> bool:
        """Whether a word is a common noun, or made of such and of the page's words."""
        return all(
            self._has_name(part) or is_common_noun(_folded(part), self._words)
            for part in _JOINED.split(text)
            if part[:1].isupper()
        )

    def _all_known(self, text: str) -> bool:
        bare = _HUNG_ON.sub("", text)
        if not bare.isalnum() and self._has_as_it_is(bare):
            return True
        parts = [part for part in _JOINED.split(bare) if part]
        # Of `DNS-name` only what looks like a name is one.
        telling = [part for part in parts if part != part.lower() or "." in part]
        return all(map(self._has_name, telling if len(parts) > 1 else parts))

    def _has_name(self, text: str) -> bool:
        """Whether the page has the word, in whatever form."""
        folded = "".join(words(text))
        if not folded or folded in self._words or folded in ANY_STOP_WORD:
            return True
        if _is_in_capitals(text):
            singular = folded.removesuffix("s")
            return singular in self._words or singular in self._initials
        shared = max(_FEWEST_SHARED, len(folded) - _ending(folded))
        return folded[:shared] in self._beginnings


def _is_in_capitals(text: str) -> bool:
    singular = text.removesuffix("s")
    return len(singular) > 1 and singular.isalpha() and singular.isupper()


def _ending(word: str) -> int:
    """Return how many letters of a name may be its ending."""
    longest = 2 if word.isascii() else _ENDING
    return longest if len(word) > STEM_LENGTH else longest - 1


def told(passages: Sequence[Passage]) -> str:
    """Return what speaks for a summary, in a line that a person can check."""
    return " | ".join(
        f"{one.section + ': ' if one.section else ''}\u201c{one.quote}\u201d"
        for one in passages
        if one.quote
    )


def _tokens(sentence: str, *, in_german: bool) -> Iterator[_Token]:
    """Walk the words of a sentence as they are written, without what surrounds them."""
    spaced = _UNSPACED.sub(" ", sentence)
    in_latin = script_of(sentence) == "latin"
    is_first = True
    raws = ungrouped(spaced).split()
    for raw, following in zip(raws, [*raws[1:], ""], strict=False):
        text = raw.strip(_EDGES)
        if raw.startswith(("--", "$")):
            text = raw.rstrip(_EDGES)
        if not any(map(str.isalnum, text)):
            continue
        # Latin names in prose of another script are names, whatever the language.
        is_foreign = not in_latin and text.isascii() and text[:1].isupper()
        is_subject = bool(
            _VERB.fullmatch(following.strip(_EDGES)) and not _NO_NAME.fullmatch(text)
        )
        begins = is_first or _opens(raw)
        yield _Token(text, begins, is_subject, in_german, is_foreign)
        is_first = raw.endswith((":", "—", "–"))


def _opens(raw: str) -> bool:
    """Whether a quotation begins with a word and goes on behind it."""
    return raw[:1] in _OPENING and raw.rstrip(".,;:!?")[-1:] not in _CLOSING


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
