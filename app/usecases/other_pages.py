"""The few other pages that a recommendation needs: those that may say the same, and their like."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from app.domain.advice.alike import Alike
from app.domain.advice.duplicates import Other
from app.domain.advice.gaps import FEWEST_PAGES, Customs, usual
from app.domain.advice.page_kinds import PageKind, kind_of
from app.domain.advice.views import PageView
from app.domain.memory import SiteMemory, Trace
from app.domain.pages import Page
from app.domain.stems import weigh
from app.errors import WorkObsolete
from app.store.policies import PolicyStore
from app.usecases.decide_page import Decision, reason_to_skip
from app.usecases.ports import Confluence
from app.usecases.services import Services
from app.usecases.vocabularies import vocabulary_of

#: Pages that are read to see whether one says what they say.
_ALIKE = 2
#: Pages that are read to see what a kind of page usually has, once a plan and space.
_OF_A_KIND = 8


async def decision_of(services: Services, tenant_id: str, page: Page) -> Decision:
    """Return what a decision about a page begins with: its text, and what holds there."""
    return Decision(
        page=page,
        text=await asyncio.to_thread(services.read_page, page),
        policy=await services.database.read(
            lambda s: PolicyStore(s).policy(tenant_id, page.space_id)
        ),
        vocabulary=await vocabulary_of(services, tenant_id, page.space_id),
    )


@dataclass(frozen=True, slots=True)
class _Site:
    """What is known of the site's pages, ordered for questions."""

    alike: Alike
    kinds: dict[PageKind, list[Trace]] = field(default_factory=dict)


class OtherPages:
    """Finds and reads other pages for one plan; remembers what they usually have."""

    def __init__(self, services: Services, tenant_id: str) -> None:
        self._services = services
        self._tenant_id = tenant_id
        self._lock = asyncio.Lock()
        self._site: _Site | None = None
        self._customs: dict[tuple[str, PageKind], Customs | None] = {}

    async def alike(self, confluence: Confluence, page: PageView) -> Sequence[Other]:
        """Read the pages that most likely say the same; at most two."""
        site = await self._known()
        near = site.alike.nearest(weigh(page.text), page_id=page.page.id, limit=_ALIKE)
        return [
            Other(
                page_id=one.page.id,
                title=one.text.title,
                text=one.text,
                is_near=one.page.space_id == page.page.space_id,
            )
            async for one in self._readable(confluence, near)
        ]

    async def customs(self, confluence: Confluence, page: PageView) -> Customs | None:
        """Return what pages of this one's kind have in its space; None if that is unknown."""
        labels = [one.name for one in page.page.labels or ()]
        kind = kind_of(page.title, labels)
        if kind is None:
            return None
        async with self._lock:
            return await self._customs_of(confluence, page, kind)

    async def _customs_of(
        self, confluence: Confluence, page: PageView, kind: PageKind
    ) -> Customs | None:
        place = (page.page.space_id, kind)
        if place not in self._customs:
            self._customs[place] = await self._learn(confluence, page, kind)
        return self._customs[place]

    async def _learn(
        self, confluence: Confluence, page: PageView, kind: PageKind
    ) -> Customs | None:
        site = await self._build()
        like = [one for one in site.kinds.get(kind, ()) if one.page_id != page.page.id]
        if len(like) < FEWEST_PAGES:
            return None
        beside = page.page.parent_id
        like.sort(key=lambda one: (one.parent_id != beside, one.page_id))
        ids = [one.page_id for one in like[:_OF_A_KIND]]
        headings = [
            one.text.headings
            async for one in self._readable(confluence, ids)
            # What is usual elsewhere is no custom here, and not everybody may know it.
            if one.page.space_id == page.page.space_id
        ]
        return usual(headings)

    async def _readable(
        self, confluence: Confluence, page_ids: Iterable[str]
    ) -> AsyncIterator[Decision]:
        """Read pages; those that are gone, or that nothing may look at, are left out."""
        for page_id in page_ids:
            try:
                page = await confluence.get_page(page_id)
                decision = await decision_of(self._services, self._tenant_id, page)
                if not await reason_to_skip(self._services, confluence, decision):
                    yield decision
            except WorkObsolete:
                continue

    async def _known(self) -> _Site:
        async with self._lock:
            return await self._build()

    async def _build(self) -> _Site:
        if self._site is None:
            memory = await self._services.memories.of(self._tenant_id)
            self._site = await asyncio.to_thread(_ordered, memory)
        return self._site


def _ordered(memory: SiteMemory) -> _Site:
    site = _Site(Alike(memory))
    for trace in memory.traces.values():
        kind = kind_of(trace.title, trace.labels)
        if kind is not None:
            site.kinds.setdefault(kind, []).append(trace)
    return site
