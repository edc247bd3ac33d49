"""Deletes receipts that had their time, by today's policies, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy.orm import Session

from app.store.database import Database
from app.store.encryption import Cipher
from app.store.policies import PolicyStore
from app.store.receipts import ReceiptStore
from app.store.tenants import TenantStore

#: Receipts deleted in one transaction: short enough that events need not wait.
BATCH = 200


async def sweep_receipts(
    database: Database, cipher: Cipher, *, batch: int = BATCH
) -> int:
    """Delete all receipts that nobody wants kept any more; return how many.

    A policy that was shortened counts for what was kept before as well. One that was
    lengthened counts for new receipts only.
    """
    tenants = await database.read(lambda s: [one.id for one in TenantStore(s).all()])
    lists: list[Callable[[Session], Mapping[str, Sequence[int]]]] = [
        lambda s: ReceiptStore(s, cipher).expired(limit=batch),
        *(_outdated(cipher, tenant_id, batch) for tenant_id in tenants),
    ]
    count = 0
    for found_by in lists:
        while found := await database.read(found_by):
            await database.write(_dropping(cipher, found))
            count += sum(map(len, found.values()))
    return count


def _outdated(
    cipher: Cipher, tenant_id: str, batch: int
) -> Callable[[Session], Mapping[str, Sequence[int]]]:
    def work(session: Session) -> Mapping[str, Sequence[int]]:
        store = ReceiptStore(session, cipher)
        days = dict(PolicyStore(session).receipt_days(tenant_id))
        site = days.pop("")
        run_ids = store.outdated(tenant_id, days=site, but=days, limit=batch)
        for space_id, own in days.items():
            run_ids = run_ids or store.outdated(
                tenant_id, days=own, space_id=space_id, limit=batch
            )
        return {tenant_id: run_ids} if run_ids else {}

    return work


def _dropping(
    cipher: Cipher, found: Mapping[str, Sequence[int]]
) -> Callable[[Session], None]:
    def work(session: Session) -> None:
        for tenant_id, run_ids in found.items():
            ReceiptStore(session, cipher).drop(tenant_id, run_ids)

    return work
