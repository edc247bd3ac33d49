"""How a run ended, in one constant word for receipts, metrics and the queue.

| word | meaning |
|---|---|
| `applied` | the site was changed |
| `suggested` | nothing was written; something waits for a person |
| `no_change` | all that the answer says stands there already |
| `unchanged_content` | the same, and the text was known: nobody was asked |
| `empty` | the page has no text |
| `denied` | guard, whitelist, policy or kill switch forbid it |
| `conflict` | the page changed under our hands; it is tried again |
| `gone`, `out_of_reach` | the page is not there, or not for us |
| `parse_error` | no provider's answer could be read, and nothing else was to say |
| `provider_error` | no provider answered; it is tried again |
| `over_budget` | no money for it before the next period |
| `failed` | anything else with a name |

Pages that policy leaves alone end with the reason itself (`policy_off`, `archived`,
`template`, ...; see `app.domain.scope`).
"""

from __future__ import annotations

from typing import Final

APPLIED: Final = "applied"
SUGGESTED: Final = "suggested"
NO_CHANGE: Final = "no_change"
UNCHANGED_CONTENT: Final = "unchanged_content"
EMPTY: Final = "empty"
DENIED: Final = "denied"
CONFLICT: Final = "conflict"
PARSE_ERROR: Final = "parse_error"
PROVIDER_ERROR: Final = "provider_error"
OVER_BUDGET: Final = "over_budget"
FAILED: Final = "failed"


def concluded(
    *,
    applied: bool,
    denied: bool,
    waiting: bool,
    is_empty: bool,
    unreadable: bool,
    was_asked: bool,
) -> str:
    """Return the outcome of a run that came to its end.

    Args:
        applied: Whether the site was changed.
        denied: Whether something was not written for want of leave.
        waiting: Whether something waits for a person.
        is_empty: Whether the page has no text.
        unreadable: Whether every remote answer was malformed.
        was_asked: Whether anybody was asked this time.
    """
    if is_empty:
        return EMPTY
    if applied:
        return APPLIED
    if denied:
        return DENIED
    if waiting:
        return SUGGESTED
    if unreadable:
        return PARSE_ERROR
    return NO_CHANGE if was_asked else UNCHANGED_CONTENT
