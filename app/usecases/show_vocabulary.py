"""The vocabulary as people and scripts read it: what holds, whose word it is, its use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from app.domain.vocabulary.editing import Layer
from app.domain.vocabulary.saying import told
from app.domain.vocabulary.terms import Term, Vocabulary
from app.errors import NotFound
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.store.terms import TermStore
from app.usecases.edit_vocabulary import Place, open_place
from app.usecases.services import Services

Row = Mapping[str, Any]


async def list_terms(services: Services, place: Place) -> list[Row]:
    """Return the terms that hold in a place, by name.

    Each tells on how many pages of the site people put it, and on how many we did.

    Raises:
        NotFound: There is no such tenant or space.
    """
    await open_place(services, place)
    return await services.database.read(lambda s: _rows(s, place))


async def show_term(services: Services, place: Place, name: str) -> Row:
    """Return a term by its name, another spelling of it, or a synonym.

    Raises:
        NotFound: There is no such tenant, space or term.
    """

    def work(session: Session) -> Row:
        terms = place.layer(session).terms
        known = Vocabulary.build(terms.values()).canonical(name)
        if known is None:
            raise NotFound(f"no term {name[:80]}")
        row = next(one for one in _rows(session, place) if one["term"] == known)
        below = sorted(one.name for one in terms.values() if one.parent == known)
        return {**row, "children": below}

    await open_place(services, place)
    return await services.database.read(work)


def _rows(session: Session, place: Place) -> list[Row]:
    tenant_id, layer = place.tenant_id, place.layer(session)
    people = MemoryStore(session).labels(tenant_id)
    ours = LedgerStore(session).counts(tenant_id)
    store = TermStore(session)
    origins = store.origins(tenant_id, "")
    if layer.below is not None:
        origins = {**store.origins(tenant_id, place.space_id(session)), **origins}
    rows: list[Row] = []
    for name, term in sorted(layer.terms.items()):
        row = {
            **_told(term),
            "origin": origins[name],
            "people": people[name],
            "ours": ours[name],
        }
        if layer.below is not None:
            row["said_here"] = _said_here(layer, name)
        rows.append(row)
    return rows


def _said_here(layer: Layer, name: str) -> list[str]:
    """Return of what of a term the space speaks: fields, or its very name."""
    if name not in layer.here:
        return []
    return sorted(told(layer.here[name])) or ["name"]


def _told(term: Term) -> dict[str, Any]:
    row = asdict(term)
    return {"term": row.pop("name"), **row, "synonyms": list(term.synonyms)}
