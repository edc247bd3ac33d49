"""Every failure that the house names, as a tree by who must act.

    AppError
    ├── RequestRejected        the caller must change the request
    │   ├── NotAuthenticated   who sent it is not proved (the reason is for the log)
    │   ├── MalformedPayload   it cannot be read
    │   │   └── TermsRefused   the vocabulary cannot be so; every reason is told
    │   ├── PayloadTooLarge
    │   ├── NotFound
    │   ├── Conflict           somebody decided already, or it cannot be done any more
    │   ├── WriteRefused       the site says no to this very write
    │   └── MarkupAmbiguous    a page's markup does not say where to write
    ├── RemoteError            time must pass; try again later
    │   ├── Unavailable        no answer, a broken answer, a 5xx
    │   ├── RateLimited        told to wait (carries how long, and whom it binds)
    │   ├── CredentialsRefused the other side does not know us (any more)
    │   ├── VersionConflict    somebody wrote in between: read again
    │   ├── AccessChanged      there is another way to the tenant: look it up again
    │   └── ProviderError      an AI provider did not answer; see its own tree below
    │       ├── ProviderBusy         wait: a quota of the minute or the day is spent
    │       ├── ProviderDown         wait: overloaded, 5xx, unreachable, too slow
    │       ├── AnswerUnusable       fall back: refused, blocked, cut short, not JSON
    │       ├── QuestionRefused      give up: this page cannot be asked there
    │       └── ProviderMisconfigured  the operator: key, model, money
    ├── CredentialsMissing     no way in just now; the next token wakes the work
    ├── OverBudget             no money for it
    │   ├── BudgetExceeded     the next period, or a larger budget, wakes the work
    │   └── PageTooExpensive   a whole budget is too small for it: somebody must act
    ├── Stopped                somebody pulled the kill switch; its release wakes the work
    ├── WorkObsolete           nobody: the work has lost its object, drop it quietly
    │   ├── PageGone           deleted, trashed, or never there
    │   ├── PageOutOfReach     restricted: the app may not see or change it
    │   └── TenantInactive     uninstalled or disabled meanwhile
    ├── ContractBroken         the developer: a remote API is not what we were told
    └── ConfigurationError     the operator: refuse to start

No class knows an HTTP status: `app.web.problems` maps classes to statuses and
`app.worker.retry` maps them to verdicts. Messages hold no secret and no page text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

#: Whom a refusal binds: every tenant of the app, one tenant, or one endpoint.
#: https://developer.atlassian.com/cloud/confluence/rate-limiting/
LimitScope = Literal["global", "tenant", "burst"]

#: Problems that one message tells.
_TOLD = 10


class AppError(Exception):
    """Anything that the house has a name for."""


class RequestRejected(AppError):
    """The caller sent something we will not act on."""


class NotAuthenticated(RequestRejected):
    """The sender is not proved; `reason` is for the log, never for the answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not authenticated: {reason}")
        self.reason = reason


class MalformedPayload(RequestRejected):
    """A body cannot be read as what it should be."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"malformed {what}: {reason}")
        self.what = what
        self.reason = reason


class TermsRefused(MalformedPayload):
    """Terms cannot be so; nothing was changed, and `problems` are all that stands against.

    The message tells the first few.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        told = "; ".join(problems[:_TOLD])
        more = len(problems) - _TOLD
        super().__init__("vocabulary", f"{told}; and {more} more" if more > 0 else told)
        self.problems = tuple(problems)


class PayloadTooLarge(RequestRejected):
    """A body is over the limit; `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"body larger than {limit} bytes")
        self.limit = limit


class NotFound(RequestRejected):
    """What was asked for does not exist (for this caller)."""


class Conflict(RequestRejected):
    """It was decided or done already, or what it needs is no more; nothing was changed."""


class WriteRefused(RequestRejected):
    """The site refuses this write or query for what it says; the reason is the site's."""


class MarkupAmbiguous(RequestRejected):
    """A page's markup is broken, or has several of what there should be one: no guess."""


