"""Puts calls of AI providers into metrics and the log: figures, never words."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from app.domain.completions import Attempt
from app.domain.pages import Page
from app.telemetry.metrics import Metrics
from app.usecases.services import Services

log = structlog.get_logger("ai_calls")

_TOKENS = ("input", "cached", "cache_write", "output", "thinking")


def tell_calls(
    services: Services, tenant_id: str, page: Page, attempts: Sequence[Attempt]
) -> None:
    """Put each attempt into metrics and the log of calls."""
    for place, one in enumerate(attempts):
        _count(services.metrics, one)
        if place:
            services.metrics.fallbacks.labels(
                attempts[place - 1].provider, one.provider, attempts[place - 1].outcome
            ).inc()
        log.info(
            "ai_call",
            tenant=tenant_id,
            page=page.id,
            version=page.version,
            provider=one.provider,
            model=one.model,
            outcome=one.outcome,
            reason=one.reason or None,
            seconds=round(one.seconds, 3),
            input_tokens=one.usage.input_tokens,
            cached_tokens=one.usage.cached_tokens,
            output_tokens=one.usage.output_tokens,
            micro_usd=one.usage.micro_usd,
        )


def _count(metrics: Metrics, one: Attempt) -> None:
    metrics.ai_calls.labels(one.provider, one.outcome).inc()
    metrics.ai_seconds.labels(one.provider).observe(one.seconds)
    metrics.ai_cost.labels(one.provider, one.model).inc(one.usage.micro_usd / 1e6)
    for kind in _TOKENS:
        amount = getattr(one.usage, f"{kind}_tokens")
        metrics.ai_tokens.labels(one.provider, kind).inc(amount)
