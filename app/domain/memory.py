"""What a site has taught us: its pages' stems and the labels that people put on them."""

from __future__ import annotations

import math
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMemory:
    """One page as the ranker remembers it.

    Attributes:
        weights: Stem -> weight (title x3, headings x2, prose x1; code left out).
        labels: Labels that people put there; never what this app wrote itself,
            unless a person kept it.
        title: For evidence that a person reads; may be empty.
    """

    page_id: str
    parent_id: str | None
    space_id: str
    language: str
    weights: Mapping[str, float] = field(repr=False)
    labels: frozenset[str]
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A page inside a `SiteMemory`: its stems with their shares of a unit vector."""

    page_id: str
    parent_id: str | None
    title: str
    labels: frozenset[str]
    stems: tuple[str, ...] = field(repr=False)
    shares: array[float] = field(repr=False)


@dataclass(slots=True)
class Posting:
    """Where a stem occurs: on how many pages, and its share of each labelled one.

    Only a `Lesson` changes one, and only one that no memory has yet.
    """

    pages: int
    slots: array[int]
    shares: array[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Norms:
    """Squared lengths of sums of pages' unit vectors.

    Attributes:
        labels: Label -> of the sum of its pages.
        site: Of the sum of all labelled pages.
    """

    labels: Mapping[str, float] = field(repr=False)
    site: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SiteMemory:
    """All that the ranker knows of one site; a value: changing it makes another.

    Rarity counts every page; only labelled pages are looked up as neighbours, so only
    they have postings. Shares are independent of rarity (it is applied to the asking
    page alone), which is why one page more or less never touches the others.

    Attributes:
        traces: Page id -> slot's content; unlabelled pages included.
        slots: Slot -> page id of a labelled page, or None where one was forgotten.
        postings: Stem -> where it occurs.
        counts: Label -> how many pages carry it.
        norms: How long the middles of labels, and of the site, are.
        children: Parent's page id -> ids of its labelled children, sorted.
        vocabulary: Labels that may be chosen though no page carries them yet.
    """

    traces: Mapping[str, Trace] = field(repr=False)
    slots: tuple[str | None, ...] = field(repr=False)
    postings: Mapping[str, Posting] = field(repr=False)
    counts: Mapping[str, int] = field(repr=False)
    norms: Norms = field(repr=False)
    children: Mapping[str, tuple[str, ...]] = field(repr=False)
    vocabulary: frozenset[str] = frozenset()

    @classmethod
    def build(
        cls, pages: Iterable[PageMemory], *, vocabulary: Iterable[str] = ()
    ) -> SiteMemory:
        """Learn `pages`; of two with the same id the later one counts.

        Pages are taken one by one, so a stream of them never stands in memory as a
        whole. The order makes no difference. 5,000 pages take a second or two.
        """
        return _EMPTY.with_vocabulary(vocabulary).changed(pages)

    @property
    def labels(self) -> frozenset[str]:
        """Every label that may be chosen."""
        return self.vocabulary | self.counts.keys()

    def with_vocabulary(self, vocabulary: Iterable[str]) -> SiteMemory:
        """Return the same memory with another set of labels that need no page."""
        return replace(self, vocabulary=frozenset(vocabulary))

    def with_page(self, page: PageMemory) -> SiteMemory:
        """Return a memory that knows `page` in the state given; costs milliseconds."""
        return self.changed((page,))

    def without_page(self, page_id: str) -> SiteMemory:
        """Return a memory that has forgotten a page; unknown pages change nothing."""
        return self.changed((), gone=(page_id,)) if page_id in self.traces else self

    def changed(
        self, pages: Iterable[PageMemory], *, gone: Iterable[str] = ()
    ) -> SiteMemory:
        """Return a memory that has forgotten `gone` and knows `pages` as given.

        Many changes at once cost far less than one after the other.
        """
        lesson = Lesson(self)
        for page_id in gone:
            lesson.forget(page_id)
        for page in pages:
            lesson.learn(page)
        return lesson.memory()

    def pages_with(self, stem: str) -> int:
        """Return on how many pages a stem occurs."""
        posting = self.postings.get(stem)
        return posting.pages if posting is not None else 0

    def overlaps(self, weights: Mapping[str, float]) -> list[float]:
        """Return, slot by slot, the inner product of `weights` with a page's shares."""
        sums = [0.0] * len(self.slots)
        for stem, weight in weights.items():
            posting = self.postings.get(stem)
            if posting is not None:
                for slot, share in zip(posting.slots, posting.shares, strict=True):
                    sums[slot] += weight * share
        return sums

    def norms_without(self, own: Trace | None) -> Norms:
        """Return `norms` as they would be had `own` never been learned."""
        if own is None or not own.labels:
            return self.norms
        products = self.overlaps(dict(zip(own.stems, own.shares, strict=True)))
        shared: defaultdict[str, float] = defaultdict(float)
        for page_id, product in zip(self.slots, products, strict=True):
            if page_id is not None:
                for name in self.traces[page_id].labels & own.labels:
                    shared[name] += product
        squared = math.fsum(share * share for share in own.shares)
        changed = {
            name: self.norms.labels[name] - 2 * shared[name] + squared
            for name in own.labels
        }
        return Norms(
            labels={**self.norms.labels, **changed},
            site=self.norms.site - 2 * math.fsum(products) + squared,
        )