class RemoteError(AppError):
    """A remote service failed in a way that time may cure.

    Attributes:
        service: Who failed: `confluence`, `install-keys`, `jwks`, `database`, ….
        retry_after: The shortest wait that the service asked for, if it did.
    """

    def __init__(
        self, service: str, reason: str, *, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(f"{service}: {reason}")
        self.service = service
        self.reason = reason
        self.retry_after = retry_after


class Unavailable(RemoteError):
    """No answer, half an answer, or a server error."""


class RateLimited(RemoteError):
    """The service told us to wait."""

    def __init__(
        self,
        service: str,
        reason: str,
        *,
        retry_after: timedelta | None = None,
        scope: LimitScope = "tenant",
    ) -> None:
        super().__init__(service, reason, retry_after=retry_after)
        self.scope: LimitScope = scope


class CredentialsRefused(RemoteError):
    """The service does not accept our credentials."""


class VersionConflict(RemoteError):
    """Somebody else wrote first; read again and decide anew."""


class AccessChanged(RemoteError):
    """How the tenant is reached has changed meanwhile: look it up and try again.

    Its record became one with another of the same site, or a newer token or the
    other host lets us in where the one at hand did not.
    """

    def __init__(self, reason: str = "the tenant has another record by now") -> None:
        super().__init__("tenant", reason)


class CredentialsMissing(AppError):
    """No way in at the moment: no valid token, or the site has switched us off.

    The next token, or being switched on, wakes the work; it is no failure.
    """

    def __init__(self, installation: str) -> None:
        super().__init__(f"no valid token for installation {installation}")
        self.installation = installation


class OverBudget(AppError):
    """There is no money for a call that would have to be paid.

    Attributes:
        attempts: Who else was asked before it came to this.
    """

    #: Constant word for receipts and metrics.
    outcome: str = "over_budget"
    attempts: tuple[object, ...] = ()


class BudgetExceeded(OverBudget):
    """A budget is spent: the next period, or a larger budget, wakes the work.

    Attributes:
        until: When the period ends.
    """

    def __init__(self, what: str, *, until: datetime) -> None:
        super().__init__(f"{what} is spent until {until.isoformat(timespec='minutes')}")
        self.what = what
        self.until = until


class PageTooExpensive(OverBudget):
    """One page may cost more than a whole budget: no period will have room for it."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"one page may cost more than {what} in all: enlarge the budget, or let "
            "`local` answer where the others may not"
        )
        self.what = what


class Stopped(AppError):
    """Somebody pulled the kill switch; the message says who and when."""


class WorkObsolete(AppError):
    """The work has lost its object."""

    #: Constant word for receipts and metrics.
    outcome: str = "obsolete"


class PageGone(WorkObsolete):
    """The page is deleted, in the bin, or never was."""

    outcome = "gone"


class PageOutOfReach(WorkObsolete):
    """Restrictions hide the page from the app, or forbid the write."""

    outcome = "out_of_reach"


class TenantInactive(WorkObsolete):
    """The tenant has uninstalled or disabled the app."""

    outcome = "tenant_inactive"


class ContractBroken(AppError):
    """A remote API answered in a way its documents rule out; a developer must look."""

    def __init__(self, service: str, reason: str) -> None:
        super().__init__(f"{service}: {reason}")
        self.service = service
        self.reason = reason


class ConfigurationError(AppError):
    """The operator must change settings; all problems are told at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


#: What follows from a provider's failure: wait for it, ask another one, leave the page
#: to what we know ourselves, or tell the operator.
ProviderVerdict = Literal["wait", "fall_back", "give_up", "ask_operator"]


class ProviderError(RemoteError):
    """An AI provider did not give the answer; `service` is the provider's name.

    Attributes:
        kind: Constant word for receipts and metrics.
        verdict: What follows.
        usage: What the failed call cost all the same (fields of a `Usage`).
        attempts: Who else was asked before it came to this.
        exchange: What was sent, if anything was, and what came back; no message of this
            error quotes it.
    """

    verdict: ProviderVerdict = "wait"

    def __init__(
        self,
        service: str,
        reason: str,
        *,
        kind: str,
        retry_after: timedelta | None = None,
        usage: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(service, reason, retry_after=retry_after)
        self.kind = kind
        self.usage = dict(usage or {})
        self.attempts: tuple[object, ...] = ()
        self.exchange: object | None = None


class ProviderBusy(ProviderError):
    """Its quota is spent for now: `rate_limited`, `quota_of_the_day`."""


class ProviderDown(ProviderError):
    """It fails by itself: `overloaded`, `server_error`, `timeout`, `network`, `unknown`."""


class AnswerUnusable(ProviderError):
    """It answered, and nothing can be done with it.

    Kinds: `refused`, `blocked`, `truncated`, `malformed`.
    """

    verdict: ProviderVerdict = "fall_back"


class QuestionRefused(ProviderError):
    """It will never take this question: `too_long`, `bad_request`."""

    verdict: ProviderVerdict = "give_up"


class ProviderMisconfigured(ProviderError):
    """It refuses us: `authentication`, `unknown_model`, `address`, `money` (it is spent)."""

    verdict: ProviderVerdict = "ask_operator"
