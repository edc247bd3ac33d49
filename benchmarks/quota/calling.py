"""The two official SDKs as any program would use them, on the provider's clock.

Waits that an SDK takes from an answer, or from its own defaults, are provider seconds:
they are shortened as the servers' time is.
"""

from __future__ import annotations

from typing import Any, Protocol

import httpx2
from google import genai
from google.genai import errors, types
from openai import APIConnectionError, APIStatusError, AsyncOpenAI
from typing_extensions import override

from app.ai.models import load_models
from app.ai.wire import Question

REFUSED = 429
_RETRIED = frozenset({408, 409, REFUSED})
_FIRST_FAILURE = 500
#: Defaults of google-genai's retry options; those given here are only shortened.
#: https://googleapis.github.io/python-genai/#retry-options
_FIRST_DELAY, _LONGEST_DELAY, _JITTER = 1.0, 60.0, 1.0


class Api(Protocol):
    """One provider's API."""

    async def ask(self, question: Question) -> None:
        """Ask once; with the SDK's own retries if it was opened with them."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class _ScaledOpenAI(AsyncOpenAI):
    """The official client, whose waits pass as fast as the servers' time."""

    scale = 1.0

    @override
    def _calculate_retry_timeout(self, *args: Any, **options: Any) -> float:
        return super()._calculate_retry_timeout(*args, **options) / self.scale


class OpenAiApi(Api):
    """OpenAI's Responses API."""

    def __init__(self, origin: str, *, scale: float, retries: bool) -> None:
        self._model = load_models().default("openai")
        self._client = _ScaledOpenAI(
            api_key="key",
            base_url=f"{origin}/v1",
            http_client=httpx2.AsyncClient(trust_env=False, timeout=600),
            **({} if retries else {"max_retries": 0}),  # type: ignore[arg-type]
        )
        self._client.scale = scale

    @override
    async def ask(self, question: Question) -> None:
        form: Any = {
            "type": "json_schema",
            "strict": True,
            "name": "answer",
            "schema": dict(question.schema),
        }
        await self._client.responses.create(
            model=self._model,
            instructions=question.instructions,
            input=question.text,
            max_output_tokens=question.max_output_tokens,
            text={"format": form},
            store=False,
        )

    @override
    async def close(self) -> None:
        await self._client.close()


class GeminiApi(Api):
    """Gemini's `generateContent`."""

    def __init__(self, origin: str, *, scale: float, retries: bool) -> None:
        self._model = load_models().default("gemini")
        self._http = httpx2.AsyncClient(trust_env=False, timeout=600)
        options = types.HttpRetryOptions(
            initial_delay=_FIRST_DELAY / scale,
            max_delay=_LONGEST_DELAY / scale,
            jitter=_JITTER / scale,
        )
        self._client = genai.Client(
            vertexai=False,
            api_key="key",
            http_options=types.HttpOptions(
                base_url=origin,
                retry_options=options if retries else None,
                httpx_async_client=self._http,
            ),
        )

    @override
    async def ask(self, question: Question) -> None:
        await self._client.aio.models.generate_content(
            model=self._model,
            contents=question.text,
            config=types.GenerateContentConfig(
                system_instruction=question.instructions,
                response_mime_type="application/json",
                response_json_schema=dict(question.schema),
                max_output_tokens=question.max_output_tokens,
            ),
        )

    @override
    async def close(self) -> None:
        await self._client.aio.aclose()
        await self._http.aclose()
        self._client.close()


def is_refusal(error: BaseException) -> bool:
    """Whether a call was refused for quota."""
    return _status(error) == REFUSED


def may_pass(error: BaseException) -> bool:
    """Whether another attempt may succeed, as both SDKs see it."""
    status = _status(error)
    return (
        status in _RETRIED
        or status >= _FIRST_FAILURE
        or isinstance(error, APIConnectionError | httpx2.TransportError)
    )


def _status(error: BaseException) -> int:
    if isinstance(error, APIStatusError):
        return error.status_code
    return error.code if isinstance(error, errors.APIError) else 0
