"""What OpenAI and servers like it answer, read without trust; pure.

https://developers.openai.com/api/reference/resources/responses
https://developers.openai.com/api/docs/guides/error-codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

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

#: How a question is put: the Responses API, or chat completions with a schema that
#: the server enforces, or with one that is only told.
Way = Literal["responses", "chat_schema", "chat_object"]
WAYS: tuple[Way, ...] = ("responses", "chat_schema", "chat_object")

_UNFIT = (400, 422, 500)
_TOO_MANY = 429
_PAYMENT = 402
_UNAUTHORIZED = (401, 403)
_TOO_LARGE = 413

_MODEL_CODES = {"model_not_found", "model_not_supported", "unknown_model"}
_NO_MODEL = re.compile(
    r"\binvalid model\b|\bmodel\b.{0,80}\b(?:does not exist|not found)\b",
    re.ASCII | re.IGNORECASE,
)
_KEY_CODES = {"invalid_api_key", "invalid_authentication", "account_deactivated"}
_MONEY = re.compile(
    r"insufficient_quota|credit_balance|insufficient_balance|billing|spend_|spending|usage_limit",
    re.ASCII | re.IGNORECASE,
)
_POLICY = re.compile(
    r"content_filter|content_policy|_policy|invalid_prompt|responsible_ai",
    re.ASCII | re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context_length|context_size|string_above_max|context (?:length|window|size)"
    r"|maximum context|too long|too many tokens",
    re.ASCII | re.IGNORECASE,
)
_TOO_LARGE_EVER = re.compile(r"\brequest too large\b", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer: status, headers (names in lower case), and decoded JSON.

    Attributes:
        body: None where it is no JSON.
    """

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def error(self) -> Mapping[str, Any]:
        """The error object, wherever this server puts it."""
        body = mapping_of(self.body)
        inner = body.get("error", body.get("detail", body))
        return {"message": inner} if isinstance(inner, str) else mapping_of(inner)


def leads_on(way: Way, answer: Answer, model: str) -> bool:
    """Whether an answer may only mean that the server does not know this way."""
    if way == "responses":
        # Some answer 200 to everything, with an error or their front page.
        is_foreign = answer.status == OK and "output" not in mapping_of(answer.body)
        return is_foreign or (
            answer.status in ABSENT and not _names_model(answer, model)
        )
    if way == "chat_schema":
        return answer.status in _UNFIT and not _is_final(answer, model)
    return False


def read(answer: Answer, way: Way, failures: Failures, now: datetime) -> Reply:
    """Return the text of an answer.

    Raises:
        CallFailed: There is none, or none that may be used.
    """
    if answer.status != OK:
        raise failed(answer, failures, now)
    body = mapping_of(answer.body)
    told = _told(answer, now)
    told = replace(told, usage=failures.priced(_usage(mapping_of(body.get("usage")))))
    if body.get("status") == "failed" or body.get("error"):
        raise _failed_within(answer.error, told, failures)
    read_text = _responses_text if way == "responses" else _chat_text
    text = read_text(body, told, failures)
    if not text.strip():
        raise failures.unusable(replace(told, what="it is empty"), "malformed")
    return Reply(text=text, usage=told.usage, shown=told.shown)


def failed(answer: Answer, failures: Failures, now: datetime) -> CallFailed:  # noqa: PLR0911 - a table of what follows from what, read from top to bottom
    """Name the failure that an answer without success tells of."""
    status, error, told = answer.status, answer.error, _told(answer, now)
    codes = f"{text_of(error, 'type')} {text_of(error, 'code')}"
    if status == _PAYMENT or _MONEY.search(codes):
        return failures.without_money(told)
    if status == _TOO_MANY:
        return _refused_for_quota(error, told, failures)
    if _names_model(answer, failures.model):
        return failures.without_model(told)
    if status in _UNAUTHORIZED or _KEY_CODES & set(codes.split()):
        return failures.without_access(told)
    if status in ABSENT or is_redirect(status):
        return failures.without_api(told)
    if status >= 500 or status == 408:  # noqa: PLR2004 - HTTP's server errors, and a timeout
        return failures.faulty(status, told)
    if _POLICY.search(codes):
        return failures.unusable(told, "blocked")
    if status == _TOO_LARGE or _is_too_long(error):
        return failures.refused(told, "too_long")
    if status in _UNFIT:
        return failures.refused(told, "bad_request")
    return failures.down(told, "unknown")


