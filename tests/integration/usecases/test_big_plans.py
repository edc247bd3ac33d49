"""A plan of ten thousand pages: kept, shown page by page, and taken back."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from sqlalchemy.orm import Session

from app.domain.changes import Change
from app.store.database import Database
from app.store.plan_items import NewItem, PlanItemStore
from app.store.planned_pages import PlannedPageStore
from app.store.plans import PlanStore
from app.usecases.services import Services
from app.usecases.show_plan import list_plans, plan_items, show_plan
from app.usecases.undo import Undo, plan_undo
from tests.integration.store.stored import new_tenant
from tests.unit.worker.services import make_services

pytestmark = pytest.mark.anyio

PAGES = 10_000
#: Bytes that a portion of a listing may take at its peak, evidence and titles included.
PORTION = 20_000_000


def _keep(session: Session, services: Services, tenant: str) -> int:
    """Keep a plan whose every page has a label, carried out already."""
    plan = PlanStore(session).create(
        tenant, "bulk", author="cli", state="done", selection={"space": ["OPS"]}
    )
    ids = [f"{number}" for number in range(PAGES)]
    PlannedPageStore(session).add(tenant, plan, ids)
    PlanItemStore(session, services.cipher).add(
        tenant,
        plan,
        [
            NewItem(
                change=Change(
                    kind="label_add",
                    page_id=page_id,
                    value="backup",
                    evidence="made every night " * 5,
                    confidence=0.9,
                ),
                state="applied",
                space_id="100",
                page_version=1,
                page_title=f"Резервна копія {page_id}",
            )
            for page_id in ids
        ],
    )
    return plan


async def test_a_plan_of_ten_thousand_pages(database: Database) -> None:
    """Its head takes a moment, a portion of it little memory, its undo some seconds."""
    tenant = await new_tenant(database)
    services = make_services(database)
    plan = await database.write(lambda s: _keep(s, services, tenant))

    began = time.process_time()
    head = await show_plan(services, tenant, plan)
    (listed,) = await list_plans(services, tenant, limit=10)
    shown = time.process_time() - began

    tracemalloc.start()
    began, after, seen = time.process_time(), 0, 0
    for _ in range(5):
        rows = await plan_items(services, tenant, plan, after=after, limit=200)
        after, seen = rows[-1]["item"], seen + len(rows)
    portions = time.process_time() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    began = time.process_time()
    undo = await plan_undo(services, tenant, Undo(plan_id=plan), author="cli")
    taken_back = time.process_time() - began

    back = await show_plan(services, tenant, undo.id)
    assert (head["applied"], listed["changes"]) == (PAGES, PAGES)
    assert back["planned"] == PAGES
    assert seen == 1_000
    assert shown < 2
    assert portions < 5
    assert peak < PORTION
    assert taken_back < 30
