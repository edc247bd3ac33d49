"""What an operator asks and changes by hand, tenant by tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.domain import whitelists
from app.domain.modes import WhitelistEntry, WhitelistKind
from app.errors import MalformedPayload, NotFound
from app.store.installations import InstallationStore
from app.store.jobs import JobStore
from app.store.policies import PolicyStore
from app.store.receipts import ReceiptStore
from app.store.runs import RunStore
from app.store.switches import is_stopped
from app.store.tenants import TenantStore
from app.usecases.services import Services

Rows = Sequence[Mapping[str, Any]]


def is_space_key(text: str) -> bool:
    """Whether `text` can be a space's key: not empty, no white space in it."""
    return bool(text) and not any(map(str.isspace, text))


def whitelist_entry(kind: WhitelistKind, value: str) -> WhitelistEntry:
    """Return the entry that was asked for.

    Raises:
        MalformedPayload: It could match nothing: an id where a key belongs, or a key
            where an id does.
    """
    try:
        return whitelists.whitelist_entry(kind, value)
    except ValueError as error:
        raise MalformedPayload("whitelist entry", str(error)) from error


async def list_tenants(services: Services) -> Rows:
    """Return every site with its installations."""

    def work(session: Session) -> Rows:
        installations = InstallationStore(session, services.cipher)
        return [
            {
                "tenant": tenant.id,
                "site": tenant.site_url,
                "cloud_id": tenant.cloud_id,
                "status": tenant.status,
                "stopped": is_stopped(session, tenant.id),
                "installations": [
                    f"{one.host}:{one.status}"
                    for one in installations.of_tenant(tenant.id)
                ],
            }
            for tenant in TenantStore(session).all()
        ]

    return await services.database.read(work)


async def set_policy(
    services: Services, tenant_id: str, mode: Any, space_key: str | None
) -> None:
    """Set the policy of a space, or of the whole site where `space_key` is None.

    Raises:
        NotFound: No such tenant, or no such space on its site.
    """

    def work(session: Session) -> None:
        _known(session, tenant_id)
        policies = PolicyStore(session)
        space_id = ""
        if space_key is not None:
            space_id = policies.space_named(tenant_id, space_key)
        before = policies.mode(tenant_id, space_id)
        policies.set_mode(tenant_id, space_id, mode)
        RunStore(session).audit(
            tenant_id,
            actor="cli",
            action="policy_changed",
            before={"space": space_key, "mode": before},
            after={"space": space_key, "mode": mode},
        )

    await services.database.write(work)


async def change_whitelist(
    services: Services, tenant_id: str, entry: WhitelistEntry, *, remove: bool
) -> None:
    """Add a whitelist entry, or take it off."""

    def work(session: Session) -> None:
        _known(session, tenant_id)
        policies = PolicyStore(session)
        if not remove:
            policies.allow(tenant_id, entry)
        elif not policies.disallow(tenant_id, entry):
            raise NotFound(f"{entry.kind} {entry.value} is not on the whitelist")
        RunStore(session).audit(
            tenant_id,
            actor="cli",
            action="whitelist_removed" if remove else "whitelist_added",
            after={"kind": entry.kind, "value": entry.value},
        )

    await services.database.write(work)


async def import_whitelist(
    services: Services, tenant_id: str, text: str, *, dry_run: bool, by: str
) -> Rows:
    """Add what a file names to the whitelist, all of it or nothing.

    Returns:
        Each entry, and whether it is new.

    Raises:
        NotFound: There is no such tenant.
        MalformedPayload: The file is not what it should be; all problems are told.
    """
    wanted = whitelists.read_whitelist(text)

    def work(session: Session) -> Rows:
        _known(session, tenant_id)
        policies = PolicyStore(session)
        there = set(policies.whitelist(tenant_id))
        new = [one for one in wanted if one not in there]
        for one in () if dry_run else new:
            policies.allow(tenant_id, one)
        if new and not dry_run:
            RunStore(session).audit(
                tenant_id,
                actor=by,
                action="whitelist_imported",
                after={"added": [[one.kind, one.value] for one in new]},
            )
        return [
            {"kind": one.kind, "value": one.value, "is_new": one not in there}
            for one in wanted
        ]

    return await services.database.write(work)


async def list_whitelist(services: Services, tenant_id: str) -> Rows:
    """Return where SAFE_TEST may write."""

    def work(session: Session) -> Rows:
        _known(session, tenant_id)
        entries = PolicyStore(session).whitelist(tenant_id)
        return [{"kind": one.kind, "value": one.value} for one in entries]

    return await services.database.read(work)


async def list_runs(
    services: Services, tenant_id: str, page_id: str | None, limit: int
) -> Rows:
    """Return the latest runs."""

    def work(session: Session) -> Rows:
        _known(session, tenant_id)
        found = RunStore(session).recent(tenant_id, page_id=page_id, limit=limit)
        receipts = ReceiptStore(session, services.cipher)
        kept = receipts.find(tenant_id, [run.id for run in found])
        return [
            {
                "run": run.id,
                "at": run.finished_at.isoformat(timespec="seconds"),
                "page": run.page_id,
                "version": run.page_version,
                "outcome": run.outcome,
                "added": run.receipt.get("added", []),
                "removed": run.receipt.get("removed", []),
                "ai_calls": run.ai_calls,
                "points": run.points,
                "summary": _summary(kept.get(run.id)),
            }
            for run in found
        ]

    return await services.database.read(work)


async def list_failed(services: Services, tenant_id: str, limit: int) -> Rows:
    """Return dead letters."""

    def work(session: Session) -> Rows:
        _known(session, tenant_id)
        return [
            {
                "job": job.id,
                "kind": job.kind,
                "payload": job.payload,
                "attempts": job.attempt,
                "error": job.last_error,
            }
            for job in JobStore(session).failed(tenant_id, limit=limit)
        ]

    return await services.database.read(work)


async def retry_job(services: Services, tenant_id: str, job_id: int) -> None:
    """Make a dead letter ready again."""

    def work(session: Session) -> None:
        _known(session, tenant_id)
        if not JobStore(session).retry_failed(tenant_id, job_id):
            raise NotFound(
                f"job {job_id} is no dead letter of this site, or a newer one waits"
            )
        RunStore(session).audit(
            tenant_id, actor="cli", action="job_retried", after={"job": job_id}
        )

    await services.database.write(work)


async def list_audit(
    services: Services, tenant_id: str, page_id: str | None, limit: int
) -> Rows:
    """Return the latest audit rows."""

    def work(session: Session) -> Rows:
        _known(session, tenant_id)
        found = RunStore(session).audit_trail(tenant_id, page_id=page_id, limit=limit)
        return [
            {
                "at": row.at.isoformat(timespec="seconds"),
                "actor": row.actor,
                "action": row.action,
                "page": row.page_id,
                "before": row.before,
                "after": row.after,
            }
            for row in found
        ]

    return await services.database.read(work)


def _summary(receipt: Mapping[str, Any] | None) -> str | None:
    """Return what a page was said to tell; None once the receipt is gone."""
    answer = receipt["answer"] if receipt else None
    return answer["summary"] if answer else None


def _known(session: Session, tenant_id: str) -> None:
    if TenantStore(session).get(tenant_id) is None:
        raise NotFound(f"no tenant {tenant_id}")
