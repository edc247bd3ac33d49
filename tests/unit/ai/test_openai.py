"""Tests for app.ai.openai with its SDK, over real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from app.ai.openai import BASE_URL, OpenAiWire
from app.ai.wire import CallFailed, Reply, Timing
from app.domain.completions import Usage
from app.domain.quota.values import DAY, MINUTE, Refusal, Shown, Violation
from app.errors import (
    AnswerUnusable,
    ConfigurationError,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderMisconfigured,
    QuestionRefused,
)
from tests.unit.ai.provider_server import (
    KEY,
    MODELS,
    PAGE_TEXT,
    QUESTION,
    Answering,
    Asked,
    ProviderServer,
    Say,
    serving,
)

pytestmark = pytest.mark.anyio

MODEL = "gpt-6-luna"
TEXT = '{"summary": "Зарплати"}'


def response(text: str = TEXT, **others: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "error": None,
        "output": [
            {"type": "reasoning", "summary": []},
            {"type": "message", "role": "assistant", "content": [part]},
        ],
        "usage": {
            "input_tokens": 1000,
            "input_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 200},
            "output_tokens": 50,
            "output_tokens_details": {"reasoning_tokens": 10},
            "total_tokens": 1050,
        },
        **others,
    }


def chat(text: str | None = TEXT, **others: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 70, "completion_tokens": 9, "total_tokens": 79},
        **others,
    }


def refusal(status: int, **error: Any) -> Say:
    return Say(body={"error": error}, status=status)


@asynccontextmanager
async def wired(
    answering: Answering, *, model: str = MODEL, key: str = KEY, **others: Any
) -> AsyncIterator[tuple[OpenAiWire, ProviderServer]]:
    async with serving(answering) as server:
        wire = OpenAiWire(
            key, model=model, models=MODELS, base_url=f"{server.origin}/v1", **others
        )
        try:
            yield wire, server
        finally:
            await wire.close()


async def failure(answer: Say | None, **others: Any) -> CallFailed:
    """Return how a call fails that is answered so; it must be sent once only."""
    async with wired(lambda _: answer, **others) as (wire, server):
        with pytest.raises(CallFailed) as caught:
            await wire.send(QUESTION, Timing())
    assert len(server.asked) == 1
    assert caught.value.__context__ is caught.value.__cause__ is None
    told = f"{caught.value} {caught.value!r} {caught.value.error!r}"
    for secret in (KEY, KEY[:10], PAGE_TEXT, QUESTION.instructions):
        assert secret not in told
    return caught.value


class TestQuestion:
    """What is sent."""

    async def test_one_strict_request(self) -> None:
        """Instructions apart from the page, a strict schema, no thinking, no memory."""
        async with wired(lambda _: Say(body=response())) as (wire, server):
            await wire.send(QUESTION, Timing())

        (asked,) = server.asked
        assert (asked.method, asked.path) == ("POST", "/v1/responses")
        assert asked.body == {
            "model": MODEL,
            "instructions": QUESTION.instructions,
            "input": PAGE_TEXT,
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "answer",
                    "strict": True,
                    "schema": QUESTION.schema,
                }
            },
            "max_output_tokens": QUESTION.max_output_tokens,
            "reasoning": {"effort": "none"},
            "temperature": 0,
            "prompt_cache_key": "tenant-1",
            "store": False,
        }

    async def test_key_is_in_a_header_only(self) -> None:
        """And nothing of the environment comes along."""
        async with wired(lambda _: Say(body=response())) as (wire, server):
            await wire.send(QUESTION, Timing())

        (asked,) = server.asked
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in asked.path + json.dumps(asked.body)

    async def test_environment_changes_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The SDK would take keys, projects and addresses from there."""
        for name in ("API_KEY", "ORG_ID", "PROJECT_ID", "BASE_URL"):
            monkeypatch.setenv(f"OPENAI_{name}", "http://127.0.0.1:1/foreign")
        async with wired(lambda _: Say(body=response()), key="") as (wire, server):
            await wire.send(QUESTION, Timing())

        assert "foreign" not in json.dumps(dict(server.asked[0].headers))

    async def test_unknown_model_gets_room_to_think(self) -> None:
        """Nothing is sent that it might refuse."""
        async with wired(lambda _: Say(body=response()), model="new-1") as (
            wire,
            server,
        ):
            await wire.send(QUESTION, Timing())

        body = server.asked[0].body
        assert body["max_output_tokens"] == 300 + 2048
        assert "reasoning" not in body
        assert "temperature" not in body

    async def test_room_to_think_can_be_set(self) -> None:
        """It is counted by some providers when the call arrives."""
        async with wired(
            lambda _: Say(body=response()), model="new-1", thinking_room=64
        ) as (wire, server):
            await wire.send(QUESTION, Timing())

        assert server.asked[0].body["max_output_tokens"] == 364

    async def test_openai_itself_wants_a_key(self) -> None:
        """A server of one's own does not."""
        with pytest.raises(ConfigurationError, match="OPENAI_API_KEY: is required"):
            OpenAiWire("", model=MODEL, models=MODELS, base_url=f"{BASE_URL}/")


