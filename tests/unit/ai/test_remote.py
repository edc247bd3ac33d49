"""Tests for app.ai.remote: one call behind a gate, over a wire that a test writes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from app.ai.answers import MAX_REPLY
from app.ai.estimates import estimate_input
from app.ai.gate import Gate
from app.ai.prompts import render
from app.ai.remote import RemoteProvider
from app.ai.wire import CallFailed, Question, Reply, Timing
from app.domain.completions import Candidate, Exchange, Prompt, Turn, Usage
from app.domain.pages import PageText
from app.domain.quota.state import Permit
from app.domain.quota.values import (
    Cost,
    Limits,
    Outcome,
    Refusal,
    Shown,
    Violation,
)
from app.errors import (
    AnswerUnusable,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderMisconfigured,
    QuestionRefused,
    Stopped,
    Unavailable,
)

pytestmark = pytest.mark.anyio

TURN = Turn(tenant_id="t", priority=20, patience=3.0)
SECRET = "Зарплата директора становить сто гривень"
USAGE = Usage(input_tokens=900, output_tokens=80, micro_usd=55)
SHOWN = (Shown(unit="requests", limit=60, remaining=59, reset=1.0),)
PROMPT = Prompt(
    page=PageText(
        title="Звіт",
        paragraphs=(SECRET,),
        text=f"{SECRET}. Розгортання в п'ятницю. Deployment on Friday.",
    ),
    language="uk",
    candidates=(Candidate(name="deployment", score=0.5),),
    max_labels=3,
    summary_language="uk",
    draft="Чернетка.",
)
ANSWER = json.dumps(
    {
        "language": "uk",
        "labels": [{"name": "deployment", "evidence": "Deployment", "confidence": 0.9}],
        "summary": "Сторінка розповідає про розгортання у п'ятницю.",
    }
)


class ScriptedGate(Gate):
    """Gives leave at once, and keeps what it is told."""

    @classmethod
    def made(cls, limits: Limits | None = None, *, factor: float = 1.0) -> ScriptedGate:
        """Return one without a database."""
        gate = cls(
            database=NoDatabase(),
            provider="openai",
            scope="s",
            limits=limits or Limits(),
        )
        gate.costs, gate.ended, gate.factors = [], [], factor
        gate.refuses = None
        return gate

    costs: list[Cost]
    ended: list[Outcome]
    factors: float
    refuses: Exception | None

    @override
    async def enter(self, cost: Cost, turn: Turn) -> Permit:
        if self.refuses:
            raise self.refuses
        self.costs.append(cost)
        return Permit(id="1", number=1, at=0.0, cost=cost, marks={}, in_flight=4)

    @override
    async def leave(self, permit: Permit, outcome: Outcome) -> None:
        await asyncio.sleep(0)
        self.ended.append(outcome)

    @override
    def factor(self, kind: str) -> float:
        return self.factors if kind == "uk" else 1.0


class NoDatabase:
    """Is never asked."""

    dialect = "none"

    async def write(self, work: Callable[[Any], Any]) -> Any:
        raise AssertionError(work)

    async def read(self, work: Callable[[Any], Any]) -> Any:
        raise AssertionError(work)

    async def close(self) -> None:
        raise AssertionError


@dataclass
class ScriptedWire:
    """Answers as a test says."""

    answer: Callable[[Timing], Awaitable[Reply]]
    provider: str = "openai"
    model: str = "gpt-6-luna"
    thinking_room: int = 2048
    asked: list[Question] = field(default_factory=list)

    def priced(self, usage: Usage) -> Usage:
        return replace(usage, micro_usd=usage.output_tokens)

    async def send(self, question: Question, timing: Timing) -> Reply:
        self.asked.append(question)
        return await self.answer(timing)

    async def check(self) -> str:
        return "ok"

    async def close(self) -> None:
        """Nothing is open."""


def replying(text: str = ANSWER, usage: Usage = USAGE) -> ScriptedWire:
    async def answer(timing: Timing) -> Reply:
        timing.sent_at = time.monotonic()
        return Reply(text=text, usage=usage, shown=SHOWN)

    return ScriptedWire(answer)


def failing(error: ProviderError, *, is_sent: bool = True, **told: Any) -> ScriptedWire:
    async def answer(timing: Timing) -> Reply:
        timing.sent_at = time.monotonic() if is_sent else None
        raise CallFailed(error, **told)

    return ScriptedWire(answer)


async def complete(
    wire: ScriptedWire, gate: ScriptedGate | None = None, **options: Any
) -> Any:
    return await RemoteProvider(wire, gate or ScriptedGate.made(), **options).complete(
        PROMPT, TURN
    )


async def outcome_of(error: ProviderError, **told: Any) -> Outcome:
    """Return what the gate is told of a call that ends with this error."""
    gate = ScriptedGate.made()
    with pytest.raises(type(error)) as caught:
        await complete(failing(error, **told), gate)
    assert caught.value is error
    assert caught.value.__cause__ is None
    (outcome,) = gate.ended
    return outcome


class TestComplete:
    """A call that is answered."""

    async def test_answer_becomes_a_completion(self) -> None:
        """Labels from the candidates, the summary, the cost, and who said so."""
        completion = await complete(replying())

        assert [one.name for one in completion.labels] == ["deployment"]
        assert completion.summary.startswith("Сторінка")
        assert (completion.provider, completion.model) == ("openai", "gpt-6-luna")
        assert completion.usage == USAGE

    async def test_gate_is_told_all_that_was_learned(self) -> None:
        """Truth against estimate, headers, how long it took."""
        gate = ScriptedGate.made()

        await complete(replying(), gate)

        (outcome,) = gate.ended
        question = render(PROMPT, text_tokens=4000)
        assert outcome.ending == "answered"
        assert outcome.shown == SHOWN
        assert outcome.cost == Cost(tokens=900)
        assert outcome.estimated == "uk"
        assert outcome.estimate_ratio == 900 / estimate_input(question)
        assert outcome.sent_after is not None
        assert 0 <= outcome.sent_after <= outcome.took < 5

    async def test_answer_without_usage_teaches_no_ratio(self) -> None:
        """A server that tells nothing of tokens is not one that takes none."""
        gate = ScriptedGate.made()

        await complete(replying(usage=Usage()), gate)

        assert gate.ended[0].estimate_ratio is None

    async def test_watchers_hear_of_each_call(self) -> None:
        """How long leave took, and how many are in flight."""
        heard: list[tuple[str, float]] = []

        await complete(
            replying(),
            waited=lambda name, seconds: heard.append((name, seconds)),
            let_in=lambda name, number: heard.append((name, number)),
        )

        assert heard[0][0] == "openai"
        assert 0 <= heard[0][1] < 5
        assert heard[1] == ("openai", 4)

    async def test_malformed_answer_is_paid_for_and_counts_as_answered(self) -> None:
        """The provider is well; its answer is of no use."""
        gate = ScriptedGate.made()

        with pytest.raises(AnswerUnusable) as caught:
            await complete(replying("I am sorry."), gate)

        assert caught.value.kind == "malformed"
        assert caught.value.usage == asdict(USAGE)
        assert gate.ended[0].ending == "answered"
        assert "sorry" not in str(caught.value)

    async def test_call_that_must_not_be_made_any_more_is_not(self) -> None:
        """Its turn has come, and its leave is given back unused."""
        gate, wire = ScriptedGate.made(), replying()

        async def no() -> None:
            raise Stopped("stopped by ops")

        provider = RemoteProvider(wire, gate)
        with pytest.raises(Stopped):
            await provider.complete(PROMPT, replace(TURN, confirm=no))

        assert wire.asked == []
        assert [one.ending for one in gate.ended] == ["unsent"]

    async def test_refused_leave_asks_nobody(self) -> None:
        """No call, no outcome."""
        gate, wire = ScriptedGate.made(), replying()
        gate.refuses = ProviderBusy("openai", "spent", kind="quota_wait")

        with pytest.raises(ProviderBusy):
            await complete(wire, gate)

        assert (wire.asked, gate.ended) == ([], [])

    async def test_database_that_is_away_passes_through(self) -> None:
        """That is nobody's answer, and no fault of the provider's."""
        gate = ScriptedGate.made()
        gate.refuses = Unavailable("database", "away")

        with pytest.raises(Unavailable):
            await complete(replying(), gate)


class TestFailures:
    """What the gate is told of each kind of failure."""

    async def test_refusal_for_quota(self) -> None:
        """With the wait and the limits as they were told."""
        refusal = Refusal(retry_after=26.0)

        outcome = await outcome_of(
            ProviderBusy("openai", "spent", kind="rate_limited"),
            refusal=refusal,
            shown=SHOWN,
        )

        assert (outcome.ending, outcome.refusal) == ("refused", refusal)
        assert outcome.shown == SHOWN
        assert outcome.cost is None

    @pytest.mark.parametrize(
        "kind", ["overloaded", "server_error", "timeout", "network", "unknown"]
    )
    async def test_fault_of_the_provider(self, kind: str) -> None:
        """Counts for the breaker; its wait is kept."""
        outcome = await outcome_of(
            ProviderDown(
                "openai", "fails", kind=kind, retry_after=timedelta(seconds=7)
            ),
            slow_down=kind == "overloaded",
        )

        assert outcome.ending == "failed"
        assert outcome.refusal == Refusal(retry_after=7.0)
        assert outcome.slow_down == (kind == "overloaded")

    async def test_fault_without_a_wait(self) -> None:
        """Nothing is made up."""
        outcome = await outcome_of(ProviderDown("openai", "x", kind="network"))

        assert (outcome.ending, outcome.refusal) == ("failed", None)

    @pytest.mark.parametrize(
        "kind", ["authentication", "unknown_model", "address", "money"]
    )
    async def test_operators_business(self, kind: str) -> None:
        """Closes the gate, with the reason."""
        outcome = await outcome_of(
            ProviderMisconfigured("openai", "the key is wrong", kind=kind)
        )

        assert (outcome.ending, outcome.reason) == ("blocked", "the key is wrong")

    @pytest.mark.parametrize("kind", ["refused", "blocked", "truncated"])
    async def test_unusable_answer(self, kind: str) -> None:
        """An answer all the same, and charged as one."""
        outcome = await outcome_of(
            AnswerUnusable("openai", "no", kind=kind, usage=asdict(USAGE))
        )

        assert outcome.ending == "answered"
        assert outcome.cost == Cost(tokens=900)

    @pytest.mark.parametrize("kind", ["too_long", "bad_request"])
    async def test_question_that_is_not_taken(self, kind: str) -> None:
        """Only this page's fault: the breaker does not hear of it."""
        outcome = await outcome_of(QuestionRefused("openai", "no", kind=kind))

        assert outcome.ending == "answered"
        assert outcome.cost is None

    async def test_cancelled_before_it_was_sent(self) -> None:
        """Costs nothing."""
        gate = ScriptedGate.made()

        await cancelled(gate, is_sent=False)

        assert gate.ended[0].ending == "unsent"

    async def test_cancelled_under_way(self) -> None:
        """Was sent, and is charged."""
        gate = ScriptedGate.made()

        await cancelled(gate, is_sent=True)

        (outcome,) = gate.ended
        assert outcome.ending == "abandoned"
        assert outcome.sent_after is not None

    async def test_bug_in_a_wire_keeps_no_permit(self) -> None:
        """Whatever is raised, the gate hears of the end."""

        async def answer(timing: Timing) -> Reply:
            raise TypeError(timing)

        gate = ScriptedGate.made()

        with pytest.raises(TypeError):
            await complete(ScriptedWire(answer), gate)

        assert len(gate.ended) == 1


