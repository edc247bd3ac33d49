"""Measures what `app.domain.support` drops: of people's summaries, and of corrupted ones.

`python -m benchmarks.local_ai.support --data pages.jsonl [--seed 1]` prints the figures
that `docs/summaries.md` tells.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from app.confluence.reading import read_page
from app.domain.evaluation.samples import Sample, read_samples
from app.domain.sentences import sentences
from app.domain.summaries import summarise
from app.domain.support import Grounds

#: Names that hardly any page has; those that one has are not used on it.
_LATIN = (
    "Oracle Twilio Madrid Beatrice Grafana Zendesk Siemens Toronto Hitachi Lovelace"
)
NAMES: Mapping[str, Sequence[str]] = {
    "en": _LATIN.split(),
    "de": [*_LATIN.split(), "Dresden", "Augsburg", "Neumann"],
    "uk": [*_LATIN.split(), "Полтава", "Катерина", "Шевченко", "Черкаси", "Коваленко"],
}
#: How often each number of a sentence is changed.
_ROUNDS = 20

_NUMBER = re.compile(r"\d+")


class Tally:
    """Counts trials and those that were noticed, by what was tried."""

    def __init__(self) -> None:
        self._tried: Counter[str] = Counter()
        self._noticed: Counter[str] = Counter()

    def add(self, what: str, *, noticed: bool) -> None:
        """Count one trial."""
        self._tried[what] += 1
        self._noticed[what] += noticed

    def lines(self) -> Iterator[str]:
        """Walk the figures as lines of text."""
        for what, tried in self._tried.items():
            noticed = self._noticed[what]
            yield f"{what}: {noticed} of {tried}, {100 * noticed / tried:.2f} %"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--seed", type=int, default=1)
    wanted = options.parse_args()
    lines = wanted.data.read_text(encoding="utf-8").split("\n")
    samples = read_samples(wanted.data.name, lines, read_page)
    tally, chance = Tally(), random.Random(wanted.seed)
    for sample in samples:
        grounds = Grounds(sample.text)
        _own(tally, sample, grounds)
        for sentence in _said(sample):
            if not grounds.objection(sentence, same_language=True):
                _corrupted(tally, sample, grounds, sentence, chance)
                _foreign(tally, sample, grounds, samples, chance)
    print("\n".join(tally.lines()))


def _said(sample: Sample) -> Iterator[str]:
    yield from sentences(sample.summary)
    yield from sentences(summarise(sample.text))


def _own(tally: Tally, sample: Sample, grounds: Grounds) -> None:
    """Count what should not be noticed: what people and the page itself say."""

    def noticed(text: str) -> list[bool]:
        return [
            bool(grounds.objection(one, same_language=True)) for one in sentences(text)
        ]

    found = noticed(sample.summary)
    for one in found:
        tally.add(f"sentences of people, {sample.language}", noticed=one)
        tally.add("sentences of people", noticed=one)
    tally.add("whole summaries of people", noticed=all(found))
    for paragraph in sample.text.paragraphs:
        for one in noticed(paragraph):
            tally.add("sentences of the page", noticed=one)


def _corrupted(
    tally: Tally,
    sample: Sample,
    grounds: Grounds,
    sentence: str,
    chance: random.Random,
) -> None:
    """Count what should be noticed: a number or a name that is not the page's."""

    def tried(what: str, text: str) -> None:
        objection = grounds.objection(text, same_language=True)
        tally.add(what, noticed=bool(objection))

    numbers = list(_NUMBER.finditer(sentence))
    for _ in range(_ROUNDS if numbers else 0):
        found = chance.choice(numbers)
        changed = str(int(found.group()) + chance.choice((1, 2, 3, 7, 11, 20)))
        tried(
            "number changed",
            sentence[: found.start()] + changed + sentence[found.end() :],
        )
    strange = [
        name
        for name in NAMES[sample.language]
        if name.casefold() not in f"{sample.text.title} {sample.text.text}".casefold()
    ]
    for what, added in (
        ("number from 2 to 20 put in", str(chance.randint(2, 20))),
        ("number from 21 up put in", str(chance.randint(21, 999))),
        ("number from 1,000 up put in", str(chance.randint(1_000, 99_999))),
        ("version put in", f"{chance.randint(1, 9)}.{chance.randint(0, 30)}"),
        ("name put in", chance.choice(strange)),
    ):
        words = sentence.split()
        at = chance.randrange(1, max(2, len(words)))
        tried(what, " ".join((*words[:at], added, *words[at:])))


def _foreign(
    tally: Tally,
    sample: Sample,
    grounds: Grounds,
    samples: Sequence[Sample],
    chance: random.Random,
) -> None:
    """Count what should be noticed: what people say of another page."""
    others = [
        one
        for one in samples
        if one.language == sample.language and one.id != sample.id and one.summary
    ]
    elsewhere = [one for one in others if one.source != sample.source]
    beside = [one for one in others if one.source == sample.source]
    for what, pool in (("another site's", elsewhere), ("another page's", beside)):
        if pool:
            text = next(sentences(chance.choice(pool).summary))
            objection = grounds.objection(text, same_language=True)
            tally.add(f"sentence of {what}", noticed=bool(objection))


if __name__ == "__main__":
    main()
