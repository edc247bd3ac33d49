"""The providers' clock: it starts at zero and may run faster than the wall's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class ProviderClock:
    """Seconds as the providers count them.

    Attributes:
        scale: Provider seconds in one second of the wall clock.
    """

    def __init__(
        self, scale: float = 1.0, read: Callable[[], float] = time.monotonic
    ) -> None:
        self.scale = scale
        self._read = read
        self._origin = read()

    def now(self) -> float:
        """Return the provider seconds since the start."""
        return (self._read() - self._origin) * self.scale

    def restart(self) -> None:
        """Make it zero again."""
        self._origin = self._read()

    def rescale(self, scale: float) -> None:
        """Run at another speed from now on."""
        now = self.now()
        self.scale = scale
        self._origin = self._read() - now / scale

    async def sleep(self, seconds: float) -> None:
        """Wait for so many provider seconds."""
        await asyncio.sleep(seconds / self.scale)
