"""What a vocabulary of 5,000 terms costs: finding them on a page, finding duplicates.

`python -m benchmarks.local_ai.big_vocabulary --data pages.jsonl [--terms 5000]`

Terms are words and rows of words of real pages; their synonyms are such names with the
letters of each word shuffled, as a page in one language does not say those of another.
Pages are real paragraphs, 200 KB of each language. That is harder than life: a page
names hundreds of the terms.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from app.domain.memory import SiteMemory
from app.domain.pages import PageText
from app.domain.stems import words
from app.domain.stopwords import ANY_STOP_WORD
from app.domain.vocabulary.duplicates import duplicates
from app.domain.vocabulary.retrieval import Lexicon, advise
from app.domain.vocabulary.terms import Term, Vocabulary
from benchmarks.local_ai.big_site import made_pages
from benchmarks.local_ai.samples import Sample, load

T = TypeVar("T")

SYNONYMS = 3
CHARACTERS = 200_000
ASKED = 21
#: Words of a name, as often as they come.
LENGTHS = (1, 1, 2, 2, 2, 3)
SITE = 1_000


def main() -> None:
    """Build, measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--terms", type=int, default=5_000)
    chosen = options.parse_args()
    sites = load(chosen.data)
    terms = made_terms(sites, chosen.terms)
    vocabulary = Vocabulary.build(terms)
    times, lexicon = timed(lambda: Lexicon.build(terms), 3)
    print(f"{len(terms)} terms, {SYNONYMS} synonyms each: index in {times[1]:.0f} ms")
    memory = SiteMemory.build(made_pages(sites, SITE))
    for language, page in made_texts(sites).items():
        times, found = timed(partial(lexicon.names.find, page), ASKED)
        print(f"{language}: {told(times)}; {len(found)} terms are named")
        times, _ = timed(partial(advise, memory, vocabulary, page), ASKED)
        print(f"{language}: with a memory of {SITE} pages asked, {told(times)}")
    small = short_page(sites)
    times, found = timed(lambda: lexicon.names.find(small), ASKED)
    print(f"a page as it comes: {told(times)}; {len(found)} terms are named")
    times, groups = timed(lambda: duplicates(terms, memory), 1)
    print(f"duplicates: {len(groups)} groups in {times[0] / 1000:.1f} s")


def made_terms(sites: Mapping[str, Sequence[Sample]], count: int) -> list[Term]:
    """Make terms out of what real pages say."""
    chance = random.Random(count)
    names = _names(sites, chance)
    return [
        Term(
            name=name,
            synonyms=tuple(_shuffled(next(names), chance) for _ in range(SYNONYMS)),
        )
        for name, _ in zip(names, range(count), strict=False)
    ]


def _shuffled(name: str, chance: random.Random) -> str:
    return "-".join("".join(chance.sample(word, len(word))) for word in name.split("-"))


def _names(
    sites: Mapping[str, Sequence[Sample]], chance: random.Random
) -> Iterator[str]:
    rows = [
        [word for word in words(text) if word not in ANY_STOP_WORD]
        for samples in sites.values()
        for one in samples
        for text in (one.text.title, *one.text.headings, *one.text.paragraphs)
    ]
    rows = [row for row in rows if len(row) >= max(LENGTHS)]
    seen: set[str] = set()
    while True:
        row, length = chance.choice(rows), chance.choice(LENGTHS)
        at = chance.randrange(len(row) - length + 1)
        name = "-".join(row[at : at + length])
        if name not in seen:
            seen.add(name)
            yield name


def made_texts(sites: Mapping[str, Sequence[Sample]]) -> dict[str, PageText]:
    """Make a page of 200 KB for each language."""
    chance = random.Random(CHARACTERS)
    found: dict[str, PageText] = {}
    samples = [one for some in sites.values() for one in some]
    for language in sorted({one.language for one in samples}):
        lenders = [one for one in samples if one.language == language]
        paragraphs: list[str] = []
        while sum(map(len, paragraphs)) < CHARACTERS:
            paragraphs += chance.choice(lenders).text.paragraphs
        title = lenders[0].text.title
        found[language] = PageText(title=title, paragraphs=tuple(paragraphs))
    return found


def short_page(sites: Mapping[str, Sequence[Sample]]) -> PageText:
    """Return a real page of middling length."""
    samples = [one for some in sites.values() for one in some]
    ordered = sorted(samples, key=lambda one: len(one.text.text))
    return ordered[len(ordered) // 2].text


def timed(work: Callable[[], T], count: int) -> tuple[list[float], T]:
    """Do something `count` times; return the milliseconds in order, and the result."""
    times: list[float] = []
    results: list[T] = []
    for _ in range(count):
        began = time.process_time()
        results = [work()]
        times.append((time.process_time() - began) * 1000)
    return sorted(times), results[0]


def told(times: Sequence[float]) -> str:
    """Return the middle and the worst, in words."""
    return f"median {times[len(times) // 2]:.0f} ms, worst {times[-1]:.0f} ms"


if __name__ == "__main__":
    main()
