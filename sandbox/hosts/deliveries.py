"""Carries what hosts tell to the installed apps, in the background.

Each app has its own queue, and the order of first attempts is kept within it.
Settings make it lossy, doubled, late or out of order, as the real thing may be.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Container, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import httpx

from sandbox.clock import Clock, utc_now
from sandbox.hosts.background import Background
from sandbox.hosts.delivery_log import DeliveryLog, DeliveryRecord, HostName, Outcome

#: With `reorder` on, how long a queue gathers before it sends the newest first.
REORDER_WINDOW_SECONDS = 0.2

#: Longest answer read from an app; Forge lets UI calls return 5 MB.
#: https://developer.atlassian.com/platform/forge/remote/calling-from-frontend/
ANSWER_LIMIT_BYTES = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What goes over the wire in one attempt, and the claims it makes."""

    headers: Mapping[str, str]
    content: bytes
    claims: Mapping[str, Any] = field(default_factory=dict)


#: Makes the envelope of an attempt from the number of the retry (0 at first) and
#: how the attempt before ended; called anew each time, so that tokens are fresh.
Pack: TypeAlias = Callable[[int, Outcome | None], Envelope]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Something to deliver to one app.

    Attributes:
        accepted: Statuses that count as delivered.
        timeout_seconds: For the whole exchange, not for a part of it.
    """

    host: HostName
    app: str
    event: str
    url: str
    pack: Pack
    accepted: Container[int]
    timeout_seconds: float
    retries: int = 0
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """How badly deliveries behave; the defaults are good behaviour.

    Attributes:
        duplicate: Times that each delivery is sent again right after itself.
        drop_next: The next so many deliveries are lost.
        reorder: The newest delivery of an app goes first.
        delay_seconds: Time between a change and its delivery.
        hold: Nothing goes out until this is false again.
        retry_seconds: Time before a failed delivery is tried again. Forge waits 60 s.
    """

    duplicate: int = 0
    drop_next: int = 0
    reorder: bool = False
    delay_seconds: float = 0.0
    hold: bool = False
    retry_seconds: float = 60.0


@dataclass(slots=True, kw_only=True)
class _Item:
    parcel: Parcel
    record: DeliveryRecord
    due: datetime
    retry: int = 0
    last: Outcome | None = None


class _Queue:
    def __init__(self) -> None:
        self.items: deque[_Item] = deque()
        self.stirred = asyncio.Event()


class Deliveries:
    """The one post office that both hosts share.

    Nothing leaves before `run` is entered; what is handed in earlier waits.
    """

    def __init__(
        self,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.log = DeliveryLog()
        self._transport = transport
        self._clock = clock
        self._settings = DeliverySettings()
        self._queues: dict[str, _Queue] = {}
        self._background: Background | None = None
        self._client: httpx.AsyncClient | None = None
        self._under_way = 0
        self._changed = asyncio.Event()

    @property
    def settings(self) -> DeliverySettings:
        """The present settings."""
        return self._settings

    @property
    def client(self) -> httpx.AsyncClient:
        """The HTTP client that reaches the apps.

        Raises:
            RuntimeError: `run` is not entered.
        """
        if self._client is None:
            raise RuntimeError("deliveries are not running: enter Deliveries.run()")
        return self._client

    @property
    def under_way(self) -> int:
        """Deliveries queued, in flight or waiting for a retry; held ones included."""
        return self._under_way

    @property
    def held(self) -> int:
        """Deliveries that go nowhere until `hold` is lifted."""
        if not self._settings.hold:
            return 0
        return sum(len(queue.items) for queue in self._queues.values())

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Deliver in the background while entered; what is left then is lost."""
        async with httpx.AsyncClient(
            transport=self._transport, follow_redirects=False, trust_env=False
        ) as client:
            self._client, self._background = client, Background()
            for queue in self._queues.values():
                self._background.start(self._work(queue))
            try:
                yield
            finally:
                background, self._client, self._background = (
                    self._background,
                    None,
                    None,
                )
                await background.close()

    def configure(self, **changes: Any) -> DeliverySettings:
        """Change some settings; return them all."""
        self._settings = replace(self._settings, **changes)
        self._stir()
        return self._settings

    def send(self, parcel: Parcel) -> None:
        """Queue a parcel; returns at once."""
        record = self._record(parcel)
        if self._settings.drop_next:
            self.configure(drop_next=self._settings.drop_next - 1)
            record.settle("dropped", "told to lose it")
            return
        due = self._clock() + timedelta(seconds=self._settings.delay_seconds)
        self._put(_Item(parcel=parcel, record=record, due=due))
        for _ in range(self._settings.duplicate):
            copy = self._record(parcel)
            copy.reason = f"duplicate of {record.number}"
            self._put(_Item(parcel=parcel, record=copy, due=due))

    def drop(self, parcel: Parcel, reason: str) -> None:
        """Note a parcel that the host itself does not deliver."""
        self._record(parcel).settle("dropped", reason)

    async def deliver_now(self, parcel: Parcel) -> Outcome:
        """Deliver past the queue, once, and return how it went."""
        record = self._record(parcel)
        outcome = await self._attempt(parcel, record, retry=0, last=None)
        record.settle("delivered" if outcome.ok(parcel.accepted) else "failed")
        return outcome

    async def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing but held parcels is under way; False if time ran out."""
        try:
            async with asyncio.timeout(seconds):
                while self._under_way > self.held:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _record(self, parcel: Parcel) -> DeliveryRecord:
        return self.log.open(
            at=self._clock(),
            host=parcel.host,
            app=parcel.app,
            event=parcel.event,
            url=parcel.url,
        )

    def _put(self, item: _Item) -> None:
        queue = self._queues.get(item.parcel.app)
        if queue is None:
            queue = self._queues[item.parcel.app] = _Queue()
            if self._background is not None:
                self._background.start(self._work(queue))
        if item.retry == 0:
            self._under_way += 1
        queue.items.append(item)
        queue.stirred.set()

    async def _work(self, queue: _Queue) -> None:
        while True:
            item = await self._next(queue)
            if (wait := (item.due - self._clock()).total_seconds()) > 0:
                await asyncio.sleep(wait)
            await self._handle(item)

    async def _next(self, queue: _Queue) -> _Item:
        while self._settings.hold or not queue.items:
            queue.stirred.clear()
            await queue.stirred.wait()
        if self._settings.reorder:
            await asyncio.sleep(REORDER_WINDOW_SECONDS)
            return queue.items.pop()
        return queue.items.popleft()

    async def _handle(self, item: _Item) -> None:
        parcel, record = item.parcel, item.record
        outcome = await self._attempt(parcel, record, retry=item.retry, last=item.last)
        if outcome.ok(parcel.accepted):
            self._finish(item, delivered=True)
        elif item.retry < parcel.retries and self._background is not None:
            record.settle("waiting to retry")
            again = replace(item, retry=item.retry + 1, last=outcome)
            self._background.start(self._put_later(again))
        else:
            self._finish(item, delivered=False)

    async def _put_later(self, item: _Item) -> None:
        await asyncio.sleep(self._settings.retry_seconds)
        item.due = self._clock()
        self._put(item)

    def _finish(self, item: _Item, *, delivered: bool) -> None:
        reason = item.record.reason
        item.record.settle("delivered" if delivered else "failed", reason)
        self._under_way -= 1
        self._stir()

    def _stir(self) -> None:
        self._changed.set()
        for queue in self._queues.values():
            queue.stirred.set()

    async def _attempt(
        self,
        parcel: Parcel,
        record: DeliveryRecord,
        *,
        retry: int,
        last: Outcome | None,
    ) -> Outcome:
        envelope = parcel.pack(retry, last)
        loop = asyncio.get_running_loop()
        started = loop.time()
        outcome = await self._exchange(parcel, envelope)
        milliseconds = (loop.time() - started) * 1000
        outcome = replace(outcome, milliseconds=milliseconds)
        record.note(outcome, envelope.claims)
        return outcome

    async def _exchange(self, parcel: Parcel, envelope: Envelope) -> Outcome:
        limit = parcel.timeout_seconds
        try:
            async with asyncio.timeout(limit):
                answer = await self.client.request(
                    parcel.method,
                    parcel.url,
                    headers=dict(envelope.headers),
                    content=envelope.content,
                    timeout=limit,
                )
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(error=f"no answer within {limit:g} s", timed_out=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Outcome(error=f"{type(error).__name__}: {error}")
        return Outcome(
            status=answer.status_code,
            body=answer.content[:ANSWER_LIMIT_BYTES],
            media_type=answer.headers.get("content-type", ""),
        )
