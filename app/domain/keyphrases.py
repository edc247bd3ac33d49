"""Words and word pairs a page keeps coming back to, as ideas for a new label.

Measured on real pages, such phrases hardly ever equal what people write as labels, so
they are only ever proposed to a person, and only where a site has no labels to choose
from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from app.domain.labels import normalise
from app.domain.pages import PageText
from app.domain.stems import MAX_CHARACTERS, stem, words
from app.domain.stopwords import ANY_STOP_WORD

#: A phrase in the title counts as if the text said it so many more times.
_TITLE_BOOST = 5
#: A phrase of the text alone must be said at least so often.
_FEWEST = 2
_SHORTEST_WORD = 3
_PAIR = 2
#: A pair is rarer than its words, and says more.
_PAIR_BONUS = 1.5


def keyphrases(page: PageText, *, limit: int = 3) -> tuple[str, ...]:
    """Return the page's most frequent phrases as label names, best first.

    Inflected forms of one phrase count as one, under the commonest spelling; a phrase
    that overlaps a better one is left out.
    """
    found: Counter[tuple[str, ...]] = Counter()
    spellings: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for text, weight in _texts(page):
        for phrase in _phrases(words(text)):
            key = tuple(map(stem, phrase))
            found[key] += weight
            spellings[key][normalise(" ".join(phrase))] += 1
    scored = {
        key: count * (_PAIR_BONUS if len(key) == _PAIR else 1.0)
        for key, count in found.items()
        if count >= _FEWEST
    }
    kept: list[tuple[str, ...]] = []
    for key in sorted(scored, key=lambda key: (-scored[key], key)):
        if len(kept) == limit:
            break
        if not any(set(key) & set(other) for other in kept):
            kept.append(key)
    return tuple(
        min(spellings[key], key=lambda name: (-spellings[key][name], name))
        for key in kept
    )


def _texts(page: PageText) -> Iterator[tuple[str, int]]:
    yield page.title[:MAX_CHARACTERS], _TITLE_BOOST
    left = MAX_CHARACTERS
    for text in (*page.headings, *page.paragraphs):
        if left <= 0:
            return
        yield text[:left], 1
        left -= len(text)


def _phrases(said: Sequence[str]) -> Iterator[tuple[str, ...]]:
    before: str | None = None
    for word in said:
        if not _tells(word):
            before = None
            continue
        yield (word,)
        if before is not None and before != word:
            yield (before, word)
        before = word


def _tells(word: str) -> bool:
    return (
        len(word) >= _SHORTEST_WORD
        and word not in ANY_STOP_WORD
        and not word.isdecimal()
    )
