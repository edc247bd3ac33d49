"""Who takes part: every client gets pages one by one, by its own number of workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from benchmarks.quota.jobs import Job
from benchmarks.quota.scenarios import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and as whom a contender runs.

    Attributes:
        origin: The servers' address.
        database_url: For the one who shares its state.
        parts: Processes that share the quota.
    """

    scenario: Scenario
    origin: str
    database_url: str
    scope: str
    parts: int


class Contender(Protocol):
    """One process's client of the providers."""

    async def warm_up(self, job: Job) -> None:
        """Load and connect, but learn nothing."""
        ...

    async def answer(self, job: Job) -> None:
        """Get a page answered by a provider.

        Raises:
            Exception: It is given up; the page is lost.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A contender by name.

    Attributes:
        workers: Pages in work at once, over all processes.
        is_told: It needs to be told the limits, and cannot learn them.
        shares: Its processes share what they know, in the database.
        in_contest: It takes part in all scenarios; others are for the control run.
    """

    name: str
    about: str
    workers: int
    make: Callable[[Place], Contender]
    is_told: bool = False
    shares: bool = False
    in_contest: bool = True

    def absence(self, scenario: Scenario) -> str:
        """Return why it does not take part; empty if it does."""
        if self.is_told and scenario.told is None:
            return "has to be told the limit, which nobody knows"
        if not self.shares and scenario.engine != "sqlite":
            return "uses no database: see `processes`"
        return ""


def entries() -> Mapping[str, Entry]:
    """Return all contenders; ours comes first."""
    from benchmarks.quota import ours, rivals  # noqa: PLC0415 - they import this module

    found = (*ours.ENTRIES, *rivals.ENTRIES)
    return {one.name: one for one in found}
