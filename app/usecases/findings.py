"""What would make pages better, as people read it; and what they wave aside."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.domain.advice.findings import FindingKind, FindingState
from app.store.findings import OPEN, FindingFilter, FindingStore, StoredFinding
from app.store.policies import PolicyStore
from app.store.runs import RunStore
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant

Row = Mapping[str, Any]


async def list_findings(
    services: Services,
    tenant_id: str,
    *,
    space_key: str | None = None,
    kind: FindingKind | None = None,
    severity: int | None = None,
    states: Collection[FindingState] | None = OPEN,
    limit: int,
) -> list[Row]:
    """Return findings of a site, severest first.

    Raises:
        NotFound: There is no such tenant or space.
    """

    def work(session: Session) -> list[Row]:
        require_tenant(session, tenant_id)
        space_id = None
        if space_key is not None:
            space_id = PolicyStore(session).space_named(tenant_id, space_key)
        found = FindingStore(session, services.cipher).findings(
            tenant_id,
            FindingFilter(
                space_id=space_id, kind=kind, severity=severity, states=states
            ),
            limit=limit,
        )
        return [_row(one) for one in found]

    return await services.database.read(work)


async def page_findings(services: Services, tenant_id: str, page_id: str) -> list[Row]:
    """Return all that was found on a page, in whatever state.

    Raises:
        NotFound: There is no such tenant.
    """

    def work(session: Session) -> list[Row]:
        require_tenant(session, tenant_id)
        found = FindingStore(session, services.cipher).findings(
            tenant_id, FindingFilter(page_id=page_id, states=None)
        )
        return [_row(one) for one in found]

    return await services.database.read(work)


async def dismiss(
    services: Services, tenant_id: str, page_id: str, key: str, *, by: str
) -> Row:
    """Wave a finding aside until the passage that shows it reads differently.

    Our comment on the page loses it when recommendations are made for the page again.

    Raises:
        NotFound: The page has no such finding.
    """

    def work(session: Session) -> Row:
        found = FindingStore(session, services.cipher).dismiss(tenant_id, page_id, key)
        RunStore(session).audit(
            tenant_id,
            actor=by,
            action="finding_dismissed",
            page_id=page_id,
            after={"key": key, "kind": found.advised.finding.kind},
        )
        return _row(found)

    return await services.database.write(work)


def _row(one: StoredFinding) -> Row:
    finding = one.advised.finding
    return {
        "page": one.page_id,
        "title": one.page_title,
        "key": one.key,
        "kind": finding.kind,
        "severity": finding.severity,
        "state": one.state,
        "section": finding.heading,
        "passage": finding.passage,
        "advice": one.advised.advice,
        "found_at": one.found_at.isoformat(timespec="seconds"),
    }
