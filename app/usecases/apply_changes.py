"""The one place that writes to a Confluence site.

Every path comes through `apply_changes`, and it asks again at that very moment: has
somebody pulled the kill switch, does the tenant live, what does policy say, does the
guard allow this place, is the page still the version that the changes are for?
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.domain.changes import Agent, ChangeKind
from app.domain.modes import (
    AgentMode,
    Place,
    PolicyMode,
    WhitelistEntry,
    needs_ancestors,
    refusal,
)
from app.domain.pages import Page
from app.domain.vocabulary.terms import Vocabulary
from app.errors import AccessChanged, TenantInactive, VersionConflict
from app.store.ledger import LedgerStore
from app.store.policies import PolicyStore
from app.store.tenants import TenantStore
from app.usecases.kill_switch import check_going
from app.usecases.ports import Confluence
from app.usecases.services import Rules, Services
from app.usecases.writing.bodies import write_version
from app.usecases.writing.comments import write_comments
from app.usecases.writing.labels import add_labels, is_replaced, remove_labels
from app.usecases.writing.pages import create_page, trash_page
from app.usecases.writing.places import check_parent, check_title
from app.usecases.writing.properties import write_summaries
from app.usecases.writing.work import Target, Write

#: A page read this recently is not asked for its version once more: the check costs
#: two points of a quota that all tenants share. See docs/decisions.
FRESH_FOR = timedelta(seconds=10)

_BODY: frozenset[ChangeKind] = frozenset(
    {"excerpt", "page_text", "page_title", "page_move"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rights:
    """What holds at a place, as the database says at this moment."""

    policy: PolicyMode
    whitelist: Sequence[WhitelistEntry]
    space_key: str | None


async def apply_changes(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    writes: Sequence[Write],
    *,
    page: Page,
    read_at: datetime,
    vocabulary: Vocabulary,
) -> Page:
    """Carry changes of one page out, as far as they are allowed.

    Labels that go come first, then labels that come and those that they replace, our
    property, the page itself, comments. Each write says what became of it, also where this raises halfway.

    Args:
        services: The bundle.
        confluence: The tenant's site.
        tenant_id: The tenant.
        writes: What to do; filled with what was done.
        page: The page as it was read.
        read_at: When the page was read.
        vocabulary: Which labels may be written.

    Returns:
        The page as it stands now, as far as we know.

    Raises:
        TenantInactive: It uninstalled meanwhile.
        Stopped: Somebody pulled the kill switch; nothing more is written.
        VersionConflict: The page, or our property, changed since it was read.
    """
    place = Place(page_id=page.id, space_id=page.space_id, space_key=None)
    await _hold_against_rights(services, confluence, tenant_id, writes, place)
    await _hold_against_version(services, tenant_id, writes, page)
    if not any(one.is_open for one in writes):
        return page
    await _check_version(services, confluence, page, read_at)
    await _hold_against_places(services, confluence, tenant_id, writes, page)
    target = Target(
        services=services,
        confluence=confluence,
        tenant_id=tenant_id,
        page=page,
        vocabulary=vocabulary,
    )
    leaving = _of(writes, "label_remove")
    await remove_labels(target, [one for one in leaving if not is_replaced(one)])
    await add_labels(target, _of(writes, "label_add"))
    # Last: what another label stands for goes only once that one is there.
    await remove_labels(target, [one for one in leaving if is_replaced(one)])
    await write_summaries(target, _of(writes, "summary"))
    await write_version(target, _of(writes, *_BODY))
    await write_comments(target, _of(writes, "comment"))
    for one in _of(writes, "page_trash"):
        await trash_page(services, confluence, page.id, one)
    return target.page


async def apply_new_pages(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    writes: Sequence[Write],
) -> None:
    """Make pages, one after the other, where their space and parent allow it.

    Raises:
        TenantInactive: It uninstalled meanwhile.
        Stopped: Somebody pulled the kill switch; nothing more is written.
    """
    for one in writes:
        wanted = one.change.after
        parent, space_id = wanted["parent_id"], wanted["space_id"]
        above: tuple[str, ...] = ()
        if parent:
            above = await check_parent(confluence, one, parent, space_id=space_id)
        if one.is_open:
            # A page of its own it is not yet: what holds for its parent holds for it.
            place = Place(
                page_id=parent or "",
                space_id=space_id,
                space_key=None,
                ancestor_ids=above,
            )
            await _hold_against_rights(services, confluence, tenant_id, [one], place)
        if one.is_open:
            await create_page(services, confluence, tenant_id, one)


def mode_of(rules: Rules, agent: Agent) -> AgentMode:
    """Return the operator's guard for an agent."""
    modes: dict[Agent, AgentMode] = {
        "tagging": rules.tagging_mode,
        "summary": rules.summary_mode,
        "recommendation": rules.recommendation_mode,
        "structure": rules.structure_mode,
    }
    return modes[agent]


