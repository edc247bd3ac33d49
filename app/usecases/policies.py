"""What may happen where, as people read and change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.domain.policy import Policy
from app.domain.policy_fields import (
    THRESHOLDS,
    check,
    known_fields,
    policy_of,
    read_fields,
    value_of,
)
from app.store.policies import PolicyStore
from app.store.runs import RunStore
from app.usecases.closed_pages import forget_secrets
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant

Row = Mapping[str, Any]


async def show_policy(
    services: Services, tenant_id: str, space_key: str | None
) -> list[Row]:
    """Return each field of a policy, its value, and whose word it is.

    Raises:
        NotFound: No such tenant, or no such space on its site.
    """

    def work(session: Session) -> list[Row]:
        require_tenant(session, tenant_id)
        space_id = _space_id(session, tenant_id, space_key)
        store = PolicyStore(session)
        whole = policy_of(store.layers(tenant_id, space_id))
        site = store.layers(tenant_id, "")
        own = store.layers(tenant_id, space_id)[len(site) :] if space_id else []
        names = [name for name in known_fields() if not name.startswith(THRESHOLDS)]
        names += [f"{THRESHOLDS}{label}" for label in sorted(whole.thresholds)]
        return [_row(whole, name, site, own) for name in names]

    return await services.database.read(work)


async def set_policy_fields(
    services: Services,
    tenant_id: str,
    space_key: str | None,
    pairs: Sequence[tuple[str, str]],
    *,
    by: str,
) -> None:
    """Set fields as a person typed them; an empty value takes a field back.

    Raises:
        NotFound: No such tenant, or no such space on its site.
        MalformedPayload: Some of it cannot be; nothing is changed then.
    """
    fields = read_fields(pairs, providers=list(services.providers))

    def work(session: Session) -> None:
        require_tenant(session, tenant_id)
        space_id = _space_id(session, tenant_id, space_key)
        store = PolicyStore(session)
        before = policy_of(store.layers(tenant_id, space_id))
        store.set_fields(tenant_id, space_id, fields)
        session.flush()
        after = policy_of(store.layers(tenant_id, space_id))
        check(after)
        forget_secrets(session, tenant_id)
        RunStore(session).audit(
            tenant_id,
            actor=by,
            action="policy_changed",
            before={"space": space_key, **_told(before, fields)},
            after={"space": space_key, **_told(after, fields)},
        )

    await services.database.write(work)


def _space_id(session: Session, tenant_id: str, space_key: str | None) -> str:
    if space_key is None:
        return ""
    return PolicyStore(session).space_named(tenant_id, space_key)


def _row(
    policy: Policy,
    name: str,
    site: Sequence[Mapping[str, Any]],
    own: Sequence[Mapping[str, Any]],
) -> Row:
    whose = "default"
    if any(name in layer for layer in site):
        whose = "site"
    value = value_of(policy, name)
    shown = list(value) if isinstance(value, tuple) else value
    # A word that does not hold is nobody's: some of the site's cannot be taken back.
    if any(layer.get(name) == shown for layer in own if name in layer):
        whose = "space"
    return {"field": name, "value": shown, "set_by": whose}


def _told(policy: Policy, fields: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value_of(policy, name) for name in fields}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in found.items()
    }
