"""The sandbox's AI providers on a socket, with official clients and a clock by hand."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx2
from google import genai
from google.genai import types
from openai import AsyncOpenAI

from sandbox.ai.answerer import answer
from sandbox.ai.app import Providers, create_app
from sandbox.ai.calls import Answerer
from sandbox.ai.clock import ProviderClock
from sandbox.ai.config import DEFAULTS, AiConfig, configured
from tests.functional.serving import listen, origin_of, serving

OPENAI_MODEL = "gpt-6-luna"
GEMINI_MODEL = "gemini-3.5-flash-lite"
PAGE = (
    "This runbook tells how a deployment is rolled back. "
    "Every deployment has an owner. The office is closed on Friday."
)


def answer_schema(*labels: str) -> dict[str, Any]:
    """Return a schema as strict as the providers want it."""
    names: dict[str, Any] = {"type": "string"}
    if labels:
        names["enum"] = list(labels)
    label = _object(
        name=names, evidence={"type": "string"}, confidence={"type": "number"}
    )
    return _object(
        language={"type": "string"},
        summary={"type": "string"},
        labels={"type": "array", "items": label},
    )


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


SCHEMA = answer_schema("deployment", "runbook", "holiday")


class HandClock:
    """A wall clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the present moment."""
        return self.now


@dataclass(kw_only=True)
class AiWorld:
    """Both providers, served; nothing passes on their clock but by `forward`."""

    origin: str
    providers: Providers
    hand: HandClock
    http: httpx2.AsyncClient
    openai: AsyncOpenAI
    api_version: str | None

    @cached_property
    def gemini(self) -> genai.Client:
        """Google's client; it reads all certificates, so only who needs it makes it."""
        options = types.HttpOptions(
            base_url=self.origin,
            api_version=self.api_version,
            httpx_async_client=self.http,
        )
        return genai.Client(api_key="test-key", http_options=options)

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.hand.now += seconds

    async def respond(self, page: str = PAGE, /, **changes: Any) -> Any:
        """Ask OpenAI's Responses; return the raw answer."""
        fields: dict[str, Any] = {
            "model": OPENAI_MODEL,
            "instructions": "Choose labels.",
            "input": page,
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "answer",
                    "schema": SCHEMA,
                    "strict": True,
                }
            },
        }
        return await self.openai.responses.with_raw_response.create(**fields | changes)

    async def chat(self, page: str = PAGE, /, **changes: Any) -> Any:
        """Ask OpenAI's Chat Completions; return the raw answer."""
        fields: dict[str, Any] = {
            "model": OPENAI_MODEL,
            "messages": [
                {"role": "developer", "content": "Choose labels."},
                {"role": "user", "content": page},
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
            },
        }
        return await self.openai.chat.completions.with_raw_response.create(
            **fields | changes
        )

    async def generate(
        self, page: str = PAGE, /, *, model: str = GEMINI_MODEL, **changes: Any
    ) -> types.GenerateContentResponse:
        """Ask Gemini."""
        fields: dict[str, Any] = {
            "system_instruction": "Choose labels.",
            "response_mime_type": "application/json",
            "response_json_schema": SCHEMA,
        }
        return await self.gemini.aio.models.generate_content(
            model=model,
            contents=page,
            config=types.GenerateContentConfig(**fields | changes),
        )

    async def set(self, **settings: Any) -> httpx2.Response:
        """Change settings through the control API."""
        return await self.http.post("/_sandbox/ai/set", json=settings)

    async def stats(self, provider: str = "openai") -> dict[str, Any]:
        """Return one provider's figures."""
        answered = await self.http.get("/_sandbox/ai/stats")
        found: dict[str, Any] = answered.json()[provider]
        return found


@asynccontextmanager
async def ai_world(
    *,
    openai: dict[str, Any] | None = None,
    gemini: dict[str, Any] | None = None,
    answerer: Answerer = answer,
    seed: int = 1,
    api_version: str | None = None,
) -> AsyncIterator[AiWorld]:
    """Serve both providers, without latency unless it is asked for."""
    quick = {"latency_median": 0.0}
    config = AiConfig(
        providers={
            "openai": configured(DEFAULTS["openai"], quick | (openai or {})),
            "gemini": configured(DEFAULTS["gemini"], quick | (gemini or {})),
        },
        seed=seed,
    )
    hand = HandClock()
    providers = Providers(config, answerer, ProviderClock(read=hand))
    listener = listen()
    origin = origin_of(listener)
    # Nothing here speaks TLS, and reading all certificates takes longer than a test.
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with (
        serving(create_app(providers), listener),
        httpx2.AsyncClient(base_url=origin, trust_env=False, verify=bare) as http,
    ):
        yield AiWorld(
            origin=origin,
            providers=providers,
            hand=hand,
            http=http,
            openai=AsyncOpenAI(
                api_key="sk-test",
                base_url=f"{origin}/v1",
                max_retries=0,
                http_client=http,
            ),
            api_version=api_version,
        )
