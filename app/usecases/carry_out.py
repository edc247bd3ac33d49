"""Carries a stored plan out: that very plan, page by page, and nothing else.

Each page is read anew. What changed since the plan was made is skipped and reported;
nothing is guessed. Cut off in the middle, it goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import Session

from app.domain.changes import OPEN_STATES, Item
from app.domain.estimating import AT_ONCE
from app.errors import AppError, Conflict, PageGone, VersionConflict, WorkObsolete
from app.store.plan_items import SENT, ItemFilter, PlanItemStore
from app.store.plans import PlanStore, StoredPlan
from app.store.runs import RunStore
from app.usecases.apply_changes import apply_changes, apply_new_pages
from app.usecases.kill_switch import check_going, require_going
from app.usecases.make_plan import Progress, silent
from app.usecases.merged_terms import follow_plan
from app.usecases.ports import Confluence
from app.usecases.record_run import Run, record_run
from app.usecases.services import Services
from app.usecases.side_by_side import draining, side_by_side
from app.usecases.site import open_site
from app.usecases.vocabularies import vocabulary_of
from app.usecases.writing.work import Write

#: What somebody else was about to write, and could be there twice, is left alone for so
#: long: then whoever it was is gone.
_PATIENCE = timedelta(seconds=30)
#: Pauses while somebody else has the rest of a plan in hand; in all a little longer.
_PAUSES = (0.2, 0.3, 0.5, *([1.0] * 32))

#: A page that is written to at the same moment by somebody else is read again.
_TRIES = 3


async def carry_out(
    services: Services,
    tenant_id: str,
    plan_id: int,
    *,
    actor: str,
    at_once: int = AT_ONCE,
    progress: Progress = silent,
) -> StoredPlan:
    """Carry a plan out, as a person who saw it asked; return it as it is then.

    Raises:
        NotFound: There is no such plan.
        Conflict: It is not ready, was carried out already, or cannot be any more.
        Stopped: A kill switch stands; called again after its release, it goes on.
    """

    def left(session: Session) -> list[str | None]:
        store = PlanItemStore(session, services.cipher)
        return list(store.page_ids(tenant_id, plan_id))

    def begin(session: Session) -> tuple[StoredPlan, list[str | None]]:
        check_going(session, tenant_id)
        plans = PlanStore(session)
        plans.move(tenant_id, plan_id, "applying", only_from=["ready", "applying"])
        follow_plan(session, tenant_id, plan_id, actor=actor)
        return plans.plan(tenant_id, plan_id), left(session)

    plan, pages = await services.database.write(begin)
    work = _Applying(
        services,
        tenant_id,
        ItemFilter(plan_id=plan_id, states=OPEN_STATES),
        cause=plan.cause,
        actor=actor,
    )
    pauses = iter(_PAUSES)
    while pages:
        await work.pages(pages, at_once=at_once, progress=progress)
        pages = await services.database.read(left)
        if pages:
            await _wait(pauses, plan_id)

    def end(session: Session) -> StoredPlan:
        plans = PlanStore(session)
        plans.move(tenant_id, plan_id, "done", only_from=["applying"])
        RunStore(session).audit(
            tenant_id,
            actor=actor,
            action="plan_carried_out",
            after={
                "plan": plan_id,
                **PlanItemStore(session, services.cipher).counts(tenant_id, plan_id),
            },
        )
        return plans.plan(tenant_id, plan_id)

    return await services.database.write(end)


async def _wait(pauses: Iterator[float], plan_id: int) -> None:
    """Wait for somebody else who has the rest of a plan in hand."""
    pause = next(pauses, None)
    if pause is None:
        raise Conflict(f"plan {plan_id} is just being carried out by somebody else")
    await asyncio.sleep(pause)


async def carry_out_approved(
    services: Services,
    tenant_id: str,
    page_ids: Collection[str],
    *,
    actor: str,
    new_pages: Collection[int] = (),
) -> None:
    """Write what people approved of on these pages, and make these new ones.

    New pages are named by their items: somebody else may be about to make others.
    """

    async def write(pages: Sequence[str | None], which: ItemFilter) -> None:
        work = _Applying(services, tenant_id, which, cause="review", actor=actor)
        await work.pages(pages, at_once=AT_ONCE, progress=silent)

    approved = ItemFilter(states=["approved"])
    if new_pages:
        await write([None], replace(approved, ids=new_pages))
    await write(sorted(page_ids), approved)


class _Applying:
    """One process's part in carrying items out."""

    def __init__(
        self,
        services: Services,
        tenant_id: str,
        which: ItemFilter,
        *,
        cause: str,
        actor: str,
    ) -> None:
        self._services = services
        self._tenant_id = tenant_id
        self._which = which
        self._cause = cause
        self._actor = actor
        self._done = 0

    async def pages(
        self, page_ids: Sequence[str | None], *, at_once: int, progress: Progress
    ) -> None:
        """Write to these pages, several at a time; None stands for new ones."""
        if None in page_ids:
            async with open_site(self._services, self._tenant_id) as (confluence, _, _):
                await self._new_pages(confluence)
        waiting = iter([one for one in page_ids if one is not None])
        total, self._done = len(page_ids), 0

        def told() -> None:
            self._done += 1
            progress(self._done, total)

        progress(0, total)
        workers = min(at_once, total)
        await side_by_side([self._work(waiting, told) for _ in range(workers)])

    async def _work(self, page_ids: Iterator[str], told: Callable[[], None]) -> None:
        # A client for each worker: what a page costs is what its meter shows between.
        async with open_site(self._services, self._tenant_id) as (confluence, _, _):
            for page_id in page_ids:
                with draining(page_ids):
                    await self._tried(confluence, page_id)
                told()

    async def _tried(self, confluence: Confluence, page_id: str) -> None:
        for _ in range(_TRIES - 1):
            try:
                await self._page(confluence, page_id)
            except VersionConflict:
                continue
            return
        await self._page(confluence, page_id)

    async def _page(self, confluence: Confluence, page_id: str) -> None:
        writes = await self._open([page_id])
        if not writes:
            return
        # Before they are marked as sent: what stays undone must not look done.
        await require_going(self._services, self._tenant_id)
        run = self._run(page_id, writes)
        claimed: list[Write] = []
        before = replace(confluence.meter)
        try:
            page = run.page = await confluence.get_page(page_id)
            read_at = self._services.now()
            vocabulary = await vocabulary_of(
                self._services, self._tenant_id, page.space_id
            )
            run.writes = claimed = await self._claimed(writes)
            if not claimed:
                return
            await apply_changes(
                self._services,
                confluence,
                self._tenant_id,
                run.writes,
                page=page,
                read_at=read_at,
                vocabulary=vocabulary,
            )
            run.conclude()
        except WorkObsolete as error:
            run.outcome = error.outcome
            for one in run.writes:
                if one.is_open:
                    _lost(one, error)
        except AppError as error:
            run.fail(error)
            run.meter = confluence.meter.since(before)
            await record_run(self._services, self._tenant_id, run)
            await self._let_go(claimed)
            raise
        run.meter = confluence.meter.since(before)
        await record_run(self._services, self._tenant_id, run)

    async def _new_pages(self, confluence: Confluence) -> None:
        writes = await self._open(None)
        for one in writes:
            run = self._run("", [one])
            before = replace(confluence.meter)
            # Before it is marked as sent: what stays undone must not look done.
            await require_going(self._services, self._tenant_id)
            if not await self._claimed([one]):
                continue
            try:
                await apply_new_pages(
                    self._services, confluence, self._tenant_id, run.writes
                )
            except AppError:
                await self._let_go([one])
                raise
            if one.outcome == "applied":
                run.page_id = one.after["id"]
            run.conclude()
            run.meter = confluence.meter.since(before)
            await record_run(self._services, self._tenant_id, run)

    async def _open(self, page_ids: Collection[str] | None) -> list[Write]:
        """Return what is still to be written, in the plan's order."""

        def work(session: Session) -> list[Item]:
            store = PlanItemStore(session, self._services.cipher)
            found = store.items(self._tenant_id, self._which.on_pages(page_ids))
            return [one.item for one in found]

        items = await self._services.database.read(work)
        return [
            Write(
                change=one.change,
                authority="person",
                item=one,
                was_sent=one.reason == SENT,
            )
            for one in items
        ]

    async def _claimed(self, writes: Sequence[Write]) -> list[Write]:
        """Note that the site will hear of these: who finds them after a crash knows.

        Return those that nobody else is about to write.
        """
        items = [one.item for one in writes if one.item is not None]

        def work(session: Session) -> set[int]:
            store = PlanItemStore(session, self._services.cipher)
            return store.claim(self._tenant_id, items, patience=_PATIENCE)

        claimed = await self._services.database.write(work)
        return [one for one in writes if one.item and one.item.id in claimed]

    async def _let_go(self, writes: Sequence[Write]) -> None:
        """Let the next try go on at once: this one writes no more."""
        ids = [one.item.id for one in writes if one.item is not None]
        await self._services.database.write(
            lambda s: PlanItemStore(s, self._services.cipher).let_go(
                self._tenant_id, ids
            )
        )

    def _run(self, page_id: str, writes: list[Write]) -> Run:
        return Run(
            page_id=page_id,
            started_at=self._services.now(),
            cause=self._cause,
            actor=self._actor,
            writes=writes,
            forget=self._cause == "reset",
        )


def _lost(one: Write, error: WorkObsolete) -> None:
    """Say what became of a change whose page is lost: gone is what a bin is for."""
    is_done = one.change.kind == "page_trash" and isinstance(error, PageGone)
    if one.was_sent and is_done:
        one.apply()
    else:
        one.skip(error.outcome)
