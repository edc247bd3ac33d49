"""A house whose app asks OpenAI and Gemini: both are served beside it, and watched."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.quota.state import GateState
from app.store.base import Base
from app.store.gates import GateStore
from app.store.tables import GateRow, UsageRow
from app.usecases.ai_accounts import reset_quota, set_providers
from sandbox.ai.answerer import answer
from sandbox.ai.app import Providers, create_app
from sandbox.ai.calls import Answerer
from sandbox.ai.config import DEFAULTS, AiConfig, configured
from tests.functional.house import House, Row
from tests.functional.opening import open_house
from tests.functional.serving import Gate, Hold, listen, origin_of, serving

# Beginning and end are what a provider repeats of a key that it refuses: both hold
# what nothing else here does, a tilde not even by chance.
OPENAI_KEY = "sk-proj-Wn5rT8vLq2xHc7ZpK~9w"
GEMINI_KEY = "AIzaSy-Bw3Gq8LmV5tXk2RdFJ~4z"
OPENAI_MODEL = "gpt-6-luna"
GEMINI_MODEL = "gemini-3.5-flash-lite"

#: Gives no seconds away, and is still a wait.
_LATENCY = {"latency_median": 0.02}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question as it arrived at the providers' door."""

    provider: str
    path: str
    body: bytes


class Front:
    """Stands before the providers: notes each question, and answers it if told to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.asked: list[Asked] = []
        #: What is answered next, whoever is asked.
        self.scripted: deque[Response] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        body = await request.body()
        provider = "gemini" if "x-goog-api-key" in request.headers else "openai"
        self.asked.append(Asked(provider=provider, path=scope["path"], body=body))
        app = self.scripted.popleft() if self.scripted else self._app
        await app(scope, _Replay(body, receive).receive, send)


class _Replay:
    """Tells a body that was read once more, then all that follows it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._first: Message | None = {"type": "http.request", "body": body}
        self._receive = receive
        # Where ordered faults look for the connection that they are to cut.
        self.transport = getattr(getattr(receive, "__self__", None), "transport", None)

    async def receive(self) -> Message:
        """Return the next message."""
        first, self._first = self._first, None
        return await self._receive() if first is None else first