def _of(writes: Sequence[Write], *kinds: ChangeKind) -> list[Write]:
    return [one for one in writes if one.is_open and one.change.kind in kinds]


# ---------------------------------------------------------------------- may it be done


async def _hold_against_rights(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    writes: Sequence[Write],
    place: Place,
) -> None:
    """Skip what may not be written there, and say why."""
    rights = await services.database.read(_look_up(tenant_id, place.space_id))
    modes = {mode_of(services.rules, one.change.by) for one in writes}
    place = await _placed(
        services, confluence, tenant_id, place, rights=rights, modes=modes
    )
    for one in writes:
        reason = refusal(
            mode_of(services.rules, one.change.by),
            rights.policy,
            place,
            rights.whitelist,
            authority=one.authority,
        )
        if reason is not None:
            one.skip(reason)


async def _hold_against_places(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    writes: Sequence[Write],
    page: Page,
) -> None:
    """Skip what would hang a page where it cannot be, or give it another's title."""
    for one in _of(writes, "page_title"):
        await check_title(confluence, one, space_id=page.space_id, page_id=page.id)
    for one in _of(writes, "page_move"):
        parent = one.change.after["parent_id"]
        if parent is None:
            # The site moves pages below others, never to the top of a space.
            one.skip("top_of_space")
        elif not one.undoes:
            above = await check_parent(
                confluence, one, parent, space_id=page.space_id, page_id=page.id
            )
            place = Place(
                page_id=parent,
                space_id=page.space_id,
                space_key=None,
                ancestor_ids=above,
            )
            if one.is_open:
                await _hold_against_rights(
                    services, confluence, tenant_id, [one], place
                )


def _look_up(tenant_id: str, space_id: str) -> Callable[[Session], _Rights]:
    def work(session: Session) -> _Rights:
        tenant = TenantStore(session).get(tenant_id)
        if tenant is None:
            raise AccessChanged
        if not tenant.is_active:
            raise TenantInactive
        check_going(session, tenant_id)
        policies = PolicyStore(session)
        return _Rights(
            policy=policies.mode(tenant_id, space_id),
            whitelist=policies.whitelist(tenant_id),
            space_key=policies.space_key(tenant_id, space_id),
        )

    return work


async def _placed(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    place: Place,
    *,
    rights: _Rights,
    modes: Collection[AgentMode],
) -> Place:
    """Complete a place; asks the site only for what the whitelist speaks of."""
    key = rights.space_key
    if key is None and "SAFE_TEST" in modes and rights.whitelist:
        space = await confluence.get_space(place.space_id)
        await services.database.write(
            lambda s: PolicyStore(s).keep_space(tenant_id, space)
        )
        key = space.key
    above = place.ancestor_ids
    if not above and any(needs_ancestors(mode, rights.whitelist) for mode in modes):
        above = await confluence.ancestor_ids(place.page_id) if place.page_id else ()
    return Place(
        page_id=place.page_id,
        space_id=place.space_id,
        space_key=key,
        ancestor_ids=above,
    )


async def _hold_against_version(
    services: Services, tenant_id: str, writes: Sequence[Write], page: Page
) -> None:
    """Skip what was planned for another version, unless all since then are our own."""
    planned = {
        one.item.page_version
        for one in writes
        if one.is_open and one.item and one.item.page_version is not None
    }
    stale = {version for version in planned if version != page.version}
    if not stale:
        return
    since = range(min(stale) + 1, page.version + 1)
    ours = await services.database.read(
        lambda s: LedgerStore(s).own_versions(tenant_id, page.id, since)
    )
    for one in writes:
        version = one.item.page_version if one.item else None
        if version is None or version == page.version:
            continue
        between = range(version + 1, page.version + 1)
        if version > page.version or not ours.issuperset(between):
            one.skip("page_changed")


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
