"""Rate control at work: who may call a provider, and when, across all processes.

The rules are pure (`app.domain.quota`), the state is one row of the database. Here are
the waiting calls of this process: the next of them (by priority, then in turns between
tenants, then by age) asks for leave, sleeps exactly as long as it is told, and asks
again. So there are as many calls in flight as quota and latency allow, and no more:
what others build batches for.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

import structlog

from app.domain.completions import Turn
from app.domain.quota.permits import (
    Asker,
    Wait,
    forecast,
    lift_block,
    reserve,
    withdraw,
)
from app.domain.quota.settling import settle
from app.domain.quota.state import GateState, Permit
from app.domain.quota.values import MINUTE, Cost, Limits, Outcome
from app.errors import (
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderMisconfigured,
    RemoteError,
    Unavailable,
)
from app.store.database import Database
from app.store.gates import GateStore

log = structlog.get_logger("ai_calls")
T = TypeVar("T")

#: Nobody waits here for longer, with or without patience: what must wait for the next
#: day is better off in the queue. The page has been read by now, which is paid for.
LONGEST_WAIT = 300.0
#: Spreads the wake-ups of several processes over so many seconds.
_JITTER = 0.003
#: Seconds for which a pause is believed in without asking the database again.
_HEARSAY = 30.0
#: Pauses before an outcome is written again while the database is away.
_AGAIN_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


@dataclass(slots=True, kw_only=True, eq=False)
class _Waiter:
    asker: Asker
    turn: Turn
    order: int
    began: float
    leave: asyncio.Future[Permit]

    @property
    def patience(self) -> float:
        asked = self.turn.patience
        return LONGEST_WAIT if asked is None else min(asked, LONGEST_WAIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What one transaction brought: leave or a wait, and how long others have to."""

    decision: Permit | Wait
    now: float
    paused: str
    blocked: str
    waits: tuple[float, ...] = ()