class TestReply:
    """What comes back."""

    async def test_text_usage_and_limits(self) -> None:
        """All parts of the text, every kind of token, both limits, and the cost."""
        headers = {
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-limit-tokens": "nonsense",
        }
        timing = Timing()
        before = time.monotonic()
        async with wired(
            lambda _: Say(body=response(), headers=headers, after=0.1)
        ) as (
            wire,
            _,
        ):
            reply = await wire.send(QUESTION, timing)

        assert reply == Reply(
            text=TEXT,
            usage=Usage(
                input_tokens=1000,
                cached_tokens=600,
                cache_write_tokens=200,
                output_tokens=50,
                thinking_tokens=10,
                micro_usd=76,
            ),
            shown=(Shown(unit="requests", limit=60, remaining=59, reset=1),),
        )
        assert timing.sent_at is not None
        assert before < timing.sent_at < time.monotonic() - 0.09
        assert TEXT not in repr(reply)

    async def test_huge_answer_is_read(self) -> None:
        """A megabyte of text is the parser's business."""
        async with wired(lambda _: Say(body=response("ї" * 500_000))) as (wire, _):
            reply = await wire.send(QUESTION, Timing())

        assert len(reply.text) == 500_000

    @pytest.mark.parametrize(
        "usage",
        [
            None,
            [],
            "many",
            {"input_tokens": "9", "output_tokens": None, "input_tokens_details": 5},
            {"input_tokens": -9, "output_tokens": True},
        ],
    )
    async def test_broken_usage_counts_as_none(self, usage: Any) -> None:
        """The answer is worth having all the same."""
        async with wired(lambda _: Say(body=response(usage=usage))) as (wire, _):
            reply = await wire.send(QUESTION, Timing())

        assert reply.usage == Usage()


def incomplete(reason: str) -> dict[str, Any]:
    return response(status="incomplete", incomplete_details={"reason": reason})


def failed(code: str, message: str = "") -> dict[str, Any]:
    return response(status="failed", error={"code": code, "message": message})


def refusing() -> dict[str, Any]:
    part = {"type": "refusal", "refusal": f"I will not read {PAGE_TEXT}"}
    return response(output=[{"type": "message", "content": [part]}])


