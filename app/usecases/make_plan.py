"""Makes a plan for pages that somebody named: says what would be done, does nothing.

A plan that was cut off (a crash, an outage, an empty budget) goes on where it was.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.domain.changes import Estimate, PlanCause
from app.domain.completions import Attempt
from app.domain.estimating import AT_ONCE, cost_of_applying
from app.domain.jobs import Priority
from app.domain.outcomes import PLANNED
from app.domain.selection import Selection
from app.errors import (
    AppError,
    BudgetExceeded,
    Conflict,
    NotFound,
    PageTooExpensive,
    ProviderError,
    RequestRejected,
    WorkObsolete,
)
from app.store.plan_items import ItemFilter, PlanItemStore
from app.store.planned_pages import TO_DO, PlannedPageStore
from app.store.plans import PlanStore, StoredPlan
from app.store.policies import PolicyStore
from app.store.runs import RunStore
from app.usecases.batches import batched
from app.usecases.decide_page import decide_page
from app.usecases.keep_decision import add_to_plan
from app.usecases.kill_switch import require_going
from app.usecases.ports import Confluence
from app.usecases.record_run import Run, record_run
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant
from app.usecases.side_by_side import draining, side_by_side
from app.usecases.site import open_site

log = structlog.get_logger("app")

#: Pages written down in one transaction.
_BATCH = 500
#: Pages taken from the list at a time.
_PORTION = 50

#: Is told how many pages were looked at, of how many.
Progress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Tell nobody."""
    del done, total


#: Puts what a look at a page came to into the plan; it is told the run's id, if the
#: look was a run of its own.
Keep = Callable[[Session, int | None], None]

#: Looks at the page of a run, says in the run what came of it, and returns what to keep.
Look = Callable[[Confluence, Run], Awaitable[Keep]]


