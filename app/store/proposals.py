"""The queue of names that the AI proposes and the vocabulary lacks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.completions import LabelChoice
from app.domain.vocabulary.terms import fold
from app.errors import Conflict, NotFound
from app.store.base import db_time
from app.store.encryption import Cipher
from app.store.tables import ProposalRow

#: Proposals of a tenant that wait at most; the rarest, and of them the oldest, go first.
MOST_WAITING = 5_000
#: Pages that a proposal remembers.
_PAGES = 5

#: What a person says of a proposal.
Verdict = Literal["accepted", "mapped", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A name that waits, or was decided on.

    Attributes:
        count: On how many pages it was proposed.
        pages: The latest few of them, newest first.
        evidence: The passage of the latest that speaks for it.
    """

    key: str
    name: str
    state: str
    count: int
    pages: tuple[str, ...]
    evidence: str
    mapped_to: str | None
    seen_at: datetime


class ProposalStore:
    """Reads and writes proposals; commits nothing."""

    def __init__(
        self, session: Session, cipher: Cipher, *, most: int = MOST_WAITING
    ) -> None:
        self._session = session
        self._cipher = cipher
        self._most = most

    def note(
        self, tenant_id: str, page_id: str, proposed: Collection[LabelChoice]
    ) -> None:
        """Count names that were proposed for a page; those rejected for good stay so.

        A page that proposes the same again, under whatever spelling, counts once.
        """
        wanted = {fold(one.name): one for one in proposed}
        if not wanted:
            return
        # In one order and locked: two pages that propose the same both count.
        rows = self._session.scalars(
            sa.select(ProposalRow)
            .where(
                ProposalRow.tenant_id == tenant_id,
                ProposalRow.key.in_(sorted(wanted)),
            )
            .order_by(ProposalRow.key)
            .with_for_update()
        )
        known = {row.key: row for row in rows}
        for key, one in sorted(wanted.items()):
            row = known.get(key)
            if row is None:
                row = ProposalRow(
                    tenant_id=tenant_id, key=key, name=one.name, pages=[], count=0
                )
                self._session.add(row)
            if row.state != "rejected":
                self._count(row, page_id, one)
        self._session.flush()
        if len(known) < len(wanted):
            self._drop_rarest(tenant_id)

    def waiting(self, tenant_id: str, *, at_least: int = 1) -> Sequence[Proposal]:
        """Return what waits for a person, most proposed first."""
        rows = self._session.scalars(
            sa.select(ProposalRow)
            .where(
                ProposalRow.tenant_id == tenant_id,
                ProposalRow.state == "waiting",
                ProposalRow.count >= at_least,
            )
            .order_by(
                ProposalRow.count.desc(), ProposalRow.seen_at.desc(), ProposalRow.key
            )
        )
        return [self._value(row) for row in rows]

    def decide(
        self,
        tenant_id: str,
        name: str,
        verdict: Verdict,
        *,
        by: str,
        mapped_to: str | None = None,
    ) -> Proposal:
        """Decide on a proposal that waits; return it as it is then.

        Raises:
            NotFound: It was never proposed.
            Conflict: Somebody was faster.
        """
        row = self._session.scalar(
            sa.select(ProposalRow)
            .where(ProposalRow.tenant_id == tenant_id, ProposalRow.key == fold(name))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if row is None:
            raise NotFound(f"{name[:80]}: nobody proposed it")
        if row.state != "waiting":
            to = f" to {row.mapped_to}" if row.mapped_to else ""
            raise Conflict(f"{row.name}: is {row.state}{to} already ({row.decided_by})")
        row.state = verdict
        row.mapped_to = mapped_to
        row.decided_by = by
        row.decided_at = db_time()
        # It has done its part; a page's words are not kept for longer than needed.
        row.sealed_evidence = None
        self._session.flush()
        return self._value(row)

    def _count(self, row: ProposalRow, page_id: str, one: LabelChoice) -> None:
        others = [known for known in row.pages if known != page_id]
        if len(others) == len(row.pages):
            row.count += 1
        row.pages = [page_id, *others][:_PAGES]
        row.state, row.mapped_to = "waiting", None
        row.decided_by = row.decided_at = None
        row.sealed_evidence = self._cipher.seal(one.evidence)
        row.seen_at = db_time()

    def _drop_rarest(self, tenant_id: str) -> None:
        count = self._session.scalar(
            sa.select(sa.func.count())
            .select_from(ProposalRow)
            .where(ProposalRow.tenant_id == tenant_id, ProposalRow.state == "waiting")
        )
        excess = (count or 0) - self._most
        if excess <= 0:
            return
        rarest = (
            sa.select(ProposalRow.key)
            .where(ProposalRow.tenant_id == tenant_id, ProposalRow.state == "waiting")
            .order_by(ProposalRow.count, ProposalRow.seen_at, ProposalRow.key)
            .limit(excess)
        )
        self._session.execute(
            sa.delete(ProposalRow)
            .where(ProposalRow.tenant_id == tenant_id, ProposalRow.key.in_(rarest))
            .execution_options(synchronize_session=False)
        )

    def _value(self, row: ProposalRow) -> Proposal:
        box = row.sealed_evidence
        return Proposal(
            key=row.key,
            name=row.name,
            state=row.state,
            count=row.count,
            pages=tuple(row.pages),
            evidence=self._cipher.open(box) if box else "",
            mapped_to=row.mapped_to,
            seen_at=row.seen_at,
        )
