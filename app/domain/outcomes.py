"""How a run ended, in one constant word for receipts, metrics and the queue.

| word | meaning |
|---|---|
| `applied` | the site was changed |
| `suggested` | nothing was written; something waits for a person |
| `planned` | the page was looked at for a plan, which says what would be done |
| `no_change` | all that was to be written stands there already, or cannot be written |
| `unchanged_content` | the same, and the text was known: nobody was asked |
| `empty` | the page has no text |
| `denied` | guard, whitelist, policy or kill switch forbid it |
| `stopped` | somebody pulled the kill switch; its release tries again |
| `conflict` | the page changed under our hands; an event's run is tried again |
| `gone`, `out_of_reach` | the page is not there, or not for us |
| `tenant_inactive` | the site has uninstalled the app, or switched it off |
| `parse_error` | no provider's answer could be read, and nothing else was to say |
| `provider_error` | no provider answered; it is tried again |
| `over_budget` | no money for it before the next period, or ever |
| `waiting` | no token, or the site told us to wait; it is tried again |
| `unavailable` | the site, or the database, did not answer; it is tried again |
| `failed` | anything else with a name |

Pages that policy leaves alone end with the reason itself (`policy_off`, `archived`,
`template`, ...; see `app.domain.scope`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.domain.completions import Attempt

#: Who answers without a wire, and so is never unreadable.
DRAFT: Final = "local"

APPLIED: Final = "applied"
SUGGESTED: Final = "suggested"
PLANNED: Final = "planned"
NO_CHANGE: Final = "no_change"
UNCHANGED_CONTENT: Final = "unchanged_content"
EMPTY: Final = "empty"
DENIED: Final = "denied"
STOPPED: Final = "stopped"
CONFLICT: Final = "conflict"
PARSE_ERROR: Final = "parse_error"
PROVIDER_ERROR: Final = "provider_error"
OVER_BUDGET: Final = "over_budget"
WAITING: Final = "waiting"
UNAVAILABLE: Final = "unavailable"
FAILED: Final = "failed"


def concluded(
    *,
    applied: bool,
    denied: bool,
    waiting: bool,
    is_empty: bool,
    unreadable: bool,
    was_known: bool,
    conflicts: bool = False,
) -> str:
    """Return the outcome of a run that came to its end.

    Args:
        applied: Whether the site was changed.
        denied: Whether something was not written for want of leave.
        waiting: Whether something waits for a person.
        is_empty: Whether the page has no text.
        unreadable: Whether every remote answer was malformed.
        was_known: Whether an answer from before was used.
        conflicts: Whether something was not written because the page had changed.
    """
    weightiest = (
        (is_empty, EMPTY),
        (applied, APPLIED),
        (denied, DENIED),
        (waiting, SUGGESTED),
        (conflicts, CONFLICT),
        (unreadable, PARSE_ERROR),
        (was_known, UNCHANGED_CONTENT),
    )
    return next((word for holds, word in weightiest if holds), NO_CHANGE)


def is_unreadable(attempts: Sequence[Attempt]) -> bool:
    """Whether whoever was asked over a wire gave nothing that can be read.

    What stands then is the draft, from the provider that always answers.
    """
    if not attempts or attempts[-1].provider != DRAFT:
        return False
    called = [one for one in attempts[:-1] if one.was_called]
    return bool(called) and all(one.outcome == "malformed" for one in called)
