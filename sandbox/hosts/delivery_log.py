"""What was delivered to installed apps, and how it went: a bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sandbox.clock import to_iso

#: Deliveries remembered; the oldest are forgotten first.
LOG_LENGTH = 2000

HostName = Literal["connect", "forge"]
State = Literal["queued", "waiting to retry", "delivered", "failed", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt ended.

    Attributes:
        status: HTTP status of the answer; None if there was none.
        error: Why there was none.
        timed_out: The app took longer than the host waits.
    """

    status: int | None = None
    body: bytes = b""
    media_type: str = ""
    error: str | None = None
    timed_out: bool = False
    milliseconds: float = 0.0

    def ok(self, accepted: Container[int]) -> bool:
        """Tell whether the host takes this for success."""
        return self.status is not None and self.status in accepted

    def describe(self) -> str:
        """Say in a few words what the app answered."""
        if self.status is None:
            return self.error or "no answer"
        said = self.body[:500].decode(errors="replace").strip()
        return f"status {self.status}" + (f": {said}" if said else "")


@dataclass(slots=True, kw_only=True)
class DeliveryRecord:
    """One event on its way to one app, with all attempts made."""

    number: int
    created_at: datetime
    host: HostName
    app: str
    event: str
    url: str
    state: State = "queued"
    reason: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)
    attempts: list[Outcome] = field(default_factory=list)

    def note(self, outcome: Outcome, claims: Mapping[str, Any]) -> None:
        """Add an attempt and the claims of the token it carried."""
        self.attempts.append(outcome)
        self.claims = claims

    def settle(self, state: State, reason: str = "") -> None:
        """Move to `state`; `reason` tells what cannot be seen from the attempts."""
        self.state = state
        self.reason = reason

    def as_json(self) -> dict[str, Any]:
        """Return the record for the control API: no token and no body is in it."""
        last = self.attempts[-1] if self.attempts else None
        return {
            "id": self.number,
            "time": to_iso(self.created_at),
            "host": self.host,
            "app": self.app,
            "event": self.event,
            "url": self.url,
            "state": self.state,
            "reason": self.reason,
            "claims": dict(self.claims),
            "status": last.status if last else None,
            "error": last.error if last else None,
            "milliseconds": round(last.milliseconds, 1) if last else None,
            "attempts": [
                {
                    "status": attempt.status,
                    "error": attempt.error,
                    "milliseconds": round(attempt.milliseconds, 1),
                }
                for attempt in self.attempts
            ],
        }


class DeliveryLog:
    """The latest deliveries of all hosts, oldest first."""

    def __init__(self) -> None:
        self._records: deque[DeliveryRecord] = deque(maxlen=LOG_LENGTH)
        self._opened = 0

    def open(
        self, *, at: datetime, host: HostName, app: str, event: str, url: str
    ) -> DeliveryRecord:
        """Start the record of a delivery."""
        self._opened += 1
        record = DeliveryRecord(
            number=self._opened,
            created_at=at,
            host=host,
            app=app,
            event=event,
            url=url,
        )
        self._records.append(record)
        return record

    def records(self) -> list[DeliveryRecord]:
        """Return what is remembered, oldest first."""
        return list(self._records)

    def clear(self) -> None:
        """Forget everything; deliveries under way go on unseen."""
        self._records.clear()
