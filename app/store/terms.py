"""The vocabulary's terms: the site's, and what single spaces say differently."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.domain.vocabulary.terms import Term, TermPatch
from app.store.base import db_time
from app.store.tables import TermRow

#: Where a term came from: people use it on the site, a person added it, a file, the AI.
Origin = Literal["site", "person", "import", "proposal"]


class TermStore:
    """Reads and writes terms; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def terms(self, tenant_id: str) -> Sequence[Term]:
        """Return the site's terms by name."""
        rows = self._session.scalars(
            sa.select(TermRow)
            .where(TermRow.tenant_id == tenant_id, TermRow.space_id == "")
            .order_by(TermRow.name)
        )
        return [_term(row) for row in rows]

    def patches(self, tenant_id: str, space_id: str) -> Sequence[TermPatch]:
        """Return what a space says differently, by name."""
        rows = self._session.scalars(
            sa.select(TermRow)
            .where(TermRow.tenant_id == tenant_id, TermRow.space_id == space_id)
            .order_by(TermRow.name)
        )
        return [_patch(row) for row in rows]

    def version(self, tenant_id: str) -> tuple[int, object]:
        """Return what changes with every change of any term of a tenant."""
        row = self._session.execute(
            sa.select(
                sa.func.count().label("number"),
                sa.func.max(TermRow.changed_at).label("latest"),
            ).where(TermRow.tenant_id == tenant_id)
        ).one()
        return row.number, row.latest

    def put(self, tenant_id: str, term: Term, *, origin: Origin) -> None:
        """Write a term of the site, over the one of that name."""
        self._session.merge(
            TermRow(
                tenant_id=tenant_id,
                space_id="",
                name=term.name,
                description=term.description,
                synonyms=list(term.synonyms),
                parent=term.parent,
                excluded=term.excluded,
                manual_only=term.manual_only,
                min_confidence=term.min_confidence,
                origin=origin,
                changed_at=db_time(),
            )
        )

    def put_patch(self, tenant_id: str, space_id: str, patch: TermPatch) -> None:
        """Write what a space says of a term."""
        synonyms = None if patch.synonyms is None else list(patch.synonyms)
        self._session.merge(
            TermRow(
                tenant_id=tenant_id,
                space_id=space_id,
                name=patch.name,
                description=patch.description,
                synonyms=synonyms,
                parent=patch.parent,
                excluded=patch.excluded,
                manual_only=patch.manual_only,
                min_confidence=patch.min_confidence,
                origin="person",
                changed_at=db_time(),
            )
        )

    def note(self, tenant_id: str, names: Collection[str], *, origin: Origin) -> int:
        """Add terms of which only the name is known; those that are there stay.

        Return how many are new.
        """
        rows = [
            {
                "tenant_id": tenant_id,
                "space_id": "",
                "name": name,
                "description": "",
                "synonyms": [],
                "excluded": False,
                "manual_only": False,
                "origin": origin,
                "changed_at": db_time(),
            }
            for name in sorted(names)
        ]
        is_sqlite = self._session.get_bind().dialect.name == "sqlite"
        insert = sqlite.insert if is_sqlite else postgresql.insert
        added = 0
        for row in rows:
            found = self._session.execute(
                insert(TermRow)
                .values(**row)
                .on_conflict_do_nothing()
                .returning(TermRow.name)
            )
            added += found.first() is not None
        return added

    def remove(self, tenant_id: str, space_id: str, names: Iterable[str]) -> int:
        """Remove terms, or what a space says of them; return how many there were."""
        removed = self._session.execute(
            sa.delete(TermRow)
            .where(
                TermRow.tenant_id == tenant_id,
                TermRow.space_id == space_id,
                TermRow.name.in_(list(names)),
            )
            .returning(TermRow.name)
            .execution_options(synchronize_session=False)
        )
        return len(removed.all())


def _term(row: TermRow) -> Term:
    return Term(
        name=row.name,
        description=row.description or "",
        synonyms=tuple(row.synonyms or ()),
        parent=row.parent,
        excluded=bool(row.excluded),
        manual_only=bool(row.manual_only),
        min_confidence=row.min_confidence,
    )


def _patch(row: TermRow) -> TermPatch:
    return TermPatch(
        name=row.name,
        description=row.description,
        synonyms=None if row.synonyms is None else tuple(row.synonyms),
        parent=row.parent,
        excluded=row.excluded,
        manual_only=row.manual_only,
        min_confidence=row.min_confidence,
    )
