"""The one place that writes to a Confluence site.

Every path comes through `apply_plan`, and it asks again at that very moment: does
the tenant live, what does policy say, does the guard allow this place, is the page
still the version that the plan was made for?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.domain.byline import BYLINE_PROPERTY_KEY
from app.domain.modes import (
    AgentMode,
    Place,
    PolicyMode,
    WhitelistEntry,
    needs_ancestors,
    refusal,
)
from app.domain.pages import Page
from app.domain.plans import Plan
from app.errors import TenantInactive, VersionConflict
from app.store.ledger import LedgerStore
from app.store.policies import PolicyStore
from app.store.tenants import TenantStore
from app.usecases.ports import Confluence
from app.usecases.services import Services

#: A page read this recently is not asked for its version once more: the check costs
#: two points of a quota that all tenants share. See docs/decisions.
FRESH_FOR = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was really done.

    Attributes:
        added: Labels that now stand on the page because of this run.
        summary_written: Whether the content property was written.
        refused: Agent -> why it was not allowed to write (constant words).
    """

    added: tuple[str, ...] = ()
    summary_written: bool = False
    refused: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rights:
    policy: PolicyMode
    whitelist: Sequence[WhitelistEntry]
    space_key: str | None


async def apply_plan(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    *,
    page: Page,
    plan: Plan,
    byline: dict[str, Any] | None,
    read_at: datetime,
) -> Applied:
    """Carry a plan out as far as mode, policy and whitelist allow.

    Labels are noted as planned before they are sent: if this process dies in
    between, the next one knows them for ours.

    Raises:
        TenantInactive: It uninstalled meanwhile.
        VersionConflict: The page, or our property, changed since it was read.
    """
    rights = await services.database.read(lambda s: _rights(s, tenant_id, page))
    place = await _place(services, confluence, page, rights)
    refused: dict[str, str] = {}
    added: tuple[str, ...] = ()
    written = False
    to_add = plan.labels("add")
    wants_byline = byline is not None and _differs(page, byline)
    if to_add or wants_byline:
        await _check_version(services, confluence, page, read_at)
    if to_add and _allowed(
        "tagging", services.rules.tagging_mode, rights, place, refused
    ):
        added = await _add_labels(services, confluence, tenant_id, page, plan)
    if wants_byline and _allowed(
        "summary", services.rules.summary_mode, rights, place, refused
    ):
        await confluence.put_property(
            page.id,
            BYLINE_PROPERTY_KEY,
            byline,
            current=page.property(BYLINE_PROPERTY_KEY),
        )
        written = True
    return Applied(added=added, summary_written=written, refused=refused or None)


async def _add_labels(
    services: Services, confluence: Confluence, tenant_id: str, page: Page, plan: Plan
) -> tuple[str, ...]:
    names = plan.labels("add")
    items = [item for item in plan.items if item.action == "add"]
    await services.database.write(
        lambda s: LedgerStore(s).plan(tenant_id, page.id, items)
    )
    present = await confluence.add_labels(page.id, names)
    standing = {label.name for label in present}
    added = tuple(name for name in names if name in standing)
    services.metrics.labels_written.inc(len(added))
    return added


async def _check_version(
    services: Services, confluence: Confluence, page: Page, read_at: datetime
) -> None:
    if services.now() - read_at <= FRESH_FOR:
        return
    now = await confluence.get_page(page.id)
    if now.version != page.version:
        raise VersionConflict(
            "confluence", f"page moved on from version {page.version} to {now.version}"
        )


def _rights(session: Session, tenant_id: str, page: Page) -> _Rights:
    tenant = TenantStore(session).get(tenant_id)
    if tenant is None or not tenant.is_active:
        raise TenantInactive
    policies = PolicyStore(session)
    return _Rights(
        policy=policies.mode(tenant_id, page.space_id),
        whitelist=policies.whitelist(tenant_id),
        space_key=policies.space_key(tenant_id, page.space_id),
    )


async def _place(
    services: Services, confluence: Confluence, page: Page, rights: _Rights
) -> Place:
    modes = (services.rules.tagging_mode, services.rules.summary_mode)
    deep = any(needs_ancestors(mode, rights.whitelist) for mode in modes)
    return Place(
        page_id=page.id,
        space_id=page.space_id,
        space_key=rights.space_key,
        ancestor_ids=await confluence.ancestor_ids(page.id) if deep else (),
    )


def _allowed(
    agent: str, mode: AgentMode, rights: _Rights, place: Place, refused: dict[str, str]
) -> bool:
    reason = refusal(mode, rights.policy, place, rights.whitelist)
    if reason is not None:
        refused[agent] = reason
    return reason is None


def _differs(page: Page, byline: dict[str, Any]) -> bool:
    current = page.property(BYLINE_PROPERTY_KEY)
    if current is None:
        return bool(byline["summary"])
    return bool(current.value != byline)
