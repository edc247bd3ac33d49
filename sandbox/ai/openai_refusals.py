"""How OpenAI says no: bodies and headers, as they are documented and reported.

https://platform.openai.com/docs/guides/rate-limits
https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.ai.calls import Facts, Trouble, TroubleKind
from sandbox.ai.quotas import Dimension, Standing

_ORGANIZATION = "org-sandbox"
_MORE = "Visit https://platform.openai.com/account/rate-limits to learn more."
_NAMES: Mapping[Dimension, str] = {
    "rpm": "requests per min (RPM)",
    "tpm": "tokens per min (TPM)",
    "rpd": "requests per day (RPD)",
}


def go_duration(seconds: float) -> str:
    """Return a duration as Go writes it, to a whole millisecond: `6m0s`, `120ms`."""
    # Rounded first, as 0.2 * 1000 must not become 201 by what a float holds too much.
    total = max(0, math.ceil(round(seconds * 1000, 3)))
    if 0 < total < 1000:
        return f"{total}ms"
    whole, rest = divmod(total, 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    last = f"{second}.{rest:03}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minute}m{last}"
    return f"{minute}m{last}" if minute else last


def common_headers(facts: Facts) -> dict[str, str]:
    """Return what every answer carries, as far as hints are given."""
    headers = {
        "x-request-id": f"req_{facts.number:024x}",
        "openai-organization": _ORGANIZATION,
        "openai-version": "2020-10-01",
    }
    if "processing_ms" in facts.hints:
        headers["openai-processing-ms"] = str(round(facts.took * 1000))
    if "rate_headers" in facts.hints:
        headers |= _rate_headers(facts.standings)
    return headers


def _rate_headers(standings: Mapping[Dimension, Standing]) -> dict[str, str]:
    minute, day = standings.get("rpm"), standings.get("rpd")
    # Where the day has less left than the minute, the day's pool is shown.
    if minute is None or (day is not None and day.remaining < minute.remaining):
        minute = day
    shown = {"requests": minute, "tokens": standings.get("tpm")}
    return {
        f"x-ratelimit-{name}-{unit}": value
        for unit, standing in shown.items()
        if standing is not None
        for name, value in (
            ("limit", str(standing.limit)),
            ("remaining", str(standing.remaining)),
            ("reset", go_duration(standing.reset)),
        )
    }


def refused(model: str, full: Sequence[Standing], facts: Facts) -> Response:
    """Return the 429 of quotas without room; the one with the longest wait is named."""
    worst = max(full, key=lambda standing: standing.wait)
    headers = common_headers(facts)
    if math.isfinite(worst.wait):
        milliseconds = max(1, math.ceil(round(worst.wait * 1000, 3)))
        if "retry_after" in facts.hints:
            headers["retry-after"] = str(math.ceil(milliseconds / 1000))
        if "retry_after_ms" in facts.hints:
            headers["retry-after-ms"] = str(milliseconds)
    message = "Rate limit reached."
    if "message" in facts.hints:
        message = _message(model, worst)
    kind = "tokens" if worst.dimension == "tpm" else "requests"
    return JSONResponse(error(message, kind, "rate_limit_exceeded"), 429, headers)


def _message(model: str, worst: Standing) -> str:
    where = f"for {model} in organization {_ORGANIZATION} on {_NAMES[worst.dimension]}"
    if not math.isfinite(worst.wait):
        return (
            f"Request too large {where}: Limit {worst.limit}, Requested "
            f"{worst.requested}. The input or output tokens must be reduced in order "
            f"to run successfully. {_MORE}"
        )
    return (
        f"Rate limit reached {where}: Limit {worst.limit}, Used {worst.used}, Requested "
        f"{worst.requested}. Please try again in {go_duration(worst.wait)}. {_MORE}"
    )


def error(
    message: str, kind: str | None, code: str | None, param: str | None = None
) -> dict[str, Any]:
    """Return the body of an error."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def troubled(trouble: Trouble, facts: Facts) -> Response:
    """Return the answer to a call that failed without a quota's doing."""
    headers = {"x-request-id": f"req_{facts.number:024x}"}
    if trouble.retry_after is not None:
        headers["retry-after"] = f"{trouble.retry_after:g}"
    if trouble.kind == "status" and trouble.status in (502, 504):
        # What stands before the API answers for it, and knows no JSON.
        return HTMLResponse(_GATEWAY.format(trouble.status), trouble.status, headers)
    status, body = _trouble(trouble)
    return JSONResponse(body, status, headers)


_GATEWAY = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>\n"


_INVALID = "invalid_request_error"
#: Status, type, code and message of each failure that is the same for all calls.
_TROUBLES: Mapping[TroubleKind, tuple[int, str, str | None, str]] = {
    "bad_request": (400, _INVALID, None, "{detail}"),
    "no_key": (
        401,
        _INVALID,
        None,
        (
            "You didn't provide an API key. You need to provide your API key in an "
            "Authorization header using Bearer auth."
        ),
    ),
    "unauthorized": (
        401,
        _INVALID,
        "invalid_api_key",
        (
            "Incorrect API key provided: {key}. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
        ),
    ),
    "forbidden": (
        403,
        _INVALID,
        "model_not_found",
        "Project `proj_sandbox` does not have access to model `{model}`.",
    ),
    "unknown_model": (
        404,
        _INVALID,
        "model_not_found",
        "The model `{model}` does not exist or you do not have access to it.",
    ),
    "overloaded": (
        503,
        "service_unavailable",
        "server_is_overloaded",
        "Our servers are currently overloaded. Please try again later.",
    ),
    "slow_down": (
        429,
        "rate_limit_error",
        "slow_down",
        "Your traffic grew too quickly. Slow down, then increase it gradually.",
    ),
    "insufficient_quota": (
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "status": (
        500,
        "server_error",
        None,
        "The server had an error while processing your request.",
    ),
}


def _trouble(trouble: Trouble) -> tuple[int, dict[str, Any]]:
    status, kind, code, message = _TROUBLES[trouble.kind]
    if trouble.kind == "status":
        status = trouble.status
    if trouble.param:
        code = "invalid_json_schema"
    told = message.format(
        detail=trouble.detail, key=_masked(trouble.key), model=trouble.model
    )
    return status, error(told, kind, code, trouble.param)


def _masked(key: str) -> str:
    """Return a key as the provider echoes it: its beginning and its end."""
    return f"{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}" if len(key) > 12 else key
