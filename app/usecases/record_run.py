"""The record of a run: everything that explains it, written in one transaction.

Figures and words of ours stand in its row; what quotes the page goes into its receipt,
sealed, for as long as the policy of the page's space wants it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.domain import outcomes
from app.domain.changes import Change
from app.domain.completions import Attempt, Usage
from app.domain.jobs import Job
from app.domain.pages import Page
from app.domain.plans import NOTHING, Plan
from app.domain.receipts import attempt_figures
from app.errors import (
    AccessChanged,
    AppError,
    CredentialsMissing,
    OverBudget,
    ProviderError,
    RateLimited,
    RemoteError,
    Stopped,
    VersionConflict,
)
from app.store.ledger import LedgerStore
from app.store.policies import PolicyStore
from app.store.receipts import ReceiptStore
from app.store.runs import NewRun, RunStore
from app.store.tenants import TenantStore
from app.usecases.complete_page import Answer
from app.usecases.decide_page import EMPTY, Decision
from app.usecases.explain_run import explained
from app.usecases.keep_decision import GUARDS, settle_items
from app.usecases.ports import PointsMeter
from app.usecases.services import Services
from app.usecases.vocabularies import adopt_written
from app.usecases.writing.work import Write

log = structlog.get_logger("app")

#: The first that fits a failure is its outcome.
_FAILURES: tuple[tuple[type[AppError], str], ...] = (
    (ProviderError, outcomes.PROVIDER_ERROR),
    (VersionConflict, outcomes.CONFLICT),
    (OverBudget, outcomes.OVER_BUDGET),
    (Stopped, outcomes.STOPPED),
    (CredentialsMissing, outcomes.WAITING),
    (RateLimited, outcomes.WAITING),
    (RemoteError, outcomes.UNAVAILABLE),
    (AppError, outcomes.FAILED),
)
#: Why something was not written: the page is not what it was.
_CHANGED = frozenset({"page_changed", "changed_since"})


@dataclass(slots=True, kw_only=True)
class Run:
    """What is known so far; becomes the run's row, however far it got.

    Attributes:
        cause: What it was done for: an event's name, a plan's cause, `review`.
        actor: Who asked for it: `app`, `cli`, or an account id.
        job: The job it was done in, if it was one.
        attempts: Who was asked in vain.
        forget: Whether labels that go leave nothing in the ledger: they may come again.
    """

    page_id: str
    started_at: datetime
    cause: str
    actor: str = "app"
    job: Job | None = None
    outcome: str = outcomes.FAILED
    page: Page | None = None
    decision: Decision | None = None
    writes: list[Write] = field(default_factory=list)
    meter: PointsMeter = field(default_factory=PointsMeter)
    error: str | None = None
    attempts: tuple[Attempt, ...] = ()
    forget: bool = False

    @property
    def answer(self) -> Answer | None:
        """The AI's answer, if anybody was asked."""
        return self.decision.answer if self.decision else None

    @property
    def plan(self) -> Plan:
        """What was decided label by label."""
        return self.decision.plan if self.decision else NOTHING

    @property
    def asked(self) -> tuple[Attempt, ...]:
        """Who was asked, whether or not an answer came of it."""
        return self.answer.attempts if self.answer else self.attempts

    def done(self, *kinds: str) -> list[str]:
        """Return the values of the changes of these kinds that were carried out."""
        return [
            one.change.value
            for one in self.writes
            if one.outcome == "applied" and one.change.kind in kinds
        ]

    @property
    def has_written(self) -> bool:
        """Whether the site was changed."""
        return any(one.outcome == "applied" for one in self.writes)

    @property
    def refused(self) -> dict[str, str]:
        """Agent -> why it was not allowed to write, in constant words."""
        return {
            one.change.by: one.reason
            for one in self.writes
            if one.outcome == "skipped" and one.reason in GUARDS
        }

    def fail(self, error: AppError) -> None:
        """Note what stopped it, and who was asked in vain."""
        self.error = str(error)
        self.outcome = next(word for kind, word in _FAILURES if isinstance(error, kind))
        if isinstance(error, ProviderError | OverBudget):
            self.attempts = tuple(
                one for one in error.attempts if isinstance(one, Attempt)
            )
        elif isinstance(error, Stopped):
            for one in self.writes if self.decision else ():
                # The next look at the page says it anew.
                if one.is_open:
                    one.skip("stopped")

    def conclude(self) -> None:
        """Say how it ended, in a word."""
        decision = self.decision
        if decision is not None and decision.skipped not in ("", EMPTY):
            self.outcome = decision.skipped
            return
        self.outcome = outcomes.concluded(
            applied=self.has_written,
            denied=bool(self.refused),
            waiting=bool(decision and decision.suggested),
            is_empty=bool(decision and decision.skipped == EMPTY),
            unreadable=outcomes.is_unreadable(self.asked),
            was_known=self.answer is not None and not self.asked,
            conflicts=any(one.reason in _CHANGED for one in self.writes),
        )


