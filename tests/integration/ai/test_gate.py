"""Tests for app.ai.gate on both databases: real waiting, several processes' worth."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from typing_extensions import override

from app.ai.gate import Gate
from app.domain.completions import Turn
from app.domain.quota.state import GateState, Permit
from app.domain.quota.values import Cost, Limits, Outcome, Refusal, Violation
from app.errors import (
    ProviderBusy,
    ProviderDown,
    ProviderMisconfigured,
    Unavailable,
)
from app.store.database import Database
from app.store.gates import GateStore

pytestmark = pytest.mark.anyio

SCOPE = "openai/gpt-6-luna/0123456789ab"
TURN = Turn(tenant_id="t")
ANSWERED = Outcome(ending="answered", took=0.1, sent_after=0.0)


class Between(Database):
    """Stands before a database: it may be away, or answer late."""

    def __init__(self, real: Database) -> None:
        self.dialect = real.dialect
        self.real = real
        self.is_away = False
        self.written = asyncio.Event()
        self.go_on: asyncio.Event | None = None
        self.begin: asyncio.Event | None = None

    @override
    async def write(self, work: Callable[[Any], Any]) -> Any:
        if self.is_away:
            raise Unavailable("database", "away")
        if self.begin:
            await self.begin.wait()
        result = await self.real.write(work)
        self.written.set()
        if self.go_on:
            await self.go_on.wait()
        return result

    @override
    async def read(self, work: Callable[[Any], Any]) -> Any:
        return await self.real.read(work)

    @override
    async def close(self) -> None:
        """Leave that to the fixture."""


@pytest.fixture
async def gates(database: Database) -> AsyncIterator[Gates]:
    """Makes gates, each like that of another process; closes them all."""
    made = Gates(database)
    yield made
    for one in made.all:
        await one.close()


class Gates:
    """Gates of one scope on one database."""

    def __init__(self, database: Database) -> None:
        self.between = Between(database)
        self.all: list[Gate] = []
        self.news: list[tuple[str, str]] = []

    def open(self, limits: Limits, *, speed: float = 1.0) -> Gate:
        """Open one more."""
        gate = Gate(
            database=self.between,
            provider="openai",
            scope=SCOPE,
            limits=limits,
            told=lambda news, reason: self.news.append((news, reason)),
            speed=speed,
        )
        self.all.append(gate)
        return gate

    async def change(self, rule: Callable[[GateState], Any]) -> Any:
        """Change the row from outside."""
        return await self.between.real.write(
            lambda s: GateStore(s).change(SCOPE, lambda state, _: rule(state))
        )

    async def state(self) -> GateState:
        """Return the row as it is."""
        found: dict[str, GateState] = await self.between.real.read(
            lambda s: GateStore(s).all()
        )
        return found[SCOPE]

    async def ready(self, **fields: object) -> None:
        """Let calls go without spaces, as after a first burst."""

        def rule(state: GateState) -> None:
            for name, value in {"cautious": False, "answers": 1, **fields}.items():
                setattr(state, name, value)

        await self.change(rule)

    async def paused(self, seconds: float, reason: str = "rate_limited") -> None:
        """Let nobody go for a while."""

        def rule(state: GateState) -> None:
            state.paused_until = state.now + seconds
            state.pause_reason = reason

        await self.change(lambda state: state.advance(time.time()))
        await self.change(rule)


async def waiting(gate: Gate, number: int) -> None:
    """Wait until so many calls wait at the gate, the first of them in the row."""
    async with asyncio.timeout(5):
        while len(gate._waiters) < number or not gate._begun:  # noqa: ASYNC110 - inner state
            await asyncio.sleep(0.002)
    await asyncio.sleep(0.02)


async def call(gate: Gate, turn: Turn = TURN, *, tokens: int = 100) -> Permit:
    permit = await gate.enter(Cost(tokens=tokens), turn)
    await gate.leave(permit, ANSWERED)
    return permit


class TestEnter:
    """Tests for Gate.enter()."""

    async def test_all_processes_share_one_quota(self, gates: Gates) -> None:
        """Three of them, thirty calls, twenty a minute: no minute holds more."""
        limits = Limits(rpm=20)
        opened = [gates.open(limits, speed=100.0) for _ in range(3)]

        permits = await asyncio.gather(*(call(opened[n % 3]) for n in range(30)))

        moments = sorted(one.at for one in permits)
        assert sorted(one.number for one in permits) == list(range(1, 31))
        assert all(
            late - early > 60
            for early, late in zip(moments, moments[20:], strict=False)
        )
        state = await gates.state()
        assert (state.flights, state.waiters) == ({}, {})

    async def test_first_calls_of_two_processes_at_once(self, gates: Gates) -> None:
        """Nobody has made the row yet; both find their place."""
        first, second = gates.open(Limits(rpm=60)), gates.open(Limits(rpm=60))

        permits = await asyncio.gather(call(first), call(second))

        assert {one.number for one in permits} == {1, 2}

    async def test_time_may_pass_faster(self, gates: Gates) -> None:
        """A minute of waiting in a fraction of a second, for measurements."""
        gate = gates.open(Limits(rpm=1), speed=200.0)
        await call(gate)
        began = time.monotonic()

        await call(gate)

        assert 0.25 < time.monotonic() - began < 3

    async def test_urgent_calls_go_first_then_tenants_in_turns(
        self, gates: Gates
    ) -> None:
        """Order of coming counts last."""
        await gates.ready()
        gate = gates.open(Limits(rpm=600, concurrency=1))
        held = await gate.enter(Cost(), Turn(tenant_id="z"))
        order: list[str] = []

        async def one(name: str, tenant: str, priority: int) -> None:
            permit = await gate.enter(Cost(), Turn(tenant_id=tenant, priority=priority))
            order.append(name)
            await gate.leave(permit, ANSWERED)

        tasks = []
        for name, tenant, priority in (
            ("a1", "a", 20), ("a2", "a", 20), ("a3", "a", 20), ("b1", "b", 20),
            ("b2", "b", 20), ("event", "a", 0),
        ):  # fmt: skip
            tasks.append(asyncio.create_task(one(name, tenant, priority)))
            await asyncio.sleep(0)
        await waiting(gate, 6)
        await gate.leave(held, ANSWERED)
        await asyncio.gather(*tasks)

        assert order == ["event", "b1", "a1", "b2", "a2", "a3"]

    async def test_later_head_does_not_wait_for_the_place_of_the_former(
        self, gates: Gates
    ) -> None:
        """Only one of a process stands in the row: the one that is next."""
        await gates.ready()
        await gates.paused(0.6)
        gate = gates.open(Limits(rpm=600))
        bulk = asyncio.create_task(call(gate, Turn(tenant_id="a", priority=20)))
        await waiting(gate, 1)
        event = asyncio.create_task(call(gate, Turn(tenant_id="b", priority=0)))
        await waiting(gate, 2)

        assert len((await gates.state()).waiters) == 1
        await asyncio.gather(bulk, event)

    async def test_database_that_is_away_is_told_to_all_who_wait(
        self, gates: Gates
    ) -> None:
        """Nobody hangs; and once it is back, all goes on."""
        gate = gates.open(Limits(rpm=60))
        gates.between.is_away = True

        ended = await asyncio.gather(
            *(call(gate) for _ in range(3)), return_exceptions=True
        )
        gates.between.is_away = False

        assert [type(one) for one in ended] == [Unavailable] * 3
        assert (await call(gate)).number == 1


class TestCancelling:
    """Whoever waits goes away."""

    async def test_waiter_that_leaves_is_taken_out_of_the_row(
        self, gates: Gates
    ) -> None:
        """Other processes must not stand back for it."""
        await gates.ready()
        await gates.paused(60.0)
        gate = gates.open(Limits(rpm=60))
        task = asyncio.create_task(call(gate))
        await waiting(gate, 1)
        assert len((await gates.state()).waiters) == 1

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert (await gates.state()).waiters == {}

    async def test_next_one_goes_at_once_if_it_can(self, gates: Gates) -> None:
        """It does not sleep out the time of the large page before it."""
        await gates.ready()
        gate = gates.open(Limits(rpm=60, tpm=1000))
        await call(gate, tokens=100)
        large = asyncio.create_task(call(gate, tokens=900))
        await waiting(gate, 1)
        small = asyncio.create_task(call(gate, tokens=100))
        await waiting(gate, 2)
        assert not small.done()

        large.cancel()

        async with asyncio.timeout(3):
            await small

    async def test_leave_that_comes_too_late_is_given_back(self, gates: Gates) -> None:
        """The database had said yes when the page was withdrawn."""
        await gates.ready()
        gate = gates.open(Limits(rpm=60))
        gates.between.go_on = asyncio.Event()
        task = asyncio.create_task(call(gate))
        await gates.between.written.wait()
        assert len((await gates.state()).flights) == 1

        task.cancel()
        await asyncio.sleep(0.02)
        gates.between.go_on.set()
        gates.between.go_on = None
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(gates, lambda state: state.flights == {})

        state = await gates.state()
        assert state.meter("requests", 60.0).used(state.now) == 0

    async def test_leave_that_was_just_given_is_given_back(self, gates: Gates) -> None:
        """Cancelled between the answer and the waking up."""
        await gates.ready()
        gate = gates.open(Limits(rpm=60))
        task = asyncio.create_task(gate.enter(Cost(), TURN))
        while not gate._served:  # noqa: ASYNC110 - the very moment is meant
            await asyncio.sleep(0)
        assert not task.done()

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        await until(gates, lambda state: state.flights == {})

    async def test_second_cancelling_does_not_keep_it(self, gates: Gates) -> None:
        """A worker that is stopped twice, while the database is slow."""
        await gates.ready()
        gate = gates.open(Limits(rpm=60))
        task = asyncio.create_task(gate.enter(Cost(), TURN))
        while not gate._served:  # noqa: ASYNC110 - the very moment is meant
            await asyncio.sleep(0)
        gates.between.begin = asyncio.Event()

        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.01)
        gates.between.begin.set()
        with pytest.raises(asyncio.CancelledError):
            await task

        await until(gates, lambda state: state.flights == {})


async def until(gates: Gates, holds: Callable[[GateState], bool]) -> None:
    """Wait until the row is as wanted."""
    async with asyncio.timeout(5):
        while not holds(await gates.state()):  # noqa: ASYNC110 - a row tells nobody
            await asyncio.sleep(0.01)


class TestPatience:
    """Nobody waits for longer than makes sense."""

    @pytest.mark.parametrize("patience", [0.0, 5.0])
    async def test_longer_wait_is_refused_with_its_length(
        self, gates: Gates, patience: float
    ) -> None:
        """So that the router can ask somebody else, and the queue knows when."""
        await gates.ready()
        await gates.paused(100.0)
        gate = gates.open(Limits(rpm=60))

        with pytest.raises(ProviderBusy) as caught:
            await call(gate, Turn(tenant_id="t", patience=patience))

        assert caught.value.retry_after is not None
        assert 95 < caught.value.retry_after.total_seconds() <= 100
        assert 95 < gate.held_for() <= 100

    async def test_day_is_not_waited_for_even_without_patience_told(
        self, gates: Gates
    ) -> None:
        """The queue of jobs is the place for that."""
        await gates.ready()
        await gates.paused(86_400.0)

        with pytest.raises(ProviderBusy):
            await call(gates.open(Limits(rpm=60)))

    async def test_place_in_the_queue_counts(self, gates: Gates) -> None:
        """The third of three waits for the third minute."""
        await gates.ready()
        gate = gates.open(Limits(rpm=1), speed=100.0)
        await call(gate)
        turn = Turn(tenant_id="t", patience=100.0)

        ended = await asyncio.gather(
            *(call(gate, turn) for _ in range(3)), return_exceptions=True
        )

        assert [isinstance(one, Permit) for one in ended] == [True, False, False]
        third = ended[2]
        assert isinstance(third, ProviderBusy)
        assert third.retry_after is not None
        assert third.retry_after.total_seconds() > 150

    async def test_whoever_was_sent_away_keeps_no_place(self, gates: Gates) -> None:
        """A hundred that went to another provider delay nobody here."""
        await gates.ready()
        gate = gates.open(Limits(rpm=3))
        for _ in range(3):
            await call(gate)

        for _ in range(5):
            with pytest.raises(ProviderBusy):
                await call(gate, Turn(tenant_id="t", patience=1.0))

        assert (await gates.state()).waiters == {}

    async def test_one_that_can_go_does_not_sleep_out_anothers_wait(
        self, gates: Gates
    ) -> None:
        """The head is sent away; the one behind it goes now."""
        await gates.ready()
        gate = gates.open(Limits(rpm=60, tpm=1000))
        await call(gate, tokens=100)
        gates.between.go_on = asyncio.Event()
        large = asyncio.create_task(
            call(gate, Turn(tenant_id="t", patience=1.0), tokens=900)
        )
        small = asyncio.create_task(call(gate, tokens=100))
        await asyncio.sleep(0.02)
        gates.between.go_on.set()
        gates.between.go_on = None

        with pytest.raises(ProviderBusy):
            await large
        async with asyncio.timeout(3):
            await small

    async def test_quota_of_the_day_that_we_count_ourselves_holds_pages_back(
        self, gates: Gates
    ) -> None:
        """No refusal told of it, and no page need be read in vain all the same."""
        await gates.ready()
        gate = gates.open(Limits(rpm=60, rpd=1))
        await call(gate)

        with pytest.raises(ProviderBusy):
            await call(gate)

        assert gate.held_for() > 3600

    async def test_turns_between_tenants_count_in_the_forecast(
        self, gates: Gates
    ) -> None:
        """A small tenant's only page is next, however many of another's wait."""
        await gates.ready()
        gate = gates.open(Limits(rpm=15), speed=20.0)
        for _ in range(14):
            await call(gate, Turn(tenant_id="bulk"))
        await call(gate, Turn(tenant_id="small"))
        bulk = [
            asyncio.create_task(call(gate, Turn(tenant_id="bulk"))) for _ in range(40)
        ]
        await waiting(gate, 40)

        permit = await call(gate, Turn(tenant_id="small", patience=70.0))

        assert permit.number <= 18
        for task in bulk:
            task.cancel()
        await asyncio.gather(*bulk, return_exceptions=True)

    @pytest.mark.parametrize("reason", ["breaker", "overloaded"])
    async def test_sick_provider_is_down_not_busy(
        self, gates: Gates, reason: str
    ) -> None:
        """What is told is what is the matter."""
        await gates.ready()
        await gates.paused(50.0, reason)

        with pytest.raises(ProviderDown) as caught:
            await call(gates.open(Limits(rpm=60)), Turn(tenant_id="t", patience=1.0))

        assert caught.value.retry_after is not None


class TestBlocked:
    """The operator must act."""

    async def test_it_is_told_once_and_nobody_waits(self, gates: Gates) -> None:
        """Of two processes and many calls."""
        first, second = gates.open(Limits(rpm=60)), gates.open(Limits(rpm=60))
        await gates.ready()
        permits = [await one.enter(Cost(), TURN) for one in (first, second)]
        blocked = Outcome(ending="blocked", reason="no money")

        for gate, permit in zip((first, second), permits, strict=True):
            await gate.leave(permit, blocked)
        ended = await asyncio.gather(
            *(call(gate) for gate in (first, second, first)), return_exceptions=True
        )

        assert [type(one) for one in ended] == [ProviderMisconfigured] * 3
        assert "no money" in str(ended[0])
        assert gates.news == [("blocked", "no money")]

    async def test_waiting_calls_hear_of_it_too(self, gates: Gates) -> None:
        """Not only those that come later."""
        await gates.ready()
        gate = gates.open(Limits(rpm=600, concurrency=1))
        permit = await gate.enter(Cost(), TURN)
        task = asyncio.create_task(call(gate))
        await waiting(gate, 1)

        await gate.leave(permit, Outcome(ending="blocked", reason="bad key"))

        with pytest.raises(ProviderMisconfigured):
            await task

    async def test_process_that_starts_anew_tries_once(self, gates: Gates) -> None:
        """The operator may just have mended it."""
        first = gates.open(Limits(rpm=60))
        permit = await first.enter(Cost(), TURN)
        await first.leave(permit, Outcome(ending="blocked", reason="no money"))

        await call(gates.open(Limits(rpm=60)))

        assert [news for news, _ in gates.news] == ["blocked", "unblocked"]


class TestLeave:
    """Tests for Gate.leave()."""

    async def test_outcome_is_told_when_the_database_is_back(
        self, gates: Gates
    ) -> None:
        """No permit is lost for good, and nobody waits for that."""
        gate = gates.open(Limits(rpm=60))
        permit = await gate.enter(Cost(), TURN)
        gates.between.is_away = True

        await gate.leave(permit, ANSWERED)
        assert len((await gates.state()).flights) == 1
        gates.between.is_away = False

        await until(gates, lambda state: state.flights == {})
        assert (await gates.state()).answers == 1

    async def test_refusal_pauses_all_processes(self, gates: Gates) -> None:
        """At once, and for as long as the provider says."""
        await gates.ready()
        first, second = gates.open(Limits(rpm=60)), gates.open(Limits(rpm=60))
        permit = await first.enter(Cost(), TURN)
        refused = Outcome(ending="refused", refusal=Refusal(retry_after=20.0))

        await first.leave(permit, refused)

        for gate in (first, second):
            with pytest.raises(ProviderBusy) as caught:
                await call(gate, Turn(tenant_id="t", patience=1.0))
            assert caught.value.retry_after is not None
            assert 19 < caught.value.retry_after.total_seconds() <= 20.1
        assert gates.news == [("cooldown", "")]

    async def test_refusal_told_late_counts_from_when_it_came(
        self, gates: Gates
    ) -> None:
        """The time that the database was away is part of the wait."""
        await gates.ready()
        gate = gates.open(Limits(rpm=60), speed=10.0)
        permit = await gate.enter(Cost(), TURN)
        gates.between.is_away = True
        refused = Outcome(ending="refused", refusal=Refusal(retry_after=20.0))

        await gate.leave(permit, refused)
        gates.between.is_away = False
        await until(gates, lambda state: state.paused_until > 0)

        state = await gates.state()
        assert 5.0 < state.paused_until - state.now <= 15.5

    async def test_limit_of_tokens_is_known_as_it_was_heard_of(
        self, gates: Gates
    ) -> None:
        """What questions must fit into, whoever told it."""
        told = gates.open(Limits(tpm=9000))
        assert told.tokens_a_minute == 9000
        learning = gates.open(Limits())
        assert learning.tokens_a_minute is None
        permit = await learning.enter(Cost(tokens=10), TURN)
        violation = Violation(unit="tokens", window=60.0, limit=5000)
        refusal = Refusal(retry_after=0.01, violations=(violation,))

        await learning.leave(permit, Outcome(ending="refused", refusal=refusal))
        await call(learning)

        assert learning.tokens_a_minute == 5000

    async def test_end_of_a_call_wakes_who_waits_for_its_place(
        self, gates: Gates
    ) -> None:
        """It does not wait for the next look."""
        await gates.ready()
        gate = gates.open(Limits(rpm=600, concurrency=1))
        permit = await gate.enter(Cost(), TURN)
        task = asyncio.create_task(call(gate))
        await waiting(gate, 1)

        began = time.monotonic()
        await gate.leave(permit, ANSWERED)
        await task

        assert time.monotonic() - began < 0.24

    async def test_factor_is_what_calls_taught(self, gates: Gates) -> None:
        """By language; of others nothing is known."""
        gate = gates.open(Limits(rpm=60))
        permit = await gate.enter(Cost(), TURN)
        taught = Outcome(ending="answered", estimated="uk", estimate_ratio=2.0)

        await gate.leave(permit, taught)
        await call(gate)

        assert gate.factor("uk") == pytest.approx(1.15)
        assert gate.factor("en") == 1.0


class TestClose:
    """Tests for Gate.close()."""

    async def test_whoever_waits_is_told(self, gates: Gates) -> None:
        """Nobody hangs when the program ends, and no place is kept."""
        await gates.ready()
        await gates.paused(60.0)
        gate = gates.open(Limits(rpm=60))
        tasks = [asyncio.create_task(call(gate)) for _ in range(3)]
        await waiting(gate, 3)

        await gate.close()

        async with asyncio.timeout(2):
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in ended] == [Unavailable] * 3

    async def test_leave_on_its_way_is_given_back(self, gates: Gates) -> None:
        """The database had said yes when the program ended."""
        await gates.ready()
        gate = gates.open(Limits(rpm=60))
        gates.between.go_on = asyncio.Event()
        task = asyncio.create_task(call(gate))
        await gates.between.written.wait()

        closing = asyncio.create_task(gate.close())
        await asyncio.sleep(0.01)
        gates.between.go_on.set()
        await closing

        with pytest.raises(Unavailable):
            await task
        assert (await gates.state()).flights == {}

    async def test_gate_that_nobody_used_closes(self, gates: Gates) -> None:
        """There is nothing to end."""
        await gates.open(Limits()).close()

    async def test_outcome_that_cannot_be_told_does_not_keep_it_open(
        self, gates: Gates
    ) -> None:
        """The flight expires by itself."""
        gate = gates.open(Limits(rpm=60))
        permit = await gate.enter(Cost(), TURN)
        gates.between.is_away = True
        await gate.leave(permit, ANSWERED)

        async with asyncio.timeout(1):
            await gate.close()
