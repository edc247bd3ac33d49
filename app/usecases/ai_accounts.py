"""What the AI costs and how its quotas stand, for the operator; who is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.domain.completions import Usage
from app.domain.jobs import WAIT_REASON
from app.domain.quota.state import GateState
from app.errors import MalformedPayload, NotFound
from app.store.gates import GateStore
from app.store.jobs import JobStore
from app.store.policies import PolicyStore
from app.store.runs import RunStore
from app.store.tenants import TenantStore
from app.store.usage import UsageStore
from app.usecases.services import Services

Rows = Sequence[Mapping[str, Any]]

_COUNTS = ("calls", "failures", "cache_hits")
_TOKENS = tuple(name for name in Usage.__dataclass_fields__ if name != "micro_usd")
_MICRO = 1_000_000


async def usage_of(services: Services, tenant_id: str, *, days: int) -> Rows:
    """Return what a tenant's calls cost, day by day and model by model, newest first.

    Raises:
        NotFound: There is no such tenant.
    """
    since = services.now().date() - timedelta(days=days - 1)

    def work(session: Session) -> Rows:
        _require(session, tenant_id)
        return [
            {
                "day": row.day.isoformat(),
                "provider": row.provider,
                "model": row.model,
                **{name: getattr(row, name) for name in (*_COUNTS, *_TOKENS)},
                "usd": row.micro_usd / _MICRO,
            }
            for row in UsageStore(session).since(tenant_id, since)
        ]

    return await services.database.read(work)


async def quotas(services: Services) -> Rows:
    """Return how each provider's quota stands, limit by limit."""
    states = await services.database.read(lambda s: GateStore(s).all())
    now = services.now().timestamp()
    return [
        row for scope, state in states.items() for row in _standing(scope, state, now)
    ]


async def reset_quota(services: Services, scope: str) -> None:
    """Forget what was learned of a scope: pauses, blocks, limits.

    Raises:
        NotFound: Nothing is known of it.
    """

    def work(session: Session) -> bool:
        known = GateStore(session).reset(scope)
        if known:
            JobStore(session).hasten(WAIT_REASON)
        return known

    if not await services.database.write(work):
        reason = f"nothing is known of {scope}"
        raise NotFound(reason)


async def list_providers(services: Services, tenant_id: str) -> Rows:
    """Return who is asked about a tenant's pages: at large, then where it is set so.

    Raises:
        NotFound: There is no such tenant.
    """
    operators = [one.provider for one in services.ai.respondents()]

    def work(session: Session) -> Rows:
        _require(session, tenant_id)
        policies = PolicyStore(session)
        at_large = list(policies.providers(tenant_id, "")) or operators
        return [
            {"space": None, "providers": at_large},
            *(
                {"space": key, "providers": list(order)}
                for key, order in policies.own_orders(tenant_id)
            ),
        ]

    return await services.database.read(work)


async def set_providers(
    services: Services, tenant_id: str, space_key: str | None, names: Sequence[str]
) -> None:
    """Set who is asked about a tenant's pages, or a space's; nobody: as if never set.

    Raises:
        NotFound: There is no such tenant, or it has no such space.
        MalformedPayload: There is no such provider here, or it is named twice.
    """
    _check_order(services, names)

    def work(session: Session) -> None:
        _require(session, tenant_id)
        policies = PolicyStore(session)
        space_id = ""
        if space_key is not None:
            space_id = policies.space_named(tenant_id, space_key)
        before = policies.providers(tenant_id, space_id)
        policies.set_providers(tenant_id, space_id, names)
        RunStore(session).audit(
            tenant_id,
            actor="cli",
            action="providers_changed",
            before={"space": space_key, "providers": list(before)},
            after={"space": space_key, "providers": list(names)},
        )

    await services.database.write(work)


def _check_order(services: Services, names: Sequence[str]) -> None:
    if unknown := [name for name in names if name not in services.providers]:
        known = ", ".join(services.providers)
        reason = f"no provider {', '.join(unknown)}; there are: {known}"
        raise MalformedPayload("order of providers", reason)
    if len(set(names)) < len(names):
        reason = "names a provider twice"
        raise MalformedPayload("order of providers", reason)


def _require(session: Session, tenant_id: str) -> None:
    if TenantStore(session).get(tenant_id) is None:
        reason = f"no tenant {tenant_id}"
        raise NotFound(reason)


def _standing(scope: str, state: GateState, now: float) -> Rows:
    state.advance(now)
    paused = max(0.0, state.paused_until - state.now)
    common = {
        "scope": scope,
        "in_flight": len(state.flights),
        "paused_s": round(paused),
        "why": state.blocked or (state.pause_reason if paused else ""),
    }
    return [
        {
            "limit": meter.name,
            "used": round(meter.used(state.now)),
            "of": meter.limit(state.now),
            "known_from": _source(meter.configured, meter.learned, told=meter.told),
            **common,
        }
        for meter in state.meters
        if meter.limit(state.now) is not None or meter.log
    ]


def _source(configured: int | None, learned: int | None, *, told: bool) -> str:
    if learned is not None and (configured is None or learned <= configured):
        return "refusal" if told else "headers"
    return "settings" if configured is not None else "nobody"
