"""One run: reads a page, asks for labels and a summary, plans, applies, explains."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.domain.completions import Attempt, Usage
from app.domain.jobs import Defer, Done, Job
from app.domain.pages import Page, PageText
from app.domain.plans import LedgerState, Plan, byline_value, plan_labels
from app.errors import (
    AccessChanged,
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
from app.store.runs import NewRun, RunStore
from app.store.tenants import TenantStore
from app.usecases.apply_plan import Applied, apply_plan
from app.usecases.complete_page import Answer, complete_page
from app.usecases.learn_site import remember
from app.usecases.ports import Confluence, PointsMeter
from app.usecases.services import Services
from app.usecases.site import open_site

log = structlog.get_logger("app")


#: How long a page waits before it looks again whether the site is learned.
_LESSON = timedelta(seconds=2)
#: A wait for the AI that is longer is spent in the queue.
_LONGEST_HOLD = timedelta(seconds=60)


@dataclass(slots=True)
class _Run:
    """What is known so far; becomes the run's row, however far it got."""

    page_id: str
    started_at: datetime
    outcome: str = "error"
    page: Page | None = None
    answer: Answer | None = None
    plan: Plan = field(default_factory=lambda: Plan(items=()))
    applied: Applied = field(default_factory=Applied)
    meter: PointsMeter = field(default_factory=PointsMeter)
    error: str | None = None
    #: Who was asked in vain.
    attempts: tuple[Attempt, ...] = ()


async def label_page(services: Services, job: Job) -> Done | Defer:
    """Process one page; running it twice changes nothing and asks no AI again.

    While the site is being learned, pages wait: an answer given before would know
    none of the site's labels, and stand until the page's next edit.

    Raises:
        WorkObsolete: The page or the tenant is gone; the run says so.
        AppError: Anything else with a name; the queue decides what follows.
    """
    learning, order = await services.database.read(
        lambda s: (
            _is_learning(s, job.tenant_id),
            PolicyStore(s).providers(job.tenant_id, ""),
        )
    )
    if learning:
        return Defer(delay=_LESSON, reason="learning")
    if (held := services.ai.held_for(order)) > _LONGEST_HOLD.total_seconds():
        # Before the page is read: reading it in vain would cost the site's points.
        return Defer(delay=timedelta(seconds=held), reason="provider")
    run = _Run(page_id=str(job.payload["page_id"]), started_at=services.now())
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
        await _record(services, job, run)
        raise
    except AppError as error:
        run.outcome = "interrupted"
        run.error = str(error)
        if isinstance(error, ProviderError):
            run.attempts = tuple(
                one for one in error.attempts if isinstance(one, Attempt)
            )
        await _record(services, job, run)
        raise
    await _record(services, job, run)
    return Done(outcome=run.outcome)


def _is_learning(session: Session, tenant_id: str) -> bool:
    return JobStore(session).is_on_first_try(tenant_id, ["connect_site", "learn_site"])


async def _process(
    services: Services, confluence: Confluence, job: Job, run: _Run, *, live: bool
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


def _outcome(run: _Run, text: PageText) -> str:
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


async def _record(services: Services, job: Job, run: _Run) -> None:
    """Write run, audit and ledger in one transaction: the receipt is the truth."""
    page, answer = run.page, run.answer
    completion = answer.completion if answer else None
    spent = sum((one.usage for one in _attempts(run)), Usage())
    row = NewRun(
        page_id=run.page_id,
        outcome=run.outcome,
        started_at=run.started_at,
        job_id=job.id,
        page_version=page.version if page else None,
        content_hash=answer.key if answer else None,
        provider=completion.provider if completion else None,
        model=completion.model if completion else None,
        ai_calls=len(answer.attempts) if answer else 0,
        requests=run.meter.requests,
        points=run.meter.points,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        micro_usd=spent.micro_usd,
        receipt=_receipt(job, run),
    )

    def work(session: Session) -> int:
        if TenantStore(session).get(job.tenant_id) is None:
            raise AccessChanged
        runs = RunStore(session)
        run_id = runs.add(job.tenant_id, row)
        LedgerStore(session).settle(
            job.tenant_id,
            run.page_id,
            run.applied.added,
            state="written",
            run_id=run_id,
        )
        if run.applied.anything:
            before = sorted(label.name for label in (page.labels if page else ()) or ())
            runs.audit(
                job.tenant_id,
                actor="app",
                action="page_written",
                page_id=run.page_id,
                run_id=run_id,
                before={"labels": before},
                after={
                    "added": list(run.applied.added),
                    "summary_written": run.applied.summary_written,
                },
            )
        return run_id

    run_id = await services.database.write(work)
    services.metrics.points.inc(run.meter.points)
    log.info(
        "page_run",
        tenant=job.tenant_id,
        page=run.page_id,
        version=row.page_version,
        run=run_id,
        outcome=run.outcome,
        labels_added=len(run.applied.added),
        ai_calls=row.ai_calls,
        micro_usd=row.micro_usd,
        points=row.points,
    )


def _attempts(run: _Run) -> tuple[Attempt, ...]:
    """Return who was asked, whether or not an answer came of it."""
    return run.answer.attempts if run.answer else run.attempts


def _receipt(job: Job, run: _Run) -> dict[str, Any]:
    answer = run.answer
    return {
        "cause": job.payload.get("cause"),
        "attempt": job.attempt,
        "plan": [asdict(item) for item in run.plan.items],
        "withdrawn": list(run.plan.withdrawn),
        "added": list(run.applied.added),
        "summary": answer.completion.summary if answer else None,
        "summary_written": run.applied.summary_written,
        "language": answer.completion.language if answer else None,
        "proposals": [asdict(one) for one in answer.completion.proposals]
        if answer
        else [],
        "refused": run.applied.refused or None,
        "ai_called": bool(_attempts(run)),
        "ai_attempts": [asdict(one) for one in _attempts(run)],
        "fallback": bool(answer and answer.is_fallback),
        "error": run.error,
    }
