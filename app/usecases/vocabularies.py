"""The vocabulary that holds in a space, and how it grows with the site."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy.orm import Session

from app.domain.vocabulary.terms import Vocabulary, fold
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.store.refusals import RefusalStore
from app.store.terms import TermStore
from app.usecases.services import Services

#: Vocabularies kept in a process; a big one takes some two megabytes.
_KEPT = 64


async def vocabulary_of(
    services: Services, tenant_id: str, space_id: str
) -> Vocabulary:
    """Return the terms that hold in a space, the site's with the space's over them.

    A site that was never asked which labels it means has those that its people use.
    """
    kept = services.vocabularies.get((tenant_id, space_id))
    known, found = await services.database.read(
        lambda s: _read(s, tenant_id, space_id, kept)
    )
    if not found.terms:
        await services.database.write(_seeding(tenant_id))
        known, found = await services.database.read(
            lambda s: _read(s, tenant_id, space_id, None)
        )
    services.vocabularies.pop((tenant_id, space_id), None)
    while len(services.vocabularies) >= _KEPT:
        del services.vocabularies[next(iter(services.vocabularies))]
    services.vocabularies[tenant_id, space_id] = (known, found)
    return found


def vocabulary_in(
    session: Session, services: Services, tenant_id: str, space_id: str
) -> Vocabulary:
    """Return the terms that hold in a space, from within a transaction."""
    kept = services.vocabularies.get((tenant_id, space_id))
    return _read(session, tenant_id, space_id, kept)[1]


def _read(
    session: Session,
    tenant_id: str,
    space_id: str,
    kept: tuple[object, Vocabulary] | None,
) -> tuple[object, Vocabulary]:
    """Return what tells whether a vocabulary has changed, and the vocabulary."""
    store = TermStore(session)
    openness = PolicyStore(session).policy(tenant_id, space_id).openness
    known = (store.version(tenant_id), openness)
    if kept is not None and kept[0] == known:
        return kept
    vocabulary = Vocabulary.build(
        store.terms(tenant_id),
        store.patches(tenant_id, space_id) if space_id else (),
        openness=openness,
        refused=RefusalStore(session).all(tenant_id) if openness == "open" else (),
    )
    return known, vocabulary


def _seeding(tenant_id: str) -> Callable[[Session], int]:
    return lambda session: seed(session, tenant_id)


def seed(session: Session, tenant_id: str) -> int:
    """Add a term for every label that people use on the site; return how many are new.

    Labels that stand there only because of us are not among them.
    """
    used = MemoryStore(session).labels(tenant_id)
    return _note(session, tenant_id, used)


def note_people_labels(
    session: Session, tenant_id: str, labels: Collection[str]
) -> None:
    """Add labels that people have just used: the vocabulary grows with the site."""
    if labels:
        _note(session, tenant_id, labels)


def _note(session: Session, tenant_id: str, labels: Collection[str]) -> int:
    """Add labels as terms, but for synonyms of terms and for what a person removed."""
    store = TermStore(session)
    new = set(labels) - store.known(tenant_id, labels)
    new -= RefusalStore(session).of(tenant_id, new)
    if not new:
        return 0
    taken = set(map(fold, store.synonyms(tenant_id)))
    wanted = [one for one in new if fold(one) not in taken]
    return store.note(tenant_id, wanted, origin="site")


def adopt_written(
    session: Session, tenant_id: str, space_id: str, labels: Collection[str]
) -> None:
    """Add labels that were just written and are no terms yet.

    Only an open vocabulary lets such names be written; from then on they are terms that
    people can see and steer.
    """
    if (
        not labels
        or PolicyStore(session).policy(tenant_id, space_id).openness != "open"
    ):
        return
    own = {one.name for one in TermStore(session).patches(tenant_id, space_id)}
    wanted = set(labels) - own - RefusalStore(session).of(tenant_id, labels)
    TermStore(session).note(tenant_id, wanted, origin="proposal")
