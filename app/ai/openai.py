"""OpenAI, and every server that speaks like it, through the official SDK.

OpenAI itself is asked by its Responses API. What another server understands is found
out with its first question, and remembered.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlsplit

from openai import APIStatusError, AsyncOpenAI
from typing_extensions import override

from app.ai.failures import ABSENT, OK, Failures, Told, list_of, mapping_of, text_of
from app.ai.models import Models
from app.ai.openai_replies import WAYS, Answer, Way, failed, leads_on, read
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

BASE_URL = "https://api.openai.com/v1"
#: Servers of one's own want no key, and the SDK wants one all the same.
_NO_KEY = "none"
_SHOWN_MODELS = 5
_LONGEST_CACHE_KEY = 64
_TELL_SCHEMA = "\n\nAnswer with one JSON object of this JSON schema and nothing else:"


class OpenAiWire(Wire):
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
            api_key: May be empty where `base_url` is not OpenAI's own.
            model: The model to ask.
            models: What is known of models.
            base_url: Where the API's paths hang: `https://…/v1`.
            timeout: Seconds that a call may take in all.
            thinking_room: Output tokens to allow besides the answer's; None for
                what is known of the model.

        Raises:
            ConfigurationError: Address or key cannot be used.
        """
        base_url = checked_address("OPENAI_BASE_URL", base_url)
        key = checked_key("OPENAI_API_KEY", api_key)
        self._is_openai = base_url == BASE_URL
        if self._is_openai and not key:
            raise ConfigurationError(["OPENAI_API_KEY: is required"])
        self._host = urlsplit(base_url).netloc
        self._model = model
        self._known = models.find("openai", model)
        self._room = (
            self._known.thinking_room if thinking_room is None else thinking_room
        )
        self._failures = Failures(provider="openai", model=model, models=models)
        self._timeout = timeout
        self._client = AsyncOpenAI(
            api_key=key or _NO_KEY,
            base_url=base_url,
            max_retries=0,
            timeout=timeout,
            http_client=open_connections(timeout),
        )
        # The SDK reads them from the environment; ours is read in one place only.
        self._client.organization = self._client.project = None
        # Taken here, since the SDK loads their modules when they are first used.
        self._create_response = self._client.responses.with_raw_response.create
        self._create_chat = self._client.chat.completions.with_raw_response.create
        self._models = self._client.models.with_raw_response
        self._way: Way | None = "responses" if self._is_openai else None
        self._finding = asyncio.Lock()

    @property
    @override
    def provider(self) -> str:
        return "openai"

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
        await self._client.close()

    async def _send(self, question: Question, timing: Timing) -> Reply:
        async with watched(timing, self._timeout):
            way, answer = await self._ask(question)
        return read(answer, way, self._failures, utc_now())

    async def _ask(self, question: Question) -> tuple[Way, Answer]:
        if self._way is None:
            async with self._finding:
                if self._way is None:  # nobody found it while we waited
                    return await self._find(question, WAYS)
        return self._way, await self._put(self._way, question)

    async def _find(
        self, question: Question, ways: tuple[Way, ...]
    ) -> tuple[Way, Answer]:
        """Ask in one way after another until one is understood; remember it."""
        way, *others = ways
        answer = await self._put(way, question)
        if others and leads_on(way, answer, self._model):
            return await self._find(question, tuple(others))
        if answer.status == OK:
            self._way = way
        return way, answer

    async def _put(self, way: Way, question: Question) -> Answer:
        if way == "responses":
            return await _answer(self._create_response(**self._responses(question)))
        return await _answer(self._create_chat(**self._chat(way, question)))

    def _responses(self, question: Question) -> dict[str, Any]:
        """Say what the Responses API is to be asked; nothing is kept there."""
        form = {"type": "json_schema", "strict": True, **_schema(question)}
        asked: dict[str, Any] = {
            "model": self._model,
            "instructions": question.instructions,
            "input": question.text,
            "text": {"format": form},
            "max_output_tokens": question.max_output_tokens + self._room,
            "prompt_cache_key": question.cache_key[:_LONGEST_CACHE_KEY],
            "store": False,
        }
        if self._known.effort:
            asked["reasoning"] = {"effort": self._known.effort}
        if self._known.temperature:
            asked["temperature"] = 0
        return asked

    def _chat(self, way: Way, question: Question) -> dict[str, Any]:
        """Say what chat completions are to be asked: only what all servers take."""
        instructions = question.instructions
        form: dict[str, Any] = {"type": "json_object"}
        if way == "chat_schema":
            form = {
                "type": "json_schema",
                "json_schema": {"strict": True, **_schema(question)},
            }
        else:
            schema = json.dumps(question.schema, ensure_ascii=False)
            instructions += f"{_TELL_SCHEMA}\n{schema}"
        return {
            "model": self._model,
            "messages": [
                {"role": "system", "content": instructions},
                {"role": "user", "content": question.text},
            ],
            "response_format": form,
            "max_tokens": question.max_output_tokens + self._room,
            "temperature": 0,
        }

    async def _check(self) -> str:
        async with watched(None, self._timeout):
            answer = await _answer(self._models.retrieve(self._model))
            if answer.status in ABSENT and not self._is_openai:
                # A server of one's own need not know the path of a single model.
                answer = await _answer(self._models.list())
        if answer.status != OK:
            raise failed(answer, self._failures, utc_now())
        body = mapping_of(answer.body)
        if not body:
            raise self._failures.without_api(Told(what="the answer is no JSON"))
        listed = [text_of(mapping_of(one), "id") for one in list_of(body.get("data"))]
        if text_of(body, "id") == self._model or self._model in listed:
            return f"{self._host} knows {self._model}"
        others = ", ".join(one for one in listed[:_SHOWN_MODELS] if one.isprintable())
        told = others or "no models"
        return f"{self._host} answers; {self._model} is not listed, but {told}"


def _schema(question: Question) -> dict[str, Any]:
    return {"name": "answer", "schema": dict(question.schema)}


async def _answer(call: Awaitable[Any]) -> Answer:
    """Return what was answered, be it a success or not."""
    try:
        response = (await call).http_response
    except APIStatusError as problem:
        response = problem.response
    try:
        body = json.loads(response.content)
    except ValueError:
        body = None
    return Answer(status=response.status_code, headers=response.headers, body=body)
