"""A provider behind a wire: question, pre-flight check, one call, answer, what it cost.

This is the only retry, and it is none: a call that failed is told to the gate, which
paces the next one, and to the router, which decides who that is.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

import structlog
from typing_extensions import override

from app.ai.answers import MAX_REPLY, Answer, AnswerMalformed, read_answer
from app.ai.estimates import estimate_input
from app.ai.gate import Gate
from app.ai.prompts import render
from app.ai.wire import CallFailed, Question, Reply, Timing, Wire
from app.domain.completions import Completion, Exchange, Prompt, Turn, Usage
from app.domain.quota.state import Permit
from app.domain.quota.values import Cost, Ending, Outcome, Refusal
from app.errors import (
    AnswerUnusable,
    ProviderError,
    ProviderMisconfigured,
    QuestionRefused,
)
from app.usecases.ai_ports import Provider

log = structlog.get_logger("ai_calls")

#: Page text in one question, in tokens as estimated: measured, more changes little.
TEXT_TOKENS = 4000
#: A question takes no more than this share of a minute's tokens.
_SHARE_OF_MINUTE = 0.25
_LEAST_TEXT = 200
#: What is set aside for the input is so much above the estimate: settling frees it.
_SAFETY = 1.1
#: OpenAI charges characters by four, and all that may be written, when a call comes in.
#: https://developers.openai.com/cookbook/examples/how_to_handle_rate_limits
_CHARACTERS_A_TOKEN = 4


@dataclass(slots=True, kw_only=True)
class _Call:
    """One call from its permit to its end."""

    prompt: Prompt
    question: Question
    estimated: int
    language: str
    permit: Permit
    began: float
    timing: Timing = field(default_factory=Timing)
    outcome: Outcome = field(default_factory=lambda: Outcome(ending="unsent"))

    def exchange(self, reply: str = "") -> Exchange | None:
        """Return what was sent, and what came back; None if nothing was sent."""
        if not reply and self.timing.sent_at is None:
            return None
        return Exchange(
            prompt=self.prompt.without_text(),
            instructions=self.question.instructions,
            message=self.question.text,
            schema=self.question.schema,
            page_text=self.question.page_text,
            reply=reply[:MAX_REPLY],
        )


class RemoteProvider(Provider):
    """Asks one model over the network, within its quotas."""

    def __init__(
        self,
        wire: Wire,
        gate: Gate,
        *,
        text_tokens: int = TEXT_TOKENS,
        waited: Callable[[str, float], None] = lambda _provider, _seconds: None,
        let_in: Callable[[str, int], None] = lambda _provider, _in_flight: None,
        speed: float = 1.0,
    ) -> None:
        """Take a wire and its gate; whoever opened them closes them.

        Args:
            wire: Who is asked.
            gate: Who says when.
            text_tokens: Page text in one question.
            waited: Called with the seconds of each pre-flight check.
            let_in: Called with the calls in flight when one more was let in.
            speed: As the gate's.
        """
        self._wire = wire
        self._gate = gate
        self._text_tokens = text_tokens
        self._waited = waited
        self._let_in = let_in
        self._speed = speed

    @property
    @override
    def name(self) -> str:
        return self._wire.provider

    @property
    @override
    def model(self) -> str:
        return self._wire.model

    @override
    def held_for(self) -> float:
        return self._gate.held_for()

    @override
    async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
        """Ask once, when there is leave to.

        Raises:
            ProviderError: There is no usable answer; it says what follows.
            Unavailable: The database cannot be asked for leave.
        """
        text_tokens = self._room_for_text()
        question = await asyncio.to_thread(render, prompt, text_tokens=text_tokens)
        estimated = estimate_input(question)
        asked = time.monotonic()
        cost = self._cost(question, estimated, prompt.language)
        permit = await self._gate.enter(cost, turn)
        self._waited(self.name, time.monotonic() - asked)
        self._let_in(self.name, permit.in_flight)
        call = _Call(
            prompt=prompt,
            question=question,
            estimated=estimated,
            language=prompt.language,
            permit=permit,
            began=time.monotonic(),
        )
        try:
            await turn.confirm()
            reply = await self._send(call)
        finally:
            # Told even if nobody waits for the answer any more: others wait for this.
            await asyncio.shield(self._gate.leave(permit, call.outcome))
        # A page of megabytes takes a while to look for evidence in.
        return await asyncio.to_thread(self._completion, call, reply)

    async def _send(self, call: _Call) -> Reply:
        try:
            reply = await self._wire.send(call.question, call.timing)
        except CallFailed as failed:
            call.outcome = self._failed(call, failed)
            error = self._named(call, failed)
            error.exchange = call.exchange(failed.reply)
            raise error from None
        except asyncio.CancelledError:
            if call.timing.sent_at is not None:
                call.outcome = self._ended(call, "abandoned")
            raise
        call.outcome = replace(
            self._ended(call, "answered"),
            shown=reply.shown,
            cost=self._true_cost(reply.usage),
            estimated=call.language,
            estimate_ratio=self._ratio(call, reply.usage),
        )
        return reply

    def _named(self, call: _Call, failed: CallFailed) -> ProviderError:
        """Return what a failure is: what no minute has room for is no matter of time."""
        quotas = failed.refusal.violations if failed.refusal else ()
        asked = call.permit.cost.tokens
        if any(
            one.unit == "tokens" and one.limit is not None and one.limit < asked
            for one in quotas
        ):
            reason = "the question is larger than a whole quota of tokens"
            return QuestionRefused(self.name, reason, kind="too_long")
        return failed.error

    def _failed(self, call: _Call, failed: CallFailed) -> Outcome:
        error = failed.error
        ending: Ending = "failed"
        if failed.refusal is not None:
            ending = "refused"
        elif isinstance(error, ProviderMisconfigured):
            ending = "blocked"
        elif error.verdict in ("fall_back", "give_up"):
            ending = "answered"
        refusal = failed.refusal
        if refusal is None and error.retry_after is not None:
            refusal = Refusal(retry_after=error.retry_after.total_seconds())
        usage = Usage(**error.usage)
        return replace(
            self._ended(call, ending),
            shown=failed.shown,
            refusal=refusal,
            slow_down=failed.slow_down,
            reason=error.reason,
            cost=self._true_cost(usage) if usage.input_tokens else None,
        )

    def _ended(self, call: _Call, ending: Ending) -> Outcome:
        sent_at = call.timing.sent_at
        return Outcome(
            ending=ending,
            took=(time.monotonic() - call.began) * self._speed,
            sent_after=(
                None
                if sent_at is None
                else max(0.0, sent_at - call.began) * self._speed
            ),
        )

    # ------------------------------------------------------------------ estimates

    @override
    def estimate(self, prompt: Prompt) -> Usage:
        question = render(prompt, text_tokens=self._room_for_text())
        factor = self._gate.factor(prompt.language) * _SAFETY
        read = math.ceil(estimate_input(question) * factor)
        return self._wire.priced(
            Usage(
                input_tokens=read,
                # Writing to the provider's cache costs more than reading anew.
                cache_write_tokens=read,
                output_tokens=question.max_output_tokens + self._wire.thinking_room,
            )
        )

    def _room_for_text(self) -> int:
        tpm = self._gate.tokens_a_minute
        if tpm is None:
            return self._text_tokens
        return max(_LEAST_TEXT, min(self._text_tokens, int(tpm * _SHARE_OF_MINUTE)))

    def _cost(self, question: Question, estimated: int, language: str) -> Cost:
        """Return what the call will be charged, as this provider charges."""
        if not self._gate.limits.charges_upfront:
            return Cost(tokens=math.ceil(estimated * self._gate.factor(language)))
        characters = len(question.instructions) + len(question.text)
        read = math.ceil(characters / _CHARACTERS_A_TOKEN)
        written = question.max_output_tokens + self._wire.thinking_room
        return Cost(tokens=read + written)

    def _true_cost(self, usage: Usage) -> Cost | None:
        if self._gate.limits.charges_upfront:
            return None
        return Cost(tokens=usage.input_tokens)

    def _ratio(self, call: _Call, usage: Usage) -> float | None:
        if not usage.input_tokens or not call.estimated:
            return None
        return usage.input_tokens / call.estimated

    # ------------------------------------------------------------------ the answer

    def _completion(self, call: _Call, reply: Reply) -> Completion:
        exchange = call.exchange(reply.text)
        try:
            answer = read_answer(reply.text, call.prompt)
        except AnswerMalformed as error:
            unusable = AnswerUnusable(
                self.name,
                f"the answer is malformed: {error.reason}",
                kind="malformed",
                usage=asdict(reply.usage),
            )
            unusable.exchange = exchange
            raise unusable from None
        self._tell_oddities(answer)
        return Completion(
            labels=answer.labels,
            summary=answer.summary,
            language=answer.language,
            provider=self.name,
            model=self.model,
            usage=reply.usage,
            proposals=answer.proposals,
            sources=answer.sources,
            oddities=answer.oddities,
            exchange=exchange
            and replace(exchange, oddities=answer.oddities, dropped=answer.dropped),
        )

    def _tell_oddities(self, answer: Answer) -> None:
        if answer.oddities:
            log.info(
                "answer_mended",
                provider=self.name,
                model=self.model,
                oddities=list(answer.oddities),
                dropped=len(answer.dropped),
            )