class TestUnusable:
    """Status 200 that helps nobody."""

    @pytest.mark.parametrize(
        ("body", "error", "kind"),
        [
            (incomplete("max_output_tokens"), AnswerUnusable, "truncated"),
            (incomplete("steered"), AnswerUnusable, "truncated"),
            (incomplete("content_filter"), AnswerUnusable, "blocked"),
            (refusing(), AnswerUnusable, "refused"),
            (response(""), AnswerUnusable, "malformed"),
            (response(" \n"), AnswerUnusable, "malformed"),
            (response(output=[]), AnswerUnusable, "malformed"),
            (response(output="none"), AnswerUnusable, "malformed"),
            (response(output=[None, {"content": [5]}]), AnswerUnusable, "malformed"),
            (response(status="cancelled"), ProviderDown, "unknown"),
            (failed("server_error"), ProviderDown, "server_error"),
            (failed("rate_limit_exceeded"), ProviderBusy, "rate_limited"),
            (failed("invalid_prompt"), AnswerUnusable, "blocked"),
            (failed("bio_policy"), AnswerUnusable, "blocked"),
            (failed("insufficient_quota"), ProviderMisconfigured, "money"),
            (failed("context_length_exceeded"), QuestionRefused, "too_long"),
            (failed("novelty"), ProviderDown, "unknown"),
            (response(status="failed"), ProviderDown, "unknown"),
        ],
    )
    async def test_answer_is_named(
        self, body: Any, error: type[ProviderError], kind: str
    ) -> None:
        """By who must act, with what it cost."""
        found = (await failure(Say(body=body))).error

        assert (type(found), found.kind) == (error, kind)

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (incomplete("max_output_tokens"), TEXT),
            (incomplete("content_filter"), TEXT),
            (refusing(), f"I will not read {PAGE_TEXT}"),
            (response(""), ""),
        ],
    )
    async def test_what_came_all_the_same_is_kept_apart(
        self, body: Any, said: str
    ) -> None:
        """For the receipt: no error says a word of it."""
        found = await failure(Say(body=body))

        assert found.reply == said
        assert PAGE_TEXT not in str(found) + str(found.error) + repr(found.error)

    async def test_cost_of_a_truncated_answer_is_told(self) -> None:
        """It was paid for."""
        found = (await failure(Say(body=incomplete("max_output_tokens")))).error

        assert found.usage["output_tokens"] == 50
        assert found.usage["micro_usd"] == 76
        assert Usage(**found.usage).input_tokens == 1000

    async def test_limit_within_a_success_is_a_refusal(self) -> None:
        """Quotas learn from it as from a 429."""
        message = (
            "Rate limit reached on tokens per min (TPM): Limit 30000, Used 29000. "
            "Please try again in 2s."
        )

        found = await failure(Say(body=failed("rate_limit_exceeded", message)))

        assert found.refusal == Refusal(
            retry_after=2,
            violations=(Violation(unit="tokens", window=MINUTE, limit=30000),),
        )
        assert found.error.retry_after == timedelta(seconds=2)


RPM = (
    "Rate limit reached for gpt-6-luna in organization org-1 on requests per min "
    "(RPM): Limit 60, Used 60, Requested 1. Please try again in 18.642s."
)
RPD = (
    "Rate limit reached for gpt-6-luna on requests per day (RPD): Limit 10000, Used "
    "10000, Requested 1. Please try again in 8.64s."
)
LARGE = (
    "Request too large for gpt-6-luna on tokens per min (TPM): Limit 10000, "
    "Requested 12000."
)
ECHO = f"Incorrect API key provided: {KEY[:12]}***. {PAGE_TEXT}"


