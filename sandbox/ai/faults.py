"""Failures that providers are told to have, the same ones for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias, get_args

#: What strikes before quotas are looked at: such a call costs nothing.
DoorFault: TypeAlias = Literal[
    "refused",  # the connection is refused, or ended where the port is shared
    "overloaded",  # 503
    "slow_down",  # 429, but for the growth of traffic and not for a quota
    "insufficient_quota",  # 429, and only money helps
    "unauthorized",
    "forbidden",
]
#: What strikes a call that was let in and charged.
WireFault: TypeAlias = Literal[
    "status",  # `status`, after the time an answer takes
    "stall",  # no answer until the client leaves
    "disconnect",  # the connection ends without an answer
    "half_body",  # it ends in the middle of the answer
]
#: What is wrong with an answer that came in time, with status 200.
AnswerFault: TypeAlias = Literal[
    "truncated",
    "not_json",
    "wrong_types",
    "foreign_labels",
    "thinking_aloud",
    "fenced",
    "empty",
    "other_language",
    "refusal",  # the model declines; Gemini: finish reason SAFETY
    "blocked",  # a filter stops it; Gemini: the prompt is blocked
    "failed",  # Responses: status failed and `code`; elsewhere a 500
]
FaultKind: TypeAlias = DoorFault | WireFault | AnswerFault

_AT_THE_DOOR = frozenset(get_args(DoorFault))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failure and whom it strikes: all conditions must hold.

    Attributes:
        start: Provider seconds from which on it may strike.
        until: When it ends; None is never.
        numbers: Numbers of calls (the first is 1) that it strikes; empty is any.
        times: How often at most; 0 is without end.
        status: For `status`.
        retry_after: Seconds that a `status`, `overloaded` or `slow_down` asks for.
        code: For `failed`: `server_error` or `rate_limit_exceeded`.
    """

    kind: FaultKind
    probability: float = 1.0
    start: float = 0.0
    until: float | None = None
    numbers: frozenset[int] = frozenset()
    times: int = 0
    status: int = 500
    retry_after: float | None = None
    code: str = "server_error"

    @property
    def is_at_the_door(self) -> bool:
        """Whether it strikes before quotas are looked at."""
        return self.kind in _AT_THE_DOOR

    @property
    def is_steady(self) -> bool:
        """Whether it strikes everyone while it is on."""
        return self.probability >= 1 and not self.numbers and not self.times

    def is_on(self, now: float) -> bool:
        """Whether `now` is inside its time."""
        return self.start <= now and (self.until is None or now < self.until)


class Faults:
    """The faults of one provider; the first that strikes wins."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults = faults
        self._seed = seed
        self._hits: Counter[int] = Counter()

    def strike(self, number: int, now: float) -> Fault | None:
        """Return the fault that strikes a call, counted, or None."""
        for index, fault in enumerate(self._faults):
            if self._strikes(index, fault, number, now):
                self._hits[index] += 1
                return fault
        return None

    def at_the_door(self, now: float) -> Fault | None:
        """Return the fault at the door that strikes everyone at present."""
        for fault in self._faults:
            if fault.is_at_the_door and fault.is_steady and fault.is_on(now):
                return fault
        return None

    def _strikes(self, index: int, fault: Fault, number: int, now: float) -> bool:
        if not fault.is_on(now) or (fault.numbers and number not in fault.numbers):
            return False
        if fault.times and self._hits[index] >= fault.times:
            return False
        if fault.probability >= 1:
            return True
        draw = Random(f"{self._seed}/{index}/{number}")  # noqa: S311 - a rehearsed failure
        return draw.random() < fault.probability
