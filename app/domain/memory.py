"""What a site has taught us: its pages' stems and the labels that people put on them."""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
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


@dataclass(frozen=True, slots=True)
class Posting:
    """Where a stem occurs: on how many pages, and its share of each labelled one."""

    pages: int
    slots: array[int]
    shares: array[float]


_NOWHERE = Posting(0, array("I"), array("f"))


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
        norms: Label -> squared length of the sum of its pages' unit vectors.
        children: Parent's page id -> ids of its labelled children, sorted.
        vocabulary: Labels that may be chosen though no page carries them yet.
    """

    traces: Mapping[str, Trace] = field(repr=False)
    slots: tuple[str | None, ...] = field(repr=False)
    postings: Mapping[str, Posting] = field(repr=False)
    counts: Mapping[str, int] = field(repr=False)
    norms: Mapping[str, float] = field(repr=False)
    children: Mapping[str, tuple[str, ...]] = field(repr=False)
    vocabulary: frozenset[str] = frozenset()

    @classmethod
    def build(
        cls, pages: Iterable[PageMemory], *, vocabulary: Iterable[str] = ()
    ) -> SiteMemory:
        """Learn `pages`; of two with the same id the later one counts.

        The order of pages makes no difference. 5,000 pages take a second or two.
        """
        latest = {page.page_id: page for page in pages}
        spelling: dict[str, str] = {}
        traces = {
            page_id: _trace(latest[page_id], spelling) for page_id in sorted(latest)
        }
        slots = tuple(page_id for page_id, trace in traces.items() if trace.labels)
        return cls(
            traces=MappingProxyType(traces),
            slots=slots,
            postings=MappingProxyType(_postings(traces, slots)),
            counts=MappingProxyType(
                Counter(name for trace in traces.values() for name in trace.labels)
            ),
            norms=MappingProxyType(_norms(traces.values())),
            children=MappingProxyType(_children(traces.values())),
            vocabulary=frozenset(vocabulary),
        )

    @property
    def labels(self) -> frozenset[str]:
        """Every label that may be chosen."""
        return self.vocabulary | self.counts.keys()

    def with_vocabulary(self, vocabulary: Iterable[str]) -> SiteMemory:
        """Return the same memory with another set of labels that need no page."""
        return replace(self, vocabulary=frozenset(vocabulary))

    def with_page(self, page: PageMemory) -> SiteMemory:
        """Return a memory that knows `page` in the state given; costs milliseconds."""
        return _added(self.without_page(page.page_id), _trace(page, {}))

    def without_page(self, page_id: str) -> SiteMemory:
        """Return a memory that has forgotten a page; unknown pages change nothing."""
        known = self.traces.get(page_id)
        return self if known is None else _removed(self, known)

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

    def attraction(self, trace: Trace) -> Mapping[str, float]:
        """Return, label by label, the inner product of a page with the label's sum."""
        sums = self.overlaps(dict(zip(trace.stems, trace.shares, strict=True)))
        found: defaultdict[str, float] = defaultdict(float)
        for page_id, product in zip(self.slots, sums, strict=True):
            if page_id is not None:
                for name in self.traces[page_id].labels & trace.labels:
                    found[name] += product
        return found

    def norms_without(self, own: Trace | None) -> Mapping[str, float]:
        """Return `norms` as they would be had `own` never been learned."""
        if own is None or not own.labels:
            return self.norms
        attraction = self.attraction(own)
        squared = _squared(own)
        changed = {
            name: self.norms[name] - 2 * attraction[name] + squared
            for name in own.labels
        }
        return {**self.norms, **changed}


def dampened(weights: Mapping[str, float]) -> dict[str, float]:
    """Return `weights` with repetition dampened: ln(1 + weight), in sorted order."""
    return {
        stem: math.log1p(weights[stem])
        for stem in sorted(weights)
        if 0.0 < weights[stem] < math.inf
    }


def _trace(page: PageMemory, spelling: dict[str, str]) -> Trace:
    # One string object a stem, however many pages it occurs on: `spelling` holds it.
    shares = dampened(page.weights)
    length = math.sqrt(math.fsum(share * share for share in shares.values())) or 1.0
    return Trace(
        page_id=page.page_id,
        parent_id=page.parent_id,
        title=page.title,
        labels=page.labels,
        stems=tuple(spelling.setdefault(stem, stem) for stem in shares),
        shares=array("f", (share / length for share in shares.values())),
    )


