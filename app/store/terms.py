"""The vocabulary's terms: the site's, and what single spaces say differently."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.domain.vocabulary.terms import Term, TermPatch
from app.store.base import Base, db_time
from app.store.tables import TenantRow, TermRow

#: Where a term came from: people use it on the site, a person added it, a file, the AI.
Origin = Literal["site", "person", "import", "proposal"]

#: Names in one statement: databases take only so many.
_AT_ONCE = 500
_TERMS = Base.metadata.tables["terms"]
_SAID = (
    "description",
    "synonyms",
    "parent",
    "excluded",
    "manual_only",
    "min_confidence",
    "changed_at",
)


class TermStore:
    """Reads and writes terms; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def terms(self, tenant_id: str) -> Sequence[Term]:
        """Return the site's terms by name."""
        return [_term(row) for row in self._rows(tenant_id, "")]

    def patches(self, tenant_id: str, space_id: str) -> Sequence[TermPatch]:
        """Return what a space says differently, by name."""
        return [_patch(row) for row in self._rows(tenant_id, space_id)]

    def _rows(self, tenant_id: str, space_id: str) -> sa.Result[Any]:
        # Columns, no objects: thousands of them are read with every change.
        return self._session.execute(
            sa.select(
                TermRow.name,
                TermRow.description,
                TermRow.synonyms,
                TermRow.parent,
                TermRow.excluded,
                TermRow.manual_only,
                TermRow.min_confidence,
            )
            .where(TermRow.tenant_id == tenant_id, TermRow.space_id == space_id)
            .order_by(TermRow.name)
        )

    def version(self, tenant_id: str) -> int:
        """Return a number that grows with every change, whoever made it.

        Read before the terms: they are then at least as new as it says.
        """
        version = self._session.scalar(
            sa.select(TenantRow.vocabulary_version).where(TenantRow.id == tenant_id)
        )
        return version or 0

    def changed(self, tenant_id: str) -> None:
        """Count a change, and make other changes wait until the transaction ends."""
        self._session.execute(
            sa.update(TenantRow)
            .where(TenantRow.id == tenant_id)
            .values(vocabulary_version=TenantRow.vocabulary_version + 1)
            .execution_options(synchronize_session=False)
        )

    def known(self, tenant_id: str, names: Collection[str]) -> set[str]:
        """Return those of some names that are terms of the site, letter by letter."""
        found: set[str] = set()
        for some in _portions(sorted(names)):
            found.update(
                self._session.scalars(
                    sa.select(TermRow.name).where(
                        TermRow.tenant_id == tenant_id,
                        TermRow.space_id == "",
                        TermRow.name.in_(some),
                    )
                )
            )
        return found

    def synonyms(self, tenant_id: str) -> Sequence[str]:
        """Return every synonym of the site's terms."""
        rows = self._session.scalars(
            sa.select(TermRow.synonyms).where(
                TermRow.tenant_id == tenant_id,
                TermRow.space_id == "",
                # Most terms have none, and reading them all takes a while.
                sa.cast(TermRow.synonyms, sa.Text).not_in(["[]", "null"]),
            )
        )
        return [one for synonyms in rows for one in synonyms or ()]

    def origins(self, tenant_id: str, space_id: str) -> Mapping[str, Origin]:
        """Return where the terms of a place came from, by name."""
        rows = self._session.execute(
            sa.select(TermRow.name, TermRow.origin).where(
                TermRow.tenant_id == tenant_id, TermRow.space_id == space_id
            )
        )
        return {row.name: row.origin for row in rows}

    def speaking(self, tenant_id: str, names: Collection[str]) -> Sequence[str]:
        """Return the ids of the spaces that say something of any of these terms."""
        found: set[str] = set()
        for some in _portions(sorted(names)):
            found.update(
                self._session.scalars(
                    sa.select(TermRow.space_id)
                    .distinct()
                    .where(
                        TermRow.tenant_id == tenant_id,
                        TermRow.space_id != "",
                        TermRow.name.in_(some),
                    )
                )
            )
        return sorted(found)

    def put(self, tenant_id: str, term: Term, *, origin: Origin) -> None:
        """Write a term of the site, over the one of that name."""
        self._write([_row(tenant_id, "", term, origin)], over=(*_SAID, "origin"))
        self.changed(tenant_id)

    def put_patch(self, tenant_id: str, space_id: str, patch: TermPatch) -> None:
        """Write what a space says of a term."""
        self.put_all(tenant_id, space_id, [patch], origin="person")

    def put_all(
        self,
        tenant_id: str,
        space_id: str,
        terms: Iterable[Term | TermPatch],
        *,
        origin: Origin,
    ) -> None:
        """Write terms of the site, or what a space says of some.

        Those that are there keep their origin.
        """
        rows = [_row(tenant_id, space_id, term, origin) for term in terms]
        self._write(rows, over=_SAID)
        self.changed(tenant_id)

    def note(self, tenant_id: str, names: Collection[str], *, origin: Origin) -> int:
        """Add terms of which only the name is known; those that are there stay.

        Return how many are new.
        """
        rows = [_row(tenant_id, "", Term(name=name), origin) for name in sorted(names)]
        if not rows:
            return 0
        statement = self._insert().on_conflict_do_nothing().returning(_TERMS.c.name)
        added = len(self._session.execute(statement, rows).all())
        if added:
            self.changed(tenant_id)
        return added

    def remove(self, tenant_id: str, space_id: str, names: Iterable[str]) -> int:
        """Remove terms, or what a space says of them; return how many there were."""
        removed = 0
        for some in _portions(list(names)):
            gone = self._session.execute(
                sa.delete(TermRow)
                .where(
                    TermRow.tenant_id == tenant_id,
                    TermRow.space_id == space_id,
                    TermRow.name.in_(some),
                )
                .returning(TermRow.name)
                .execution_options(synchronize_session=False)
            )
            removed += len(gone.all())
        if removed:
            self.changed(tenant_id)
        return removed

    def _write(self, rows: Sequence[Mapping[str, Any]], *, over: Sequence[str]) -> None:
        if not rows:
            return
        insert = self._insert()
        self._session.execute(
            insert.on_conflict_do_update(
                index_elements=["tenant_id", "space_id", "name"],
                set_={name: insert.excluded[name] for name in over},
            ),
            rows,
        )

    def _insert(self) -> sqlite.Insert | postgresql.Insert:
        is_sqlite = self._session.get_bind().dialect.name == "sqlite"
        insert = (sqlite.insert if is_sqlite else postgresql.insert)(_TERMS)
        return insert.values(changed_at=db_time())


def _portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[at : at + _AT_ONCE] for at in range(0, len(names), _AT_ONCE))


def _row(
    tenant_id: str, space_id: str, term: Term | TermPatch, origin: Origin
) -> dict[str, Any]:
    synonyms = None if term.synonyms is None else list(term.synonyms)
    return {
        "tenant_id": tenant_id,
        "space_id": space_id,
        "name": term.name,
        "description": term.description,
        "synonyms": synonyms,
        "parent": term.parent,
        "excluded": term.excluded,
        "manual_only": term.manual_only,
        "min_confidence": term.min_confidence,
        "origin": origin,
    }


def _term(row: sa.Row[Any]) -> Term:
    return Term(
        name=row.name,
        description=row.description or "",
        synonyms=tuple(row.synonyms or ()),
        parent=row.parent,
        excluded=bool(row.excluded),
        manual_only=bool(row.manual_only),
        min_confidence=row.min_confidence,
    )


def _patch(row: sa.Row[Any]) -> TermPatch:
    return TermPatch(
        name=row.name,
        description=row.description,
        synonyms=None if row.synonyms is None else tuple(row.synonyms),
        parent=row.parent,
        excluded=row.excluded,
        manual_only=row.manual_only,
        min_confidence=row.min_confidence,
    )