@dataclass(slots=True)
class Model:
    """What answers; a test may put another one in its place."""

    answers: Answerer = answer

    def __call__(
        self, instructions: str, text: str, schema: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Answer as the present model does."""
        return self.answers(instructions, text, schema)


@dataclass(slots=True, kw_only=True)
class AiHouse:
    """A house and the providers that its app asks.

    Attributes:
        front: What was asked, in order.
        model: What the providers' answers come from.
        folder: Where the app keeps its files.
    """

    house: House
    front: Front
    providers: Providers
    folder: Path
    model: Model
    _gate: Gate
    _pages: int = field(default=0, init=False)

    # ------------------------------------------------------------ the providers

    def spoil(self, *faults: str, provider: str = "openai", **more: Any) -> None:
        """Let a provider have these faults and no others."""
        orders = [{"kind": kind, **more} for kind in faults]
        self.providers.configure({provider: {"faults": orders}})

    def mend(self) -> None:
        """Let both answer properly again."""
        for name in self.providers.by_name:
            self.providers.configure({name: {"faults": []}})

    def holding(self, path: str) -> AbstractContextManager[Hold]:
        """Hold questions to the providers while entered: they are in flight."""
        return self._gate.holding("POST", path)

    def asked(self, provider: str = "openai") -> list[Asked]:
        """Return the questions to one provider."""
        return [one for one in self.front.asked if one.provider == provider]

    def stats(self, provider: str = "openai") -> dict[str, Any]:
        """Return a provider's own figures."""
        names = {str(name): one for name, one in self.providers.by_name.items()}
        return names[provider].report(calls=False)

    # ---------------------------------------------------------------- the app

    def new_page(self, text: str, *, title: str = "Mail server", **place: str) -> str:
        """Add a page whose title no other page has; return its id."""
        self._pages += 1
        return self.house.add_page(f"{title} {self._pages}", text, **place)

    async def order(self, *names: str, space: str | None = None) -> None:
        """Say who is asked about the tenant's pages, or a space's."""
        services = self.house.services
        assert services is not None
        await set_providers(services, await self.house.tenant_id(), space, names)

    async def forget_quotas(self) -> None:
        """Forget pauses and blocks, as an operator may."""
        services = self.house.services
        assert services is not None
        for row in await self.house.rows(GateRow):
            await reset_quota(services, row["scope"])

    async def change_gate(
        self, scope: str, rule: Callable[[GateState, float], None]
    ) -> None:
        """Change what all processes know of one provider."""
        await self.house.database.write(
            lambda session: GateStore(session).change(scope, rule)
        )

    async def end_pauses(self) -> None:
        """Let all pauses and blocks of providers be over, as if time had passed."""

        def over(state: GateState, now: float) -> None:
            state.paused_until = now

        for row in await self.house.rows(GateRow):
            await self.change_gate(row["scope"], over)

    async def last_run(self, page_id: str) -> Row:
        """Return a page's newest run."""
        return (await self.house.runs(page_id))[-1]

    async def attempts(self, page_id: str) -> list[tuple[str, str]]:
        """Return who was asked in a page's newest run, and what came of it."""
        receipt = (await self.last_run(page_id))["receipt"]
        return [(one["provider"], one["outcome"]) for one in receipt["ai_attempts"]]

    async def usage(self, provider: str = "openai") -> Row:
        """Return what one provider's calls came to."""
        (row,) = await self.house.rows(UsageRow, UsageRow.provider == provider)
        return row

    async def metric(self, name: str, **labels: str) -> float:
        """Return one figure of `/metrics`; 0 for one that is not told."""
        answered = await self.house.app.get("/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(answered.text)
            for sample in family.samples
            if sample.name == f"confluence_ai_{name}" and sample.labels == labels
        )

    def told(self, event: str, **fields: str) -> list[dict[str, Any]]:
        """Return the lines of one event in the log of AI calls."""
        return [
            line
            for line in self.house.log("ai_calls")
            if line["event"] == event and fields.items() <= line.items()
        ]

    async def everything_kept(self) -> bytes:
        """Return every row of every table, and every byte of every file."""
        kept = [
            repr(await self.house.rows(mapper.class_)).encode()
            for mapper in Base.registry.mappers
        ]
        files = [one for one in self.folder.rglob("*") if one.is_file()]
        return b"\n".join(kept + [one.read_bytes() for one in files])


@contextlib.asynccontextmanager
async def open_ai_house(
    database_url: str,
    folder: Path,
    *,
    order: str = "openai,gemini",
    openai: Mapping[str, Any] | None = None,
    gemini: Mapping[str, Any] | None = None,
    scale: float = 1.0,
    **wanted: Any,
) -> AsyncIterator[AiHouse]:
    """Run providers, a site and the app; nothing is installed yet.

    Args:
        database_url: A migrated database of the app's own.
        folder: Where logs go.
        order: Who is asked, in order.
        openai: Settings of that provider: quotas, faults, and others.
        gemini: The same.
        scale: Provider seconds in one second.
        wanted: Of the house: see `open_house`.
    """
    own = {"openai": {"api_key": OPENAI_KEY}, "gemini": {"api_key": GEMINI_KEY}}
    told = {"openai": openai or {}, "gemini": gemini or {}}
    config = AiConfig(
        providers={
            name: configured(default, {**_LATENCY, **own[name], **told[name]})
            for name, default in DEFAULTS.items()
        },
        scale=scale,
    )
    model = Model()
    providers = Providers(config, model)
    gate = Gate(create_app(providers))
    front = Front(gate)
    listener = listen()
    origin = origin_of(listener)
    environ = {
        "AI_PROVIDERS": order,
        "OPENAI_BASE_URL": f"{origin}/v1",
        "OPENAI_API_KEY": OPENAI_KEY,
        "GEMINI_BASE_URL": origin,
        "GEMINI_API_KEY": GEMINI_KEY,
    }
    async with (
        serving(front, listener),
        open_house(database_url, folder, **(environ | wanted)) as house,
    ):
        yield AiHouse(
            house=house,
            front=front,
            providers=providers,
            folder=folder,
            model=model,
            _gate=gate,
        )


@contextlib.asynccontextmanager
async def running(
    house: House, *arguments: str, **environ: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process of the app; whatever happens, it does not outlive the test."""
    process = await house.spawn(*arguments, **environ)
    try:
        if arguments[0] == "serve":
            await house.wait_for(lambda: _answers(house), 60, what="the web process")
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _answers(house: House) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await house.app.get("/health/live")).is_success
    return False