async def record_run(
    services: Services,
    tenant_id: str,
    run: Run,
    *,
    also: Callable[[Session, int], None] = lambda _session, _run_id: None,
) -> int:
    """Write run, receipt, items, audit and ledger in one transaction; return its id.

    `also` is done in it too, with the run's id.
    """
    row = _row(run)
    keep = await _receipt(services, tenant_id, run)

    def work(session: Session) -> int:
        if TenantStore(session).get(tenant_id) is None:
            raise AccessChanged
        runs = RunStore(session)
        run_id = runs.add(tenant_id, row)
        keep(session, run_id)
        settle_items(
            session,
            services.cipher,
            tenant_id,
            run.writes,
            run_id=run_id,
            drop_guarded=run.decision is not None,
        )
        _settle_ledger(session, tenant_id, run, run_id)
        if run.page is not None:
            labels = run.done("label_add")
            adopt_written(session, tenant_id, run.page.space_id, labels)
        if run.has_written:
            _audit(runs, tenant_id, run, run_id)
        also(session, run_id)
        return run_id

    run_id = await services.database.write(work)
    services.metrics.points.inc(run.meter.points)
    log.info(
        "page_run",
        tenant=tenant_id,
        page=run.page_id,
        version=row.page_version,
        run=run_id,
        cause=run.cause,
        outcome=run.outcome,
        labels_added=len(run.done("label_add")),
        labels_removed=len(run.done("label_remove")),
        ai_calls=row.ai_calls,
        micro_usd=row.micro_usd,
        points=row.points,
    )
    return run_id


def _settle_ledger(session: Session, tenant_id: str, run: Run, run_id: int) -> None:
    ledger = LedgerStore(session)
    ledger.settle(
        tenant_id,
        run.page_id,
        run.done("label_add"),
        state="written",
        run_id=run_id,
        only_from="planned",
    )
    if run.forget:
        ledger.forget(
            tenant_id, run.page_id, run.done("label_remove"), only_from="undone"
        )


def _audit(runs: RunStore, tenant_id: str, run: Run, run_id: int) -> None:
    labels = (run.page.labels if run.page else None) or ()
    runs.audit(
        tenant_id,
        actor=run.actor,
        action="page_written",
        page_id=run.page_id,
        run_id=run_id,
        before={"labels": sorted(label.name for label in labels)},
        after={
            "added": run.done("label_add"),
            "removed": run.done("label_remove"),
            "written": sorted(
                {
                    one.change.kind
                    for one in run.writes
                    if one.outcome == "applied"
                    and not one.change.kind.startswith("label")
                }
            ),
        },
    )


def _row(run: Run) -> NewRun:
    page, answer = run.page, run.answer
    completion = answer.completion if answer else None
    spent = sum((one.usage for one in run.asked), Usage())
    return NewRun(
        page_id=run.page_id,
        outcome=run.outcome,
        started_at=run.started_at,
        job_id=run.job.id if run.job else None,
        page_version=page.version if page else None,
        content_hash=answer.key if answer else None,
        provider=completion.provider if completion else None,
        model=completion.model if completion else None,
        ai_calls=sum(one.was_called for one in run.asked),
        requests=run.meter.requests,
        points=run.meter.points,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        micro_usd=spent.micro_usd,
        receipt=_figures(run),
    )


async def _receipt(
    services: Services, tenant_id: str, run: Run
) -> Callable[[Session, int], None]:
    """Return what keeps a run's receipt; nothing, where there is none to be kept."""
    page = run.page
    was_asked = any(one.was_called for one in run.asked)
    if page is None or not (run.answer or was_asked):
        return lambda _session, _run_id: None
    space_id = page.space_id

    def seal(session: Session) -> tuple[int, str]:
        policy = PolicyStore(session).policy(tenant_id, space_id)
        if not policy.keep_receipts_days:
            return 0, ""
        receipt = explained(
            page,
            run.decision,
            run.asked,
            run.writes,
            policy=policy,
            prompt_version=services.ai.prompt_version,
        )
        store = ReceiptStore(session, services.cipher)
        return policy.keep_receipts_days, store.seal(receipt)

    days, sealed = await services.database.read(seal)

    def keep(session: Session, run_id: int) -> None:
        if days:
            ReceiptStore(session, services.cipher).keep(
                tenant_id, run_id, sealed, space_id=space_id, days=days
            )

    return keep


def _figures(run: Run) -> dict[str, Any]:
    """Return what explains a run without a word of the page; labels are no secret."""
    answer = run.answer
    completion = answer.completion if answer else None
    return {
        "cause": run.cause,
        "attempt": run.job.attempt if run.job else None,
        "plan": [
            {
                "label": item.label,
                "action": item.action,
                "confidence": item.confidence,
                "apply_at": item.apply_at,
            }
            for item in run.plan.items
        ],
        "withdrawn": list(run.plan.withdrawn),
        "added": run.done("label_add"),
        "removed": run.done("label_remove"),
        "skipped": {
            _named(one.change): one.reason
            for one in run.writes
            if one.outcome == "skipped"
        },
        "summary_written": bool(run.done("summary", "excerpt", "comment")),
        "language": completion.language if completion else None,
        "proposals": [
            {"label": one.name, "confidence": one.confidence}
            for one in (completion.proposals if completion else ())
        ],
        "refused": run.refused or None,
        "ai_called": any(one.was_called for one in run.asked),
        "ai_attempts": [attempt_figures(one) for one in run.asked],
        "fallback": bool(answer and answer.is_fallback),
        "error": run.error,
    }


def _named(change: Change) -> str:
    """Name a change; a section is named by its heading, which is the page's own."""
    if change.kind == "page_text":
        return change.kind
    return f"{change.kind} {change.value}".strip()
