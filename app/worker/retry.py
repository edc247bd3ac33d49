"""What becomes of a job that raised: the only place that decides it."""

from __future__ import annotations

import random
from datetime import timedelta

from app.clock import utc_now
from app.domain.jobs import (
    BUDGET_REASON,
    STOP_REASON,
    WAIT_REASON,
    Defer,
    Discarded,
    Failed,
    Job,
    Retry,
    Verdict,
)
from app.errors import (
    AccessChanged,
    AppError,
    BudgetExceeded,
    CredentialsMissing,
    ProviderError,
    RateLimited,
    RemoteError,
    Stopped,
    VersionConflict,
    WorkObsolete,
)

_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(minutes=15)
#: A token comes with each event and each hour, and wakes whoever waits. Should its
#: arrival have crossed the decision to wait, this is the longest that it costs.
_TOKEN_WAIT = timedelta(minutes=10)
#: Seconds over which pages that wait for one provider are spread, at most.
_MOST_SPREAD = 60.0
_CONFLICT_WAIT = timedelta(seconds=1)


def verdict_of(error: AppError, job: Job) -> Verdict:
    """Return what follows from a named failure."""
    if isinstance(error, WorkObsolete):
        return Discarded(outcome=error.outcome)
    if (waits := _nobodys_fault(error, job)) is not None:
        return waits
    if isinstance(error, RemoteError):
        return _again(error, job)
    return Failed(error=_told(error))


def _nobodys_fault(error: AppError, job: Job) -> Defer | None:
    """Return the wait that a failure asks for, if waiting is all there is to do."""
    if isinstance(error, CredentialsMissing):
        return Defer(delay=_TOKEN_WAIT, reason="credentials", blocks="token")
    if isinstance(error, BudgetExceeded):
        left = max(error.until - utc_now(), _FIRST)
        return Defer(delay=left, reason=BUDGET_REASON)
    if isinstance(error, Stopped):
        # Its release wakes the work; claims pass a stopped tenant by meanwhile.
        return Defer(delay=_TOKEN_WAIT, reason=STOP_REASON)
    if isinstance(error, RateLimited):
        return _wait(error, job)
    if isinstance(error, ProviderError) and error.verdict in ("wait", "ask_operator"):
        return _await_provider(error, job)
    return None


def backoff(step: int) -> timedelta:
    """Return the wait before try `step` (0 is the first repetition), with jitter."""
    doubled = min(_FIRST * float(2 ** min(step, 20)), _LONGEST)
    return doubled * random.uniform(0.7, 1.3)  # noqa: S311 - spreads load, no secret


def _wait(error: RateLimited, job: Job) -> Defer:
    """Wait as long as told, and a little longer, so that not all wake at once."""
    least = error.retry_after or timedelta()
    spread = random.uniform(0, 5)  # noqa: S311 - spreads load, no secret
    jitter = timedelta(seconds=spread) if least else backoff(job.deferrals)
    blocks = {"global": "everyone", "tenant": "tenant", "burst": "job"}[error.scope]
    return Defer(delay=least + jitter, reason="rate_limited", blocks=blocks)  # type: ignore[arg-type]


def _await_provider(error: ProviderError, job: Job) -> Defer:
    """Wait for the AI: an outage or an empty quota is no fault of the page.

    Waits are spread, so that a long pause does not end with all pages at once.
    """
    least = max(error.retry_after or timedelta(), backoff(job.deferrals))
    most = min(_MOST_SPREAD, least.total_seconds() / 10)
    spread = timedelta(seconds=random.uniform(0, most))  # noqa: S311 - spreads load, no secret
    return Defer(delay=least + spread, reason=f"{WAIT_REASON}_{error.kind}")


def _again(error: RemoteError, job: Job) -> Verdict:
    if job.attempt >= job.max_attempts:
        return Failed(error=_told(error))
    if isinstance(error, VersionConflict | AccessChanged):
        return Retry(delay=_CONFLICT_WAIT * job.attempt, error=_told(error))
    delay = max(backoff(job.attempt - 1), error.retry_after or timedelta())
    return Retry(delay=delay, error=_told(error))


def _told(error: AppError) -> str:
    return f"{type(error).__name__}: {error}"
