"""Reads a space for its outline: 250 pages a request, and little kept of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.outline.pages import (
    LONG_PAGE,
    OutlinePage,
    Part,
    length_of,
    outline_page,
    outline_part,
)
from app.domain.outline.tree import Tree
from app.domain.pages import Page
from app.domain.scope import PageFacts, out_of_scope
from app.domain.selection import Selection
from app.errors import MalformedPayload, NotFound
from app.store.policies import PolicyStore
from app.usecases.make_plan import Progress
from app.usecases.ports import Confluence
from app.usecases.section_markup import sections_of, topmost
from app.usecases.services import Services
from app.usecases.vocabularies import vocabulary_of

#: Pages read at once by another thread, so that nobody else has to wait for long.
_PORTION = 50
#: Reasons to leave pages alone that hold for outlines too.
_SPARED = frozenset({"tree", "label", "title"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """A space, or a tree of it, as an outline sees it.

    Attributes:
        live: Ids of live docs: they are written by nobody but their editors.
        spared: Ids of pages that the policy leaves alone.
    """

    space_id: str
    tree: Tree
    live: frozenset[str]
    spared: frozenset[str]


async def survey(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    selection: Selection,
    *,
    progress: Progress,
) -> Surveyed:
    """Read the pages of a space, or those of the space that a tree stands in.

    Labels are those that people put on the pages, as the site was remembered.

    Raises:
        NotFound: There is no such space.
        MalformedPayload: The selection names neither a space nor a tree.
        PageGone: The tree's root is not there.
    """
    space_id, root_id = await _place(services, confluence, tenant_id, selection)
    space = await confluence.get_space(space_id)
    traces = (await services.memories.of(tenant_id)).traces
    labels = {page_id: one.labels for page_id, one in traces.items()}
    pages: list[OutlinePage] = []
    live: set[str] = set()
    async for portion in _portions(confluence.space_pages(space_id)):
        live.update(page.id for page in portion if page.is_live)
        pages += await asyncio.to_thread(_read, services, portion, labels)
        progress(len(pages), len(pages))
    tree = Tree(pages, homepage_id=space.homepage_id)
    if root_id is not None:
        if root_id not in tree.pages:
            raise NotFound(f"page {root_id} is none of its space's current pages")
        tree = tree.part(root_id)
    return Surveyed(
        space_id=space_id,
        tree=tree,
        live=frozenset(live),
        spared=await _spared(services, tenant_id, space_id, tree),
    )


async def _place(
    services: Services, confluence: Confluence, tenant_id: str, selection: Selection
) -> tuple[str, str | None]:
    value = selection.values[0]
    if selection.kind == "tree":
        return (await confluence.get_page(value)).space_id, value
    if selection.kind != "space":
        raise MalformedPayload("selection", "an outline is of a space or a tree")
    space_id = await services.database.read(
        lambda s: PolicyStore(s).space_named(tenant_id, value)
    )
    return space_id, None


async def _portions(pages: AsyncIterator[Page]) -> AsyncIterator[list[Page]]:
    portion: list[Page] = []
    async for page in pages:
        portion.append(page)
        if len(portion) == _PORTION:
            yield portion
            portion = []
    if portion:
        yield portion


def _read(
    services: Services, pages: Sequence[Page], labels: Mapping[str, frozenset[str]]
) -> list[OutlinePage]:
    return [_page(services, page, labels.get(page.id, frozenset())) for page in pages]


def _page(services: Services, page: Page, labels: frozenset[str]) -> OutlinePage:
    text, body = services.read_page(page), page.body or ""
    return outline_page(
        page.id,
        text,
        title=page.title,
        parent_id=page.parent_id,
        version=page.version,
        labels=labels,
        body=body,
        parts=_parts(services, page) if length_of(text) >= LONG_PAGE else (),
        edited_at=page.edited_at,
    )


def _parts(services: Services, page: Page) -> tuple[Part, ...]:
    return tuple(
        outline_part(
            section.heading,
            services.read_page(replace(page, title="", body=section.markup)),
            markup=section.markup,
        )
        for section in topmost(sections_of(services.markup, page.body or ""))
    )


async def _spared(
    services: Services, tenant_id: str, space_id: str, tree: Tree
) -> frozenset[str]:
    policy = await services.database.read(
        lambda s: PolicyStore(s).policy(tenant_id, space_id)
    )
    vocabulary = await vocabulary_of(services, tenant_id, space_id)
    now = services.now()

    def reason(page: OutlinePage) -> str | None:
        facts = PageFacts(
            page_id=page.id,
            title=page.title,
            labels=page.labels,
            ancestor_ids=tuple(tree.above(page.id)),
        )
        # Templates are looked at here: they are a part of the tree.
        scope = replace(policy.scope, templates=True)
        return out_of_scope(facts, replace(policy, scope=scope), vocabulary, now)

    return frozenset(
        page_id for page_id, page in tree.pages.items() if reason(page) in _SPARED
    )
