"""One run: reads a page, asks for labels and a summary, plans, applies, explains."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.domain.completions import Attempt
from app.domain.jobs import WAIT_REASON, Defer, Done, Job
from app.domain.pages import Page, PageText
from app.domain.plans import LedgerState, Plan, byline_value, plan_labels
from app.errors import (
    AppError,
    PageGone,
    PageOutOfReach,
    ProviderError,
    WorkObsolete,
)
from app.store.jobs import JobStore
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.store.runs import RunStore
from app.usecases.apply_plan import apply_plan
from app.usecases.complete_page import Answer, complete_page
from app.usecases.learn_site import remember
from app.usecases.ports import Confluence
from app.usecases.record_run import Run, record_run
from app.usecases.services import Services
from app.usecases.site import open_site

log = structlog.get_logger("app")


#: How long a page waits before it looks again whether the site is learned.
_LESSON = timedelta(seconds=2)
#: A wait for the AI that is longer is spent in the queue.
_LONGEST_HOLD = timedelta(seconds=60)


async def label_page(services: Services, job: Job) -> Done | Defer:
    """Process one page; running it twice changes nothing and asks no AI again.

    While the site is being learned, pages wait: an answer given before would know
    none of the site's labels, and stand until the page's next edit.

    Raises:
        WorkObsolete: The page or the tenant is gone; the run says so.
        AppError: Anything else with a name; the queue decides what follows.
    """
    page_id = str(job.payload["page_id"])
    learning, orders = await services.database.read(
        lambda s: (
            _is_learning(s, job.tenant_id),
            PolicyStore(s).orders(job.tenant_id, page_id),
        )
    )
    if learning:
        return Defer(delay=_LESSON, reason="learning")
    held = min(services.ai.held_for(order) for order in orders)
    if held > _LONGEST_HOLD.total_seconds():
        # Before the page is read: reading it in vain would cost the site's points.
        return Defer(delay=timedelta(seconds=held), reason=WAIT_REASON)
    run = Run(page_id=page_id, started_at=services.now())
    live = bool(job.payload.get("live", False))
    try:
        async with open_site(services, job.tenant_id) as (confluence, _, _):
            run.meter = confluence.meter
            await _process(services, confluence, job, run, live=live)
    except WorkObsolete as error:
        run.outcome = error.outcome
        # What the app may not see (any more) must not speak as evidence elsewhere.
        if isinstance(error, PageGone | PageOutOfReach):
            await services.database.write(
                lambda s: MemoryStore(s).forget(job.tenant_id, [run.page_id])
            )
        await record_run(services, job, run)
        raise
    except AppError as error:
        run.outcome = "interrupted"
        run.error = str(error)
        if isinstance(error, ProviderError):
            run.attempts = tuple(
                one for one in error.attempts if isinstance(one, Attempt)
            )
        await record_run(services, job, run)
        raise
    await record_run(services, job, run)
    return Done(outcome=run.outcome)


def _is_learning(session: Session, tenant_id: str) -> bool:
    return JobStore(session).is_on_first_try(tenant_id, ["connect_site", "learn_site"])


async def _process(
    services: Services, confluence: Confluence, job: Job, run: Run, *, live: bool
) -> None:
    tenant_id = job.tenant_id
    page = await confluence.get_page(run.page_id, live=live)
    read_at = services.now()
    run.page = page
    # Milliseconds for most pages, but a huge one must not hold up the events.
    text = await asyncio.to_thread(services.read_page, page)
    policy, order = await services.database.read(
        lambda s: (
            PolicyStore(s).mode(tenant_id, page.space_id),
            PolicyStore(s).providers(tenant_id, page.space_id),
        )
    )
    if page.status != "current" or policy == "off":
        run.outcome = f"skipped_{page.status}" if policy != "off" else "policy_off"
        return
    on_page = {label.name for label in page.labels or () if label.prefix == "global"}
    ledger = await services.database.write(
        lambda s: _reconcile(s, tenant_id, page, text, on_page)
    )
    if not text.is_empty:
        run.answer = await complete_page(
            services, tenant_id, page, text, order=order, priority=job.priority
        )
        run.plan = plan_labels(
            run.answer.completion,
            on_page=on_page,
            ledger=ledger,
            max_labels=services.rules.max_labels,
        )
    await apply_plan(
        services,
        confluence,
        tenant_id,
        page=page,
        plan=run.plan,
        describe=partial(_byline, page, run.plan, run.answer),
        read_at=read_at,
        applied=run.applied,
    )
    run.outcome = _outcome(run, text)


def _reconcile(
    session: Session, tenant_id: str, page: Page, text: PageText, on_page: set[str]
) -> dict[str, LedgerState]:
    """Bring ledger and memory in line with what stands on the page now."""
    store = LedgerStore(session)
    ledger = dict(store.labels(tenant_id, page.id))
    landed = [one for one in on_page if ledger.get(one) == "planned"]
    gone = [one for one, at in ledger.items() if at == "written" and one not in on_page]
    store.settle(tenant_id, page.id, landed, state="written", run_id=None)
    store.settle(tenant_id, page.id, gone, state="withdrawn", run_id=None)
    for label in landed:
        ledger[label] = "written"
    for label in gone:
        ledger[label] = "withdrawn"
    if landed:
        # Sent by a run that never came to tell: the audit learns of it now.
        RunStore(session).audit(
            tenant_id,
            actor="app",
            action="labels_found_written",
            page_id=page.id,
            after={"added": sorted(landed)},
        )
    ours = {label for label, state in ledger.items() if state == "written"}
    memory = remember(page, text, on_page - ours)
    MemoryStore(session).keep(tenant_id, memory, page_version=page.version)
    return ledger


def _byline(
    page: Page, plan: Plan, answer: Answer | None, standing: Collection[str]
) -> dict[str, Any]:
    """Return the content property; a page without text has nothing to say."""
    ours = {*plan.labels("add"), *plan.labels("keep")}
    return byline_value(
        summary=answer.completion.summary if answer else "",
        labels=ours & set(standing),
        waiting=len(plan.labels("suggest")),
        page_version=page.version,
        model=answer.completion.model if answer else "",
        fallback=bool(answer and answer.is_fallback),
    )


def _outcome(run: Run, text: PageText) -> str:
    if text.is_empty:
        return "empty_page"
    reasons = set(run.applied.refused.values())
    if "policy_suggest" in reasons:
        return "suggested"
    if reasons:
        return "not_allowed"
    if run.applied.anything:
        return "written"
    return "unchanged"