async def start_plan(
    services: Services,
    tenant_id: str,
    selection: Selection,
    *,
    author: str,
    cause: PlanCause = "bulk",
    wishes: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Begin a plan and write down which pages it is about; return its id.

    Args:
        services: The bundle.
        tenant_id: The tenant.
        selection: The pages that are meant.
        author: Who asks.
        cause: What for.
        wishes: What else was asked for; kept beside the selection.

    Raises:
        NotFound: There is no such tenant or space, or no page at all.
        PageGone: The root of the tree is not there.
        WriteRefused: The site cannot read the query.
    """

    def begin(session: Session) -> int:
        require_tenant(session, tenant_id)
        return PlanStore(session).create(
            tenant_id,
            cause,
            author=author,
            state="drafting",
            selection={**selection.as_json(), **wishes},
        )

    plan_id = await services.database.write(begin)
    try:
        found = await _note_pages(services, tenant_id, plan_id, selection)
        if not found:
            raise NotFound("there are no pages in it")
    except (RequestRejected, WorkObsolete):
        # There is nothing to go on with, so it must not look as if there were.
        await services.database.write(
            lambda s: PlanStore(s).move(
                tenant_id, plan_id, "cancelled", only_from=["drafting"]
            )
        )
        raise
    return plan_id


async def _note_pages(
    services: Services, tenant_id: str, plan_id: int, selection: Selection
) -> int:
    found = 0
    async with open_site(services, tenant_id) as (confluence, _, _):
        pages = await _named(services, confluence, tenant_id, selection)
        async for ids in batched(pages, _BATCH):
            await services.database.write(_noting(tenant_id, plan_id, ids))
            found += len(ids)
    return found


def _noting(
    tenant_id: str, plan_id: int, ids: Sequence[str]
) -> Callable[[Session], None]:
    return lambda session: PlannedPageStore(session).add(tenant_id, plan_id, ids)


async def _named(
    services: Services, confluence: Confluence, tenant_id: str, selection: Selection
) -> AsyncIterator[str]:
    """Return a walk over the pages that are meant."""
    value = selection.values[0]
    if selection.kind == "tree":
        return confluence.tree_page_ids(value)
    if selection.kind == "cql":
        return confluence.search_page_ids(value)
    if selection.kind == "space":
        space_id = await services.database.read(
            lambda s: PolicyStore(s).space_named(tenant_id, value)
        )
        return _space(confluence, space_id)
    return _listed(selection.values)


async def _space(confluence: Confluence, space_id: str) -> AsyncIterator[str]:
    async for page in confluence.space_pages(space_id):
        yield page.id


async def _listed(page_ids: Sequence[str]) -> AsyncIterator[str]:
    for page_id in page_ids:
        yield page_id


async def draft_plan(
    services: Services,
    tenant_id: str,
    plan_id: int,
    *,
    at_once: int = AT_ONCE,
    progress: Progress = silent,
    cause: PlanCause = "bulk",
    look: Look | None = None,
) -> StoredPlan:
    """Look at all pages of a plan that nobody has looked at; then it is ready.

    Args:
        services: The bundle.
        tenant_id: The tenant.
        plan_id: The plan.
        at_once: Pages looked at side by side.
        progress: Is told how far it is.
        cause: What the plan must have been begun for.
        look: How a page is looked at; None chooses labels and writes a summary.

    Raises:
        Conflict: It is no plan that is still being made, or one for something else.
        ProviderError: No provider answers; the plan goes on when it is called again.
        BudgetExceeded: There is no money; the same.
        Stopped: A kill switch stands; the same.
    """

    def begin(session: Session) -> StoredPlan:
        plans = PlanStore(session)
        plans.move(tenant_id, plan_id, "drafting", only_from=["drafting"])
        found = plans.plan(tenant_id, plan_id)
        if found.cause != cause:
            raise Conflict(f"plan {plan_id} was begun for something else")
        return found

    plan = await services.database.write(begin)
    drafting = _Drafting(
        services,
        tenant_id,
        plan,
        look=look or _choosing(services, tenant_id, plan_id),
        progress=progress,
    )
    try:
        async with open_site(services, tenant_id) as (confluence, _, _):
            try:
                while page_ids := await drafting.portion():
                    waiting = iter(page_ids)
                    workers = min(at_once, len(page_ids))
                    await side_by_side(
                        [drafting.work(confluence, waiting) for _ in range(workers)]
                    )
            finally:
                drafting.spend(Estimate(points=confluence.meter.points))
    except AppError:
        await services.database.write(drafting.note_spent)
        raise
    return await services.database.write(drafting.finish)


def _choosing(services: Services, tenant_id: str, plan_id: int) -> Look:
    """Return a look that asks for labels and a summary."""

    async def look(confluence: Confluence, run: Run) -> Keep:
        read_at = services.now()
        run.page = await confluence.get_page(run.page_id)
        decision = run.decision = await decide_page(
            services,
            confluence,
            tenant_id,
            run.page,
            priority=Priority.BULK,
            read_at=read_at,
        )
        run.outcome = decision.skipped or PLANNED
        return lambda session, run_id: add_to_plan(
            session, services.cipher, tenant_id, plan_id, decision, run_id=run_id
        )

    return look


def nothing(session: Session, run_id: int | None) -> None:
    """Keep nothing of a page."""
    del session, run_id


class _Drafting:
    """One process's part in the making of a plan."""

    def __init__(
        self,
        services: Services,
        tenant_id: str,
        plan: StoredPlan,
        *,
        look: Look,
        progress: Progress,
    ) -> None:
        self._services = services
        self._tenant_id = tenant_id
        self._plan = plan
        self._plan_id = plan.id
        self._look = look
        self._progress = progress
        self._spent = Estimate()

    def spend(self, more: Estimate) -> None:
        """Add to what making the plan cost."""
        self._spent += more

    async def portion(self) -> Sequence[str]:
        """Return the next pages to look at; tells the progress."""

        def work(session: Session) -> tuple[Sequence[str], dict[str, int]]:
            store = PlannedPageStore(session)
            return (
                store.to_do(self._tenant_id, self._plan_id, limit=_PORTION),
                dict(store.counts(self._tenant_id, self._plan_id)),
            )

        page_ids, counts = await self._services.database.read(work)
        total = sum(counts.values())
        self._progress(total - counts.get(TO_DO, 0), total)
        return page_ids

    async def work(self, confluence: Confluence, page_ids: Iterator[str]) -> None:
        """Look at pages until none is left."""
        for page_id in page_ids:
            with draining(page_ids):
                await self._look_at(confluence, page_id)

    async def _look_at(self, confluence: Confluence, page_id: str) -> None:
        await require_going(self._services, self._tenant_id)
        run = Run(
            page_id=page_id,
            started_at=self._services.now(),
            cause=self._plan.cause,
            actor=self._plan.author,
        )
        keep: Keep = nothing
        try:
            keep = await self._look(confluence, run)
        except WorkObsolete as error:
            run.outcome = error.outcome
        except PageTooExpensive as error:
            # No later try will fare better: the others need not wait for it.
            log.warning("page_too_expensive", tenant=self._tenant_id, page=page_id)
            run.fail(error)
        except (ProviderError, BudgetExceeded) as error:
            run.fail(error)
            self._note_usage(run.asked)
            if any(one.was_called for one in run.asked):
                await record_run(self._services, self._tenant_id, run)
            raise
        await self._settle(run, keep)

    async def _settle(self, run: Run, keep: Keep) -> None:
        """Put a page into the plan; a look that asked the AI is a run of its own."""
        self._note_usage(run.asked)

        def work(session: Session, run_id: int | None = None) -> None:
            pages = PlannedPageStore(session)
            if pages.settle(self._tenant_id, self._plan_id, run.page_id, run.outcome):
                keep(session, run_id)

        if run.answer is not None:
            await record_run(self._services, self._tenant_id, run, also=work)
        else:
            await self._services.database.write(work)

    def _note_usage(self, attempts: Sequence[Attempt]) -> None:
        for one in attempts:
            self.spend(
                Estimate(
                    tokens=one.usage.input_tokens + one.usage.output_tokens,
                    micro_usd=one.usage.micro_usd,
                )
            )

    def note_spent(self, session: Session, estimate: Estimate | None = None) -> None:
        """Write down what making the plan cost, also if it was cut off."""
        plans = PlanStore(session)
        before = plans.plan(self._tenant_id, self._plan_id)
        plans.note_costs(
            self._tenant_id,
            self._plan_id,
            estimate=estimate or before.estimate,
            spent=before.spent + self._spent,
        )

    def finish(self, session: Session) -> StoredPlan:
        """Say what carrying it out will cost; it is ready then."""
        plans = PlanStore(session)
        items = PlanItemStore(session, self._services.cipher).items(
            self._tenant_id, ItemFilter(plan_id=self._plan_id, states=["planned"])
        )
        estimate = cost_of_applying(one.item.change for one in items)
        self.note_spent(session, estimate)
        plans.move(self._tenant_id, self._plan_id, "ready", only_from=["drafting"])
        made = plans.plan(self._tenant_id, self._plan_id)
        RunStore(session).audit(
            self._tenant_id,
            actor=made.author,
            action="plan_made",
            after={"plan": made.id, "pages": estimate.pages},
        )
        return made
