"""The pace of a client that knows everything beforehand: the bound for all others."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.quota.jobs import Job
from benchmarks.quota.scenarios import Scenario
from sandbox.ai.config import ProviderConfig, ProviderName
from sandbox.ai.quotas import Quotas


def clairvoyant_seconds(scenario: Scenario, jobs: Sequence[Job]) -> float:
    """Return the shortest time in which all jobs can be answered, in their order.

    Each goes out at the first moment that any provider has room for it; the last one
    takes the median time of an answer.
    """
    quotas = {name: Quotas(config) for name, config in scenario.providers.items()}
    now = 0.0
    ends = [0.0]
    for job in jobs:
        moments = {
            name: _open_from(
                scenario.providers[name], quotas[name].foreseen(job.charge(name), now)
            )
            for name in quotas
        }
        chosen: ProviderName = min(moments, key=lambda name: moments[name])
        now = moments[chosen]
        quotas[chosen].admit(job.charge(chosen), now)
        ends.append(now + scenario.providers[chosen].latency_median)
    assert all(map(math.isfinite, ends)), "a question is larger than the quota"
    return max(ends)


def _open_from(config: ProviderConfig, moment: float) -> float:
    """Return `moment`, or the end of the outage that it falls into."""
    for fault in config.faults:
        if fault.is_at_the_door and fault.is_on(moment):
            return math.inf if fault.until is None else fault.until
    return moment