class TestQuota:
    """429, and what it means."""

    async def test_minute(self) -> None:
        """How long, for which limit, and what the headers showed all the same."""
        answer = Say(
            body={
                "error": {
                    "message": RPM,
                    "type": "requests",
                    "param": None,
                    "code": "rate_limit_exceeded",
                }
            },
            status=429,
            headers={
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "60s",
            },
        )

        found = await failure(answer)

        assert type(found.error) is ProviderBusy
        assert found.error.kind == "rate_limited"
        assert found.refusal == Refusal(
            retry_after=18.642,
            violations=(Violation(unit="requests", window=MINUTE, limit=60),),
        )
        assert found.shown == (Shown(unit="requests", limit=60, remaining=0, reset=60),)
        assert not found.slow_down

    async def test_header_is_finer_than_the_sentence(self) -> None:
        """Milliseconds."""
        answer = Say(
            body={"error": {"message": RPM, "type": "requests"}},
            status=429,
            headers={"retry-after-ms": "18650", "retry-after": "19"},
        )

        found = await failure(answer)

        assert found.refusal is not None
        assert found.refusal.retry_after == 18.65

    async def test_day(self) -> None:
        """Another kind: the operator sees that it is the day's."""
        found = await failure(refusal(429, message=RPD, type="requests"))

        assert found.error.kind == "quota_of_the_day"
        assert found.refusal is not None
        assert found.refusal.violations == (
            Violation(unit="requests", window=DAY, limit=10_000),
        )

    async def test_call_larger_than_the_limit_is_not_waited_for(self) -> None:
        """No minute will ever be long enough; the limit is learned all the same."""
        found = await failure(refusal(429, message=LARGE, type="tokens"))

        assert (type(found.error), found.error.kind) == (QuestionRefused, "too_long")
        assert found.refusal is not None
        assert found.refusal.violations[0].limit == 10_000

    @pytest.mark.parametrize(
        "error",
        [
            {"type": "insufficient_quota", "code": "insufficient_quota"},
            {"type": "insufficient_quota", "code": "credit_balance_exhausted"},
            {"type": "x", "code": "billing_hard_limit_reached"},
            {"type": "x", "code": "monthly_spend_limit_reached"},
            {"type": "requests", "message": "on requests per day (RPD): Limit 0, Us"},
        ],
    )
    async def test_money_is_not_waited_for(self, error: Mapping[str, str]) -> None:
        """No wait buys credit."""
        found = await failure(refusal(429, **{"message": ECHO, **error}))

        assert type(found.error) is ProviderMisconfigured
        assert found.error.kind == "money"
        assert found.refusal is None

    async def test_slow_down_is_no_quota(self) -> None:
        """Traffic grew too quickly inside the limits."""
        answer = Say(
            body={"error": {"type": "rate_limit_error", "code": "slow_down"}},
            status=429,
            headers={"retry-after": "7"},
        )

        found = await failure(answer)

        assert (type(found.error), found.error.kind) == (ProviderDown, "overloaded")
        assert found.slow_down
        assert found.refusal is None
        assert found.error.retry_after == timedelta(seconds=7)

    @pytest.mark.parametrize("body", [{}, [], None, b"<html>busy</html>", "busy"])
    async def test_refusal_without_words(self, body: Any) -> None:
        """A gateway's own: a refusal, and nothing more is known."""
        found = await failure(Say(body=body, status=429))

        assert found.error.kind == "rate_limited"
        assert found.refusal == Refusal()


class TestRefusals:
    """All other statuses."""

    @pytest.mark.parametrize(
        ("status", "error", "expected", "kind"),
        [
            (401, {"code": "invalid_api_key"}, ProviderMisconfigured, "authentication"),
            (401, {}, ProviderMisconfigured, "authentication"),
            (400, {"code": "invalid_api_key"}, ProviderMisconfigured, "authentication"),
            (
                403,
                {"code": "unsupported_country"},
                ProviderMisconfigured,
                "authentication",
            ),
            (
                403,
                {"code": "account_suspended"},
                ProviderMisconfigured,
                "authentication",
            ),
            (403, {"code": "model_not_found"}, ProviderMisconfigured, "unknown_model"),
            (404, {"code": "model_not_found"}, ProviderMisconfigured, "unknown_model"),
            (402, {}, ProviderMisconfigured, "money"),
            (400, {"code": "context_length_exceeded"}, QuestionRefused, "too_long"),
            (413, {}, QuestionRefused, "too_long"),
            (400, {"code": "invalid_value"}, QuestionRefused, "bad_request"),
            (422, {}, QuestionRefused, "bad_request"),
            (400, {"code": "content_filter"}, AnswerUnusable, "blocked"),
            (400, {"code": "invalid_prompt"}, AnswerUnusable, "blocked"),
            (408, {}, ProviderDown, "timeout"),
            (409, {}, ProviderDown, "unknown"),
            (418, {}, ProviderDown, "unknown"),
            (500, {}, ProviderDown, "server_error"),
            (502, {}, ProviderDown, "server_error"),
            (504, {}, ProviderDown, "timeout"),
            (520, {}, ProviderDown, "server_error"),
        ],
    )
    async def test_status_is_named(
        self,
        status: int,
        error: Mapping[str, str],
        expected: type[ProviderError],
        kind: str,
    ) -> None:
        """By who must act; what the provider says is not passed on."""
        found = (await failure(refusal(status, message=ECHO, **error))).error

        assert (type(found), found.kind) == (expected, kind)
        assert str(status) in str(found)
        assert "Incorrect" not in str(found)

    @pytest.mark.parametrize("status", [503, 529])
    async def test_overload_asks_for_less(self, status: int) -> None:
        """No quota, but a reason to slow down."""
        found = await failure(refusal(status, code="server_is_overloaded"))

        assert found.error.kind == "overloaded"
        assert found.slow_down
        assert "server_is_overloaded" in str(found)

    async def test_code_that_is_no_word_is_not_passed_on(self) -> None:
        """A gateway may put anything there."""
        found = await failure(refusal(500, code=KEY, type=PAGE_TEXT))

        assert str(found) == "openai: does not answer properly: HTTP 500"

    async def test_model_that_is_gone_names_its_successor(self) -> None:
        """What to write into the settings."""
        answer = refusal(404, code="model_not_found", message="no such model")

        found = (await failure(answer, model="gpt-4-turbo")).error

        assert "gpt-4-turbo is shut down; use gpt-6-luna" in str(found)

    async def test_default_model_is_not_advised_in_its_own_place(self) -> None:
        """The key may not see it."""
        found = (await failure(refusal(404, code="model_not_found"))).error

        assert str(found).count(MODEL) == 1
        assert "not for this key" in str(found)

    @pytest.mark.parametrize("status", [301, 307, 308])
    async def test_redirect_is_told_to_the_operator(self, status: int) -> None:
        """It is not followed: key and page would travel along."""
        async with serving(lambda _: Say(body={})) as elsewhere:
            answer = Say(body={}, status=status, headers={"location": elsewhere.origin})

            found = (await failure(answer)).error

        assert (type(found), found.kind) == (ProviderMisconfigured, "address")
        assert elsewhere.asked == []