def _responses_text(body: Mapping[str, Any], told: Told, failures: Failures) -> str:
    status = body.get("status")
    parts = [
        mapping_of(part)
        for item in list_of(body.get("output"))
        for part in list_of(mapping_of(item).get("content"))
    ]
    text = "".join(
        text_of(one, "text") for one in parts if one.get("type") == "output_text"
    )
    told = replace(told, reply=text)
    if status == "incomplete":
        reason = text_of(mapping_of(body.get("incomplete_details")), "reason")
        raise _cut_short(reason, told, failures)
    if status not in {"completed", None}:
        told = replace(told, what=what(OK, "status", status))
        raise failures.down(told, "unknown")
    refusals = [one for one in parts if one.get("type") == "refusal"]
    if refusals:
        said = "".join(text_of(one, "refusal") for one in refusals)
        raise failures.unusable(
            replace(told, what="a refusal", reply=text + said), "refused"
        )
    return text


def _chat_text(body: Mapping[str, Any], told: Told, failures: Failures) -> str:
    choice = mapping_of(next(iter(list_of(body.get("choices"))), None))
    message = mapping_of(choice.get("message"))
    reason = text_of(choice, "finish_reason")
    text = text_of(message, "content")
    if message.get("refusal"):
        said = text + text_of(message, "refusal")
        raise failures.unusable(replace(told, what="a refusal", reply=said), "refused")
    if reason in {"length", "content_filter"}:
        raise _cut_short(reason, replace(told, reply=text), failures)
    return text


def _cut_short(reason: str, told: Told, failures: Failures) -> CallFailed:
    told = replace(told, what=what(OK, reason))
    if reason == "content_filter":
        return failures.unusable(told, "blocked")
    return failures.unusable(told, "truncated")


def _told(answer: Answer, now: datetime) -> Told:
    error = answer.error
    return Told(
        what=what(answer.status, error.get("type"), error.get("code")),
        wait=hints.retry_after(answer.headers, now),
        shown=hints.shown(answer.headers),
    )


def _failed_within(
    error: Mapping[str, Any], told: Told, failures: Failures
) -> CallFailed:
    """Name a failure that comes with status 200."""
    code = text_of(error, "code")
    told = replace(told, what=what(OK, code))
    if code == "rate_limit_exceeded":
        return failures.busy(told, _refusal(error, told))
    if _MONEY.search(code):
        return failures.without_money(told)
    if _POLICY.search(code):
        return failures.unusable(told, "blocked")
    if _TOO_LONG.search(code):
        return failures.refused(told, "too_long")
    kind = "server_error" if code == "server_error" else "unknown"
    return failures.down(told, kind)


def _refused_for_quota(
    error: Mapping[str, Any], told: Told, failures: Failures
) -> CallFailed:
    if text_of(error, "code") == "slow_down":
        return failures.down(told, "overloaded", slow_down=True)
    refusal = _refusal(error, told)
    if any(one.limit == 0 for one in refusal.violations):
        # A quota of nothing is a plan without this model: no wait will do.
        return failures.without_money(told)
    if _TOO_LARGE_EVER.search(text_of(error, "message")):
        # It asks for more than a whole minute's quota: no wait will do.
        return failures.refused(told, "too_long", refusal)
    return failures.busy(told, refusal)


def _refusal(error: Mapping[str, Any], told: Told) -> Refusal:
    message = text_of(error, "message")
    wait = hints.told_wait(message) if told.wait is None else told.wait
    violations = hints.told_violations(text_of(error, "type"), message)
    return Refusal(retry_after=wait, violations=violations)


def _names_model(answer: Answer, model: str) -> bool:
    error = answer.error
    if _MODEL_CODES & {text_of(error, "code"), text_of(error, "type")}:
        return True
    message = text_of(error, "message")
    if answer.status in ABSENT:
        return "model" in message.lower() and model.lower() in message.lower()
    return answer.status in _UNFIT and bool(_NO_MODEL.search(message))


def _is_final(answer: Answer, model: str) -> bool:
    """Whether a refusal has a reason that another way of asking would not change."""
    error = answer.error
    codes = f"{text_of(error, 'type')} {text_of(error, 'code')}"
    return bool(
        _names_model(answer, model)
        or _is_too_long(error)
        or _KEY_CODES & set(codes.split())
        or _MONEY.search(codes)
        or _POLICY.search(codes)
    )


def _is_too_long(error: Mapping[str, Any]) -> bool:
    told = " ".join(text_of(error, name) for name in ("type", "code", "message"))
    return bool(_TOO_LONG.search(told))


def _usage(usage: Mapping[str, Any]) -> Usage:
    """Read the counts of either API; `input_tokens` holds those from the cache."""
    of_input = mapping_of(
        usage.get("input_tokens_details") or usage.get("prompt_tokens_details")
    )
    of_output = mapping_of(
        usage.get("output_tokens_details") or usage.get("completion_tokens_details")
    )
    return Usage(
        input_tokens=count_of(usage, "input_tokens", "prompt_tokens"),
        cached_tokens=count_of(of_input, "cached_tokens"),
        cache_write_tokens=count_of(of_input, "cache_write_tokens"),
        output_tokens=count_of(usage, "output_tokens", "completion_tokens"),
        thinking_tokens=count_of(of_output, "reasoning_tokens"),
    )