@dataclass(slots=True)
class Gate:
    """The gate of one (provider, key, model).

    Attributes:
        scope: Names the row: provider, model and a fingerprint of the key.
        told: Called with each piece of news, and its reason where it has one.
        speed: How much faster than the clock on the wall time passes: for measuring
            hours in minutes; 1 in earnest.
    """

    database: Database
    provider: str
    scope: str
    limits: Limits
    told: Callable[[str, str], None] = lambda _news, _reason: None
    speed: float = 1.0
    _factors: dict[str, float] = field(default_factory=dict, init=False)
    _tokens: int | None = field(default=None, init=False)
    _waiters: list[_Waiter] = field(default_factory=list, init=False)
    _served: dict[str, int] = field(default_factory=dict, init=False)
    _numbers: itertools.count[int] = field(default_factory=itertools.count, init=False)
    _changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _dispatcher: asyncio.Task[None] | None = field(default=None, init=False)
    _late: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _held_until: float = field(default=0.0, init=False)
    _heard_until: float = field(default=0.0, init=False)
    _begun: bool = field(default=False, init=False)

    async def enter(self, cost: Cost, turn: Turn) -> Permit:
        """Wait for leave to make one call; the pre-flight check.

        Raises:
            ProviderBusy: The wait would be longer than the turn's patience, or than
                anybody should wait here; it carries how long.
            ProviderDown: The same, while the provider fails.
            ProviderMisconfigured: The operator must act first.
            Unavailable: The database cannot be asked.
        """
        waiter = _Waiter(
            asker=Asker(
                id=uuid.uuid4().hex[:12],
                priority=turn.priority,
                since=time.time() * self.speed,
                cost=cost,
            ),
            turn=turn,
            order=next(self._numbers),
            began=time.monotonic(),
            leave=asyncio.get_running_loop().create_future(),
        )
        self._waiters.append(waiter)
        self._changed.set()
        if self._dispatcher is None or self._dispatcher.done():
            self._dispatcher = asyncio.create_task(self._dispatch())
        try:
            return await asyncio.shield(waiter.leave)
        except asyncio.CancelledError:
            # Given back even if whoever waits for that is cancelled again.
            await asyncio.shield(self._give_up(waiter))
            raise

    async def leave(self, permit: Permit, outcome: Outcome) -> None:
        """Tell how a call ended; while the database is away, as soon as it is back."""
        if not await self._settled(permit, outcome):
            task = asyncio.create_task(self._settle_later(permit, outcome))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    def held_for(self) -> float:
        """Return the seconds of a long pause, if this process heard of it just now.

        What was heard a while ago may be over: the operator may have acted.
        """
        now = time.monotonic()
        return max(0.0, self._held_until - now) if now < self._heard_until else 0.0

    def factor(self, kind: str) -> float:
        """Return the true tokens for each estimated one of a kind, as last heard of."""
        return self._factors.get(kind, 1.0)

    @property
    def tokens_a_minute(self) -> int | None:
        """The limit, as configured or as last heard of; None if nobody knows one."""
        return self.limits.tpm if self._tokens is None else self._tokens

    async def close(self) -> None:
        """End what waits; leave that comes for it by now is given back.

        Whoever waits gets `Unavailable`.
        """
        self._fail_all(Unavailable(self.provider, "its gate is being closed"))
        self._changed.set()
        if self._dispatcher is not None:
            await asyncio.gather(self._dispatcher, return_exceptions=True)
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    # ------------------------------------------------------------------ waiting

    async def _dispatch(self) -> None:
        """Serve waiters until there are none."""
        while self._waiters:
            self._changed.clear()
            head = self._line()[0]
            try:
                answer = await self._ask(head)
            except RemoteError as error:
                self._fail_all(error)
                return
            except Exception as error:  # noqa: BLE001 - the waiters must learn of it
                self._fail_all(error)
                return
            if isinstance(answer.decision, Permit):
                await self._hand_over(head, answer.decision)
                continue
            self._send_away(answer)
            if head in self._waiters:
                await self._sleep(answer.decision.until - answer.now)

    def _line(self) -> list[_Waiter]:
        """Return who waits, in the order in which they will be served.

        Tenants take turns: the second call of one comes after the first of all others.
        """
        before: Counter[tuple[int, str]] = Counter()
        ranks: dict[_Waiter, tuple[int, int, int, int]] = {}
        for one in sorted(self._waiters, key=lambda one: one.order):
            turn = (one.asker.priority, one.turn.tenant_id)
            served = self._served.get(one.turn.tenant_id, -1)
            ranks[one] = (one.asker.priority, before[turn], served, one.order)
            before[turn] += 1
        return sorted(self._waiters, key=ranks.__getitem__)

    async def _ask(self, head: _Waiter) -> _Answer:
        others = self._line()

        def rule(state: GateState, now: float) -> _Answer:
            if not self._begun:
                # Whoever starts the program anew may just have mended key or account.
                lift_block(state, now)
            # The next one stands for all that wait here; it may be another by now.
            for one in others:
                withdraw(state, one.asker.id)
            decision = reserve(state, now, head.asker, self.limits)
            waits: tuple[float, ...] = ()
            if isinstance(decision, Wait):
                waits = tuple(
                    forecast(state, state.now, one.asker.cost, before=place)
                    for place, one in enumerate(others)
                )
                if not self._bears(head, waits[0]):
                    # It will not be there when its turn comes: nobody waits for it.
                    withdraw(state, head.asker.id)
            self._factors = state.factors
            self._tokens = state.meter("tokens", MINUTE).limit(state.now)
            return _Answer(
                decision=decision,
                now=state.now,
                paused=state.pause_reason if state.paused_until > state.now else "",
                blocked=state.blocked,
                waits=waits,
            )

        answer = await self._change(rule)
        self._begun = True
        if isinstance(answer.decision, Wait):
            ahead = answer.decision.until - answer.now
            # A quota of the day that we counted ourselves holds like a told pause.
            if answer.decision.why == "pause" or ahead > LONGEST_WAIT:
                self._held_until = time.monotonic() + ahead / self.speed
                self._heard_until = time.monotonic() + _HEARSAY
        return answer

    async def _hand_over(self, head: _Waiter, permit: Permit) -> None:
        if head in self._waiters:
            self._waiters.remove(head)
        if head.leave.done():
            await self.leave(permit, Outcome(ending="unsent"))
            return
        self._served[head.turn.tenant_id] = next(self._numbers)
        head.leave.set_result(permit)

    def _send_away(self, answer: _Answer) -> None:
        """Refuse those whose patience the wait exceeds."""
        for waiter, wait in zip(self._line(), answer.waits, strict=False):
            hopeless = answer.blocked and answer.paused == "blocked"
            if self._bears(waiter, wait) and not hopeless:
                continue
            self._waiters.remove(waiter)
            if not waiter.leave.done():
                waiter.leave.set_exception(self._refusal(answer, wait))

    def _bears(self, waiter: _Waiter, wait: float) -> bool:
        waited = (time.monotonic() - waiter.began) * self.speed
        return waited + wait <= waiter.patience

    def _refusal(self, answer: _Answer, wait: float) -> ProviderError:
        after = timedelta(seconds=wait)
        if answer.paused == "blocked":
            return ProviderMisconfigured(
                self.provider,
                answer.blocked,
                kind="operator_wait",
                retry_after=after,
            )
        if answer.paused in ("breaker", "overloaded"):
            return ProviderDown(
                self.provider,
                "fails at the moment; it is left alone for a while",
                kind="breaker",
                retry_after=after,
            )
        return ProviderBusy(
            self.provider,
            "its quota is spent for now",
            kind="quota_wait",
            retry_after=after,
        )

    def _fail_all(self, error: Exception) -> None:
        waiting, self._waiters = self._waiters, []
        for waiter in waiting:
            if not waiter.leave.done():
                waiter.leave.set_exception(error)

    async def _sleep(self, seconds: float) -> None:
        pause = max(0.0, seconds / self.speed) + random.uniform(0, _JITTER)  # noqa: S311 - spreads wake-ups
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._changed.wait()

    async def _give_up(self, waiter: _Waiter) -> None:
        if waiter.leave.done() and not waiter.leave.cancelled():
            if waiter.leave.exception() is None:
                await self.leave(waiter.leave.result(), Outcome(ending="unsent"))
            return
        waiter.leave.cancel()
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        with contextlib.suppress(RemoteError):
            await self._change(lambda state, _: withdraw(state, waiter.asker.id))
        # The next one may need not wait for so long.
        self._changed.set()

    # ------------------------------------------------------------------ settling

    async def _settled(self, permit: Permit, outcome: Outcome) -> bool:
        try:
            news = await self._change(
                lambda state, now: settle(state, now, permit, outcome, self.limits)
            )
        except RemoteError as error:
            log.warning("quota_not_settled", provider=self.provider, error=str(error))
            return False
        for one in news:
            self.told(one, outcome.reason)
        self._changed.set()
        return True

    async def _settle_later(self, permit: Permit, outcome: Outcome) -> None:
        began = time.monotonic()
        for pause in _AGAIN_SECONDS:
            await asyncio.sleep(pause)
            late = (time.monotonic() - began) * self.speed
            if await self._settled(permit, _told_late(outcome, late)):
                return

    async def _change(self, rule: Callable[[GateState, float], T]) -> T:
        def at_speed(state: GateState, now: float) -> T:
            return rule(state, now * self.speed)

        return await self.database.write(
            lambda session: GateStore(session).change(self.scope, at_speed)
        )


def _told_late(outcome: Outcome, seconds: float) -> Outcome:
    """Return an outcome with what is left by now of the wait that the provider asked."""
    refusal = outcome.refusal
    if refusal is None or refusal.retry_after is None:
        return outcome
    left = max(0.0, refusal.retry_after - seconds)
    return replace(outcome, refusal=replace(refusal, retry_after=left))