class Lesson:
    """Changes to a memory that are worked in together; the memory itself stays.

    Use it directly where pages come in portions: `learn` and `forget` as they come,
    `memory` once at the end.
    """

    def __init__(self, memory: SiteMemory) -> None:
        self._before = memory
        self._traces = dict(memory.traces)
        self._slots = list(memory.slots)
        self._postings = dict(memory.postings)
        self._seats = {
            at: slot for slot, at in enumerate(memory.slots) if at is not None
        }
        self._free = [slot for slot, at in enumerate(memory.slots) if at is None]
        # Postings that are this lesson's own may grow in place; others are shared.
        self._own: set[str] = set()
        self._touched: set[str] = set()

    def learn(self, page: PageMemory) -> None:
        """Know a page as it is now."""
        self.forget(page.page_id)
        trace = _trace(page)
        slot = self._seat(trace) if trace.labels else None
        for stem, share in zip(trace.stems, trace.shares, strict=True):
            posting = self._posting(stem)
            if slot is not None:
                posting.slots.append(slot)
                posting.shares.append(share)
            posting.pages += 1
        self._traces[trace.page_id] = trace
        self._touched |= trace.labels

    def forget(self, page_id: str) -> None:
        """Know a page no more; nothing happens if it was not known."""
        trace = self._traces.pop(page_id, None)
        if trace is None:
            return
        slot = self._seats.pop(page_id, None)
        if slot is not None:
            self._slots[slot] = None
            self._free.append(slot)
        for stem in trace.stems:
            posting = self._posting(stem)
            if slot is not None:
                at = posting.slots.index(slot)
                del posting.slots[at], posting.shares[at]
            posting.pages -= 1
            if not posting.pages:
                del self._postings[stem]
                self._own.discard(stem)
        self._touched |= trace.labels

    def memory(self) -> SiteMemory:
        """Return what is known now; the lesson is over then."""
        norms = {
            name: norm
            for name, norm in self._before.norms.labels.items()
            if name not in self._touched
        }
        return SiteMemory(
            traces=MappingProxyType(self._traces),
            slots=tuple(self._slots),
            postings=MappingProxyType(self._postings),
            counts=MappingProxyType(
                Counter(name for one in self._traces.values() for name in one.labels)
            ),
            norms=Norms(
                labels=MappingProxyType(norms | _label_norms(self._members())),
                site=_site_norm(self._postings.values()),
            ),
            children=MappingProxyType(_children(self._traces.values())),
            vocabulary=self._before.vocabulary,
        )

    def _members(self) -> Mapping[str, Sequence[Trace]]:
        found: defaultdict[str, list[Trace]] = defaultdict(list)
        for trace in self._traces.values():
            for name in trace.labels & self._touched:
                found[name].append(trace)
        return found

    def _seat(self, trace: Trace) -> int:
        # A forgotten page's slot is taken again: edits do not make the row longer.
        slot = self._free.pop() if self._free else len(self._slots)
        self._slots[slot : slot + 1] = [trace.page_id]
        self._seats[trace.page_id] = slot
        return slot

    def _posting(self, stem: str) -> Posting:
        if stem not in self._own:
            old = self._postings.get(stem)
            self._postings[stem] = (
                Posting(old.pages, old.slots[:], old.shares[:])
                if old is not None
                else Posting(0, array("I"), array("f"))
            )
            self._own.add(stem)
        return self._postings[stem]


_EMPTY = SiteMemory(
    traces={},
    slots=(),
    postings={},
    counts={},
    norms=Norms(labels={}, site=0.0),
    children={},
)


def dampened(weights: Mapping[str, float]) -> dict[str, float]:
    """Return `weights` with repetition dampened: ln(1 + weight), in sorted order."""
    return {
        stem: math.log1p(weights[stem])
        for stem in sorted(weights)
        if 0.0 < weights[stem] < math.inf
    }


def _trace(page: PageMemory) -> Trace:
    shares = dampened(page.weights)
    length = math.sqrt(math.fsum(share * share for share in shares.values())) or 1.0
    return Trace(
        page_id=page.page_id,
        parent_id=page.parent_id,
        title=page.title,
        labels=page.labels,
        # One string object a stem in the whole process, however many pages have it.
        stems=tuple(map(sys.intern, shares)),
        shares=array("f", (share / length for share in shares.values())),
    )


def _label_norms(members: Mapping[str, Iterable[Trace]]) -> dict[str, float]:
    return {name: _squared_sum(traces) for name, traces in members.items()}


def _squared_sum(traces: Iterable[Trace]) -> float:
    total: defaultdict[str, float] = defaultdict(float)
    for trace in traces:
        for stem, share in zip(trace.stems, trace.shares, strict=True):
            total[stem] += share
    return math.fsum(share * share for share in total.values())


def _site_norm(postings: Iterable[Posting]) -> float:
    return math.fsum(sum(posting.shares) ** 2 for posting in postings)


def _children(traces: Iterable[Trace]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for trace in traces:
        if trace.labels and trace.parent_id is not None:
            found[trace.parent_id].append(trace.page_id)
    return {parent: tuple(sorted(ids)) for parent, ids in found.items()}
