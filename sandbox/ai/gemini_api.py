"""The Gemini API: `models/{model}:generateContent`.

https://ai.google.dev/api/generate-content
https://ai.google.dev/gemini-api/docs/rate-limits
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.ai.calls import (
    Answer,
    BadCall,
    Facts,
    Question,
    Trouble,
    TroubleKind,
    Usage,
    text_at,
)
from sandbox.ai.quotas import Dimension, Standing

_HOST = "generativelanguage.googleapis.com"
_HELP = "https://ai.google.dev/gemini-api/docs/rate-limits"
_BAD_KEY = "API key not valid. Please pass a valid API key."
_EXHAUSTED = (
    "You exceeded your current quota, please check your plan and billing details."
)
_BARE = "Resource has been exhausted (e.g. check quota)."


class GeminiApi:
    """Reads and writes `generateContent`."""

    def key(self, request: Request) -> str:
        """Return the key of the header, or of the address."""
        found = request.headers.get("x-goog-api-key")
        return found or request.query_params.get("key", "")

    def read(self, request: Request, body: Any) -> Question:
        """Return what is asked."""
        fields = _mapping(body, "request body")
        wanted = _mapping(fields.get("generationConfig") or {}, "generation_config")
        schema = wanted.get("responseJsonSchema") or wanted.get("responseSchema") or {}
        contents = fields.get("contents")
        if not isinstance(contents, list) or not contents:
            raise _bad("* GenerateContentRequest.contents: contents is not specified\n")
        limit = wanted.get("maxOutputTokens")
        is_json = wanted.get("responseMimeType") == "application/json"
        if schema and not is_json:
            raise _bad(
                "A response schema needs the response mime type application/json"
            )
        return Question(
            model=request.path_params["model"],
            instructions=_said(fields.get("systemInstruction") or {}),
            text="\n".join(_said(content) for content in contents),
            form=("json_schema" if schema else "json_object") if is_json else "text",
            schema=_mapping(schema, "response_schema"),
            max_output=limit if isinstance(limit, int) and limit > 0 else None,
        )

    def answered(self, question: Question, answer: Answer, facts: Facts) -> Response:
        """Return candidates, or why there are none. No header tells of quotas."""
        if answer.ending == "failed":
            return self.troubled(Trouble(kind="status", status=500), facts)
        body: dict[str, Any] = {}
        if answer.ending == "blocked":
            body["promptFeedback"] = {"blockReason": "SAFETY"}
        else:
            body["candidates"] = [_candidate(answer)]
        body["usageMetadata"] = _usage(answer.usage)
        body["modelVersion"] = question.model
        body["responseId"] = f"sandbox{answer.number:015x}"
        return JSONResponse(body)

    def refused(
        self, question: Question, full: Sequence[Standing], facts: Facts
    ) -> Response:
        """Return the 429 of quotas without room."""
        if not facts.hints:
            return _error(429, "RESOURCE_EXHAUSTED", _BARE)
        wait = _retry_delay(full)
        message = _EXHAUSTED
        if "message" in facts.hints:
            message += f" For more information on this error, head to: {_HELP}."
            for standing in full:
                metric = _metric(standing.dimension, facts)
                message += (
                    f"\n* Quota exceeded for metric: {metric}, "
                    f"limit: {standing.limit}, model: {question.model}"
                )
            message += f"\nPlease retry in {wait:.9f}s."
        details = []
        if "help" in facts.hints:
            link = {"description": "Learn more about Gemini API quotas", "url": _HELP}
            details.append(_detail("Help", links=[link]))
        if "quota_failure" in facts.hints:
            violations = [_violation(question.model, one, facts) for one in full]
            details.append(_detail("QuotaFailure", violations=violations))
        if "retry_info" in facts.hints:
            details.append(_detail("RetryInfo", retryDelay=f"{math.ceil(wait)}s"))
        return _error(429, "RESOURCE_EXHAUSTED", message, details)

    def troubled(self, trouble: Trouble, facts: Facts) -> Response:
        """Return any other failure."""
        del facts
        code, status, message = _TROUBLES[trouble.kind]
        if trouble.kind == "status":
            code = trouble.status
            status = _STATUSES.get(code, status)
        told = message.format(detail=trouble.detail, model=trouble.model)
        details = list(_BAD_KEY_DETAILS if trouble.kind == "unauthorized" else ())
        if trouble.retry_after is not None:
            details.append(_detail("RetryInfo", retryDelay=f"{trouble.retry_after:g}s"))
        return _error(code, status, told, details)


_STATUSES = {502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
#: Code, status and message of each failure that is the same for all calls.
_TROUBLES: Mapping[TroubleKind, tuple[int, str, str]] = {
    "bad_request": (400, "INVALID_ARGUMENT", "{detail}"),
    "no_key": (
        403,
        "PERMISSION_DENIED",
        (
            "Method doesn't allow unregistered callers (callers without established "
            "identity). Please use API Key or other form of API consumer identity to call "
            "this API."
        ),
    ),
    "unauthorized": (400, "INVALID_ARGUMENT", _BAD_KEY),
    "forbidden": (
        403,
        "PERMISSION_DENIED",
        "Your project has been denied access. Please contact support.",
    ),
    "unknown_model": (
        404,
        "NOT_FOUND",
        (
            "models/{model} is not found for API version v1, or is not supported for "
            "generateContent. Call ListModels to see the list of available models and "
            "their supported methods."
        ),
    ),
    "overloaded": (
        503,
        "UNAVAILABLE",
        "The model is overloaded. Please try again later.",
    ),
    "slow_down": (429, "RESOURCE_EXHAUSTED", _BARE),
    # How a spend limit is worded was not seen; this is a guess.
    "insufficient_quota": (
        429,
        "RESOURCE_EXHAUSTED",
        f"{_EXHAUSTED} The project has reached its spend limit.",
    ),
    "status": (500, "INTERNAL", "An internal error has occurred."),
}


def model_entry(model: str) -> dict[str, Any]:
    """Return what the API tells of one model."""
    return {
        "name": f"models/{model}",
        "version": "001",
        "displayName": model,
        "description": "A stand-in",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
    }


def _candidate(answer: Answer) -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": 0}
    candidate["finishReason"] = _FINISHES[answer.ending]
    if answer.ending != "refused":
        candidate["content"] = {"role": "model"}
        if answer.text:
            candidate["content"]["parts"] = [{"text": answer.text}]
    return candidate


_FINISHES = {"complete": "STOP", "cut": "MAX_TOKENS", "refused": "SAFETY"}


def _usage(usage: Usage) -> dict[str, Any]:
    counts = {
        "promptTokenCount": usage.input,
        "cachedContentTokenCount": usage.cached,
        "candidatesTokenCount": usage.output,
        "thoughtsTokenCount": usage.thinking,
        "totalTokenCount": usage.input + usage.output + usage.thinking,
    }
    # As protocol buffers do, what is nothing is left out.
    found: dict[str, Any] = {name: count for name, count in counts.items() if count}
    found["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": usage.input}]
    return found


def _retry_delay(full: Sequence[Standing]) -> float:
    """Return how long to wait for the minute's quotas.

    The API was seen to ask for less than a minute when a day's quota was spent.
    """
    waits = [standing.wait for standing in full if standing.dimension != "rpd"]
    finite = [wait for wait in waits if math.isfinite(wait)]
    return max(finite, default=30.0)


_IDS: Mapping[Dimension, str] = {
    "rpm": "GenerateRequestsPerMinutePerProjectPerModel",
    "tpm": "GenerateContentPaidTierInputTokensPerModelPerMinute",
    "rpd": "GenerateRequestsPerDayPerProjectPerModel",
}
_FREE_IDS: Mapping[Dimension, str] = {
    "rpm": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
    "tpm": "GenerateContentInputTokensPerModelPerMinute-FreeTier",
    "rpd": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
}


def _metric(dimension: Dimension, facts: Facts) -> str:
    tier = "free_tier" if facts.free_tier else "paid_tier"
    what = "input_token_count" if dimension == "tpm" else "requests"
    return f"{_HOST}/generate_content_{tier}_{what}"


def _violation(model: str, standing: Standing, facts: Facts) -> dict[str, Any]:
    ids = _FREE_IDS if facts.free_tier else _IDS
    return {
        "quotaMetric": _metric(standing.dimension, facts),
        "quotaId": ids[standing.dimension],
        "quotaDimensions": {"location": "global", "model": model},
        "quotaValue": str(standing.limit),
    }


def _detail(name: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/google.rpc.{name}", **fields}


_BAD_KEY_DETAILS = [
    _detail(
        "ErrorInfo",
        reason="API_KEY_INVALID",
        domain="googleapis.com",
        metadata={"service": _HOST},
    ),
    _detail("LocalizedMessage", locale="en-US", message=_BAD_KEY),
]


def _error(
    code: int, status: str, message: str, details: Sequence[Any] = ()
) -> Response:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = list(details)
    return JSONResponse({"error": error}, code)


def _said(content: Any) -> str:
    parts = _mapping(content, "content").get("parts") or []
    if not isinstance(parts, list):
        raise _bad("Invalid value at 'contents.parts'")
    return "".join(text_at(_mapping(part, "part"), "text") for part in parts)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _bad(f"Invalid value at '{where}'")
    return value


def _bad(detail: str) -> BadCall:
    return BadCall(Trouble(kind="bad_request", detail=detail))
