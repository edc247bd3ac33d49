"""What would make pages better, as it stands now: open, fixed, or waved aside."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.advice.findings import Finding, FindingKind, FindingState
from app.domain.advice.told import Advised
from app.errors import NotFound
from app.store.base import db_time
from app.store.encryption import Cipher
from app.store.tables import FindingRow

#: Page ids in one statement: databases take only so many.
_AT_ONCE = 500

OPEN: frozenset[FindingState] = frozenset({"open"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinding:
    """A finding with what has become of it.

    Attributes:
        found_at: When it was first seen, or came back.
        changed_at: When its words or its state last changed.
    """

    page_id: str
    space_id: str
    key: str
    state: FindingState
    advised: Advised
    page_title: str = field(repr=False)
    found_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFilter:
    """Which findings of a tenant are meant; what is None does not narrow.

    Attributes:
        severity: Of this severity or more.
    """

    page_id: str | None = None
    space_id: str | None = None
    kind: FindingKind | None = None
    severity: int | None = None
    states: Collection[FindingState] | None = OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a page found.

    Attributes:
        leaving: Signals that the look could not judge: these stay as they were.
    """

    page_id: str
    space_id: str
    title: str = field(repr=False)
    found: Sequence[Advised] = field(repr=False)
    leaving: Collection[str] = frozenset()


class FindingStore:
    """Reads and writes findings; commits nothing."""

    def __init__(self, session: Session, cipher: Cipher) -> None:
        self._session = session
        self._cipher = cipher

    def keep(self, tenant_id: str, look: Look) -> None:
        """Keep what a look at a page found.

        What is found no more is fixed. What a person waved aside stays so until the
        passage that shows it reads differently.
        """
        known = {row.key: row for row in self._rows(tenant_id, look.page_id)}
        for one in look.found:
            row = known.pop(one.finding.key, None)
            if row is None:
                self._session.add(self._row(tenant_id, look, one))
            else:
                self._renew(row, look, one)
        for row in known.values():
            signal = self._detail(row)["finding"]["signal"]
            if row.state == "open" and signal not in look.leaving:
                row.state, row.changed_at = "fixed", db_time()
        self._session.flush()

    def findings(
        self,
        tenant_id: str,
        which: FindingFilter,
        *,
        limit: int | None = None,
    ) -> Sequence[StoredFinding]:
        """Return findings severest first, page by page."""
        query = sa.select(FindingRow).where(
            FindingRow.tenant_id == tenant_id, *_narrowed(which)
        )
        rows = self._session.scalars(
            query.order_by(
                FindingRow.severity.desc(), FindingRow.page_id, FindingRow.key
            ).limit(limit)
        )
        return [self._stored(row) for row in rows]

    def dismiss(self, tenant_id: str, page_id: str, key: str) -> StoredFinding:
        """Wave a finding aside; one that is fixed, or was waved aside, may be as well.

        Raises:
            NotFound: The page has no such finding.
        """
        row = self._session.get(FindingRow, (tenant_id, page_id, key))
        if row is None:
            raise NotFound(f"there is no finding {key} on page {page_id}")
        if row.state != "dismissed":
            row.state, row.changed_at = "dismissed", db_time()
            self._session.flush()
        return self._stored(row)

    def _rows(self, tenant_id: str, page_id: str) -> Sequence[FindingRow]:
        return self._session.scalars(
            sa.select(FindingRow)
            .where(FindingRow.tenant_id == tenant_id, FindingRow.page_id == page_id)
            .order_by(FindingRow.key)
            .with_for_update()
        ).all()

    def _row(self, tenant_id: str, look: Look, one: Advised) -> FindingRow:
        return FindingRow(
            tenant_id=tenant_id,
            page_id=look.page_id,
            key=one.finding.key,
            space_id=look.space_id,
            kind=one.finding.kind,
            severity=one.finding.severity,
            state="open",
            sealed_detail=self._sealed(look, one),
            found_at=db_time(),
            changed_at=db_time(),
        )

    def _renew(self, row: FindingRow, look: Look, one: Advised) -> None:
        before = self._detail(row)
        reads_differently = before["finding"]["passage"] != one.finding.passage
        comes_back = row.state == "fixed"
        if row.state == "dismissed" and not reads_differently:
            return
        row.space_id, row.severity = look.space_id, one.finding.severity
        if comes_back or row.state == "dismissed":
            row.state, row.found_at, row.changed_at = "open", db_time(), db_time()
        elif before != self._plain(look, one):
            row.changed_at = db_time()
        row.sealed_detail = self._sealed(look, one)

    def _plain(self, look: Look, one: Advised) -> dict[str, Any]:
        return {
            "title": look.title,
            "advice": one.advice,
            "finding": {**asdict(one.finding), "facts": dict(one.finding.facts)},
        }

    def _sealed(self, look: Look, one: Advised) -> str:
        return self._cipher.seal(json.dumps(self._plain(look, one)))

    def _detail(self, row: FindingRow) -> dict[str, Any]:
        detail: dict[str, Any] = json.loads(self._cipher.open(row.sealed_detail))
        return detail

    def _stored(self, row: FindingRow) -> StoredFinding:
        detail = self._detail(row)
        return StoredFinding(
            page_id=row.page_id,
            space_id=row.space_id,
            key=row.key,
            state=row.state,  # type: ignore[arg-type]
            advised=Advised(
                finding=Finding(**detail["finding"]), advice=detail["advice"]
            ),
            page_title=detail["title"],
            found_at=row.found_at,
            changed_at=row.changed_at,
        )


def forget_findings(
    session: Session, tenant_id: str, page_ids: Collection[str]
) -> None:
    """Delete all that was found on pages that are gone, or out of the app's sight."""
    wanted = sorted(page_ids)
    for at in range(0, len(wanted), _AT_ONCE):
        session.execute(
            sa.delete(FindingRow)
            .where(
                FindingRow.tenant_id == tenant_id,
                FindingRow.page_id.in_(wanted[at : at + _AT_ONCE]),
            )
            .execution_options(synchronize_session=False)
        )


def _narrowed(which: FindingFilter) -> list[sa.ColumnElement[bool]]:
    """Return what narrows a query to the findings that are meant."""
    among: list[sa.ColumnElement[bool]] = []
    if which.page_id is not None:
        among.append(FindingRow.page_id == which.page_id)
    if which.space_id is not None:
        among.append(FindingRow.space_id == which.space_id)
    if which.kind is not None:
        among.append(FindingRow.kind == which.kind)
    if which.severity is not None:
        among.append(FindingRow.severity >= which.severity)
    if which.states is not None:
        among.append(FindingRow.state.in_(which.states))
    return among
