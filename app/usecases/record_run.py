"""The receipt of a run: everything that explains it, written in one transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.domain.completions import Attempt, Usage
from app.domain.jobs import Job
from app.domain.pages import Page
from app.domain.plans import Plan
from app.errors import AccessChanged
from app.store.ledger import LedgerStore
from app.store.runs import NewRun, RunStore
from app.store.tenants import TenantStore
from app.usecases.apply_plan import Applied
from app.usecases.complete_page import Answer
from app.usecases.ports import PointsMeter
from app.usecases.services import Services

log = structlog.get_logger("app")


@dataclass(slots=True)
class Run:
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


async def record_run(services: Services, job: Job, run: Run) -> None:
    """Write run, audit and ledger in one transaction: the receipt is the truth."""
    row = _row(job, run)

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
            labels = (run.page.labels if run.page else None) or ()
            before = sorted(label.name for label in labels)
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


def _row(job: Job, run: Run) -> NewRun:
    page, answer = run.page, run.answer
    completion = answer.completion if answer else None
    spent = sum((one.usage for one in _attempts(run)), Usage())
    return NewRun(
        page_id=run.page_id,
        outcome=run.outcome,
        started_at=run.started_at,
        job_id=job.id,
        page_version=page.version if page else None,
        content_hash=answer.key if answer else None,
        provider=completion.provider if completion else None,
        model=completion.model if completion else None,
        ai_calls=sum(one.was_called for one in _attempts(run)),
        requests=run.meter.requests,
        points=run.meter.points,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        micro_usd=spent.micro_usd,
        receipt=_receipt(job, run),
    )


def _attempts(run: Run) -> tuple[Attempt, ...]:
    """Return who was asked, whether or not an answer came of it."""
    return run.answer.attempts if run.answer else run.attempts


def _receipt(job: Job, run: Run) -> dict[str, Any]:
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
        "ai_called": any(one.was_called for one in _attempts(run)),
        "ai_attempts": [asdict(one) for one in _attempts(run)],
        "fallback": bool(answer and answer.is_fallback),
        "error": run.error,
    }
