"""The predecessor's rate control, written anew from its description.

Told at its best: the count of refusals begins anew with each success, as its documents
promise; in its code nothing did that, so that after three refusals all waits were 7 s.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

#: Pages go one after another, in pairs, with a pause after each pair.
PAIR = 2
PAUSE_AFTER_PAIR = 0.5

_ATTEMPTS = 2
_AFTER_REFUSAL = (3.0, 1.5)
_AFTER_SUCCESSES = (2.0, 1.0)
_SUCCESSES = 2
_BACK_OFF = (0.5, 1.5, 3.0, 7.0)


@dataclass(slots=True)
class Pacing:
    """Short sleeps before a call, longer ones after a refusal.

    Attributes:
        scale: Provider seconds in one second of the wall clock.
    """

    scale: float
    _refused_at: float = float("-inf")
    _refusals: int = 0
    _answered: deque[float] = field(default_factory=lambda: deque(maxlen=20))
    _calls: int = 0

    async def run(
        self,
        call: Callable[[], Awaitable[None]],
        is_refusal: Callable[[Exception], bool],
    ) -> None:
        """Make a call, and again after a refusal, as long as attempts are left."""
        await self._sleep(self._before())
        for attempt in range(_ATTEMPTS):
            try:
                await call()
            except Exception as error:
                if not is_refusal(error):
                    raise
                self._refused_at = self._now()
                self._refusals += 1
                if attempt == _ATTEMPTS - 1:
                    raise
                await self._sleep(_BACK_OFF[min(self._refusals, len(_BACK_OFF) - 1)])
            else:
                self._answered.append(self._now())
                self._refusals = 0
                break

    async def rest(self) -> None:
        """Pause after each pair of pages."""
        self._calls += 1
        if self._calls % PAIR == 0:
            await self._sleep(PAUSE_AFTER_PAIR)

    def _before(self) -> float:
        now = self._now()
        within, pause = _AFTER_REFUSAL
        if now - self._refused_at < within:
            return pause
        within, pause = _AFTER_SUCCESSES
        recent = sum(now - at < within for at in self._answered)
        return pause if recent >= _SUCCESSES else 0.0

    def _now(self) -> float:
        return time.monotonic() * self.scale

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.scale)
