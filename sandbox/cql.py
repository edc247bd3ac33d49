"""A part of CQL: enough to find pages by place, label and words.

https://developer.atlassian.com/cloud/confluence/advanced-searching-using-cql/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from sandbox import storage
from sandbox.model import Page
from sandbox.refusals import Malformed
from sandbox.site_state import SiteState

#: Whether a page is found.
Test: TypeAlias = Callable[[SiteState, Page], bool]

MAX_DEPTH = 50

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<operator>!=|!~|=|~|\(|\)|,)
    | (?P<word>[^\s"'=~!<>(),]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = re.compile(r"\w+")
_RESERVED = frozenset({"and", "or", "not", "in", "order", "by"})
_OPERATORS = frozenset({"=", "!=", "~", "!~", "in", "not in"})


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was understood.

    Attributes:
        matches: Whether it finds a page.
        order: (field, descending) in order of weight.
    """

    matches: Test
    order: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_string: bool = False

    @property
    def keyword(self) -> str:
        """The token as a keyword or an operator, empty for strings."""
        return "" if self.is_string else self.text.lower()


def parse(query: str) -> Query:
    """Return what `query` asks for.

    Raises:
        Malformed: It is no CQL, or a part of it that is unknown here.
    """
    return _Parser(query).run()


def _refuse(query: str) -> NoReturn:
    raise Malformed(f"Could not parse cql : {query}")


class _Parser:
    """Reads a query from left to right."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._tokens = list(self._read())
        self._at = 0
        self._depth = 0

    def run(self) -> Query:
        """Read the whole query."""
        matches: Test = lambda _site, _page: True  # noqa: E731 - a test like others
        if self._next != "order":
            matches = self._either()
        order = self._order()
        if self._at < len(self._tokens):
            _refuse(self._query)
        return Query(matches, order)

    def _read(self) -> Iterator[_Token]:
        position, end = 0, len(self._query.rstrip())
        while position < end:
            match = _TOKEN.match(self._query, position)
            if match is None:
                _refuse(self._query)
            position = match.end()
            if match["string"] is not None:
                bare = re.sub(r"\\(.)", r"\1", match["string"][1:-1], flags=re.DOTALL)
                yield _Token(bare, is_string=True)
            else:
                yield _Token(match["operator"] or match["word"])

    @property
    def _next(self) -> str:
        if self._at == len(self._tokens):
            return ""
        return self._tokens[self._at].keyword

    def _take(self) -> _Token:
        if self._at == len(self._tokens):
            _refuse(self._query)
        self._at += 1
        return self._tokens[self._at - 1]

    def _took(self, keyword: str) -> bool:
        found = self._next == keyword
        self._at += found
        return found

    def _expect(self, keyword: str) -> None:
        if not self._took(keyword):
            _refuse(self._query)

    def _either(self) -> Test:
        tests = [self._both()]
        while self._took("or"):
            tests.append(self._both())
        return lambda site, page: any(test(site, page) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._took("and"):
            tests.append(self._one())
        return lambda site, page: all(test(site, page) for test in tests)

    def _one(self) -> Test:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            _refuse(self._query)
        if self._took("not"):
            inner = self._one()
            test: Test = lambda site, page: not inner(site, page)  # noqa: E731 - closes over it
        elif self._took("("):
            test = self._either()
            self._expect(")")
        else:
            test = self._clause()
        self._depth -= 1
        return test

    def _clause(self) -> Test:
        name = self._take().keyword
        operator = self._take().keyword
        if operator == "not":
            operator = f"not {self._take().keyword}"
        allowed = _FIELDS.get(name)
        if allowed is None or operator not in _OPERATORS & allowed.operators:
            _refuse(self._query)
        values = self._values() if operator.endswith("in") else [self._value()]
        positive = operator.removeprefix("not ").removeprefix("!")
        find = allowed.words if positive == "~" else allowed.exact
        denied = positive != operator
        return lambda site, page: (
            any(find(site, page, value) for value in values) != denied
        )

    def _values(self) -> list[str]:
        self._expect("(")
        values = [self._value()]
        while self._took(","):
            values.append(self._value())
        self._expect(")")
        return values

    def _value(self) -> str:
        token = self._take()
        if token.keyword in _RESERVED or token.keyword in {"(", ")", ",", "=", "~"}:
            _refuse(self._query)
        return token.text

    def _order(self) -> tuple[tuple[str, bool], ...]:
        if not self._took("order"):
            return ()
        self._expect("by")
        found = [self._ordered()]
        while self._took(","):
            found.append(self._ordered())
        return tuple(found)

    def _ordered(self) -> tuple[str, bool]:
        name = self._take().keyword
        if name not in ORDERS:
            _refuse(self._query)
        descending = self._took("desc")
        if not descending:
            self._took("asc")
        return name, descending


_Find: TypeAlias = Callable[[SiteState, Page, str], bool]


def _never(_site: SiteState, _page: Page, _value: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """What may be asked of a field: `exact` answers `=` and `in`, `words` answers `~`."""

    exact: _Find = _never
    words: _Find = _never

    @property
    def operators(self) -> frozenset[str]:
        plain = frozenset({"=", "!=", "in", "not in"}) if self.exact != _never else ()
        fuzzy = frozenset({"~", "!~"}) if self.words != _never else ()
        return frozenset({*plain, *fuzzy})


def _has_words(text: str, value: str) -> bool:
    """Whether a text has all words of `value`; `*` stands for any end of a word."""
    found = set(_WORDS.findall(text.casefold()))
    wanted = value.casefold().split()
    return bool(wanted) and all(_has_word(found, word) for word in wanted)


def _has_word(found: set[str], word: str) -> bool:
    if word.endswith("*"):
        return any(one.startswith(word[:-1]) for one in found)
    return all(part in found for part in _WORDS.findall(word))


def _text(page: Page) -> str:
    return (
        f"{page.title} {' '.join(map(str, storage.parse(page.latest.body).itertext()))}"
    )


def _in_space(site: SiteState, page: Page, key: str) -> bool:
    return site.spaces[page.space_id].key.lower() == key.lower()


def _below(site: SiteState, page: Page, page_id: str) -> bool:
    return any(above.id == page_id for above in site.index.ancestors(page))


_SPACE = _Field(exact=_in_space)
_ID = _Field(exact=lambda _site, page, value: page.id == value)
_FIELDS: Mapping[str, _Field] = {
    "ancestor": _Field(exact=_below),
    "content": _ID,
    "id": _ID,
    "label": _Field(
        exact=lambda _site, page, value: any(
            name == value.lower() for _, name in page.labels
        )
    ),
    "parent": _Field(exact=lambda _site, page, value: page.parent_id == value),
    "space": _SPACE,
    "space.key": _SPACE,
    "text": _Field(words=lambda _site, page, value: _has_words(_text(page), value)),
    "title": _Field(
        exact=lambda _site, page, value: page.title.casefold() == value.casefold(),
        words=lambda _site, page, value: _has_words(page.title, value),
    ),
    "type": _Field(exact=lambda _site, _page, value: value.lower() == "page"),
}

#: What results may be ordered by.
ORDERS: Mapping[str, Callable[[Page], tuple[object, ...]]] = {
    "created": lambda page: (page.created_at,),
    "id": lambda page: (page.number,),
    "lastmodified": lambda page: (page.latest.at,),
    "title": lambda page: (page.title.casefold(),),
}
