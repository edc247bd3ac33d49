"""The others: what SDKs do by themselves, and what well-known libraries recommend.

Where there are two providers, each of them asks the second one with what the first one
gave up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial

from aiolimiter import AsyncLimiter
from pyrate_limiter import (
    AbstractBucket,
    InMemoryBucket,
    Limiter,
    Rate,
    StateBucket,
    TokenBucket,
)
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)
from typing_extensions import override

from app.ai.wire import Question
from benchmarks.quota.calling import Api, GeminiApi, OpenAiApi, is_refusal, may_pass
from benchmarks.quota.contenders import Contender, Entry, Place
from benchmarks.quota.jobs import Job
from benchmarks.quota.predecessor import Pacing
from benchmarks.quota.scenarios import Told
from sandbox.ai.config import ProviderName

_MINUTE = 60.0
#: Six attempts, from one second on, as OpenAI shows it:
#: https://developers.openai.com/cookbook/examples/how_to_handle_rate_limits
_ATTEMPTS = 6
_FIRST, _LONGEST = 1.0, 60.0
#: pyrate-limiter's own margin for clocks that differ, in milliseconds.
_BUFFER = 50.0

Acquire = Callable[[int], Awaitable[object]]
_APIS: dict[ProviderName, type[OpenAiApi | GeminiApi]] = {
    "openai": OpenAiApi,
    "gemini": GeminiApi,
}


class _Rival(Contender, ABC):
    """Asks each provider in turn until one answers."""

    retries = False

    def __init__(self, place: Place) -> None:
        self._scale = place.scenario.scale
        self._apis: dict[ProviderName, Api] = {
            name: _APIS[name](place.origin, scale=self._scale, retries=self.retries)
            for name in place.scenario.providers
        }

    @override
    async def warm_up(self, job: Job) -> None:
        for api in self._apis.values():
            await _once(api, job.question)

    @override
    async def answer(self, job: Job) -> None:
        *first, last = self._apis
        for name in first:
            try:
                return await self._ask(name, job)
            except Exception as error:
                if not may_pass(error):
                    raise
        return await self._ask(last, job)

    @override
    async def close(self) -> None:
        for api in self._apis.values():
            await api.close()

    @abstractmethod
    async def _ask(self, name: ProviderName, job: Job) -> None: ...


class Sdk(_Rival):
    """The SDKs with their default retries: OpenAI's two, Gemini's four."""

    retries = True

    @override
    async def _ask(self, name: ProviderName, job: Job) -> None:
        await self._apis[name].ask(job.question)


class Plain(_Rival):
    """One call a page, come what may."""

    @override
    async def _ask(self, name: ProviderName, job: Job) -> None:
        await self._apis[name].ask(job.question)


class Tenacity(_Rival):
    """Random exponential back-off, each call for itself."""

    @override
    async def _ask(self, name: ProviderName, job: Job) -> None:
        await _retrying(self._scale)(self._apis[name].ask, job.question)


class _Limited(_Rival):
    """Every attempt passes a limiter that was told the limits, and is tried again.

    Processes share nothing: each gets its part of the limit, which is kind.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        told = place.scenario.told
        assert told is not None
        self._acquire = {name: self._acquirer(told, place.parts) for name in self._apis}

    @override
    async def _ask(self, name: ProviderName, job: Job) -> None:
        async def attempt() -> None:
            await self._acquire[name](job.charge(name))
            await self._apis[name].ask(job.question)

        await _retrying(self._scale)(attempt)

    @abstractmethod
    def _acquirer(self, told: Told, parts: int) -> Acquire: ...


class Aiolimiter(_Limited):
    """Leaky buckets of requests and of tokens."""

    @override
    def _acquirer(self, told: Told, parts: int) -> Acquire:
        minute = _MINUTE / self._scale
        requests = AsyncLimiter(told.rpm / parts, minute)
        tokens = AsyncLimiter(told.tpm / parts, minute) if told.tpm else None

        async def acquire(amount: int) -> None:
            if tokens is not None:
                await tokens.acquire(amount)
            await requests.acquire()

        return acquire


class Pyrate(_Limited):
    """An exact log, or a bucket where the provider keeps one."""

    @override
    def _acquirer(self, told: Told, parts: int) -> Acquire:
        requests = self._limiter(told, told.rpm // parts)
        tokens = self._limiter(told, told.tpm // parts) if told.tpm else None

        async def acquire(amount: int) -> None:
            if tokens is not None:
                await tokens.try_acquire_async("tokens", weight=amount)
            await requests.try_acquire_async("requests")

        return acquire

    def _limiter(self, told: Told, limit: int) -> Limiter:
        rates = [Rate(limit, round(_MINUTE * 1000 / self._scale))]
        bucket: AbstractBucket = InMemoryBucket(rates)
        if told.kind == "bucket":
            bucket = StateBucket(rates, algorithm=TokenBucket())
        return Limiter(bucket, buffer_ms=max(1, round(_BUFFER / self._scale)))


class Predecessor(_Rival):
    """One page after another, with its pauses; a page given up was its fallback."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._pacing = {name: Pacing(self._scale) for name in self._apis}
        self._rest = Pacing(self._scale)

    @override
    async def answer(self, job: Job) -> None:
        try:
            await super().answer(job)
        finally:
            await self._rest.rest()

    @override
    async def _ask(self, name: ProviderName, job: Job) -> None:
        call = partial(self._apis[name].ask, job.question)
        await self._pacing[name].run(call, is_refusal)


def _retrying(scale: float) -> AsyncRetrying:
    return AsyncRetrying(
        wait=wait_random_exponential(
            multiplier=1 / scale, min=_FIRST / scale, max=_LONGEST / scale
        ),
        stop=stop_after_attempt(_ATTEMPTS),
        retry=retry_if_exception(may_pass),
        reraise=True,
    )


async def _once(api: Api, question: Question) -> None:
    try:
        await api.ask(question)
    except Exception as error:
        if not may_pass(error):
            raise


ENTRIES = (
    Entry(name="sdk", about="the SDK's own retries", workers=8, make=Sdk),
    Entry(name="tenacity", about="exponential jitter", workers=8, make=Tenacity),
    Entry(
        name="aiolimiter",
        about="leaky bucket, and tenacity",
        workers=32,
        make=Aiolimiter,
        is_told=True,
    ),
    Entry(
        name="pyrate-limiter",
        about="log or bucket, and tenacity",
        workers=32,
        make=Pyrate,
        is_told=True,
    ),
    Entry(name="predecessor", about="as described", workers=1, make=Predecessor),
    Entry(
        name="one-by-one",
        about="no control, no retries",
        workers=1,
        make=Plain,
        in_contest=False,
    ),
)
