"""Tenants: found by cloud id, paused, ended, merged and purged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.tenants import PURGE_GRACE, Tenant
from app.store.base import Base, db_time
from app.store.budgets import BudgetStore
from app.store.jobs import JobStore
from app.store.tables import (
    ForgottenPageRow,
    InstallationRow,
    LedgerRow,
    PageMemoryRow,
    ProposalRow,
    TenantRow,
)
from app.store.usage import UsageStore


class TenantStore:
    """Reads and changes tenants; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, tenant_id: str) -> Tenant | None:
        """Return a tenant by our own id."""
        row = self._session.get(TenantRow, tenant_id)
        return None if row is None else _value(row)

    def by_cloud_id(self, cloud_id: str) -> Tenant | None:
        """Return the tenant of a site."""
        row = self._session.scalar(
            sa.select(TenantRow).where(TenantRow.cloud_id == cloud_id)
        )
        return None if row is None else _value(row)

    def all(self) -> Sequence[Tenant]:
        """Return every tenant, oldest first (for the operator's list)."""
        rows = self._session.scalars(
            sa.select(TenantRow).order_by(TenantRow.created_at)
        )
        return [_value(row) for row in rows]

    def create(self, *, site_url: str, cloud_id: str | None = None) -> Tenant:
        """Add a tenant; a rival that added the same site first wins."""
        tenant_id = str(uuid4())
        try:
            with self._session.begin_nested():
                self._session.execute(
                    sa.insert(TenantRow).values(
                        id=tenant_id,
                        cloud_id=cloud_id,
                        site_url=site_url,
                        status="active",
                        created_at=db_time(),
                        memory_version=0,
                    )
                )
        except sa.exc.IntegrityError:
            rival = self.by_cloud_id(cloud_id or "")
            if rival is None:
                raise
            return rival
        return Tenant(
            id=tenant_id, cloud_id=cloud_id, site_url=site_url, status="active"
        )

    def activate(self, tenant_id: str) -> None:
        """Bring a tenant (back) to life; its data is as it was left."""
        self._update(
            tenant_id,
            status="active",
            uninstalled_at=None,
            purge_after=None,
        )

    def revive(self, tenant_id: str) -> None:
        """Bring a tenant to life that has a way in: no purge, no wait for a token."""
        self.activate(tenant_id)
        self.token_arrived(tenant_id)
        JobStore(self._session).cancel(
            tenant_id, "purge_tenant", outcome="tenant_returned"
        )

    def end_if_unused(self, tenant_id: str) -> bool:
        """Mark a tenant without living installations as uninstalled."""
        living = sa.exists().where(
            InstallationRow.tenant_id == tenant_id,
            InstallationRow.status != "uninstalled",
        )
        ended = self._session.execute(
            sa.update(TenantRow)
            .where(TenantRow.id == tenant_id, TenantRow.status == "active", ~living)
            .values(
                status="uninstalled",
                uninstalled_at=db_time(),
                purge_after=db_time(PURGE_GRACE),
            )
            .returning(TenantRow.id)
        )
        return ended.first() is not None

    def pause(self, tenant_id: str, *, delay: timedelta, reason: str) -> None:
        """Claim none of the tenant's jobs for `delay`; a longer pause stands."""
        until = db_time(delay)
        self._session.execute(
            sa.update(TenantRow)
            .where(
                TenantRow.id == tenant_id,
                sa.or_(
                    TenantRow.blocked_until.is_(None), TenantRow.blocked_until < until
                ),
            )
            .values(blocked_until=until, blocked_reason=reason)
            .execution_options(synchronize_session=False)
        )

    def pause_everyone(self, *, delay: timedelta, reason: str) -> None:
        """Pause every tenant: the app's own quota is spent."""
        until = db_time(delay)
        self._session.execute(
            sa.update(TenantRow)
            .where(
                sa.or_(
                    TenantRow.blocked_until.is_(None), TenantRow.blocked_until < until
                )
            )
            .values(blocked_until=until, blocked_reason=reason)
            .execution_options(synchronize_session=False)
        )

    def await_token(self, tenant_id: str, *, longest: timedelta) -> None:
        """Claim none of the tenant's jobs until a token comes, or `longest` is over."""
        self._update(tenant_id, token_wait_until=db_time(longest))

    def token_arrived(self, tenant_id: str) -> None:
        """End the wait for a token; other pauses stand."""
        self._session.execute(
            sa.update(TenantRow)
            .where(TenantRow.id == tenant_id, TenantRow.token_wait_until.is_not(None))
            .values(token_wait_until=None)
            .execution_options(synchronize_session=False)
        )

    def awaits_token(self, tenant_id: str) -> bool:
        """Whether the tenant's jobs wait for a token."""
        found = self._session.scalar(
            sa.select(TenantRow.id).where(
                TenantRow.id == tenant_id, TenantRow.token_wait_until.is_not(None)
            )
        )
        return found is not None

    def set_cloud_id(self, tenant_id: str, cloud_id: str) -> None:
        """Record which site a tenant is."""
        self._update(tenant_id, cloud_id=cloud_id)

    def begin_learning(self, tenant_id: str, *, at_most_every: timedelta) -> bool:
        """Note that the site is walked now; False if it was just recently."""
        begun = self._session.execute(
            sa.update(TenantRow)
            .where(
                TenantRow.id == tenant_id,
                sa.or_(
                    TenantRow.learned_at.is_(None),
                    TenantRow.learned_at < db_time(-at_most_every),
                ),
            )
            .values(learned_at=db_time())
            .returning(TenantRow.id)
            .execution_options(synchronize_session=False)
        )
        return begun.first() is not None

    def merge(self, tenant_id: str, *, into: str) -> None:
        """Make two records of one site one tenant; what `into` has already stands.

        Both are locked first, so that an event that comes in meanwhile waits, and
        then finds where it belongs. A tombstone of either side stays one, and what
        both have spent is summed.
        """
        if tenant_id == into:
            return
        self._lock(tenant_id, into)
        loser = self.get(tenant_id)
        if loser is not None and loser.is_active:
            # The site is there, whatever became of the installation known before.
            self.revive(into)
        self._join_tombstones(tenant_id, into)
        self._join_refusals(tenant_id, into)
        self._show_pages(tenant_id, into)
        UsageStore(self._session).merge(tenant_id, into=into)
        BudgetStore(self._session).merge(tenant_id, into=into)
        for table in Base.metadata.sorted_tables:
            if "tenant_id" not in table.c:
                continue
            self._drop_rivals(table, tenant_id, into)
            self._session.execute(
                sa.update(table)
                .where(table.c.tenant_id == tenant_id)
                .values(tenant_id=into)
            )
        self._session.execute(sa.delete(TenantRow).where(TenantRow.id == tenant_id))
        self._session.expire_all()

    def _lock(self, *tenant_ids: str) -> None:
        """Hold the rows until the transaction ends, always in the same order."""
        self._session.execute(
            sa.select(TenantRow.id)
            .where(TenantRow.id.in_(tenant_ids))
            .order_by(TenantRow.id)
            .with_for_update()
        )

    def _join_tombstones(self, tenant_id: str, into: str) -> None:
        loser = sa.orm.aliased(LedgerRow)
        withdrawn = sa.exists().where(
            loser.tenant_id == tenant_id,
            loser.page_id == LedgerRow.page_id,
            loser.kind == LedgerRow.kind,
            loser.value == LedgerRow.value,
            loser.state == "withdrawn",
        )
        self._session.execute(
            sa.update(LedgerRow)
            .where(LedgerRow.tenant_id == into, withdrawn)
            .values(state="withdrawn")
            .execution_options(synchronize_session=False)
        )

    def _join_refusals(self, tenant_id: str, into: str) -> None:
        """Reject for good what either side has rejected for good."""
        loser = sa.orm.aliased(ProposalRow)
        rejected = sa.exists().where(
            loser.tenant_id == tenant_id,
            loser.key == ProposalRow.key,
            loser.state == "rejected",
        )
        self._session.execute(
            sa.update(ProposalRow)
            .where(ProposalRow.tenant_id == into, rejected)
            .values(state="rejected")
            .execution_options(synchronize_session=False)
        )
        self._update(into, vocabulary_version=TenantRow.vocabulary_version + 1)

    def _show_pages(self, tenant_id: str, into: str) -> None:
        """Make the loser's pages news to whoever remembers the winner's."""
        self._update(into, memory_version=TenantRow.memory_version + 1)
        version = sa.select(TenantRow.memory_version).where(TenantRow.id == into)
        self._session.execute(
            sa.update(PageMemoryRow)
            .where(PageMemoryRow.tenant_id == tenant_id)
            .values(changed_seq=version.scalar_subquery())
            .execution_options(synchronize_session=False)
        )
        # The winner's readers never knew what the loser has forgotten.
        self._session.execute(
            sa.delete(ForgottenPageRow).where(ForgottenPageRow.tenant_id == tenant_id)
        )

    def purge_in(self, tenant_id: str) -> timedelta | None:
        """Return how long a tenant's grace still lasts; None while it lives."""
        # Locked, so that no re-install comes between this question and the purge.
        row = self._session.execute(
            sa.select(TenantRow.purge_after, db_time().label("now"))
            .where(TenantRow.id == tenant_id, TenantRow.status == "uninstalled")
            .with_for_update()
        ).first()
        if row is None or row.purge_after is None:
            return None
        remaining: timedelta = row.purge_after - row.now
        return max(remaining, timedelta())

    def purge(self, tenant_id: str) -> None:
        """Erase a tenant and every row of it."""
        self._lock(tenant_id)
        for table in reversed(Base.metadata.sorted_tables):
            if "tenant_id" in table.c:
                self._session.execute(
                    sa.delete(table).where(table.c.tenant_id == tenant_id)
                )
        self._session.execute(sa.delete(TenantRow).where(TenantRow.id == tenant_id))

    def _drop_rivals(self, table: sa.Table, tenant_id: str, into: str) -> None:
        """Delete the loser's rows that a unique key of the winner forbids."""
        uniques = [
            tuple(index.columns)
            for index in table.indexes
            if index.unique and "tenant_id" in index.columns
        ]
        uniques += [
            tuple(constraint.columns)
            for constraint in table.constraints
            if isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint)
            and "tenant_id" in constraint.columns
        ]
        for columns in uniques:
            other = table.alias()
            same = [
                other.c[column.name] == column
                for column in columns
                if column.name != "tenant_id"
            ]
            if table.name == "jobs":
                # Unique among the living alone: dead letters and history all stay.
                same += [
                    other.c.state == table.c.state,
                    table.c.state.in_(["ready", "running"]),
                ]
            self._session.execute(
                sa.delete(table).where(
                    table.c.tenant_id == tenant_id,
                    sa.exists().where(other.c.tenant_id == into, *same),
                )
            )

    def _update(self, tenant_id: str, **values: object) -> None:
        self._session.execute(
            sa.update(TenantRow).where(TenantRow.id == tenant_id).values(**values)
        )


def _value(row: TenantRow) -> Tenant:
    return Tenant(
        id=row.id,
        cloud_id=row.cloud_id,
        site_url=row.site_url,
        status="active" if row.status == "active" else "uninstalled",
    )
