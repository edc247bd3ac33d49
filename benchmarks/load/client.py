"""Sends prepared requests over keep-alive connections, each waiting for its answer.

A closed loop on raw sockets: one write and one timestamp a request, so that what is
measured is the server.
"""

from __future__ import annotations

import asyncio
import gc
import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httptools
from typing_extensions import override

_OPEN_SECONDS = 5.0
#: No answer at all within this time means that the server hangs.
_ANSWER_SECONDS = 30.0


class LoadFailed(Exception):
    """The server hung up, or did not answer."""


@dataclass(slots=True)
class Sample:
    """What one stretch of load has shown.

    Attributes:
        latencies: Seconds from a request's write to its answer's last byte.
        statuses: HTTP status -> how many answers had it.
        seconds: From the first write to the last answer.
        generator_share: Share of one core that this process used meanwhile.
    """

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    generator_share: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    @property
    def refused(self) -> dict[int, int]:
        """Answers that were not 2xx, by status."""
        return {
            status: many
            for status, many in self.statuses.items()
            if not 200 <= status < 300
        }

    def milliseconds(self, quantile: float) -> float:
        """Return a quantile of the latencies."""
        return percentile(self.latencies, quantile) * 1000


def percentile(values: Sequence[float], quantile: float) -> float:
    """Return the smallest value that `quantile` of all values do not exceed."""
    if not values:
        return math.nan
    rank = math.ceil(quantile * len(values))
    return sorted(values)[max(rank, 1) - 1]


async def drive(
    port: int, requests: Iterator[bytes], *, connections: int, seconds: float
) -> Sample:
    """Keep `connections` busy for `seconds`, or until the requests are used up.

    What is under way at the end is waited for, so that each request has its answer.

    Raises:
        LoadFailed: A connection broke, or an answer did not come.
    """
    loop = asyncio.get_running_loop()
    sample = Sample()
    lanes: list[_Lane] = []
    async with asyncio.timeout(_OPEN_SECONDS):
        for _ in range(connections):
            _, lane = await loop.create_connection(
                lambda: _Lane(requests, sample, loop.create_future()), "127.0.0.1", port
            )
            lanes.append(lane)
    gc.collect()
    # A collection in here would look like a slow server.
    gc.disable()
    try:
        started, worked = time.perf_counter(), time.process_time()
        for lane in lanes:
            lane.run_until(started + seconds)
        async with asyncio.timeout(seconds + _ANSWER_SECONDS):
            await asyncio.gather(*(lane.done for lane in lanes))
        sample.seconds = time.perf_counter() - started
        sample.generator_share = (time.process_time() - worked) / sample.seconds
    except TimeoutError:
        raise LoadFailed(f"no answer within {_ANSWER_SECONDS:.0f} s") from None
    finally:
        gc.enable()
        for lane in lanes:
            lane.close()
    return sample


class _Lane(asyncio.Protocol):
    """One connection: the next request leaves when the last one is answered."""

    def __init__(
        self, requests: Iterator[bytes], sample: Sample, done: asyncio.Future[None]
    ) -> None:
        self.done = done
        self._requests = requests
        self._sample = sample
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._deadline = 0.0
        self._sent = 0.0

    def run_until(self, deadline: float) -> None:
        """Send the first request; go on until `deadline`."""
        self._deadline = deadline
        self._next(time.perf_counter())

    def close(self) -> None:
        """Hang up, whatever is under way."""
        self.done.cancel()
        if self._transport is not None:
            self._transport.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Fail if the server hangs up on us."""
        if not self.done.done():
            self.done.set_exception(LoadFailed(f"connection lost: {exc}"))

    @override
    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Note the answer and send what comes next."""
        now = time.perf_counter()
        self._sample.latencies.append(now - self._sent)
        self._sample.statuses[self._parser.get_status_code()] += 1
        self._next(now)

    def _next(self, now: float) -> None:
        request = next(self._requests, None) if now < self._deadline else None
        if request is None:
            if not self.done.done():
                self.done.set_result(None)
            return
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(request)
