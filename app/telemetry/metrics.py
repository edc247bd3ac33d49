"""Metrics in Prometheus' format; one registry a process, made by the bootstrap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_CALLS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_PREFIX = "confluence_ai_"

#: Field of `Metrics` -> name in the exposition, meaning, labels.
_Described = Mapping[str, tuple[str, str, tuple[str, ...]]]

_COUNTERS: _Described = {
    "events": ("events", "Events by what became of them", ("host", "outcome")),
    "refusals": ("refusals", "Refused requests", ("route", "kind")),
    "jobs": ("jobs", "Settled jobs by verdict", ("kind", "verdict")),
    "ai_calls": ("ai_calls", "Provider calls", ("provider", "outcome")),
    "ai_cache_hits": ("ai_cache_hits", "Pages answered without a call", ()),
    "ai_tokens": ("ai_tokens", "Tokens by kind", ("provider", "kind")),
    "ai_cost": ("ai_cost_usd", "Money spent", ("provider", "model")),
    "fallbacks": (
        "ai_fallbacks",
        "Pages passed on to the next provider",
        ("from_provider", "to_provider", "reason"),
    ),
    "quota_news": (
        "ai_quota_news",
        "Cooldowns, learned limits, breaker, blocks",
        ("provider", "news"),
    ),
    "labels_written": ("labels_written", "Labels put on pages", ()),
    "points": ("confluence_points", "Points of Confluence's quota spent", ()),
}
_HISTOGRAMS: _Described = {
    "job_seconds": ("job_seconds", "Time a job ran", ("kind",)),
    "job_wait_seconds": ("job_wait_seconds", "Time a due job waited", ("kind",)),
    "ai_seconds": ("ai_call_seconds", "Time of a provider call", ("provider",)),
    "preflight_seconds": (
        "ai_preflight_seconds",
        "Wait of the pre-flight check for quota",
        ("provider",),
    ),
    "micro_batch": (
        "ai_micro_batch_calls",
        "Calls in flight when one more was let in",
        ("provider",),
    ),
}
_GAUGES: _Described = {
    "queue_depth": (
        "queue_depth",
        "Jobs that wait, run or failed",
        ("kind", "state"),
    ),
    "queue_age_seconds": ("queue_oldest_seconds", "Age of the oldest due job", ()),
    "blocked_tenants": ("blocked_tenants", "Tenants that wait for a quota", ()),
}


@dataclass(frozen=True, slots=True)
class Metrics:
    """Every metric of the program; labels are bounded words, never ids."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    events: Counter = field(init=False)
    refusals: Counter = field(init=False)
    jobs: Counter = field(init=False)
    job_seconds: Histogram = field(init=False)
    job_wait_seconds: Histogram = field(init=False)
    ai_calls: Counter = field(init=False)
    ai_seconds: Histogram = field(init=False)
    ai_cache_hits: Counter = field(init=False)
    ai_tokens: Counter = field(init=False)
    ai_cost: Counter = field(init=False)
    fallbacks: Counter = field(init=False)
    quota_news: Counter = field(init=False)
    preflight_seconds: Histogram = field(init=False)
    micro_batch: Histogram = field(init=False)
    labels_written: Counter = field(init=False)
    points: Counter = field(init=False)
    queue_depth: Gauge = field(init=False)
    queue_age_seconds: Gauge = field(init=False)
    blocked_tenants: Gauge = field(init=False)

    def __post_init__(self) -> None:
        """Register every metric."""
        self._register(_COUNTERS, Counter)
        self._register(_GAUGES, Gauge)
        for name, (metric, text, labels) in _HISTOGRAMS.items():
            buckets = _CALLS if name == "micro_batch" else _SECONDS
            made = Histogram(
                _PREFIX + metric, text, labels, registry=self.registry, buckets=buckets
            )
            object.__setattr__(self, name, made)

    def _register(self, described: _Described, kind: type[Counter | Gauge]) -> None:
        for name, (metric, text, labels) in described.items():
            made = kind(_PREFIX + metric, text, labels, registry=self.registry)
            object.__setattr__(self, name, made)

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self.registry)
