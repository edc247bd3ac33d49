"""The queue's two large statements, built apart from what uses them.

Building an upsert with SQLAlchemy costs ten times what running it does, so it is built
once a dialect and bound anew for each event.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.store.base import Base, db_time
from app.store.tables import JobRow, SwitchRow, TenantRow

#: A literal, as PostgreSQL cannot match a bound parameter to a partial index.
_READY = sa.text("state = 'ready'")


@cache
def enqueue_statement(*, is_sqlite: bool) -> sa.Executable:
    """Return the upsert: a new job, or the ready one of the same key made newer."""
    insert = (sqlite.insert if is_sqlite else postgresql.insert)(
        Base.metadata.tables["jobs"]
    )
    new = insert.values(
        tenant_id=sa.bindparam("tenant_id"),
        kind=sa.bindparam("kind"),
        dedupe_key=sa.bindparam("dedupe_key"),
        priority=sa.bindparam("priority"),
        state="ready",
        payload=sa.bindparam("payload"),
        version=sa.bindparam("version"),
        run_at=db_time(sa.bindparam("delay", type_=sa.Double())),
        attempt=0,
        max_attempts=sa.bindparam("max_attempts"),
        deferrals=0,
        coalesced=0,
        created_at=db_time(),
    )
    jobs = Base.metadata.tables["jobs"].c
    newer = new.excluded.version > jobs.version
    not_older = new.excluded.version >= jobs.version
    sooner = new.excluded.priority < jobs.priority
    return new.on_conflict_do_update(
        index_elements=["tenant_id", "dedupe_key"],
        index_where=_READY,
        set_={
            "payload": sa.case((not_older, new.excluded.payload), else_=jobs.payload),
            "version": sa.case((newer, new.excluded.version), else_=jobs.version),
            "attempt": sa.case((newer, 0), else_=jobs.attempt),
            "priority": sa.case((sooner, new.excluded.priority), else_=jobs.priority),
            "run_at": sa.case(
                (new.excluded.run_at < jobs.run_at, new.excluded.run_at),
                else_=jobs.run_at,
            ),
            "coalesced": jobs.coalesced + 1,
        },
    ).returning(jobs.id, jobs.coalesced)


def due_heads(limit: int) -> sa.CTE:
    """Pick the first due job of each tenant that may work, least lately served first.

    Priority decides within a tenant only: between tenants it would let the events
    of a busy one starve whatever a quiet one waits for.
    """
    running = sa.orm.aliased(JobRow)
    head = (
        sa.select(JobRow.id)
        .where(
            JobRow.tenant_id == TenantRow.id,
            JobRow.state == sa.literal_column("'ready'"),
            JobRow.run_at <= db_time(),
            ~sa.exists().where(
                running.tenant_id == JobRow.tenant_id,
                running.dedupe_key == JobRow.dedupe_key,
                running.state == sa.literal_column("'running'"),
            ),
        )
        .order_by(JobRow.priority, JobRow.run_at, JobRow.id)
        .limit(1)
        .correlate(TenantRow)
        .scalar_subquery()
    )
    heads = (
        sa.select(head.label("job_id"), TenantRow.last_served_at)
        .where(
            _over(TenantRow.blocked_until),
            _over(TenantRow.token_wait_until),
            TenantRow.stopped_at.is_(None),
            ~sa.exists().where(SwitchRow.name == sa.literal_column("'stopped'")),
        )
        .cte("heads")
    )
    return (
        sa.select(JobRow.id)
        .join(heads, heads.c.job_id == JobRow.id)
        .order_by(
            heads.c.last_served_at.asc().nulls_first(), JobRow.priority, JobRow.id
        )
        .limit(limit)
        .with_for_update(skip_locked=True, of=JobRow)
        .cte("picked")
    )


def _over(
    until: sa.orm.InstrumentedAttribute[datetime | None],
) -> sa.ColumnElement[bool]:
    return sa.or_(until.is_(None), until <= db_time())