async def cancelled(gate: ScriptedGate, *, is_sent: bool) -> None:
    """Cancel a call in the middle, and once more while the gate is told of it."""
    begun = asyncio.Event()

    async def answer(timing: Timing) -> Reply:
        timing.sent_at = time.monotonic() if is_sent else None
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(complete(ScriptedWire(answer), gate))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.01)
    assert len(gate.ended) == 1


class TestCost:
    """What is reserved before a call."""

    async def test_estimate_is_weighed_by_what_the_language_taught(self) -> None:
        """True tokens for each estimated one, as far as this process has heard."""
        gate = ScriptedGate.made(factor=1.25)

        await complete(replying(), gate)

        estimated = estimate_input(render(PROMPT, text_tokens=4000))
        assert gate.costs[0].tokens - 1 < 1.25 * estimated <= gate.costs[0].tokens

    async def test_upfront_charges_are_characters_and_all_that_may_be_written(
        self,
    ) -> None:
        """As OpenAI counts when a call comes in; the truth changes nothing of that."""
        gate = ScriptedGate.made(Limits(charges_upfront=True), factor=9.0)
        wire = replying()

        await complete(wire, gate)

        (question,) = wire.asked
        characters = len(question.instructions) + len(question.text)
        expected = characters / 4 + question.max_output_tokens + 2048
        assert expected <= gate.costs[0].tokens < expected + 1
        assert gate.ended[0].cost is None
        assert gate.ended[0].estimate_ratio is not None

    @pytest.mark.parametrize(
        ("limit", "kind"), [(1, "too_long"), (None, "quota"), (10**9, "quota")]
    )
    async def test_question_larger_than_a_quota_is_no_matter_of_time(
        self, limit: int | None, kind: str
    ) -> None:
        """Nobody waits for a minute that has room for it: there is none."""
        busy = ProviderBusy("openai", "429", kind="quota")
        violation = Violation(unit="tokens", window=60.0, limit=limit)
        wire = failing(busy, refusal=Refusal(violations=(violation,)))

        with pytest.raises(ProviderError) as caught:
            await complete(wire)

        assert caught.value.kind == kind

    @pytest.mark.parametrize(
        ("tpm", "room"), [(None, 4000), (100_000, 4000), (8000, 2000), (100, 200)]
    )
    async def test_question_leaves_room_for_others_in_a_minute(
        self, tpm: int | None, room: int
    ) -> None:
        """A small quota of tokens gets shorter questions, but never empty ones."""
        long = PageText(
            title="x", paragraphs=(), text="Deployment plan number one. " * 20_000
        )
        prompt = Prompt(
            page=long, language="en", candidates=(), max_labels=1, summary_language="en"
        )
        wire, gate = replying(), ScriptedGate.made(Limits(tpm=tpm))

        await RemoteProvider(wire, gate).complete(prompt, TURN)

        (question,) = wire.asked
        assert question == render(prompt, text_tokens=room)

    async def test_speed_is_told_as_the_gates(self) -> None:
        """For measurements: a tenth of a second is a minute and more."""

        async def answer(timing: Timing) -> Reply:
            timing.sent_at = time.monotonic()
            await asyncio.sleep(0.05)
            return Reply(text=ANSWER, usage=USAGE)

        gate = ScriptedGate.made()

        await complete(ScriptedWire(answer), gate, speed=1000.0)

        assert 50 <= gate.ended[0].took < 2000


