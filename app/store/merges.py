"""What merging labels touches: terms with their spaces' words, pages, tombstones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.store.base import Base
from app.store.tables import LedgerRow, PageMemoryRow, PlanRow, TermRow

#: Values in one statement: databases take only so many.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidOfTerm:
    """A term of the site, or what a space says of it, with where it came from."""

    space_id: str
    name: str
    description: str | None
    synonyms: list[str] | None
    parent: str | None
    excluded: bool | None
    manual_only: bool | None
    min_confidence: float | None
    origin: str

    def as_json(self) -> dict[str, Any]:
        """Return it as a plan keeps it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePlace:
    """Where a page stood, and its title, when it was last read."""

    space_id: str = ""
    title: str = ""


#: Of pages that nobody has read yet.
NOWHERE = PagePlace()


class MergeStore:
    """Reads what a merge has to know, and notes in its plan what it did to terms."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def said(self, tenant_id: str, names: Collection[str]) -> Sequence[SaidOfTerm]:
        """Return all that the site and its spaces say of terms, the site's first."""
        rows = self._session.scalars(
            sa.select(TermRow)
            .where(TermRow.tenant_id == tenant_id, TermRow.name.in_(names))
            .order_by(TermRow.space_id, TermRow.name)
        )
        return [_said(row) for row in rows]

    def children(
        self, tenant_id: str, parents: Collection[str]
    ) -> Sequence[SaidOfTerm]:
        """Return the terms of the site right below others."""
        rows = self._session.scalars(
            sa.select(TermRow)
            .where(
                TermRow.tenant_id == tenant_id,
                TermRow.space_id == "",
                TermRow.parent.in_(parents),
            )
            .order_by(TermRow.name)
        )
        return [_said(row) for row in rows]

    def buried(self, tenant_id: str, labels: Collection[str]) -> set[str]:
        """Return the pages that a person took one of these labels off."""
        return set(
            self._session.scalars(
                sa.select(LedgerRow.page_id).where(
                    LedgerRow.tenant_id == tenant_id,
                    LedgerRow.kind == "label",
                    LedgerRow.state == "withdrawn",
                    LedgerRow.value.in_(labels),
                )
            )
        )

    def places(
        self, tenant_id: str, page_ids: Sequence[str]
    ) -> Mapping[str, PagePlace]:
        """Return where remembered pages stand."""
        found: dict[str, PagePlace] = {}
        for some in _portions(page_ids):
            rows = self._session.execute(
                sa.select(
                    PageMemoryRow.page_id, PageMemoryRow.space_id, PageMemoryRow.title
                ).where(
                    PageMemoryRow.tenant_id == tenant_id,
                    PageMemoryRow.page_id.in_(some),
                )
            )
            for row in rows:
                found[row.page_id] = PagePlace(space_id=row.space_id, title=row.title)
        return found

    def note_pages(
        self, tenant_id: str, plan_id: int, outcomes: Mapping[str, str]
    ) -> None:
        """Write down what pages of a plan came to, by page id."""
        rows = [
            {
                "tenant_id": tenant_id,
                "plan_id": plan_id,
                "page_id": page_id,
                "outcome": outcome,
            }
            for page_id, outcome in outcomes.items()
        ]
        self._session.execute(sa.insert(_PLANNED_PAGES), rows)

    def note(self, tenant_id: str, plan_id: int, selection: Mapping[str, Any]) -> None:
        """Write down what a plan did to terms, beside what it is about."""
        self._session.execute(
            sa.update(PlanRow)
            .where(PlanRow.tenant_id == tenant_id, PlanRow.id == plan_id)
            .values(selection=dict(selection))
            .execution_options(synchronize_session=False)
        )
        self._session.expire_all()


_PLANNED_PAGES = Base.metadata.tables["planned_pages"]


def _portions(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE))


def _said(row: TermRow) -> SaidOfTerm:
    return SaidOfTerm(
        **{name: getattr(row, name) for name in SaidOfTerm.__dataclass_fields__}
    )