def _added(memory: SiteMemory, trace: Trace) -> SiteMemory:
    slots, slot = _seated(memory.slots, trace)
    postings = dict(memory.postings)
    for stem, share in zip(trace.stems, trace.shares, strict=True):
        old = postings.get(stem, _NOWHERE)
        postings[stem] = _with_share(old, slot, share)
    attraction = memory.attraction(trace)
    own = _squared(trace)
    counts = Counter(memory.counts)
    norms = dict(memory.norms)
    for name in trace.labels:
        counts[name] += 1
        norms[name] = norms.get(name, 0.0) + 2 * attraction.get(name, 0.0) + own
    return SiteMemory(
        traces=MappingProxyType({**memory.traces, trace.page_id: trace}),
        slots=slots,
        postings=MappingProxyType(postings),
        counts=MappingProxyType(counts),
        norms=MappingProxyType(norms),
        children=MappingProxyType(_with_child(memory.children, trace)),
        vocabulary=memory.vocabulary,
    )


def _removed(memory: SiteMemory, trace: Trace) -> SiteMemory:
    slot = memory.slots.index(trace.page_id) if trace.labels else None
    postings = dict(memory.postings)
    for stem in trace.stems:
        left = _without_slot(postings[stem], slot)
        if left.pages:
            postings[stem] = left
        else:
            del postings[stem]
    attraction = memory.attraction(trace)
    own = _squared(trace)
    counts = Counter(memory.counts)
    counts.subtract(trace.labels)
    counts = +counts
    norms = {
        name: norm - 2 * attraction[name] + own if name in trace.labels else norm
        for name, norm in memory.norms.items()
        if name in counts
    }
    return SiteMemory(
        traces=MappingProxyType(
            {key: kept for key, kept in memory.traces.items() if kept is not trace}
        ),
        slots=tuple(None if at == slot else p for at, p in enumerate(memory.slots)),
        postings=MappingProxyType(postings),
        counts=MappingProxyType(counts),
        norms=MappingProxyType(norms),
        children=MappingProxyType(_without_child(memory.children, trace)),
        vocabulary=memory.vocabulary,
    )


def _postings(traces: Mapping[str, Trace], slots: Iterable[str]) -> dict[str, Posting]:
    pages = Counter(stem for trace in traces.values() for stem in trace.stems)
    found = {
        stem: Posting(count, array("I"), array("f")) for stem, count in pages.items()
    }
    for slot, page_id in enumerate(slots):
        trace = traces[page_id]
        for stem, share in zip(trace.stems, trace.shares, strict=True):
            posting = found[stem]
            posting.slots.append(slot)
            posting.shares.append(share)
    return found


def _norms(traces: Iterable[Trace]) -> dict[str, float]:
    members: defaultdict[str, list[Trace]] = defaultdict(list)
    for trace in traces:
        for name in trace.labels:
            members[name].append(trace)
    return {name: _squared_sum(carrying) for name, carrying in members.items()}


def _squared_sum(traces: Iterable[Trace]) -> float:
    total: defaultdict[str, float] = defaultdict(float)
    for trace in traces:
        for stem, share in zip(trace.stems, trace.shares, strict=True):
            total[stem] += share
    return math.fsum(share * share for share in total.values())


def _squared(trace: Trace) -> float:
    return math.fsum(share * share for share in trace.shares)


def _children(traces: Iterable[Trace]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for trace in traces:
        if trace.labels and trace.parent_id is not None:
            found[trace.parent_id].append(trace.page_id)
    return {parent: tuple(sorted(ids)) for parent, ids in found.items()}


def _with_child(
    children: Mapping[str, tuple[str, ...]], trace: Trace
) -> dict[str, tuple[str, ...]]:
    if not trace.labels or trace.parent_id is None:
        return dict(children)
    family = (*children.get(trace.parent_id, ()), trace.page_id)
    return {**children, trace.parent_id: tuple(sorted(family))}


def _without_child(
    children: Mapping[str, tuple[str, ...]], trace: Trace
) -> dict[str, tuple[str, ...]]:
    left = {
        parent: tuple(child for child in family if child != trace.page_id)
        for parent, family in children.items()
        if parent == trace.parent_id
    }
    return {parent: kept for parent, kept in {**children, **left}.items() if kept}


def _seated(
    slots: tuple[str | None, ...], trace: Trace
) -> tuple[tuple[str | None, ...], int | None]:
    # A forgotten page's slot is taken again, so that edits do not make the row longer.
    if not trace.labels:
        return slots, None
    free = slots.index(None) if None in slots else len(slots)
    return (*slots[:free], trace.page_id, *slots[free + 1 :]), free


def _with_share(posting: Posting, slot: int | None, share: float) -> Posting:
    if slot is None:
        return replace(posting, pages=posting.pages + 1)
    return Posting(
        posting.pages + 1,
        posting.slots + array("I", (slot,)),
        posting.shares + array("f", (share,)),
    )


def _without_slot(posting: Posting, slot: int | None) -> Posting:
    if slot is None:
        return replace(posting, pages=posting.pages - 1)
    at = posting.slots.index(slot)
    return Posting(
        posting.pages - 1,
        posting.slots[:at] + posting.slots[at + 1 :],
        posting.shares[:at] + posting.shares[at + 1 :],
    )
