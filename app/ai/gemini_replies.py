"""What Gemini answers, read without trust; pure.

https://ai.google.dev/api/generate-content
https://ai.google.dev/gemini-api/docs/troubleshooting
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.ai import hints
from app.ai.failures import (
    ABSENT,
    OK,
    Failures,
    Told,
    count_of,
    is_redirect,
    list_of,
    mapping_of,
    text_of,
    what,
)
from app.ai.wire import CallFailed, Reply
from app.domain.completions import Usage
from app.domain.quota.values import Refusal

#: Seconds of the window in which Gemini also limits what is spent.
#: https://ai.google.dev/gemini-api/docs/rate-limits
SPENDING_WINDOW = 600.0

_CUT = {"MAX_TOKENS", "CONTINUATION"}
_BROKEN = {
    "MALFORMED_RESPONSE",
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
}
_DONE = {"", "STOP", "FINISH_REASON_UNSPECIFIED"}
#: The account itself is limited for breaking the provider's rules.
_LIMITED_ACCOUNT = "PUP_LIMITED_DISABLED"

_SPENDING = re.compile(r"spend", re.ASCII | re.IGNORECASE)
_ROLLING = re.compile(
    r"(?<!\d)(?:10|ten)[ -]?min|\brolling\b", re.ASCII | re.IGNORECASE
)
_MONEY = re.compile(
    r"spend(?:ing)?[ _-]?(?:cap|limit)|\bprepay|credits? (?:is|are|have been) "
    r"(?:depleted|exhausted|used)|\blimit: 0(?!\d)",
    re.ASCII | re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"token count|number of tokens|too long|payload size", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An HTTP answer that is no success, its error object decoded."""

    status: int
    headers: Mapping[str, str]
    error: Mapping[str, Any]


def read(body: Any, failures: Failures) -> Reply:
    """Return the text of a successful HTTP answer.

    Raises:
        CallFailed: It holds none, or none that may be used: Gemini blocks and cuts
            off with status 200.
    """
    answer = mapping_of(body)
    usage = failures.priced(_usage(mapping_of(answer.get("usageMetadata"))))
    told = Told(what="it is no JSON", usage=usage)
    if not answer:
        raise failures.unusable(told, "malformed")
    blocked = text_of(mapping_of(answer.get("promptFeedback")), "blockReason")
    if blocked:
        told = replace(told, what=f"prompt, {what(OK, blocked)}")
        raise failures.unusable(told, "blocked")
    candidate = mapping_of(next(iter(list_of(answer.get("candidates"))), None))
    reason = text_of(candidate, "finishReason")
    parts = [
        mapping_of(part)
        for part in list_of(mapping_of(candidate.get("content")).get("parts"))
    ]
    text = "".join(text_of(one, "text") for one in parts if not one.get("thought"))
    if reason not in _DONE:
        told = replace(told, what=what(OK, reason), reply=text)
        raise _stopped(reason, told, failures)
    if not text.strip():
        raise failures.unusable(replace(told, what="it is empty"), "malformed")
    return Reply(text=text, usage=usage)


def failed(refused: Refused, failures: Failures, now: datetime) -> CallFailed:  # noqa: PLR0911 - a table of what follows from what, read from top to bottom
    """Name the failure that an answer without success tells of."""
    status, error = refused.status, refused.error
    message, state = text_of(error, "message"), text_of(error, "status")
    details = [mapping_of(one) for one in list_of(error.get("details"))]
    reasons = [text_of(one, "reason") for one in details]
    told = Told(
        what=what(status, state, *reasons),
        wait=hints.retry_after(refused.headers, now),
    )
    if status == 429:  # noqa: PLR2004 - HTTP's "too many requests"
        return _refused_for_quota(message, details, told, failures)
    if status in {401, 403} or "API_KEY_INVALID" in reasons:
        return failures.without_access(told)
    if status == 404 and "model" in message.lower():  # noqa: PLR2004 - HTTP's "not found"
        return failures.without_model(told)
    if status in ABSENT or is_redirect(status):
        return failures.without_api(told)
    if state == "FAILED_PRECONDITION":
        advice = "this project or country is not served; see its billing and region"
        return failures.misconfigured(told, "authentication", advice)
    if status == 413 or (status == 400 and _TOO_LONG.search(message)):  # noqa: PLR2004 - HTTP's "too large" and "bad request"
        return failures.refused(told, "too_long")
    if status in {400, 422}:
        return failures.refused(told, "bad_request")
    return failures.faulty(status, told)


def _refused_for_quota(
    message: str, details: list[Mapping[str, Any]], told: Told, failures: Failures
) -> CallFailed:
    refusal = hints.named_refusal(details, message)
    quotas = [
        text_of(mapping_of(quota), "quotaId", "quotaMetric")
        for one in details
        for quota in list_of(one.get("violations"))
    ]
    names = " ".join((message, *quotas))
    if _SPENDING.search(names) and _ROLLING.search(names):
        wait = refusal.retry_after or SPENDING_WINDOW
        return failures.busy(told, Refusal(retry_after=wait))
    # A quota of nothing is a plan without this model: no wait will do.
    if _MONEY.search(names) or any(one.limit == 0 for one in refusal.violations):
        return failures.without_money(told)
    if refusal.retry_after is None and not refusal.violations:
        refusal = Refusal(retry_after=told.wait)
    return failures.busy(told, refusal)


def _stopped(reason: str, told: Told, failures: Failures) -> CallFailed:
    if reason in _CUT:
        return failures.unusable(told, "truncated")
    if reason in _BROKEN:
        return failures.unusable(told, "malformed")
    if reason == _LIMITED_ACCOUNT:
        return failures.without_access(told)
    # Safety, recitation, blocklists and what may come: another provider may answer.
    return failures.unusable(told, "blocked")


def _usage(usage: Mapping[str, Any]) -> Usage:
    """Read the counts; the prompt's holds those from the cache, the answer's no thought."""
    thoughts = count_of(usage, "thoughtsTokenCount")
    return Usage(
        input_tokens=count_of(usage, "promptTokenCount")
        + count_of(usage, "toolUsePromptTokenCount"),
        cached_tokens=count_of(usage, "cachedContentTokenCount"),
        output_tokens=count_of(usage, "candidatesTokenCount") + thoughts,
        thinking_tokens=thoughts,
    )
