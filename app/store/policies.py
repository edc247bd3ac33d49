"""Policies, the whitelist, and the spaces whose keys both speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.modes import PolicyMode, WhitelistEntry
from app.domain.pages import Space
from app.domain.policy import Policy
from app.domain.policy_fields import policy_of
from app.errors import NotFound
from app.store.base import db_time
from app.store.tables import (
    PageMemoryRow,
    PolicyRow,
    SpaceRow,
    TenantRow,
    WhitelistRow,
)

#: What a tenant without any policy gets; the operator's guard still stands above.
DEFAULT_MODE: PolicyMode = "auto"
_RECEIPTS = "keep_receipts_days"


class PolicyStore:
    """Reads and changes what may happen where; commits nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def mode(self, tenant_id: str, space_id: str) -> PolicyMode:
        """Return the policy of a space, else the tenant's, else the default."""
        rows = self._session.execute(
            sa.select(PolicyRow.space_id, PolicyRow.mode).where(
                PolicyRow.tenant_id == tenant_id, PolicyRow.space_id.in_([space_id, ""])
            )
        )
        modes = {row.space_id: row.mode for row in rows}
        mode: PolicyMode = modes.get(space_id) or modes.get("") or DEFAULT_MODE
        return mode

    def policy(self, tenant_id: str, space_id: str) -> Policy:
        """Return what may happen in a space: its own policy over the site's."""
        return policy_of(self.layers(tenant_id, space_id))

    def layers(self, tenant_id: str, space_id: str) -> list[Mapping[str, Any]]:
        """Return what was set for the site and, over it, for the space."""
        rows = self._session.scalars(
            sa.select(PolicyRow)
            .where(
                PolicyRow.tenant_id == tenant_id, PolicyRow.space_id.in_(["", space_id])
            )
            .order_by(PolicyRow.space_id)
        )
        return [_layer(row) for row in rows]

    def receipt_days(self, tenant_id: str) -> Mapping[str, int]:
        """Return how many days receipts are kept, by space: those with a say of their own.

        The site's own stand under an empty id, and hold for all other spaces.
        """
        rows = self._session.scalars(
            sa.select(PolicyRow).where(PolicyRow.tenant_id == tenant_id)
        )
        said = {row.space_id: _layer(row) for row in rows}
        own = {space_id for space_id, layer in said.items() if _RECEIPTS in layer}
        return {
            space_id: policy_of([said.get(space_id, {})]).keep_receipts_days
            for space_id in {"", *own}
        }

    def set_fields(
        self, tenant_id: str, space_id: str, fields: Mapping[str, Any]
    ) -> None:
        """Set fields of a space's policy, or of the site's for an empty id.

        None takes a field back: what is below holds again.
        """
        row = self._session.get(PolicyRow, (tenant_id, space_id))
        if row is None:
            row = PolicyRow(tenant_id=tenant_id, space_id=space_id)
            self._session.add(row)
        said = {**_layer(row), **fields}
        said = {name: value for name, value in said.items() if value is not None}
        row.mode = said.pop("mode", None)
        row.providers = ",".join(said.pop("providers", ())) or None
        row.rules = said

    def set_mode(self, tenant_id: str, space_id: str, mode: PolicyMode) -> None:
        """Set the policy of a space, or the tenant's default for an empty id."""
        self._session.merge(
            PolicyRow(tenant_id=tenant_id, space_id=space_id, mode=mode)
        )

    def providers(self, tenant_id: str, space_id: str) -> tuple[str, ...]:
        """Return who is asked about a space's pages, in order; empty: the operator's."""
        rows = self._session.execute(
            sa.select(PolicyRow.space_id, PolicyRow.providers).where(
                PolicyRow.tenant_id == tenant_id, PolicyRow.space_id.in_([space_id, ""])
            )
        )
        orders = {row.space_id: row.providers for row in rows}
        order = orders.get(space_id) or orders.get("") or ""
        return _names(order)

    def orders(self, tenant_id: str, page_id: str) -> set[tuple[str, ...]]:
        """Return in which orders providers may be asked about a page, unread as it is.

        One, if the page's space is known; else the page may lie in any of them.
        """
        known = self._session.scalar(
            sa.select(PageMemoryRow.space_id).where(
                PageMemoryRow.tenant_id == tenant_id, PageMemoryRow.page_id == page_id
            )
        )
        rows = self._session.execute(
            sa.select(PolicyRow.space_id, PolicyRow.providers).where(
                PolicyRow.tenant_id == tenant_id, PolicyRow.providers.is_not(None)
            )
        )
        own = {row.space_id: row.providers for row in rows}
        at_large = own.get("", "")
        found = [own.get(known, at_large)] if known else [at_large, *own.values()]
        return {_names(order) for order in found}

    def own_orders(self, tenant_id: str) -> Sequence[tuple[str, tuple[str, ...]]]:
        """Return the spaces with an order of their own, by key (or id), and the order."""
        rows = self._session.execute(
            sa.select(PolicyRow.space_id, PolicyRow.providers, SpaceRow.key)
            .outerjoin(
                SpaceRow,
                (SpaceRow.tenant_id == PolicyRow.tenant_id)
                & (SpaceRow.space_id == PolicyRow.space_id),
            )
            .where(
                PolicyRow.tenant_id == tenant_id,
                PolicyRow.space_id != "",
                PolicyRow.providers.is_not(None),
            )
            .order_by(SpaceRow.key, PolicyRow.space_id)
        )
        return [(row.key or row.space_id, _names(row.providers)) for row in rows]

    def set_providers(
        self, tenant_id: str, space_id: str, providers: Sequence[str]
    ) -> None:
        """Set who is asked about a space's pages, or the tenant's for an empty id."""
        self._session.merge(
            PolicyRow(
                tenant_id=tenant_id,
                space_id=space_id,
                providers=",".join(providers) or None,
            )
        )

    def whitelist(self, tenant_id: str) -> Sequence[WhitelistEntry]:
        """Return where SAFE_TEST may write."""
        rows = self._session.scalars(
            sa.select(WhitelistRow)
            .where(WhitelistRow.tenant_id == tenant_id)
            .order_by(WhitelistRow.kind, WhitelistRow.value)
        )
        return [WhitelistEntry(kind=row.kind, value=row.value) for row in rows]  # type: ignore[arg-type]

    def allow(self, tenant_id: str, entry: WhitelistEntry) -> None:
        """Add a whitelist entry; twice is once."""
        self._session.merge(
            WhitelistRow(tenant_id=tenant_id, kind=entry.kind, value=entry.value)
        )

    def disallow(self, tenant_id: str, entry: WhitelistEntry) -> bool:
        """Remove a whitelist entry; False if there was none."""
        removed = self._session.execute(
            sa.delete(WhitelistRow)
            .where(
                WhitelistRow.tenant_id == tenant_id,
                WhitelistRow.kind == entry.kind,
                WhitelistRow.value == entry.value,
            )
            .returning(WhitelistRow.value)
        )
        return removed.first() is not None

    def keep_space(self, tenant_id: str, space: Space) -> None:
        """Remember a space's key and name."""
        self._session.merge(
            SpaceRow(
                tenant_id=tenant_id, space_id=space.id, key=space.key, name=space.name
            )
        )

    def space_learned(self, tenant_id: str, space_id: str) -> None:
        """Note that a space has just been walked to its end."""
        self._session.execute(
            sa.update(SpaceRow)
            .where(SpaceRow.tenant_id == tenant_id, SpaceRow.space_id == space_id)
            .values(learned_at=db_time())
            .execution_options(synchronize_session=False)
        )

    def learned_spaces(self, tenant_id: str) -> set[str]:
        """Return the spaces that the present walk has been through already.

        It began when the tenant's row says so, and may take many hours of quota.
        """
        return set(
            self._session.scalars(
                sa.select(SpaceRow.space_id)
                .join(TenantRow, TenantRow.id == SpaceRow.tenant_id)
                .where(
                    SpaceRow.tenant_id == tenant_id,
                    SpaceRow.learned_at >= TenantRow.learned_at,
                )
            )
        )

    def space_key(self, tenant_id: str, space_id: str) -> str | None:
        """Return a space's key, if it was ever seen."""
        return self._session.scalar(
            sa.select(SpaceRow.key).where(
                SpaceRow.tenant_id == tenant_id, SpaceRow.space_id == space_id
            )
        )

    def space_named(self, tenant_id: str, key: str) -> str:
        """Return the id of a space by its key, whatever the case.

        Raises:
            NotFound: The site has no such space, or we have not seen it yet.
        """
        found = self.space_id(tenant_id, key)
        if found is None:
            raise NotFound(f"no space {key} on this site (yet)")
        return found

    def space_id(self, tenant_id: str, key: str) -> str | None:
        """Return the id of a space by its key, whatever the case."""
        return self._session.scalar(
            sa.select(SpaceRow.space_id).where(
                SpaceRow.tenant_id == tenant_id,
                sa.func.lower(SpaceRow.key) == key.lower(),
            )
        )


def _layer(row: PolicyRow) -> dict[str, Any]:
    """Return what a row says, field by field, as `policy_of` reads it."""
    said = dict(row.rules or {})
    if row.mode is not None:
        said["mode"] = row.mode
    if row.providers:
        said["providers"] = list(_names(row.providers))
    return said


def _names(order: str) -> tuple[str, ...]:
    return tuple(name for name in order.split(",") if name)
