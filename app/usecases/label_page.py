"""One run for an event: reads a page, decides, writes what may be written, explains."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from app.domain.jobs import WAIT_REASON, Defer, Done, Job
from app.errors import (
    AppError,
    PageGone,
    PageOutOfReach,
    WorkObsolete,
)
from app.store.findings import forget_findings
from app.store.jobs import JobStore
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.usecases.apply_changes import apply_changes
from app.usecases.decide_page import EMPTY, decide_page
from app.usecases.keep_decision import keep_decision
from app.usecases.ports import Confluence
from app.usecases.recommend import refresh_findings
from app.usecases.record_run import Run, record_run
from app.usecases.services import Services
from app.usecases.site import open_site
from app.usecases.vocabularies import vocabulary_of

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
    run = Run(
        page_id=page_id,
        started_at=services.now(),
        cause=str(job.payload.get("cause") or "event"),
        job=job,
    )
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
                lambda s: _forget(s, job.tenant_id, run.page_id)
            )
        await record_run(services, job.tenant_id, run)
        raise
    except AppError as error:
        run.fail(error)
        await record_run(services, job.tenant_id, run)
        raise
    await record_run(services, job.tenant_id, run)
    return Done(outcome=run.outcome)


def _forget(session: Session, tenant_id: str, page_id: str) -> None:
    MemoryStore(session).forget(tenant_id, [page_id])
    forget_findings(session, tenant_id, [page_id])


def _is_learning(session: Session, tenant_id: str) -> bool:
    return JobStore(session).is_on_first_try(tenant_id, ["connect_site", "learn_site"])


async def _process(
    services: Services, confluence: Confluence, job: Job, run: Run, *, live: bool
) -> None:
    tenant_id = job.tenant_id
    read_at = services.now()
    page = run.page = await confluence.get_page(run.page_id, live=live)
    decision = run.decision = await decide_page(
        services,
        confluence,
        tenant_id,
        page,
        priority=job.priority,
        read_at=read_at,
    )
    if decision.policy.post_recommendations and decision.skipped in ("", EMPTY):
        await refresh_findings(services, tenant_id, page, decision.text)
    if decision.planned or decision.suggested or not decision.skipped:
        run.writes = await services.database.write(
            lambda s: keep_decision(
                s, services.cipher, tenant_id, decision, cause="event"
            )
        )
    if run.writes:
        await apply_changes(
            services,
            confluence,
            tenant_id,
            run.writes,
            page=page,
            read_at=read_at,
            # The answer may have taken minutes: terms may be others by now.
            vocabulary=await vocabulary_of(services, tenant_id, page.space_id),
        )
    run.conclude()