class TestBrokenWay:
    """No answer at all."""

    async def test_timeout(self) -> None:
        """The whole call is bounded."""
        found = await failure(Say(body=response(), after=5), timeout=0.15)

        assert (type(found.error), found.error.kind) == (ProviderDown, "timeout")

    async def test_hang_up(self) -> None:
        """Before the first byte."""
        found = await failure(None)

        assert (type(found.error), found.error.kind) == (ProviderDown, "network")

    async def test_half_an_answer(self) -> None:
        """After the first bytes of the body."""
        found = await failure(Say(body=response(), cut=20))

        assert (type(found.error), found.error.kind) == (ProviderDown, "network")

    @pytest.mark.parametrize("status", [200, 400])
    async def test_what_nobody_thought_of(self, status: int) -> None:
        """Brackets without an end break the decoder, and nothing else."""
        found = await failure(Say(body=b"[" * 200_000, status=status))

        assert (type(found.error), found.error.kind) == (ProviderDown, "unknown")

    async def test_nobody_listens(self) -> None:
        """And so nothing was sent."""
        async with serving(lambda _: None) as server:
            gone = server.origin
        wire = OpenAiWire(KEY, model=MODEL, models=MODELS, base_url=f"{gone}/v1")
        timing = Timing()

        with pytest.raises(CallFailed) as caught:
            await wire.send(QUESTION, timing)
        await wire.close()

        assert caught.value.error.kind == "network"
        assert timing.sent_at is None

    async def test_cancelling_is_no_failure(self) -> None:
        """The process stops; nobody is blamed."""
        async with wired(lambda _: Say(body=response(), after=5)) as (wire, _):
            call = asyncio.create_task(wire.send(QUESTION, Timing()))
            await asyncio.sleep(0.05)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    async def test_log_holds_no_secret(self, caplog: pytest.LogCaptureFixture) -> None:
        """Not even where the libraries tell all they can."""
        # Whoever configured logs in this process before may have silenced them.
        for name in (None, "httpx2", "httpcore2", "openai", "google_genai"):
            caplog.set_level(logging.DEBUG, logger=name)
        async with wired(lambda _: refusal(401, message=ECHO)) as (wire, _):
            with pytest.raises(CallFailed):
                await wire.send(QUESTION, Timing())

        assert caplog.text
        for secret in (KEY, KEY[:12], PAGE_TEXT):
            assert secret not in caplog.text


def only_chat(*, schema: bool = True, absent: int = 404) -> Callable[[Asked], Say]:
    """Return a server without the Responses API, and perhaps without schemas."""

    def answering(asked: Asked) -> Say:
        if asked.path != "/v1/chat/completions":
            return Say(body={"detail": "Not Found"}, status=absent)
        kind = asked.body["response_format"]["type"]
        if kind == "json_schema" and not schema:
            return refusal(500, message="unsupported response_format")
        return Say(body=chat())

    return answering


