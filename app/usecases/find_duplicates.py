"""Proposes terms that are likely one label, and remembers which a person calls different."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.domain.vocabulary.duplicates import LOWEST, Group, duplicates
from app.errors import MalformedPayload, NotFound
from app.store.different_terms import DifferentTermsStore
from app.store.runs import RunStore
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant
from app.usecases.vocabularies import vocabulary_of


async def find_duplicates(
    services: Services, tenant_id: str, *, lowest: float = LOWEST
) -> Sequence[Group]:
    """Return groups of terms that are likely one label, surest first.

    Raises:
        NotFound: There is no such tenant.
    """

    def work(session: Session) -> frozenset[frozenset[str]]:
        require_tenant(session, tenant_id)
        return DifferentTermsStore(session).all(tenant_id)

    different = await services.database.read(work)
    vocabulary = await vocabulary_of(services, tenant_id, "")
    memory = await services.memories.of(tenant_id)
    return await asyncio.to_thread(
        duplicates,
        vocabulary.terms.values(),
        memory,
        different=different,
        lowest=lowest,
    )


async def call_different(
    services: Services,
    tenant_id: str,
    one: str,
    other: str,
    *,
    by: str,
    after_all: bool = False,
) -> None:
    """Remember that two terms are different, or forget it (`after_all`).

    Raises:
        NotFound: A name is neither a term nor a label of the site; nobody had said so.
        MalformedPayload: They are one name.
    """
    await services.database.read(lambda s: require_tenant(s, tenant_id))
    vocabulary = await vocabulary_of(services, tenant_id, "")
    memory = await services.memories.of(tenant_id)
    if one == other:
        raise MalformedPayload("pair", f"{one!r} is no pair")
    known = vocabulary.terms.keys() | memory.counts.keys()
    if not after_all and (strangers := sorted({one, other} - known)):
        raise NotFound(f"no such term: {', '.join(map(repr, strangers))}")

    def work(session: Session) -> None:
        store = DifferentTermsStore(session)
        if not after_all:
            store.add(tenant_id, one, other, by=by)
        elif not store.remove(tenant_id, one, other):
            raise NotFound("nobody has called these two different")
        RunStore(session).audit(
            tenant_id,
            actor=by,
            action="terms_called_alike" if after_all else "terms_called_different",
            after={"terms": sorted((one, other))},
        )

    await services.database.write(work)
