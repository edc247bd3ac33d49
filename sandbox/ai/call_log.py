"""What one provider was asked and did, call by call, and which refusals were needless."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from sandbox.ai.calls import Usage
from sandbox.ai.quotas import Dimension

#: `answered` is status 200, whatever the text is worth; `turned_away` is a failure
#: that no quota caused; `gone` is no answer at all.
CallEnding: TypeAlias = Literal["open", "answered", "refused", "turned_away", "gone"]


@dataclass(slots=True, kw_only=True)
class Call:
    """One call, in provider seconds.

    Attributes:
        delivered: When its answer went out.
        charged: Tokens that it took from the quota; 0 if it was not let in.
        epoch: Which limits were in force: how often they had changed.
        avoidable: For a refusal: it arrived when the client could know the limits.
    """

    number: int
    arrived: float
    delivered: float | None = None
    ending: CallEnding = "open"
    model: str = ""
    status: int = 0
    fault: str = ""
    admitted: bool = False
    charged: int = 0
    refused_by: tuple[Dimension, ...] = ()
    avoidable: bool | None = None
    epoch: int = 0
    usage: Usage = field(default_factory=Usage)


class CallLog:
    """All calls since the start.

    Args:
        limits_known: Clients know the first limits without being told.
    """

    def __init__(self, *, limits_known: bool) -> None:
        self.calls: list[Call] = []
        # When the first answer that tells of an epoch's limits went out.
        self._told_at: dict[int, float] = {0: -math.inf} if limits_known else {}

    def open(self, arrived: float) -> Call:
        """Note a call as it arrives."""
        call = Call(number=len(self.calls) + 1, arrived=arrived)
        self.calls.append(call)
        return call

    def refuse(self, call: Call, by: tuple[Dimension, ...]) -> None:
        """Note that quotas refused it."""
        call.refused_by = by
        call.ending = "refused"
        call.avoidable = call.arrived > self._told_at.get(call.epoch, math.inf)

    def close(self, call: Call, now: float, *, tells: bool) -> None:
        """Note that the answer goes out; `tells` if a client learns limits from it."""
        call.delivered = now
        if tells:
            self._told_at.setdefault(call.epoch, now)

    def report(self, *, calls: bool = True) -> dict[str, Any]:
        """Return the figures as plain data, with or without every call."""
        refused = [call for call in self.calls if call.ending == "refused"]
        figures: dict[str, Any] = {
            "calls": len(self.calls),
            "admitted": sum(call.admitted for call in self.calls),
            **{
                ending: sum(call.ending == ending for call in self.calls)
                for ending in ("answered", "turned_away", "gone", "open")
            },
            "refused": len(refused),
            "refused_by": dict(
                Counter(by for call in refused for by in call.refused_by)
            ),
            "avoidable": sum(call.avoidable is True for call in refused),
            "unavoidable": sum(call.avoidable is False for call in refused),
            "faults": dict(Counter(call.fault for call in self.calls if call.fault)),
            "charged_tokens": sum(call.charged for call in self.calls),
            "usage": {
                name: sum(getattr(call.usage, name) for call in self.calls)
                for name in Usage.__dataclass_fields__
            },
            "first_arrival": min((call.arrived for call in self.calls), default=None),
            "last_delivery": max(
                (call.delivered for call in self.calls if call.delivered is not None),
                default=None,
            ),
        }
        return figures | (
            {"log": [asdict(call) for call in self.calls]} if calls else {}
        )
