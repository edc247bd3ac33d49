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
        in_contest: It takes part in all scenarios; others are for the control run.
    """

    name: str
    about: str
    workers: int
    make: Callable[[Place], Contender]
    is_told: bool = False
    in_contest: bool = True

    def takes_part(self, scenario: Scenario) -> bool:
        """Whether what it needs to know can be known there."""
        return not self.is_told or scenario.told is not None


def entries() -> Mapping[str, Entry]:
    """Return all contenders; ours comes first."""
    from benchmarks.quota import ours, rivals  # noqa: PLC0415 - they import this module

    found = (*ours.ENTRIES, *rivals.ENTRIES)
    return {one.name: one for one in found}