class TestExchange:
    """What a receipt gets of a call."""

    async def test_question_and_reply_go_along_word_by_word(self) -> None:
        """As they went over the wire, with what was mended and dropped of it."""
        text = ANSWER.replace('"deployment"', '"salary"')
        wire = replying(text)

        completion = await complete(wire)

        (question,) = wire.asked
        exchange = completion.exchange
        assert exchange.instructions == question.instructions
        assert exchange.message == question.text
        assert exchange.schema == question.schema
        assert exchange.page_text == PROMPT.page.text
        assert exchange.page_text in exchange.message
        assert exchange.reply == text
        assert exchange.dropped == ("salary",)
        assert "label_unknown" in exchange.oddities
        assert exchange.prompt.candidates == PROMPT.candidates
        assert exchange.prompt.page.text == ""

    async def test_endless_reply_is_kept_up_to_where_it_is_read(self) -> None:
        """Nobody fills a database with one answer."""
        completion = await complete(replying(ANSWER + " " * 10**6))

        assert len(completion.exchange.reply) == MAX_REPLY

    async def test_reply_that_cannot_be_read_is_kept_too(self) -> None:
        """With the error, which does not quote it."""
        with pytest.raises(AnswerUnusable) as caught:
            await complete(replying(f"nonsense about {SECRET}"))

        exchange = caught.value.exchange
        assert isinstance(exchange, Exchange)
        assert exchange.reply == f"nonsense about {SECRET}"
        assert "Зарплата" not in repr(caught.value) + str(caught.value) + repr(exchange)

    @pytest.mark.parametrize("is_sent", [True, False])
    async def test_call_that_failed_keeps_what_was_sent(self, *, is_sent: bool) -> None:
        """And nothing, if nothing was."""
        error = ProviderDown("openai", "503", kind="overloaded")

        with pytest.raises(ProviderDown):
            await complete(failing(error, is_sent=is_sent))

        assert (error.exchange is not None) is is_sent
        if isinstance(error.exchange, Exchange):
            assert SECRET in error.exchange.message
            assert error.exchange.reply == ""

    async def test_reply_that_was_cut_short_is_kept_as_far_as_it_came(self) -> None:
        """It was paid for."""
        error = AnswerUnusable("openai", "cut short", kind="truncated")

        with pytest.raises(AnswerUnusable):
            await complete(failing(error, reply=f'{{"labels": [ {SECRET}'))

        assert isinstance(error.exchange, Exchange)
        assert error.exchange.reply == f'{{"labels": [ {SECRET}'

    async def test_call_that_was_held_sent_nothing(self) -> None:
        """Its quota is spent."""
        gate = ScriptedGate.made()
        gate.refuses = ProviderBusy("openai", "spent", kind="quota_wait")

        with pytest.raises(ProviderBusy) as caught:
            await complete(replying(), gate)

        assert caught.value.exchange is None


