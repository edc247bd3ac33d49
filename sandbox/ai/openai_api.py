"""OpenAI's two ways to ask: Responses and Chat Completions.

https://platform.openai.com/docs/api-reference/responses
https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.ai import openai_refusals, strict_schema
from sandbox.ai.calls import (
    Answer,
    BadCall,
    Facts,
    Form,
    Question,
    Trouble,
    Usage,
    text_at,
)
from sandbox.ai.quotas import Standing

CREATED = 1_795_300_000
_RULES = frozenset({"system", "developer"})
_DECLINED = "I'm sorry, but I can't help with that."


class _OpenAi:
    """What both have in common."""

    def key(self, request: Request) -> str:
        """Return the bearer token."""
        return request.headers.get("authorization", "").removeprefix("Bearer ").strip()

    def refused(
        self, question: Question, full: Sequence[Standing], facts: Facts
    ) -> Response:
        """Return a 429."""
        return openai_refusals.refused(question.model, full, facts)

    def troubled(self, trouble: Trouble, facts: Facts) -> Response:
        """Return any other failure."""
        return openai_refusals.troubled(trouble, facts)


class ResponsesApi(_OpenAi):
    """`POST /v1/responses`."""

    def read(self, request: Request, body: Any) -> Question:
        """Return what is asked."""
        del request
        fields = _mapping(body, "body")
        rules, text = _messages(fields.get("input"))
        wanted = _mapping(fields.get("text") or {}, "text")
        wanted = _mapping(wanted.get("format") or {}, "text.format")
        form, schema = _form(wanted, wanted, "text.format")
        return Question(
            model=_model(fields),
            instructions=text_at(fields, "instructions") + rules,
            text=text,
            form=form,
            schema=schema or told_schema(text_at(fields, "instructions") + rules),
            max_output=_count(fields, "max_output_tokens"),
            cache_key=text_at(fields, "prompt_cache_key"),
        )

    def answered(self, question: Question, answer: Answer, facts: Facts) -> Response:
        """Return a response object."""
        status, reason = _STATUSES[answer.ending]
        body = {
            "id": f"resp_{answer.number:048x}",
            "object": "response",
            "created_at": CREATED + answer.number,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": question.instructions or None,
            "max_output_tokens": question.max_output,
            "model": question.model,
            "output": [_message(answer, status)],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "prompt_cache_key": question.cache_key or None,
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "default",
            "store": False,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}, "verbosity": "medium"},
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": _response_usage(answer.usage),
            "metadata": {},
        }
        if answer.ending == "failed":
            message = "The model failed to answer. Please try again."
            body["error"] = {"code": answer.code, "message": message}
            body |= {"output": [], "usage": None}
        return JSONResponse(body, headers=openai_refusals.common_headers(facts))


_STATUSES = {
    "complete": ("completed", ""),
    "cut": ("incomplete", "max_output_tokens"),
    "refused": ("completed", ""),
    "blocked": ("incomplete", "content_filter"),
    "failed": ("failed", ""),
}


def _message(answer: Answer, status: str) -> dict[str, Any]:
    part: dict[str, Any] = {
        "type": "output_text",
        "text": answer.text,
        "annotations": [],
        "logprobs": [],
    }
    if answer.ending == "refused":
        part = {"type": "refusal", "refusal": _DECLINED}
    return {
        "id": f"msg_{answer.number:048x}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [part],
    }


def _response_usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output + usage.thinking,
        "output_tokens_details": {"reasoning_tokens": usage.thinking},
        "total_tokens": usage.input + usage.output + usage.thinking,
    }


class ChatApi(_OpenAi):
    """`POST /v1/chat/completions`, of OpenAI or of a server that imitates it.

    Args:
        schema_status: Status for a `json_schema`; 0 where it is taken.
    """

    def __init__(self, schema_status: int = 0) -> None:
        self._schema_status = schema_status

    def read(self, request: Request, body: Any) -> Question:
        """Return what is asked."""
        del request
        fields = _mapping(body, "body")
        rules, text = _messages(fields.get("messages"))
        wanted = _mapping(fields.get("response_format") or {}, "response_format")
        if wanted.get("type") == "json_schema" and self._schema_status:
            detail = "response_format.type must be text or json_object"
            raise BadCall(
                Trouble(kind="bad_request", detail=detail)
                if self._schema_status == 400
                else Trouble(kind="status", status=self._schema_status)
            )
        inner = _mapping(wanted.get("json_schema", {}), "response_format.json_schema")
        form, schema = _form(wanted, inner, "response_format")
        grammar = _mapping(wanted.get("schema") or {}, "response_format.schema")
        limit = _count(fields, "max_completion_tokens")
        return Question(
            model=_model(fields),
            instructions=rules,
            text=text,
            form=form,
            schema=schema or grammar or told_schema(rules + text),
            max_output=_count(fields, "max_tokens") if limit is None else limit,
            cache_key=text_at(fields, "prompt_cache_key"),
        )

    def answered(self, question: Question, answer: Answer, facts: Facts) -> Response:
        """Return a chat completion."""
        if answer.ending == "failed":
            return self.troubled(Trouble(kind="status", status=500), facts)
        declined = answer.ending == "refused"
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if declined else answer.text,
            "refusal": _DECLINED if declined else None,
            "annotations": [],
        }
        body = {
            "id": f"chatcmpl-{answer.number:029x}",
            "object": "chat.completion",
            "created": CREATED + answer.number,
            "model": question.model,
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "logprobs": None,
                    "finish_reason": _FINISHES[answer.ending],
                }
            ],
            "usage": _chat_usage(answer.usage),
            "service_tier": "default",
            "system_fingerprint": "fp_sandbox",
        }
        return JSONResponse(body, headers=openai_refusals.common_headers(facts))


_FINISHES = {
    "complete": "stop",
    "cut": "length",
    "refused": "stop",
    "blocked": "content_filter",
}


def _chat_usage(usage: Usage) -> dict[str, Any]:
    output = usage.output + usage.thinking
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": output,
        "total_tokens": usage.input + output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.cache_write,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.thinking,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _form(
    wanted: Mapping[str, Any], inner: Mapping[str, Any], param: str
) -> tuple[Form, Mapping[str, Any]]:
    """Return the form asked for and its schema, which OpenAI checks if it is strict."""
    match wanted.get("type", "text"):
        case "text":
            return "text", {}
        case "json_object":
            return "json_object", {}
        case "json_schema":
            schema = _mapping(inner.get("schema"), f"{param}.schema")
            found = strict_schema.complaint(schema) if inner.get("strict") else ""
            if found:
                name = inner.get("name")
                detail = f"Invalid schema for response_format '{name}': {found}"
                raise BadCall(
                    Trouble(kind="bad_request", detail=detail, param=f"{param}.schema")
                )
            return "json_schema", schema
        case other:
            raise _bad(f"Invalid value: {other!r} for {param}.type.")


def told_schema(text: str) -> Mapping[str, Any]:
    """Return the first JSON schema that stands in a text, as local servers are told."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            if isinstance(found, dict) and "properties" in found:
                return found
        at = text.find("{", end)
    return {}


def _messages(value: Any) -> tuple[str, str]:
    """Return the rules and the rest of what is said, in order."""
    if isinstance(value, str):
        return "", value
    if not isinstance(value, list):
        raise _bad("Missing required parameter: 'input' or 'messages'.")
    rules: list[str] = []
    texts: list[str] = []
    for item in value:
        fields = _mapping(item, "messages")
        said = "".join(_parts(fields.get("content")))
        (rules if fields.get("role") in _RULES else texts).append(said)
    return "\n".join(rules), "\n".join(texts)


def _parts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            yield text_at(_mapping(part, "content"), "text")


def _model(fields: Mapping[str, Any]) -> str:
    model = text_at(fields, "model")
    if not model:
        raise _bad("you must provide a model parameter")
    return model


def _count(fields: Mapping[str, Any], key: str) -> int | None:
    value = fields.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _bad(f"Invalid '{key}': expected a positive integer.")
    return value


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _bad(f"Invalid type for '{where}': expected an object.")
    return value


def _bad(detail: str) -> BadCall:
    return BadCall(Trouble(kind="bad_request", detail=detail))
