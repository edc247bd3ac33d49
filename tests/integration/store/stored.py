"""What tests of the store arrange, and how they look at it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.clock import utc_now
from app.store import tables
from app.store.base import Base, UtcDateTime
from app.store.database import Database
from app.store.encryption import Cipher, new_key
from app.store.tenants import TenantStore

CIPHER = Cipher([new_key()])

#: Every table of a tenant, parents first, whatever tables the future brings.
TENANT_TABLES: list[sa.Table] = [
    table for table in tables.TenantRow.metadata.sorted_tables if "tenant_id" in table.c
]


async def new_tenant(
    database: Database, name: str = "a", *, cloud_id: str | None = None
) -> str:
    tenant = await database.write(
        lambda s: TenantStore(s).create(
            site_url=f"https://{name}.atlassian.net", cloud_id=cloud_id
        )
    )
    return tenant.id


def fill(session: Session, tenant_id: str) -> None:
    """Put one row into every table of a tenant, no column of it empty.

    Two tenants filled so have rows of the same keys wherever a key begins with the
    tenant.
    """
    inserted: dict[str, Any] = {}
    for table in TENANT_TABLES:
        values = {
            column.name: _value(column, tenant_id, inserted)
            for column in table.columns
            if not _is_numbered(column)
        }
        row = session.execute(sa.insert(table).values(values).returning(table)).one()
        for column in table.primary_key:
            inserted[f"{table.name}.{column.name}"] = row._mapping[column.name]


def _is_numbered(column: sa.Column[Any]) -> bool:
    return bool(column.primary_key and column.autoincrement is True)


def _value(column: sa.Column[Any], tenant_id: str, inserted: Mapping[str, Any]) -> Any:
    if column.name == "tenant_id":
        return tenant_id
    for key in column.foreign_keys:
        return inserted[key.target_fullname]
    special = {"external_id": f"of {tenant_id}", "state": "ready"}
    if column.name in special:
        return special[column.name]
    if isinstance(column.type, UtcDateTime):
        return utc_now()
    if isinstance(column.type, sa.JSON):
        return {}
    plain = {bool: True, str: "x", int: 1, float: 0.5, date: date(2026, 11, 22)}
    return plain[column.type.python_type]


async def counted(database: Database, tenant_id: str) -> dict[str, int]:
    """Return how many rows of a tenant each table holds."""

    def work(session: Session) -> dict[str, int]:
        return {
            table.name: session.execute(
                sa.select(sa.func.count())
                .select_from(table)
                .where(table.c.tenant_id == tenant_id)
            ).scalar_one()
            for table in TENANT_TABLES
        }

    return await database.read(work)


async def rows(database: Database, row: type[Base]) -> list[dict[str, Any]]:
    """Return a whole table as it lies there, ordered by its key."""
    table = row.metadata.tables[row.__tablename__]

    def work(session: Session) -> list[dict[str, Any]]:
        found = session.execute(sa.select(table).order_by(*table.primary_key))
        return [dict(one._mapping) for one in found]

    return await database.read(work)