class TestDiscovery:
    """Servers that only speak like OpenAI."""

    @pytest.mark.parametrize("absent", [404, 405, 501])
    async def test_chat_is_found_once(self, absent: int) -> None:
        """The first question finds it; the next ones go there at once."""
        async with wired(only_chat(absent=absent), model="qwen") as (wire, server):
            replies = [await wire.send(QUESTION, Timing()) for _ in range(3)]

        assert [one.text for one in replies] == [TEXT] * 3
        assert replies[0].usage == Usage(input_tokens=70, output_tokens=9)
        assert server.paths == ["/v1/responses"] + ["/v1/chat/completions"] * 3
        body = server.asked[1].body
        assert body["messages"] == [
            {"role": "system", "content": QUESTION.instructions},
            {"role": "user", "content": PAGE_TEXT},
        ]
        assert body["response_format"]["json_schema"]["schema"] == QUESTION.schema
        assert body["response_format"]["json_schema"]["strict"] is True
        assert body["temperature"] == 0
        assert "store" not in body

    async def test_schema_is_told_where_it_cannot_be_enforced(self) -> None:
        """In the instructions, after what never changes."""
        async with wired(only_chat(schema=False), model="qwen") as (wire, server):
            await wire.send(QUESTION, Timing())
            await wire.send(QUESTION, Timing())

        assert len(server.asked) == 4
        body = server.asked[-1].body
        assert body["response_format"] == {"type": "json_object"}
        told = body["messages"][0]["content"]
        assert told.startswith(QUESTION.instructions)
        assert json.dumps(QUESTION.schema, ensure_ascii=False) in told

    async def test_calls_at_once_find_it_together(self) -> None:
        """One finds out, the others wait and follow."""
        async with wired(only_chat(schema=False), model="qwen") as (wire, server):
            calls = (wire.send(QUESTION, Timing()) for _ in range(8))
            replies = await asyncio.gather(*calls)

        assert len(replies) == 8
        assert server.paths.count("/v1/responses") == 1
        assert len(server.asked) == 2 + 8

    async def test_server_with_responses_is_asked_nothing_else(self) -> None:
        """No request is lost on finding out."""
        async with wired(lambda _: Say(body=response()), model="qwen") as (
            wire,
            server,
        ):
            await wire.send(QUESTION, Timing())
            await wire.send(QUESTION, Timing())

        assert server.paths == ["/v1/responses"] * 2

    @pytest.mark.parametrize("body", [{"error": "Unexpected endpoint"}, b"<html/>"])
    async def test_success_for_everything_is_no_responses_api(self, body: Any) -> None:
        """Some answer 200 with an error, or with their front page."""

        def answering(asked: Asked) -> Say:
            return Say(body=chat() if "chat" in asked.path else body)

        async with wired(answering, model="qwen") as (wire, server):
            assert (await wire.send(QUESTION, Timing())).text == TEXT

        assert len(server.asked) == 2

    async def test_nothing_is_learned_from_a_failure(self) -> None:
        """A server that starts up is found out later."""
        answers = [Say(body={}, status=404), Say(body={}, status=503)]
        answers += [Say(body=response())] * 2
        async with wired(lambda _: answers.pop(0), model="qwen") as (wire, server):
            with pytest.raises(CallFailed) as caught:
                await wire.send(QUESTION, Timing())
            await wire.send(QUESTION, Timing())
            await wire.send(QUESTION, Timing())

        assert caught.value.error.kind == "overloaded"
        assert server.paths[2:] == ["/v1/responses"] * 2

    @pytest.mark.parametrize(
        ("status", "message"),
        [
            (404, "model 'qwen' not found, try pulling it first"),
            (404, "The model `Qwen` does not exist."),
            (400, "Invalid model name passed in model=qwen."),
            (400, "The model `x` does not exist or you have no access to it."),
        ],
    )
    async def test_unknown_model_is_not_taken_for_a_missing_api(
        self, status: int, message: str
    ) -> None:
        """Servers of local models answer 404 to both, gateways say 400."""
        found = (await failure(refusal(status, message=message), model="qwen")).error

        assert (type(found), found.kind) == (ProviderMisconfigured, "unknown_model")

    async def test_wrong_address_is_told(self) -> None:
        """Neither API is there: the base URL is wrong."""
        async with wired(lambda _: Say(body=b"nope", status=404)) as (wire, server):
            with pytest.raises(CallFailed) as caught:
                await wire.send(QUESTION, Timing())

        assert caught.value.error.kind == "address"
        assert "base URL" in str(caught.value)
        assert len(server.asked) == 2

    async def test_too_long_a_page_is_not_asked_in_another_way(self) -> None:
        """The next way would not make it shorter."""

        def answering(asked: Asked) -> Say:
            if "chat" not in asked.path:
                return Say(body={}, status=404)
            message = "This model's maximum context length is 4096 tokens."
            return refusal(400, message=message, type="BadRequestError")

        async with wired(answering, model="qwen") as (wire, server):
            with pytest.raises(CallFailed) as caught:
                await wire.send(QUESTION, Timing())

        assert caught.value.error.kind == "too_long"
        assert len(server.asked) == 2

    @pytest.mark.parametrize(
        ("choice", "kind"),
        [
            ({"finish_reason": "length", "message": {"content": "{"}}, "truncated"),
            ({"finish_reason": "content_filter", "message": {}}, "blocked"),
            ({"finish_reason": "stop", "message": {"refusal": "No."}}, "refused"),
            ({"finish_reason": "stop", "message": {"content": None}}, "malformed"),
            ({"finish_reason": "stop", "message": None}, "malformed"),
            (None, "malformed"),
        ],
    )
    async def test_unusable_chat(self, choice: Any, kind: str) -> None:
        """As with responses."""

        def answering(asked: Asked) -> Say:
            if "chat" not in asked.path:
                return Say(body={}, status=404)
            return Say(body=chat(choices=[choice]))

        async with wired(answering, model="qwen") as (wire, _):
            with pytest.raises(CallFailed) as caught:
                await wire.send(QUESTION, Timing())

        assert type(caught.value.error) is AnswerUnusable
        assert caught.value.error.kind == kind
        assert caught.value.error.usage["output_tokens"] == 9


