"""What speaks for each of a site's labels on one page, in numbers and in words.

A page that the memory knows is left out of everything here: it is no neighbour of its
own, its labels are not counted, its words make nothing more common. A label that only
this page carries therefore looks exactly as if nobody had ever used it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.memory import SiteMemory, Trace
from app.domain.pages import PageText
from app.domain.wording import (
    NOTHING_SPOKEN,
    Wording,
    read_words,
    told_by_words,
    wording_features,
)

#: Pages that vote.
NEIGHBOURS = 10
#: Labelled pages at which half of what is learned counts.
HALF_LEARNED = 12.0
#: Neighbours named in evidence, and the letters of each title.
_NAMED = 2
_TITLE_LENGTH = 60
#: The vote of a label is compared with its share of the site; both a little above zero.
_VOTE_FLOOR = 0.05
#: Siblings weigh against so many pages that are as the site at large.
_SIBLING_PRIOR = 2

#: Names of `Outlook.features`, in their order.
FEATURES = (
    "bias",
    "vote",
    "vote_root",
    "lift",
    "nearest",
    "nearest_relative",
    "centre",
    "centre_ratio",
    "partly_in_title",
    "in_prose",
    "new_in_prose",
    "name_weight",
    "name_weight_partly",
    "popularity",
    "on_parent",
    "on_siblings",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What speaks for one label, in the order of `FEATURES`."""

    name: str
    features: tuple[float, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Neighbour:
    similarity: float
    trace: Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resemblance:
    """How labels stand with the pages that resemble ours; all by label.

    Attributes:
        closest: The pages that vote, most similar first.
        votes: Share of the closest pages' squared similarities.
        nearest: Similarity of the most similar page that carries it.
        centres: Similarity to the middle of all its pages.
        middle: Similarity to the middle of the whole site.
        counts: How many other pages carry it.
        labelled: How many other pages carry any label.
    """

    closest: tuple[_Neighbour, ...]
    votes: Mapping[str, float]
    nearest: Mapping[str, float]
    centres: Mapping[str, float]
    middle: float
    counts: Mapping[str, int]
    labelled: int

    @property
    def strongest(self) -> float:
        """The similarity of the most similar page, or 1 when nothing is similar."""
        return (self.closest[0].similarity if self.closest else 0.0) or 1.0

    @property
    def habit(self) -> float:
        """How many labels the closest pages carry on average; 0 without any."""
        carried = sum(len(one.trace.labels) for one in self.closest)
        return carried / max(1, len(self.closest))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    parent: Trace | None
    siblings: tuple[Trace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a site says of one page.

    Attributes:
        learned: How much the site has taught, 0..1.
        habit: How many labels the most similar pages carry on average; 0 if none do.
        outlooks: What speaks for each label, by name.
    """

    learned: float
    habit: float
    outlooks: tuple[Outlook, ...]
    resemblance: _Resemblance = field(repr=False)
    wording: Wording = field(repr=False)
    family: _Family = field(repr=False)

    @property
    def closest(self) -> Iterator[Trace]:
        """The most similar labelled pages, nearest first."""
        return (one.trace for one in self.resemblance.closest)

    @property
    def used(self) -> Collection[str]:
        """The labels that other pages carry."""
        return self.resemblance.counts.keys()

    def evidence(self, name: str) -> str:
        """Return why a label came up, in words for a person."""
        told = (
            *_told_by_pages(name, self.resemblance),
            *told_by_words(frozenset(self.wording.parts(name)), self.wording),
            *_told_by_family(name, self.family),
        )
        return "; ".join(told) or _told_by_site(self.resemblance.counts.get(name, 0))


def survey(
    memory: SiteMemory,
    page: PageText,
    *,
    page_id: str | None = None,
    parent_id: str | None = None,
    spoken: Mapping[str, Sequence[str]] = NOTHING_SPOKEN,
) -> Survey:
    """Look at a page with the eyes of a site that has never seen it.

    `spoken` are labels that the page names by other words than their own (a synonym, an
    inflected form), with the stems of those words: they are judged by these.
    """
    own = memory.traces.get(page_id) if page_id is not None else None
    wording = read_words(memory, page, own, spoken)
    resemblance = _resemblance(memory, _similarities(memory, wording, own), own)
    family = _family(memory, parent_id, own)
    names = sorted(memory.vocabulary | resemblance.counts.keys())
    return Survey(
        learned=resemblance.labelled / (resemblance.labelled + HALF_LEARNED),
        habit=resemblance.habit,
        outlooks=tuple(_outlook(name, resemblance, wording, family) for name in names),
        resemblance=resemblance,
        wording=wording,
        family=family,
    )


def _similarities(
    memory: SiteMemory, wording: Wording, own: Trace | None
) -> list[tuple[float, str]]:
    """Return how similar each other labelled page is, with its id."""
    # A cosine, but for the other page's length, which leaves rarity out (see
    # `SiteMemory`): rarity comes in twice with our page, and its ceiling goes once.
    ours = wording.subject
    length = math.sqrt(math.fsum(share * share for share in ours.values()))
    ceiling = (math.log1p(wording.pages) * length) or 1.0
    sums = memory.overlaps(
        {stem: share * wording.rarity[stem] / ceiling for stem, share in ours.items()}
    )
    left_out = own.page_id if own is not None else None
    return [
        (total, page_id)
        for page_id, total in zip(memory.slots, sums, strict=True)
        if page_id is not None and page_id != left_out
    ]


def _resemblance(
    memory: SiteMemory, similarities: Sequence[tuple[float, str]], own: Trace | None
) -> _Resemblance:
    nearest: dict[str, float] = {}
    sums: dict[str, float] = {}
    for similarity, page_id in similarities:
        for name in memory.traces[page_id].labels:
            nearest[name] = max(similarity, nearest.get(name, 0.0))
            sums[name] = sums.get(name, 0.0) + similarity
    norms = memory.norms_without(own)
    closest = tuple(
        _Neighbour(-distance, memory.traces[page_id])
        for distance, page_id in heapq.nsmallest(
            NEIGHBOURS, ((-similarity, page_id) for similarity, page_id in similarities)
        )
        if distance < 0.0
    )
    total = math.fsum(similarity for similarity, _ in similarities)
    return _Resemblance(
        closest=closest,
        votes=_votes(closest),
        nearest=nearest,
        centres={
            name: sums[name] / math.sqrt(max(norms.labels[name], 1e-9)) for name in sums
        },
        middle=total / math.sqrt(max(norms.site, 1e-9)),
        counts={name: memory.counts[name] - _carries(own, name) for name in sums},
        labelled=len(similarities),
    )


def _carries(own: Trace | None, name: str) -> bool:
    return own is not None and name in own.labels


def _votes(closest: Iterable[_Neighbour]) -> dict[str, float]:
    votes: dict[str, float] = {}
    total = 0.0
    for one in closest:
        power = one.similarity**2
        total += power
        for name in one.trace.labels:
            votes[name] = votes.get(name, 0.0) + power
    return {name: vote / total for name, vote in votes.items()}


def _family(memory: SiteMemory, parent_id: str | None, own: Trace | None) -> _Family:
    if parent_id is None:
        return _Family(parent=None, siblings=())
    ids = memory.children.get(parent_id, ())
    return _Family(
        parent=memory.traces.get(parent_id),
        siblings=tuple(
            memory.traces[page_id]
            for page_id in ids
            if own is None or page_id != own.page_id
        ),
    )


def _outlook(
    name: str, resemblance: _Resemblance, wording: Wording, family: _Family
) -> Outlook:
    parts = wording.parts(name)
    share = (resemblance.counts.get(name, 0) + 0.5) / (resemblance.labelled + 1)
    features = (
        1.0,
        *_resemblance_features(name, resemblance),
        *wording_features(parts, wording, new=name not in resemblance.counts),
        _popularity(name, resemblance),
        *_family_features(name, family, share),
    )
    return Outlook(name=name, features=features)


def _resemblance_features(name: str, seen: _Resemblance) -> tuple[float, ...]:
    vote = seen.votes.get(name, 0.0)
    share = seen.counts.get(name, 0) / max(1, seen.labelled)
    nearest = seen.nearest.get(name, 0.0)
    centre = seen.centres.get(name, 0.0)
    return (
        vote,
        math.sqrt(vote),
        math.log((vote + _VOTE_FLOOR) / (share + _VOTE_FLOOR)),
        nearest,
        nearest / seen.strongest,
        centre,
        centre / seen.middle - 1.0 if name in seen.centres and seen.middle else 0.0,
    )


def _popularity(name: str, seen: _Resemblance) -> float:
    if not seen.labelled:
        return 0.0
    return math.log1p(seen.counts.get(name, 0)) / math.log1p(seen.labelled)


def _family_features(name: str, family: _Family, share: float) -> tuple[float, ...]:
    # Both are zero where nothing is known, and where the family is as the site.
    labelled_parent = family.parent is not None and bool(family.parent.labels)
    on_siblings = sum(name in one.labels for one in family.siblings)
    expected = (on_siblings + _SIBLING_PRIOR * share) / (
        len(family.siblings) + _SIBLING_PRIOR
    )
    return (
        _on_parent(name, family) - share if labelled_parent else 0.0,
        math.log(expected / share),
    )


def _on_parent(name: str, family: _Family) -> bool:
    return family.parent is not None and name in family.parent.labels


def _told_by_pages(name: str, seen: _Resemblance) -> Iterator[str]:
    carrying = [one.trace for one in seen.closest if name in one.trace.labels]
    if carrying:
        titles = list(
            dict.fromkeys(_short(one.title) for one in carrying if one.title.strip())
        )
        named = f": {', '.join(titles[:_NAMED])}" if titles else ""
        plural = "page" if len(seen.closest) == 1 else "pages"
        yield f"on {len(carrying)} of {len(seen.closest)} similar {plural}{named}"


def _told_by_family(name: str, family: _Family) -> Iterator[str]:
    if _on_parent(name, family):
        yield "on its parent page"
    on_siblings = sum(name in one.labels for one in family.siblings)
    if on_siblings:
        yield f"on {on_siblings} of {len(family.siblings)} pages beside it"


def _told_by_site(count: int) -> str:
    if not count:
        return "in the site's vocabulary"
    return f"on {count} {'page' if count == 1 else 'pages'} of this site"


def _short(title: str) -> str:
    clean = " ".join(title.split())
    if len(clean) <= _TITLE_LENGTH:
        return clean
    return clean[: _TITLE_LENGTH - 1].rstrip() + "…"
