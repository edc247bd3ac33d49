"""Jobs: their states, and the rules that move them between states.

    ready ──claim──▶ running ──settle──▶ done | failed | discarded
      ▲                 │
      └─ retry, defer, ─┘   (or superseded, when a newer ready job waits)
         release, lapse

One job per (tenant, dedupe key) may be ready and one may run. A second hint about a
page joins the ready job (newest version wins); one that comes while the page is
being worked on waits its turn. The attempt is counted when the job is claimed, so a
job that kills its worker still comes to an end. A deferral (rate limit, missing
token) is nobody's failure and gives the attempt back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Literal, TypeAlias

JobState = Literal["ready", "running", "done", "failed", "discarded"]

#: What a job does. `label_page` answers events; the rest look after a tenant.
JobKind = Literal["label_page", "connect_site", "learn_site", "purge_tenant"]

#: Begins the reason of every deferral that waits for an AI provider.
WAIT_REASON = "provider"
#: The reason of every deferral that waits for money, and for a kill switch's release.
BUDGET_REASON = "budget"
STOP_REASON = "stopped"


class Priority(IntEnum):
    """Which work goes first; lower is sooner."""

    EVENT = 0
    PERSON = 10
    BULK = 20
    BACKGROUND = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A claimed job, as its worker sees it."""

    id: int
    tenant_id: str
    kind: JobKind
    payload: Mapping[str, Any]
    version: int
    priority: int
    attempt: int
    max_attempts: int
    deferrals: int
    lease_token: str = field(repr=False)
    leased_until: datetime
    #: How long it was due before it was claimed.
    waited: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The work is finished; `outcome` is a constant word for receipts and metrics."""

    outcome: str = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """The work has lost its object."""

    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A dead letter: it can be seen, and retried by hand."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try again after `delay`; the attempt is spent."""

    delay: timedelta
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defer:
    """Wait for something that is no failure; the attempt is given back.

    Attributes:
        delay: How long this job, or the whole tenant, waits.
        blocks: Whom the wait binds: this job, its tenant, its tenant until the next
            token comes, or every tenant.
        reason: Constant word: `rate_limited`, `credentials`, `provider`, ….
    """

    delay: timedelta
    reason: str
    blocks: Literal["job", "tenant", "token", "everyone"] = "job"


Verdict: TypeAlias = Done | Discarded | Failed | Retry | Defer
