"""The clock that fires scheduled triggers.

https://developer.atlassian.com/platform/forge/manifest-reference/modules/scheduled-trigger/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sandbox.clock import Clock
from sandbox.hosts.background import Background
from sandbox.hosts.forge_apps import ForgeApps

_TICK_SECONDS = 0.5

#: Between an install and the first run. About five minutes at Atlassian's; shorter
#: here, as people sit in front of a sandbox and wait.
DEFAULT_FIRST_RUN = timedelta(seconds=5)


class ScheduleClock:
    """Fires each scheduled trigger soon after its install, then at its interval.

    Attributes:
        first_run: Between an install and the first run.
    """

    def __init__(self, apps: ForgeApps, clock: Clock) -> None:
        self.first_run = DEFAULT_FIRST_RUN
        self._apps = apps
        self._clock = clock
        self._last_runs: dict[tuple[str, str], datetime] = {}

    def fire_due(self) -> int:
        """Fire what is due now; return how many that were."""
        now, fired = self._clock(), 0
        for installation in self._apps.active():
            for schedule in installation.manifest.schedules:
                place = (installation.installation_id, schedule.key)
                last = self._last_runs.get(place)
                first = installation.installed_at + self.first_run
                if now >= (first if last is None else last + schedule.interval):
                    self._last_runs[place] = now
                    self._apps.fire(installation, schedule)
                    fired += 1
        return fired

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Watch the time while entered."""
        background = Background()
        background.start(self._watch())
        try:
            yield
        finally:
            await background.close()

    async def _watch(self) -> None:
        while True:
            self.fire_due()
            await asyncio.sleep(_TICK_SECONDS)
