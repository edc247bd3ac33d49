"""Our own client: the gate and the providers behind it, as the app puts them together."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import sqlalchemy as sa
from typing_extensions import override

from app.ai.gate import Gate
from app.ai.gemini import GeminiWire
from app.ai.local import LocalProvider
from app.ai.models import Models, load_models
from app.ai.openai import OpenAiWire
from app.ai.remote import RemoteProvider
from app.ai.router import LOCAL, Router
from app.ai.wire import CallFailed, Timing, Wire
from app.domain.completions import Turn
from app.errors import ProviderError
from app.store.database import open_database
from app.usecases.ai_ports import Provider
from benchmarks.quota.contenders import Contender, Entry, Place
from benchmarks.quota.jobs import Job
from sandbox.ai.config import ProviderName

#: Before a page that has to wait is tried again where the provider names no time.
_AGAIN = timedelta(seconds=1)
_PROMPT_VERSION = 1


class Ours(Contender):
    """Gate, wire and router; what must wait is tried again, as the queue of jobs does."""

    def __init__(self, place: Place) -> None:
        scenario = place.scenario
        self._scale = scenario.scale
        self._turn = Turn(tenant_id="bench")
        self._database = open_database(place.database_url)
        self._wires = {
            name: _wire(name, place.origin, load_models())
            for name in scenario.providers
        }
        self._gates = {
            name: Gate(
                database=self._database,
                provider=name,
                scope=f"{place.scope}-{name}",
                limits=scenario.limits[name],
                speed=self._scale,
            )
            for name in scenario.providers
        }
        providers: dict[str, Provider] = {
            name: RemoteProvider(
                self._wires[name], self._gates[name], speed=self._scale
            )
            for name in scenario.providers
        }
        self._router = Router(
            {**providers, LOCAL: LocalProvider()},
            order=tuple(providers),
            patience=scenario.patience,
            prompt_version=_PROMPT_VERSION,
        )

    @override
    async def warm_up(self, job: Job) -> None:
        for wire in self._wires.values():
            try:
                await wire.send(job.question, Timing())
            except CallFailed:
                # The quota is spent by those who warm up beside us; all is loaded.
                continue
        await self._database.read(lambda session: session.scalar(sa.select(1)))

    @override
    async def answer(self, job: Job) -> None:
        while True:
            try:
                routed = await self._router.answer(job.prompt, self._turn)
            except ProviderError as error:
                if error.verdict != "wait":
                    raise
                after = (error.retry_after or _AGAIN).total_seconds()
                await asyncio.sleep(after / self._scale)
                continue
            if routed.completion.provider == LOCAL:
                raise RuntimeError(f"left to the draft: {routed.attempts}")
            return

    @override
    async def close(self) -> None:
        for gate in self._gates.values():
            await gate.close()
        for wire in self._wires.values():
            await wire.close()
        await self._database.close()


def _wire(name: ProviderName, origin: str, models: Models) -> Wire:
    model = models.default(name)
    if name == "openai":
        return OpenAiWire("key", model=model, models=models, base_url=f"{origin}/v1")
    return GeminiWire("key", model=model, models=models, base_url=origin)


ENTRIES = (
    Entry(name="ours", about="gate and router", workers=32, make=Ours, shares=True),
    Entry(
        name="ours-one-by-one",
        about="the same with one page at a time",
        workers=1,
        make=Ours,
        shares=True,
        in_contest=False,
    ),
)