class TestSecrets:
    """What must not be told."""

    @pytest.mark.parametrize(
        "text", [ANSWER, "nonsense", ANSWER.replace("deployment", SECRET[:30])]
    )
    async def test_page_is_in_no_log_and_no_error(self, text: str) -> None:
        """Whatever the model repeats of it."""
        with capture_logs() as lines:
            task = asyncio.create_task(complete(replying(text)))
            await asyncio.wait([task])

        if ended := task.exception():
            assert isinstance(ended, AnswerUnusable)
            assert "Зарплата" not in repr(ended) + str(ended)
        assert "Зарплата" not in repr(lines)

    async def test_mended_answers_are_told_in_constant_words(self) -> None:
        """A label that was no candidate is counted, not quoted."""
        with capture_logs() as lines:
            await complete(replying(ANSWER.replace('"deployment"', '"salary"')))

        (line,) = [one for one in lines if one["event"] == "answer_mended"]
        assert line["dropped"] == 1
        assert "salary" not in repr(line)

    async def test_question_and_reply_hide_what_they_hold(self) -> None:
        """A traceback or a debugger's line is no leak either."""
        wire = replying()

        await complete(wire)

        reply = Reply(text=SECRET, usage=USAGE)
        assert "Зарплата" not in repr(wire.asked[0]) + repr(reply)

    async def test_provider_tells_its_name_model_and_pause(self) -> None:
        """What router and receipts ask for."""
        provider = RemoteProvider(replying(), ScriptedGate.made())

        assert (provider.name, provider.model) == ("openai", "gpt-6-luna")
        assert provider.held_for() == 0.0


class TestEstimate:
    """What a call costs at worst."""

    @pytest.mark.parametrize("factor", [1.0, 2.5])
    async def test_all_that_may_be_written_is_reckoned_with(
        self, factor: float
    ) -> None:
        """The input a little above what the language has taught, written to a cache."""
        gate = ScriptedGate.made(factor=factor)
        question = render(PROMPT, text_tokens=4000)

        worst = RemoteProvider(replying(), gate).estimate(PROMPT)

        read = estimate_input(question) * factor
        assert read * 1.1 <= worst.input_tokens <= read * 1.1 + 1
        assert worst.cache_write_tokens == worst.input_tokens
        assert worst.output_tokens == question.max_output_tokens + 2048
        assert worst.micro_usd == worst.output_tokens
