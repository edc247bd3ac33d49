"""The latest REST requests, for tests that ask what the app really did."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEntry:
    """One answered REST request; `number` grows by one each time.

    Attributes:
        status: What was answered; 0 where the connection was dropped.
        fault: Id of the ordered fault that struck, if one did.
    """

    number: int
    method: str
    path: str
    query: str
    operation: str
    principal: str
    app: str | None
    status: int
    points: int
    seconds: float
    fault: str | None = None


class RequestLog:
    """A bounded list of requests, oldest dropped first."""

    def __init__(self, *, kept: int = KEPT) -> None:
        self._entries: deque[RequestEntry] = deque(maxlen=kept)
        self._last = 0

    def next_number(self) -> int:
        """Return the number for the next entry."""
        self._last += 1
        return self._last

    def add(self, entry: RequestEntry) -> None:
        """Keep one entry."""
        self._entries.append(entry)

    def since(self, number: int) -> list[dict[str, Any]]:
        """Return entries with a higher number than `number`, oldest first."""
        return [asdict(entry) for entry in self._entries if entry.number > number]

    def clear(self) -> None:
        """Forget the entries; numbers go on."""
        self._entries.clear()
