"""Google's Gemini through the official SDK.

The SDK is held to one request a call: no retries, no continuations, no function calls,
and the HTTP client that is given to it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from google import genai
from google.genai import errors, types
from typing_extensions import override

from app.ai.failures import Failures, mapping_of
from app.ai.gemini_replies import Refused, failed, read
from app.ai.models import Models
from app.ai.transport import (
    CALL_SECONDS,
    checked_address,
    checked_key,
    open_connections,
    watched,
)
from app.ai.wire import Question, Reply, Timing, Wire
from app.clock import utc_now
from app.domain.completions import Usage
from app.errors import ConfigurationError

BASE_URL = "https://generativelanguage.googleapis.com"
_API_VERSION = "v1beta"
_Answer = TypeVar("_Answer")


class GeminiWire(Wire):
    """One model behind one address."""

    def __init__(
        self,
        api_key: str,
        *,
        model: str,
        models: Models,
        base_url: str = BASE_URL,
        timeout: float = CALL_SECONDS,
        thinking_room: int | None = None,
    ) -> None:
        """Open no connection yet.

        Args:
            api_key: Sent in a header, never in an address.
            model: The model to ask.
            models: What is known of models.
            base_url: Where `/v1beta/models/…` hangs.
            timeout: Seconds that a call may take in all.
            thinking_room: Output tokens to allow besides the answer's; None for
                what is known of the model.

        Raises:
            ConfigurationError: Address or key cannot be used.
        """
        base_url = checked_address("GEMINI_BASE_URL", base_url)
        key = checked_key("GEMINI_API_KEY", api_key)
        if not key:
            raise ConfigurationError(["GEMINI_API_KEY: is required"])
        self._host = urlsplit(base_url).netloc
        self._model = model
        self._known = models.find("gemini", model)
        self._room = (
            self._known.thinking_room if thinking_room is None else thinking_room
        )
        self._failures = Failures(provider="gemini", model=model, models=models)
        self._timeout = timeout
        self._connections = open_connections(timeout)
        # What is told here is not looked for in the environment. A client that is
        # given keeps aiohttp out, which the SDK would prefer wherever it finds it.
        self._client = genai.Client(
            vertexai=False,
            api_key=key,
            http_options=types.HttpOptions(
                base_url=base_url,
                api_version=_API_VERSION,
                timeout=int(timeout * 1000),
                httpx_async_client=self._connections,
            ),
        )

    @property
    @override
    def provider(self) -> str:
        return "gemini"

    @property
    @override
    def model(self) -> str:
        return self._model

    @property
    @override
    def thinking_room(self) -> int:
        return self._room

    @override
    def priced(self, usage: Usage) -> Usage:
        return self._failures.priced(usage)

    @override
    async def send(self, question: Question, timing: Timing) -> Reply:
        return await self._failures.named(self._send(question, timing))

    @override
    async def check(self) -> str:
        return await self._failures.named(self._check())

    @override
    async def close(self) -> None:
        await self._client.aio.aclose()
        await self._connections.aclose()
        self._client.close()

    async def _send(self, question: Question, timing: Timing) -> Reply:
        models = self._client.aio.models
        call = models.generate_content(
            model=self._model, contents=question.text, config=self._config(question)
        )
        return read(_body(await self._bounded(call, timing)), self._failures)

    async def _check(self) -> str:
        await self._bounded(self._client.aio.models.get(model=self._model), None)
        return f"{self._host} knows {self._model}"

    async def _bounded(
        self, call: Awaitable[_Answer], timing: Timing | None
    ) -> _Answer:
        """Await a call within its time; name what is said instead of an answer."""
        try:
            async with watched(timing, self._timeout):
                return await call
        except errors.APIError as problem:
            refused = _refused(problem)
        raise failed(refused, self._failures, utc_now())

    def _config(self, question: Question) -> types.GenerateContentConfig:
        return types.GenerateContentConfig(
            system_instruction=question.instructions,
            response_mime_type="application/json",
            response_json_schema=dict(question.schema),
            max_output_tokens=question.max_output_tokens + self._room,
            temperature=0 if self._known.temperature else None,
            thinking_config=self._thinking(),
            automatic_function_calling=types.AutomaticFunctionCallingConfig(
                disable=True
            ),
            automatic_continuation=False,
            # Its own reading stumbles over what it does not know.
            should_return_http_response=True,
        )

    def _thinking(self) -> types.ThinkingConfig | None:
        if self._known.level:
            level = types.ThinkingLevel(self._known.level.upper())
            return types.ThinkingConfig(thinking_level=level)
        if self._known.budget is not None:
            return types.ThinkingConfig(thinking_budget=self._known.budget)
        return None


def _body(answer: types.GenerateContentResponse) -> Any:
    response = answer.sdk_http_response
    try:
        return json.loads((response and response.body) or "null")
    except ValueError:
        return None


def _refused(problem: errors.APIError) -> Refused:
    body = mapping_of(problem.details)
    return Refused(
        status=problem.code,
        headers=getattr(problem.response, "headers", {}),
        error=mapping_of(body.get("error", body)),
    )
