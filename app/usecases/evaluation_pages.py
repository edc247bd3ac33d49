"""Pages to measure on: those of a data file, or of a space that people labelled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy.orm import Session

from app.domain.evaluation.samples import Sample, read_samples, read_vocabulary
from app.domain.evaluation.sites import Site, by_source
from app.domain.languages import detect
from app.domain.pages import Page, PageText, Space
from app.errors import MalformedPayload, NotFound
from app.store.policies import PolicyStore
from app.store.tenants import TenantStore
from app.usecases.closed_pages import secret_pages
from app.usecases.learn_site import human_labels
from app.usecases.ports import Confluence
from app.usecases.services import Services
from app.usecases.site import open_site
from app.usecases.vocabularies import vocabulary_of

#: A file's name, and what is in it.
Named = tuple[str, str]


async def read_file(
    services: Services, data: Named, vocabulary: Named | None
) -> list[Site]:
    """Return the sites of a data file, in the order in which they come there.

    Raises:
        MalformedPayload: A file is not what it should be.
    """
    name, text = data
    # Not by `splitlines`: JSON may hold other line separators inside a string.
    samples = await asyncio.to_thread(
        read_samples, name, text.split("\n"), services.read_page
    )
    if vocabulary is None:
        return by_source(samples)
    sources = {sample.source for sample in samples}
    return by_source(samples, read_vocabulary(*vocabulary, sources))


async def read_space(
    services: Services, space_key: str, tenant_id: str | None
) -> tuple[str, Site]:
    """Return a tenant and one of its spaces as it is now; nothing is written.

    What the app wrote itself and nobody has taken over is no person's label. Around
    the space the whole site is remembered, as in a run.

    Raises:
        NotFound: No such tenant or space, or no page there that people labelled.
    """
    tenant_id = await services.database.read(lambda s: _tenant(s, tenant_id))
    async with open_site(services, tenant_id) as (confluence, _, _):
        space = await _space(confluence, space_key)
        policy = await services.database.read(
            lambda s: PolicyStore(s).policy(tenant_id, space.id)
        )
        if policy.never_send:
            raise MalformedPayload("evaluation", "no AI may see that space")
        secret = await secret_pages(services, confluence, tenant_id, space.id, policy)
        labels = await human_labels(services.database, confluence, tenant_id, space.id)
        samples = [
            _sample(page, text, space, labels)
            async for page in confluence.space_pages(space.id)
            if page.id not in secret
            and not (text := await asyncio.to_thread(services.read_page, page)).is_empty
        ]
    if not any(sample.labels for sample in samples):
        raise NotFound(
            f"no page of {space_key} has text and a label that people put on"
        )
    site = Site.of(space.key, samples)
    remembered = await services.memories.of(tenant_id)
    if remembered.labels:
        labelled = remembered.labels | site.memory.labels
        memory = remembered.with_vocabulary(labelled)
        terms = await vocabulary_of(services, tenant_id, space.id)
        site = replace(site, memory=memory, vocabulary=terms)
    return tenant_id, site


def _tenant(session: Session, tenant_id: str | None) -> str:
    store = TenantStore(session)
    if tenant_id is not None:
        if store.get(tenant_id) is None:
            raise NotFound(f"no tenant {tenant_id}")
        return tenant_id
    active = [tenant.id for tenant in store.all() if tenant.is_active]
    if len(active) != 1:
        raise NotFound(f"{len(active)} sites use the app: name one with --tenant")
    return active[0]


async def _space(confluence: Confluence, key: str) -> Space:
    async for space in confluence.spaces():
        if space.key == key:
            return space
    raise NotFound(f"no space {key} on this site that the app may see")


def _sample(
    page: Page, text: PageText, space: Space, labels: Mapping[str, set[str]]
) -> Sample:
    return Sample(
        id=page.id,
        source=space.key,
        language=detect(f"{text.title}\n{text.text}"),
        text=text,
        labels=frozenset(labels.get(page.id, ())),
        parent_id=page.parent_id,
    )