class TestCheck:
    """The doctor's line; no tokens are spent."""

    async def test_known_model(self) -> None:
        """One GET of the model."""
        async with wired(lambda _: Say(body={"id": MODEL})) as (wire, server):
            line = await wire.check()

        assert line.endswith(f"knows {MODEL}")
        assert [(one.method, one.path) for one in server.asked] == [
            ("GET", f"/v1/models/{MODEL}")
        ]

    @pytest.mark.parametrize(
        ("listed", "expected"),
        [
            ([{"id": "qwen"}], "knows qwen"),
            ([{"id": "a"}, {"id": "b\x1b"}, None], "qwen is not listed, but a"),
            ([], "qwen is not listed, but no models"),
        ],
    )
    async def test_server_that_only_lists(self, listed: Any, expected: str) -> None:
        """A server of one's own: one model more or less is no reason to refuse."""

        def answering(asked: Asked) -> Say:
            if asked.path == "/v1/models":
                return Say(body={"object": "list", "data": listed})
            return Say(body={}, status=404)

        async with wired(answering, model="qwen", key="") as (wire, _):
            line = await wire.check()

        assert expected in line
        assert line.isprintable()

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (refusal(401, message=ECHO), "authentication"),
            (refusal(404, message="nothing"), "address"),
            (refusal(500), "server_error"),
            (Say(body=b"<html/>"), "address"),
            (None, "network"),
        ],
    )
    async def test_what_is_wrong(self, answer: Say | None, kind: str) -> None:
        """Named as for a call."""
        async with wired(lambda _: answer) as (wire, _):
            with pytest.raises(CallFailed) as caught:
                await wire.check()

        assert caught.value.error.kind == kind
        assert KEY[:12] not in str(caught.value)

    async def test_names(self) -> None:
        """As receipts show them."""
        async with wired(lambda _: None) as (wire, _):
            assert (wire.provider, wire.model) == ("openai", MODEL)
