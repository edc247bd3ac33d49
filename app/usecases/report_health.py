"""Readiness and the gauges that only the database can tell."""

from __future__ import annotations

from app.errors import RemoteError
from app.store import migrations
from app.usecases.kill_switch import standstills
from app.usecases.services import Services
from app.usecases.settle_job import queue_health


async def readiness(services: Services) -> dict[str, str]:
    """Return each requirement of doing work as `ok` or why not."""
    try:
        revision = await services.database.read(migrations.current)
    except RemoteError as error:
        return {"database": f"unreachable ({error.reason})"}
    if revision != migrations.head():
        return {"database": "ok", "schema": f"at {revision}, needs {migrations.head()}"}
    return {"database": "ok", "schema": "ok"}


async def standstill(services: Services) -> dict[str, object]:
    """Return what stands still by somebody's wish: nothing that a restart would cure.

    Whoever asks needs no leave to, so single sites are counted, not named.
    """
    found = await standstills(services)
    everything = found.pop("all", None)
    told: dict[str, object] = {"all": everything, "tenants": len(found)}
    return {name: value for name, value in told.items() if value}


async def refresh_gauges(services: Services) -> None:
    """Bring the queue's gauges up to date."""
    health = await queue_health(services.database)
    metrics = services.metrics
    metrics.queue_depth.clear()
    for (kind, state), count in health.depth.items():
        metrics.queue_depth.labels(kind, state).set(count)
    metrics.queue_age_seconds.set(health.oldest_seconds)
    metrics.blocked_tenants.set(health.blocked_tenants)
