"""One limit, enforced in one of four ways: pure arithmetic, with time handed in.

All times and durations are in the provider's seconds, and time never goes back.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Literal, Protocol, TypeAlias

from typing_extensions import override

#: How a limit of L a minute is enforced: an exact log of any 60 s; a bucket of L that
#: refills by L/60 a second; a count that begins anew each minute of the clock; or an
#: exact log of any second (below 60 a minute: one in any 60/L s) that shows itself as
#: a limit of the minute.
Kind: TypeAlias = Literal["sliding", "bucket", "fixed", "per_second"]

MINUTE = 60.0
#: Rounding of a bucket's level that is forgiven, in parts of its capacity: without it
#: a client that comes at the very moment it was told would be refused now and then.
TOLERANCE = 1e-9


class Window(Protocol):
    """One limit: so many units in a window."""

    limit: int

    def earliest(self, amount: int, now: float) -> float:
        """Return when `amount` has room, `now` if it has, infinity if it never will."""
        ...

    def take(self, amount: int, now: float) -> None:
        """Book `amount`, room or no room."""
        ...

    def used(self, now: float) -> float:
        """Return what is booked at present."""
        ...

    def reset(self, now: float) -> float:
        """Return the seconds that the provider's headers call `reset`."""
        ...

    def change(self, limit: int, now: float) -> None:
        """Put another limit in force."""
        ...


class SlidingLog:
    """At most `limit` units in any half-open span of `window` seconds."""

    def __init__(self, limit: int, window: float) -> None:
        self.limit = limit
        self._window = window
        self._entries: deque[tuple[float, int]] = deque()
        self._used = 0

    def earliest(self, amount: int, now: float) -> float:
        """Return when enough entries have left the window."""
        if amount > self.limit:
            return math.inf
        self._expire(now)
        excess = self._used + amount - self.limit
        return _left(self._entries, excess, self._window, now)

    def take(self, amount: int, now: float) -> None:
        """Write an entry."""
        self._expire(now)
        self._entries.append((now, amount))
        self._used += amount

    def used(self, now: float) -> float:
        """Return the sum of the entries inside the window."""
        self._expire(now)
        return self._used

    def reset(self, now: float) -> float:
        """Return the seconds until the oldest entry leaves."""
        self._expire(now)
        return self._entries[0][0] + self._window - now if self._entries else 0.0

    def change(self, limit: int, now: float) -> None:
        """Compare what is logged with another limit from now on."""
        del now
        self.limit = limit

    def _expire(self, now: float) -> None:
        while self._entries and self._entries[0][0] + self._window <= now:
            self._used -= self._entries.popleft()[1]


class PerSecond(SlidingLog):
    """A limit of the minute that is enforced over a far shorter time.

    What it shows, used and reset, is the minute's.
    """

    @override
    def earliest(self, amount: int, now: float) -> float:
        """Return when enough entries have left the second."""
        if self.limit >= MINUTE:
            share, span = int(self.limit // MINUTE), 1.0
        else:
            share, span = min(1, self.limit), MINUTE / max(1, self.limit)
        if amount > share:
            return math.inf
        recent: deque[tuple[float, int]] = deque()
        for entry in reversed(self._entries):
            if entry[0] + span <= now:
                break
            recent.appendleft(entry)
        excess = sum(taken for _, taken in recent) + amount - share
        return _left(recent, excess, span, now)


class Bucket:
    """A store of `limit` units, full at first, refilled evenly over each window."""

    def __init__(self, limit: int, window: float) -> None:
        self.limit = limit
        self._window = window
        self._level = float(limit)
        self._filled_at = 0.0

    def earliest(self, amount: int, now: float) -> float:
        """Return when the level has risen to `amount`."""
        if amount > self.limit:
            return math.inf
        self._fill(now)
        missing = amount - self._level
        if missing <= TOLERANCE * self.limit:
            return now
        return now + missing * self._window / self.limit

    def take(self, amount: int, now: float) -> None:
        """Lower the level, never below nothing."""
        self._fill(now)
        self._level = max(0.0, self._level - amount)

    def used(self, now: float) -> float:
        """Return what is missing from the full store."""
        self._fill(now)
        return self.limit - self._level

    def reset(self, now: float) -> float:
        """Return the seconds until the store is full again."""
        return self.used(now) * self._window / self.limit if self.limit else 0.0

    def change(self, limit: int, now: float) -> None:
        """Cut the level to the new capacity; a larger one fills in its own time."""
        self._fill(now)
        self.limit = limit
        self._level = min(self._level, limit)

    def _fill(self, now: float) -> None:
        gained = max(0.0, now - self._filled_at) * self.limit / self._window
        self._level = min(float(self.limit), self._level + gained)
        self._filled_at = max(now, self._filled_at)


class FixedWindow:
    """A count that begins anew at `phase` and every `window` seconds after it."""

    def __init__(self, limit: int, window: float, phase: float) -> None:
        self.limit = limit
        self._window = window
        self._phase = phase
        self._count = 0
        self._end = -math.inf

    def earliest(self, amount: int, now: float) -> float:
        """Return the present if there is room, or else the next beginning."""
        if amount > self.limit:
            return math.inf
        self._turn(now)
        return now if self._count + amount <= self.limit else self._end

    def take(self, amount: int, now: float) -> None:
        """Count."""
        self._turn(now)
        self._count += amount

    def used(self, now: float) -> float:
        """Return the count of the running window."""
        self._turn(now)
        return self._count

    def reset(self, now: float) -> float:
        """Return the seconds until the count begins anew."""
        self._turn(now)
        return self._end - now

    def change(self, limit: int, now: float) -> None:
        """Compare the count with another limit from now on."""
        del now
        self.limit = limit

    def _turn(self, now: float) -> None:
        if now < self._end:
            return
        self._count = 0
        turns = math.floor((now - self._phase) / self._window) + 1
        self._end = self._phase + turns * self._window
        if self._end <= now:
            self._end += self._window


def _left(
    entries: Iterable[tuple[float, int]], excess: int, span: float, now: float
) -> float:
    """Return when `excess` units, oldest first, are older than `span`."""
    moment = now
    for taken_at, taken in entries:
        if excess <= 0:
            break
        moment = taken_at + span
        excess -= taken
    return moment


def make_window(kind: Kind, limit: int, window: float, phase: float) -> Window:
    """Return an unused limit; `phase` is for a fixed window."""
    match kind:
        case "sliding":
            return SlidingLog(limit, window)
        case "per_second":
            return PerSecond(limit, window)
        case "bucket":
            return Bucket(limit, window)
        case "fixed":
            return FixedWindow(limit, window, phase)
