"""One limit and what was used of it: a log of a window, or a bucket that refills.

A provider counts in one of these ways, and seldom says in which. The log is safe with
all of them (no window of its length ever holds more than the limit) and wastes nothing
where the provider keeps a log too; with a bucket it wastes a fifth. So a limit is a log
until its headers show a bucket: the time to the reset is then the time to be full again.
"""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, groupby
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from app.domain.quota.values import DAY, Cost, Shown, Unit, is_bucket

#: A unit of a window that has just ended is counted a little longer, since clocks and
#: networks are not exact: this share of the window, and never less than so many seconds.
_GUARD_SHARE = 0.004
_LEAST_GUARD = 0.015
#: Entries of a log; where there are more, those of one slice of the window are joined
#: at the latest of them, which only errs on the safe side, and by so little.
_ENTRIES = 256
_SLICES = 128
#: Room is left for this many times the usual error of an estimate, up to a share.
_STRAYS = 4.5
_MOST_STRAY = 0.6
#: One comparison counts for no more than this, nor all of them together.
_MOST_OFF = 2.0
_MOST_RATIO = 4.0
#: A call that has not come back for so many seconds never will.
_LOST = 180.0
#: Calls sent within so many seconds may arrive in another order.
_REORDERED = 0.1
#: A row of such calls is looked at anew after so many seconds.
_CLUSTER = 0.3
#: Agreeing headers that make a limit a bucket again, once one of them did not agree.
_VOTES = 5
#: A limit that a refusal taught is doubted after a while: it grows by this each time.
_DOUBT_FACTOR = 1.25
_MOST_DOUBTS = 30
_DOUBT = 3600.0


_moment = itemgetter(0)
_amount = itemgetter(1)
#: Moments that differ by less are one. A float holds the seconds since 1970 to a
#: quarter of a microsecond, and to 4 of them where time is made to pass ten times faster.
_ROUNDING = 2e-5


@dataclass(slots=True, kw_only=True)
class Mark:
    """Where a call stood in a meter: what its headers are held against."""

    charged: float
    amount: float
    used: float
    corrected: float


