"""Sites to be measured on: what a site knows once a page is truly taken out of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from app.domain.evaluation.samples import Sample
from app.domain.memory import PageMemory, SiteMemory
from app.domain.vocabulary.terms import Term, Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """What a site remembers while one of its pages is asked about.

    Attributes:
        memory: What the ranker knows; the page itself is not in it.
        counts: Label -> how many of the remembered pages carry it.
        labelled: How many pages are remembered with labels.
        vocabulary: What may be chosen.
    """

    memory: SiteMemory
    counts: Mapping[str, int]
    labelled: int
    vocabulary: Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site: its pages, and what it remembers of all of them.

    Attributes:
        vocabulary: What may be chosen, as in a run.
    """

    name: str
    samples: tuple[Sample, ...]
    pages: tuple[PageMemory, ...] = field(repr=False)
    memory: SiteMemory = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)

    @classmethod
    def of(
        cls, name: str, samples: Sequence[Sample], vocabulary: Iterable[str] = ()
    ) -> Site:
        """Learn `samples`; their labels may be chosen, and those of `vocabulary`."""
        used = {label for sample in samples for label in sample.labels}
        pages = tuple(sample.remembered() for sample in samples)
        memory = SiteMemory.build(pages, vocabulary=used.union(vocabulary))
        terms = Vocabulary.build(Term(name=label) for label in memory.labels)
        return cls(
            name=name,
            samples=tuple(samples),
            pages=pages,
            memory=memory,
            vocabulary=terms,
        )

    def without(
        self, sample: Sample, *, size: int | None = None, seed: int = 0
    ) -> Recollection:
        """Return what is known once `sample` is gone.

        It is taken out of the memory itself, neither hidden nor skipped: it is in no
        neighbourhood, label centre, count or mean. Labels that only it carries may
        still be chosen, and look as if nobody had ever used them.

        Args:
            sample: The page that is asked about.
            size: Remember only so many other labelled pages. The choice depends on
                the seed and the page alone, and a smaller one is part of a bigger one.
            seed: Of the choice.
        """
        others = [
            page for page in self.pages if page.labels and page.page_id != sample.id
        ]
        if size is None:
            memory = self.memory.without_page(sample.id)
        else:
            # Repeatable is what is wanted of this chance.
            chance = Random(f"{seed}/{self.name}/{sample.id}")  # noqa: S311 - no secret
            others = chance.sample(others, len(others))[:size]
            memory = SiteMemory.build(others, vocabulary=self.memory.labels)
        counts = Counter(label for page in others for label in page.labels)
        return Recollection(
            memory=memory,
            counts=counts,
            labelled=len(others),
            vocabulary=self.vocabulary,
        )


def by_source(
    samples: Iterable[Sample], vocabularies: Mapping[str, Iterable[str]] | None = None
) -> list[Site]:
    """Group pages by their source, each a site of its own, in the order they came."""
    found: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[sample.source].append(sample)
    known = vocabularies or {}
    return [Site.of(name, pages, known.get(name, ())) for name, pages in found.items()]


def chosen(
    sites: Iterable[Site], *, limit: int | None = None, seed: int = 0
) -> list[tuple[Site, Sample]]:
    """Return the labelled pages to ask about, at most `limit` of them.

    Which ones is a matter of the seed; they keep their order.
    """
    pairs = [(site, one) for site in sites for one in site.samples if one.labels]
    if limit is None or limit >= len(pairs):
        return pairs
    places = Random(seed).sample(range(len(pairs)), limit)  # noqa: S311 - no secret
    return [pairs[place] for place in sorted(places)]
