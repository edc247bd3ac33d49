"""Looks for what would make pages better; keeps it, and plans a comment where one is wanted.

The pages' own words are judged by rules, and no AI is asked. A plan made so reads each
page, and of other pages only the few that may say the same, or that show what pages of
a kind usually have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy.orm import Session

from app.domain.advice.duplicates import duplicate
from app.domain.advice.findings import KINDS, Finding, sifted
from app.domain.advice.gaps import missing
from app.domain.advice.own_page import OF_OTHER_PAGES, own_findings
from app.domain.advice.posting import RECOMMENDATIONS, comment_change
from app.domain.advice.told import Advised, comment_text
from app.domain.advice.views import PageView, view
from app.domain.advice.wording import advice
from app.domain.changes import Change
from app.domain.pages import Page, PageText
from app.domain.policy import Policy
from app.domain.selection import Selection
from app.errors import MarkupAmbiguous
from app.store.findings import FindingFilter, FindingStore, Look as Seen
from app.store.plan_items import SENT, ItemFilter, NewItem, PlanItemStore
from app.store.plans import PlanStore, StoredPlan
from app.usecases.decide_page import EMPTY, Decision, reason_to_skip
from app.usecases.make_plan import (
    Keep,
    Progress,
    draft_plan,
    nothing,
    silent,
    start_plan,
)
from app.usecases.other_pages import OtherPages, decision_of
from app.usecases.ports import Confluence
from app.usecases.record_run import Run
from app.usecases.services import Services


async def start_recommendations(
    services: Services,
    tenant_id: str,
    selection: Selection,
    *,
    author: str,
    post: bool = False,
) -> int:
    """Begin a plan of recommendations; return its id.

    Args:
        services: The bundle.
        tenant_id: The tenant.
        selection: The pages that are meant.
        author: Who asks.
        post: Whether comments are wanted also where the policy does not ask for them.

    Raises:
        NotFound: There is no such space, or no page at all.
        WriteRefused: The site cannot read the query.
    """
    return await start_plan(
        services,
        tenant_id,
        selection,
        author=author,
        cause="recommendations",
        wishes={"post": post},
    )


async def draft_recommendations(
    services: Services, tenant_id: str, plan_id: int, *, progress: Progress = silent
) -> StoredPlan:
    """Look at all pages of a plan of recommendations; then it is ready.

    Raises:
        NotFound: There is no such plan.
        Conflict: It is no plan of recommendations that is still being made.
    """
    plan = await services.database.read(lambda s: PlanStore(s).plan(tenant_id, plan_id))
    looking = _Looking(
        services, tenant_id, plan_id, post=bool(plan.selection.get("post"))
    )
    return await draft_plan(
        services,
        tenant_id,
        plan_id,
        progress=progress,
        cause="recommendations",
        look=looking.look,
    )


async def refresh_findings(
    services: Services, tenant_id: str, page: Page, text: PageText
) -> None:
    """Keep what a page that was read anyway shows of itself; nothing else is read.

    What only other pages can show stays as it was. A page that cannot be taken apart
    is left alone.
    """
    seen = await asyncio.to_thread(_view, services, page, text)
    if seen is None:
        return
    found = _advised(seen, await asyncio.to_thread(lambda: list(own_findings(seen))))
    await services.database.write(
        lambda s: FindingStore(s, services.cipher).keep(
            tenant_id, _seen(seen, found, leaving=OF_OTHER_PAGES)
        )
    )


class _Looking:
    """Looks at the pages of one plan."""

    def __init__(
        self, services: Services, tenant_id: str, plan_id: int, *, post: bool
    ) -> None:
        self._services = services
        self._tenant_id = tenant_id
        self._plan_id = plan_id
        self._post = post
        self._others = OtherPages(services, tenant_id)

    async def look(self, confluence: Confluence, run: Run) -> Keep:
        """Look at a page and, for what it alone cannot show, at a few others."""
        services = self._services
        page = run.page = await confluence.get_page(run.page_id)
        decision = await decision_of(services, self._tenant_id, page)
        skipped = await reason_to_skip(services, confluence, decision)
        if skipped not in ("", EMPTY):
            run.outcome = skipped
            return nothing
        seen = await asyncio.to_thread(_view, services, page, decision.text)
        if seen is None:
            run.outcome = "unreadable"
            return nothing
        found = await self._findings(confluence, seen)
        run.outcome = "advised" if found else "fine"
        return partial(
            self._keep, decision=decision, seen=seen, found=_advised(seen, found)
        )

    async def _findings(
        self, confluence: Confluence, seen: PageView
    ) -> Sequence[Finding]:
        customs = await self._others.customs(confluence, seen)
        others = await self._others.alike(confluence, seen)

        def judge() -> list[Finding]:
            found = [*own_findings(seen), *missing(seen, customs)]
            repeated = duplicate(seen, others)
            return found if repeated is None else [*found, repeated]

        return await asyncio.to_thread(judge)

    def _keep(
        self,
        session: Session,
        run_id: int | None,
        *,
        decision: Decision,
        seen: PageView,
        found: Sequence[Advised],
    ) -> None:
        del run_id
        cipher = self._services.cipher
        findings = FindingStore(session, cipher)
        findings.keep(self._tenant_id, _seen(seen, found))
        if not (self._post or decision.policy.post_recommendations):
            return
        still_open = findings.findings(
            self._tenant_id, FindingFilter(page_id=seen.page.id)
        )
        text = comment_text(
            _in_order([one.advised for one in still_open]),
            title=seen.title,
            language=seen.language,
        )
        items = PlanItemStore(session, cipher)
        change = _renewed(items, self._tenant_id, seen.page.id, text)
        if change is not None:
            new = _item(seen, change, decision.policy)
            items.add(self._tenant_id, self._plan_id, [new])


def _renewed(
    items: PlanItemStore, tenant_id: str, page_id: str, text: str
) -> Change | None:
    """Return what our comment would say anew; what was planned before is superseded."""
    ours = [
        one.item
        for one in items.items(
            tenant_id,
            ItemFilter(page_ids=[page_id], kinds=["comment"], value=RECOMMENDATIONS),
            newest_first=True,
        )
    ]
    pending = [one for one in ours if one.state in ("planned", "waiting", "approved")]
    if any(one.reason == SENT or one.state == "approved" for one in pending):
        # It may stand on the page by now, and nobody has told us: first things first.
        return None
    items.set_state(tenant_id, [one.id for one in pending], "superseded")
    return comment_change(page_id, text, ours)


def _item(seen: PageView, change: Change, policy: Policy) -> NewItem:
    return NewItem(
        change=change,
        state="waiting" if policy.mode == "suggest" else "planned",
        space_id=seen.page.space_id,
        page_version=seen.page.version,
        page_title=seen.title,
    )


def _view(services: Services, page: Page, text: PageText) -> PageView | None:
    """Take a page apart; None if its markup is broken, or is none that has sections."""
    if page.body_format != "storage":
        return None
    try:
        sections = services.markup.sections(page.body or "")
    except MarkupAmbiguous:
        return None
    return view(
        page,
        text,
        sections,
        read=lambda markup: services.read_page(replace(page, title="", body=markup)),
        now=services.now(),
    )


def _advised(seen: PageView, found: Collection[Finding]) -> list[Advised]:
    return [
        Advised(finding=one, advice=advice(one, seen.language)) for one in sifted(found)
    ]


def _in_order(advised: Sequence[Advised]) -> list[Advised]:
    """Return findings severest first, then by kind; stored ones come by severity and key."""
    return sorted(
        advised,
        key=lambda one: (-one.finding.severity, KINDS.index(one.finding.kind)),
    )


def _seen(
    seen: PageView, found: Sequence[Advised], *, leaving: Collection[str] = ()
) -> Seen:
    return Seen(
        page_id=seen.page.id,
        space_id=seen.page.space_id,
        title=seen.title,
        found=found,
        leaving=leaving,
    )