@dataclass(slots=True, kw_only=True)
class Meter:
    """One limit of one scope.

    Attributes:
        window: Seconds; a `zone` makes it the calendar day there.
        configured: The operator's limit.
        learned: The provider's, from headers or refusals.
        told: Whether a refusal taught it, at `learned_at`; it may have become more since,
            and is doubted every `doubt` seconds.
        log: `[moment, amount]`, oldest first.
        charged: All units ever charged, as estimated: a call's place among the others.
        corrected: Units added because others use the same quota.
        full_at: When the bucket is full again; None while it is no bucket.
        votes: How many headers in a row spoke for a bucket; negative after one that
            spoke against it.
        newest: The newest call (by number) whose headers were believed.
        cluster: What it and the calls sent at almost the same time said: when the bucket
            is full, when the newest was sent, `charged` there, when the first was sent.
        flying: `[number, moment, amount]` of calls that have not come back.
    """

    unit: Unit
    window: float
    zone: str = ""
    configured: int | None = None
    learned: int | None = None
    told: bool = False
    learned_at: float = 0.0
    doubt: float = _DOUBT
    log: list[list[float]] = field(default_factory=list)
    charged: float = 0.0
    corrected: float = 0.0
    full_at: float | None = None
    votes: int = 0
    newest: int = 0
    cluster: list[float] = field(default_factory=list)
    flying: list[list[float]] = field(default_factory=list)
    #: Grows where the provider refused what the guard should have prevented.
    guard_factor: float = 1.0
    #: Units that the provider charged for each that we did, and how far single calls
    #: stray from that; learned from the headers of a bucket.
    ratio: float = 1.0
    stray: float = 0.04
    #: What the last believed headers said: units gone, when, and `charged` there.
    seen: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        """`requests/60s`, as metrics and messages show it."""
        return f"{self.unit}/{self.window:g}s"

    @property
    def guard(self) -> float:
        """Seconds that a unit is counted beyond its window."""
        return max(_LEAST_GUARD, self.window * _GUARD_SHARE) * self.guard_factor

    def limit(self, now: float) -> int | None:
        """Return the units a window; None if nobody knows."""
        both = (self.configured, self.learned_by(now))
        return min((one for one in both if one is not None), default=None)

    def learned_by(self, now: float) -> int | None:
        """Return the provider's limit as far as it is known, and not doubted, by now."""
        if self.learned is None or not self.told:
            return self.learned
        doubts = min(max(0, int((now - self.learned_at) / self.doubt)), _MOST_DOUBTS)
        return int(self.learned * _DOUBT_FACTOR**doubts) + (doubts > 0)

    def units(self, cost: Cost) -> float:
        """Return what a call takes from this limit."""
        return cost.requests if self.unit == "requests" else cost.tokens * self.ratio

    def used(self, now: float) -> float:
        """Return the units that count at `now`."""
        limit = self.limit(now)
        if self.full_at is not None and limit:
            return max(0.0, self.full_at - now) * limit / self.window
        return sum(amount for _, amount in self.log[self._gone(now) :])

    def earliest(self, now: float, amount: float) -> float:
        """Return the first moment, `now` or later, that has room for `amount` units.

        What is larger than the whole limit has room once nothing else counts.
        """
        limit = self.limit(now)
        if limit is None or amount <= 0:
            return now
        if self.unit == "tokens":
            # An estimate: what strays must not meet the limit, nor what strays of
            # calls that the provider has not told us of.
            amount += min(_MOST_STRAY, _STRAYS * self.stray) * (amount + self._untold)
        amount = min(amount, float(limit))
        if self.full_at is not None:
            missing = amount * self.window / limit - self.window
            return max(now, self.full_at + missing + self._bucket_guard)
        counted = self.used(now)
        for at, units in self.log:
            if counted + amount <= limit:
                return now
            leaves = self._leaves(at)
            if leaves > now:
                counted -= units
                now = leaves
        return now

    def charge(self, at: float, amount: float, number: int = 0) -> Mark:
        """Count `amount` units at a moment; return the call's place.

        A call with a `number` is in flight from now on, until it has `landed`.
        """
        if number:
            self.flying.append([number, at, amount])
        limit = self.limit(at)
        if self.full_at is not None and limit:
            self.full_at = max(self.full_at, at) + amount * self.window / limit
        if limit is not None or self.window < DAY:
            self._insert(at, amount)
        self.charged += amount
        begin = bisect_right(self.log, at - self.window, key=_moment)
        used = sum(units for _, units in self.log[begin:])
        return Mark(
            charged=self.charged, amount=amount, used=used, corrected=self.corrected
        )

    def landed(self, number: int) -> None:
        """Note that a call came back, whatever became of it."""
        self.flying = [one for one in self.flying if one[0] != number]

    def amend(self, at: float, now: float, *, moved: float, by: float) -> None:
        """Correct a charge: it came `moved` seconds later, and took `by` units more."""
        if self._leaves(at) <= now:
            return
        # The entry it was joined to, if it was, is the next one after it.
        place = bisect_right(self.log, at - _ROUNDING, key=_moment)
        if place == len(self.log):
            return
        entry = self.log[place]
        entry[1] = max(0.0, entry[1] + by)
        entry[0] = max(entry[0], at + moved)
        self.log.sort()
        limit = self.limit(at)
        if self.full_at is not None and limit:
            self.full_at += by * self.window / limit

    def show(self, shown: Shown, mark: Mark, *, at: float, number: int) -> bool:
        """Learn from an answer's headers; True if the limit is another than before.

        Only the newest call's headers count: calls sent after it are added to what it
        says, so that nothing in flight is forgotten. Those sent at almost the same time
        may have arrived in another order, so theirs count beside it.
        """
        if shown.limit <= 0:
            return False
        if number <= self.newest:
            if self.cluster and shown.limit == self.learned:
                self._fill(shown.limit, shown.remaining, mark, at, is_newest=False)
            return False
        changed = shown.limit != self.learned
        self.newest = number
        self.learned, self.told, self.learned_at = shown.limit, False, at
        limit = self.limit(at) or shown.limit
        self._vote(shown)
        gone = float(limit - min(limit, shown.remaining))
        # The operator's lower limit holds in any window, whatever the provider keeps.
        if self.votes > 0 and limit == shown.limit:
            self._compare(gone, at, mark.charged, limit / self.window)
            self._fill(limit, shown.remaining, mark, at, is_newest=True)
            return changed
        self.full_at, self.cluster = None, []
        foreign = gone - mark.used - (self.corrected - mark.corrected)
        if foreign > 0:
            self._insert(at, foreign)
            self.corrected += foreign
        return changed

    def _compare(self, gone: float, at: float, charged: float, rate: float) -> None:
        """Learn what the provider charges, between two of its words on one bucket."""
        before, self.seen = self.seen, [gone, at, charged]
        if self.unit != "tokens" or not before or gone <= 0 or before[0] <= 0:
            return
        ours = charged - before[2]
        if ours <= 0:
            return
        theirs = gone - before[0] + max(0.0, at - before[1]) * rate
        off = min(_MOST_OFF, max(1 / _MOST_OFF, theirs / ours))
        self.stray += 0.1 * (abs(off - 1.0) - self.stray)
        self.ratio = min(_MOST_RATIO, self.ratio * off**0.2)

    def _fill(
        self, limit: int, remaining: int, mark: Mark, at: float, *, is_newest: bool
    ) -> None:
        """Work out when the bucket is full, by the headers of one call.

        Of calls sent at almost the same time the one that arrived last says most. What
        was sent after the newest is added, and what was sent just before it and has not
        come back: it may not have arrived when the newest did.
        """
        unit = self.window / limit
        full = at + (limit - min(limit, remaining)) * unit
        before = self.cluster
        if not is_newest:
            if abs(at - before[1]) >= _REORDERED:
                return
            full = max(full, before[0])
            at, charged, began = before[1], before[2], before[3]
        else:
            charged, began = mark.charged, at
            if before and at - before[1] < _REORDERED and at - before[3] < _CLUSTER:
                full, began = max(full, before[0]), before[3]
        self.cluster = [full, at, charged, began]
        beside = sum(
            amount
            for number, sent, amount in self.flying
            if number < self.newest and sent > at - _REORDERED
        )
        self.full_at = full + (self.charged - charged + beside) * unit

    def teach(self, limit: int, now: float, *, doubt: float = _DOUBT) -> None:
        """Learn a limit from a refusal."""
        self.learned, self.told, self.learned_at = max(1, limit), True, now
        self.doubt = doubt
        self.full_at, self.cluster, self.votes = None, [], -_VOTES

    def shift(self, seconds: float) -> None:
        """Move every moment: the clock was set."""
        for entry in self.log:
            entry[0] += seconds
        self.learned_at += seconds
        if self.seen:
            self.seen[1] += seconds
        if self.cluster:
            full, at, charged, began = self.cluster
            self.cluster = [full + seconds, at + seconds, charged, began + seconds]
        for call in self.flying:
            call[1] += seconds
        if self.full_at is not None:
            self.full_at += seconds

    def forget(self, now: float) -> None:
        """Drop what counts no more; join entries where there are too many."""
        self.flying = [one for one in self.flying if one[1] > now - _LOST]
        if gone := self._gone(now):
            del self.log[:gone]
        if len(self.log) > _ENTRIES:
            slices = groupby(self.log, lambda one: one[0] * _SLICES // self.window)
            joined = (list(entries) for _, entries in slices)
            self.log = [[one[-1][0], sum(map(_amount, one))] for one in joined]

    def missed(self) -> None:
        """Leave more room: a call was refused that seemed to fit."""
        self.stray = min(_MOST_STRAY, self.stray + 0.05)

    def ends_in(self, now: float) -> float:
        """Return the seconds until a unit of `now` counts no more."""
        return self._leaves(now) - now

    @property
    def _untold(self) -> float:
        """Units of a bucket that no header has shown yet."""
        if self.full_at is None or not self.seen:
            return 0.0
        return max(0.0, self.charged - self.seen[2])

    @property
    def _bucket_guard(self) -> float:
        return _LEAST_GUARD * 2 * self.guard_factor

    def _gone(self, now: float) -> int:
        """Return how many entries, oldest first, count no more."""
        if self.zone and self.window == DAY:
            return bisect_right(self.log, now, key=lambda one: self._leaves(one[0]))
        return bisect_right(self.log, now - self.window - self.guard, key=_moment)

    def _leaves(self, at: float) -> float:
        """Return when a unit of that moment counts no more."""
        if self.zone and self.window == DAY:
            return _next_midnight(at, self.zone) + self.guard
        return at + self.window + self.guard

    def _insert(self, at: float, amount: float) -> None:
        self.log.append([at, amount])
        if len(self.log) > 1 and self.log[-2][0] > at:
            self.log.sort()

    def _vote(self, shown: Shown) -> None:
        if shown.reset is None or shown.remaining >= shown.limit:
            return
        if is_bucket(shown, self.window):
            self.votes = self.votes + 1 if self.votes >= 0 else self.votes + 1 or 1
        else:
            self.votes = -_VOTES


def to_json(meter: Meter) -> dict[str, Any]:
    """Return a meter as JSON; its log is packed, since it is read at every call."""
    kept = {name: getattr(meter, name) for name in meter.__dataclass_fields__}
    packed = array("d", chain.from_iterable(meter.log)).tobytes()
    return {**kept, "log": b64encode(packed).decode("ascii")}


def from_json(kept: dict[str, Any]) -> Meter:
    """Return the meter that `to_json` kept; fields of another version are left out."""
    known = Meter.__dataclass_fields__
    values = {name: value for name, value in kept.items() if name in known}
    flat = array("d", b64decode(kept["log"])).tolist()
    values["log"] = [
        [at, amount] for at, amount in zip(flat[::2], flat[1::2], strict=True)
    ]
    return Meter(**values)


def _next_midnight(at: float, zone: str) -> float:
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    tomorrow = (local + timedelta(days=1)).date()
    midnight = datetime(
        tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=ZoneInfo(zone)
    )
    return midnight.timestamp()
