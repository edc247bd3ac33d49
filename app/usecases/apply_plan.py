"""The one place that writes to a Confluence site.

Every path comes through `apply_plan`, and it asks again at that very moment: does
the tenant live, what does policy say, does the guard allow this place, is the page
still the version that the plan was made for?
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
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
from app.errors import (
    AccessChanged,
    AppError,
    TenantInactive,
    Unavailable,
    VersionConflict,
)
from app.store.ledger import LedgerStore
from app.store.policies import PolicyStore
from app.store.tenants import TenantStore
from app.usecases.ports import Confluence
from app.usecases.services import Services

#: Labels that stand on the page -> value of its content property.
Describe = Callable[[Collection[str]], dict[str, Any]]

#: A page read this recently is not asked for its version once more: the check costs
#: two points of a quota that all tenants share. See docs/decisions.
FRESH_FOR = timedelta(seconds=10)


@dataclass(slots=True, kw_only=True)
class Applied:
    """What was really done; filled step by step, so that a failure midway tells it.

    Attributes:
        added: Labels that now stand on the page because of this run.
        summary_written: Whether the content property was written.
        refused: Agent -> why it was not allowed to write (constant words).
    """

    added: tuple[str, ...] = ()
    summary_written: bool = False
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def anything(self) -> bool:
        """Whether the site was changed."""
        return bool(self.added) or self.summary_written


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rights:
    policy: PolicyMode
    whitelist: Sequence[WhitelistEntry]
    place: Place

    def allow(self, agent: str, mode: AgentMode, applied: Applied) -> bool:
        """Whether an agent may write there; a refusal is told in `applied`."""
        reason = refusal(mode, self.policy, self.place, self.whitelist)
        if reason is not None:
            applied.refused[agent] = reason
        return reason is None


async def apply_plan(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    *,
    page: Page,
    plan: Plan,
    describe: Describe,
    read_at: datetime,
    applied: Applied,
) -> None:
    """Carry a plan out as far as mode, policy and whitelist allow.

    Labels are noted as planned before they are sent: if this process dies in
    between, the next one knows them for ours.

    Args:
        services: The bundle.
        confluence: The tenant's site.
        tenant_id: The tenant.
        page: The page as it was read.
        plan: What to do with its labels.
        describe: What its content property says, by the labels that stand there.
        read_at: When the page was read.
        applied: Is told what was done, even where this raises halfway.

    Raises:
        TenantInactive: It uninstalled meanwhile.
        VersionConflict: The page, or our property, changed since it was read.
    """
    on_page = {label.name for label in page.labels or ()}
    to_add = plan.labels("add")
    if not to_add and not _differs(page, describe(on_page)):
        return
    rights = await _rights(services, confluence, tenant_id, page)
    rules = services.rules
    labels = bool(to_add) and rights.allow("tagging", rules.tagging_mode, applied)
    summary = rights.allow("summary", rules.summary_mode, applied)
    if labels or summary:
        await _check_version(services, confluence, page, read_at)
    if labels:
        applied.added = await _add_labels(services, confluence, tenant_id, page, plan)
    byline = describe(on_page | set(applied.added))
    if summary and _differs(page, byline):
        current = page.property(BYLINE_PROPERTY_KEY)
        await confluence.put_property(
            page.id, BYLINE_PROPERTY_KEY, byline, current=current
        )
        applied.summary_written = True


async def _add_labels(
    services: Services, confluence: Confluence, tenant_id: str, page: Page, plan: Plan
) -> tuple[str, ...]:
    items = [item for item in plan.items if item.action == "add"]
    kept = await services.database.write(
        lambda s: LedgerStore(s).plan(tenant_id, page.id, items)
    )
    names = [item.label for item in items if item.label in kept]
    if not names:
        return ()
    try:
        present = await confluence.add_labels(page.id, names)
    except Unavailable:
        # It may have been done: the next reading of the page will tell.
        raise
    except AppError:
        # A plain no: nothing was written, and a person who puts one of these there
        # later must not find it taken for ours.
        await services.database.write(
            lambda s: LedgerStore(s).take_back(tenant_id, page.id, names)
        )
        raise
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


async def _rights(
    services: Services, confluence: Confluence, tenant_id: str, page: Page
) -> _Rights:
    """Gather what decides; asks the site only for what the whitelist speaks of."""

    def look_up(
        session: Session,
    ) -> tuple[PolicyMode, Sequence[WhitelistEntry], str | None]:
        tenant = TenantStore(session).get(tenant_id)
        if tenant is None:
            raise AccessChanged
        if not tenant.is_active:
            raise TenantInactive
        policies = PolicyStore(session)
        return (
            policies.mode(tenant_id, page.space_id),
            policies.whitelist(tenant_id),
            policies.space_key(tenant_id, page.space_id),
        )

    policy, whitelist, space_key = await services.database.read(look_up)
    modes = (services.rules.tagging_mode, services.rules.summary_mode)
    if space_key is None and "SAFE_TEST" in modes and policy == "auto":
        space = await confluence.get_space(page.space_id)
        await services.database.write(
            lambda s: PolicyStore(s).keep_space(tenant_id, space)
        )
        space_key = space.key
    deep = any(needs_ancestors(mode, whitelist) for mode in modes)
    place = Place(
        page_id=page.id,
        space_id=page.space_id,
        space_key=space_key,
        ancestor_ids=await confluence.ancestor_ids(page.id) if deep else (),
    )
    return _Rights(policy=policy, whitelist=whitelist, place=place)


def _differs(page: Page, byline: dict[str, Any]) -> bool:
    current = page.property(BYLINE_PROPERTY_KEY)
    if current is None:
        return bool(byline["summary"])
    return bool(current.value != byline)
