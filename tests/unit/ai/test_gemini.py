"""Tests for app.ai.gemini with its SDK, over real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from app.ai.gemini import GeminiWire
from app.ai.wire import CallFailed, Reply, Timing
from app.domain.completions import Usage
from app.domain.quota.values import DAY, MINUTE, Refusal, Violation
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
    ProviderServer,
    Say,
    serving,
)

pytestmark = pytest.mark.anyio

MODEL = "gemini-3.5-flash-lite"
TEXT = '{"summary": "Зарплати"}'
ECHO = f"API key {KEY[:12]}*** not valid for model. {PAGE_TEXT}"


def answer(text: str = TEXT, reason: str = "STOP", **others: Any) -> dict[str, Any]:
    parts = [{"text": "Hm.", "thought": True}, {"text": text[:5]}, {"text": text[5:]}]
    return {
        "candidates": [
            {"content": {"role": "model", "parts": parts}, "finishReason": reason}
        ],
        "usageMetadata": {
            "promptTokenCount": 1000,
            "cachedContentTokenCount": 600,
            "candidatesTokenCount": 40,
            "thoughtsTokenCount": 10,
            "totalTokenCount": 1050,
        },
        "modelVersion": MODEL,
        **others,
    }


def refusal(
    status: int, state: str = "", message: str = ECHO, details: Any = None
) -> Say:
    error = {"code": status, "message": message, "status": state}
    if details is not None:
        error["details"] = details
    return Say(body={"error": error}, status=status)


def quota(*violations: dict[str, Any], delay: str = "") -> list[dict[str, Any]]:
    return [
        {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": list(violations),
        },
        {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"url": "x"}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]


PER_MINUTE = {
    "quotaMetric": "generativelanguage.googleapis.com/generate_requests",
    "quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
    "quotaDimensions": {"model": MODEL, "location": "global"},
    "quotaValue": "15",
}
PER_DAY = {
    "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
    "quotaValue": "250",
}
TOKENS = {
    "quotaId": "GenerateContentPaidTierInputTokensPerModelPerMinute",
    "quotaValue": "250000",
}


@asynccontextmanager
async def wired(
    answering: Answering, *, model: str = MODEL, **others: Any
) -> AsyncIterator[tuple[GeminiWire, ProviderServer]]:
    async with serving(answering) as server:
        wire = GeminiWire(
            KEY, model=model, models=MODELS, base_url=server.origin, **others
        )
        try:
            yield wire, server
        finally:
            await wire.close()


async def failure(say: Say | None, **others: Any) -> CallFailed:
    """Return how a call fails that is answered so; it must be sent once only."""
    async with wired(lambda _: say, **others) as (wire, server):
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

    async def test_one_request(self) -> None:
        """Instructions apart from the page, the schema as it is, least thinking."""
        async with wired(lambda _: Say(body=answer())) as (wire, server):
            await wire.send(QUESTION, Timing())

        (asked,) = server.asked
        assert asked.method == "POST"
        assert asked.path == f"/v1beta/models/{MODEL}:generateContent"
        assert asked.headers["x-goog-api-key"] == KEY
        assert KEY not in asked.path + json.dumps(asked.body)
        body = asked.body
        assert body["systemInstruction"]["parts"] == [{"text": QUESTION.instructions}]
        assert body["contents"] == [{"role": "user", "parts": [{"text": PAGE_TEXT}]}]
        assert body["generationConfig"] == {
            "responseMimeType": "application/json",
            "responseJsonSchema": QUESTION.schema,
            "maxOutputTokens": 300 + 512,
            "thinkingConfig": {"thinking_level": "MINIMAL"},
        }
        assert "tools" not in body

    @pytest.mark.parametrize(
        ("model", "expected"),
        [
            (
                "gemini-2.5-flash-lite",
                {
                    "maxOutputTokens": 300,
                    "temperature": 0,
                    "thinkingConfig": {"thinking_budget": 0},
                },
            ),
            ("gemini-9-novel", {"maxOutputTokens": 300 + 2048}),
        ],
    )
    async def test_thinking_is_turned_down_as_the_model_takes_it(
        self, model: str, expected: dict[str, Any]
    ) -> None:
        """By budget, by level, or not at all where nothing is known."""
        async with wired(lambda _: Say(body=answer()), model=model) as (wire, server):
            await wire.send(QUESTION, Timing())

        config = server.asked[0].body["generationConfig"]
        del config["responseMimeType"], config["responseJsonSchema"]
        assert config == expected

    async def test_room_to_think_can_be_set(self) -> None:
        """In place of what is known."""
        async with wired(lambda _: Say(body=answer()), thinking_room=0) as (
            wire,
            server,
        ):
            await wire.send(QUESTION, Timing())

        config = server.asked[0].body["generationConfig"]
        assert config["maxOutputTokens"] == 300

    async def test_environment_changes_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The SDK would take keys, hosts and the whole product from there."""
        monkeypatch.setenv("GOOGLE_API_KEY", "foreign")
        monkeypatch.setenv("GEMINI_API_KEY", "foreign")
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v9")
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("GOOGLE_GENAI_HTTP_CLIENT", "httpx")
        async with wired(lambda _: Say(body=answer())) as (wire, server):
            await wire.send(QUESTION, Timing())

        (asked,) = server.asked
        assert asked.headers["x-goog-api-key"] == KEY
        assert asked.path.startswith("/v1beta/models/")

    async def test_key_is_required(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Though the environment has one."""
        monkeypatch.setenv("GOOGLE_API_KEY", "foreign")

        with pytest.raises(ConfigurationError, match="GEMINI_API_KEY: is required"):
            GeminiWire(" ", model=MODEL, models=MODELS)

    async def test_only_one_http_library_is_used(self) -> None:
        """The SDK prefers another one wherever it is installed, which retries."""
        async with wired(lambda _: Say(body=answer())) as (wire, _):
            await wire.send(QUESTION, Timing())
            assert not wire._client._api_client._use_aiohttp()

        assert "aiohttp" not in sys.modules


class TestReply:
    """What comes back."""

    async def test_text_usage_and_moment(self) -> None:
        """Without its thoughts, which cost what output costs."""
        timing = Timing()
        before = time.monotonic()
        async with wired(lambda _: Say(body=answer(), after=0.1)) as (wire, _):
            reply = await wire.send(QUESTION, timing)

        assert reply == Reply(
            text=TEXT,
            usage=Usage(
                input_tokens=1000,
                cached_tokens=600,
                output_tokens=50,
                thinking_tokens=10,
                micro_usd=263,
            ),
        )
        assert timing.sent_at is not None
        assert before < timing.sent_at < time.monotonic() - 0.09

    async def test_huge_answer_is_read(self) -> None:
        """A megabyte of text is the parser's business."""
        async with wired(lambda _: Say(body=answer("ї" * 500_000))) as (wire, _):
            reply = await wire.send(QUESTION, Timing())

        assert len(reply.text) == 500_000

    async def test_fields_that_nobody_knows_are_no_harm(self) -> None:
        """New enumerations and fields come without notice."""
        body = answer(trafficType="NOVEL", novelty={"x": [1]})
        body["candidates"][0]["safetyRatings"] = [{"category": "NOVEL"}]
        body["usageMetadata"]["thoughtsTokenCount"] = "ten"

        async with wired(lambda _: Say(body=body)) as (wire, _):
            reply = await wire.send(QUESTION, Timing())

        assert reply.usage.output_tokens == 40


class TestUnusable:
    """Status 200 that helps nobody."""

    @pytest.mark.parametrize(
        ("reason", "kind"),
        [
            ("MAX_TOKENS", "truncated"),
            ("CONTINUATION", "truncated"),
            ("SAFETY", "blocked"),
            ("RECITATION", "blocked"),
            ("LANGUAGE", "blocked"),
            ("BLOCKLIST", "blocked"),
            ("PROHIBITED_CONTENT", "blocked"),
            ("SPII", "blocked"),
            ("ESCALATION", "blocked"),
            ("MODEL_ARMOR", "blocked"),
            ("OTHER", "blocked"),
            ("NOVELTY", "blocked"),
            ("MALFORMED_RESPONSE", "malformed"),
            ("MALFORMED_FUNCTION_CALL", "malformed"),
        ],
    )
    async def test_reasons_to_stop(self, reason: str, kind: str) -> None:
        """Terminal for this provider; paid for all the same; never asked on."""
        body = answer(reason=reason)
        body["candidates"][0]["continuationToken"] = "dG9rZW4="

        failed = await failure(Say(body=body))

        found = failed.error
        assert (type(found), found.kind) == (AnswerUnusable, kind)
        assert found.usage["micro_usd"] == 263
        assert reason in str(found)
        assert failed.reply == TEXT

    @pytest.mark.parametrize(
        "reason", ["SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "OTHER", "JAILBREAK"]
    )
    async def test_blocked_prompt(self, reason: str) -> None:
        """There is no candidate then."""
        body = {
            "promptFeedback": {"blockReason": reason},
            "usageMetadata": {"promptTokenCount": 1000},
        }

        found = (await failure(Say(body=body))).error

        assert (type(found), found.kind) == (AnswerUnusable, "blocked")
        assert found.usage["input_tokens"] == 1000

    @pytest.mark.parametrize(
        "body",
        [
            {},
            [],
            None,
            b"",
            b"<html>busy</html>",
            b"\xff\xfe",
            {"candidates": []},
            {"candidates": "none"},
            {"candidates": [None]},
            {"candidates": [{"finishReason": "STOP"}]},
            {"candidates": [{"finishReason": "STOP", "content": {"parts": [5]}}]},
            answer(" \n"),
        ],
    )
    async def test_empty_and_broken_answers(self, body: Any) -> None:
        """Nothing to read is nothing to use."""
        found = (await failure(Say(body=body))).error

        assert (type(found), found.kind) == (AnswerUnusable, "malformed")

    async def test_account_that_is_limited(self) -> None:
        """The operator has to talk with the provider."""
        found = (await failure(Say(body=answer(reason="PUP_LIMITED_DISABLED")))).error

        assert type(found) is ProviderMisconfigured


class TestQuota:
    """429, and what it means."""

    async def test_minute(self) -> None:
        """Quota and wait from the details."""
        details = quota(PER_MINUTE, TOKENS, delay="26s")

        found = await failure(refusal(429, "RESOURCE_EXHAUSTED", details=details))

        assert type(found.error) is ProviderBusy
        assert found.error.kind == "rate_limited"
        assert found.error.retry_after == timedelta(seconds=26)
        assert found.refusal == Refusal(
            retry_after=26,
            violations=(
                Violation(unit="requests", window=MINUTE, limit=15),
                Violation(unit="tokens", window=MINUTE, limit=250_000),
            ),
        )

    async def test_day_wins(self) -> None:
        """The short delay beside it would only bring the next refusal."""
        details = quota(PER_MINUTE, PER_DAY, delay="26s")

        found = await failure(refusal(429, "RESOURCE_EXHAUSTED", details=details))

        assert found.error.kind == "quota_of_the_day"
        assert found.error.retry_after is None
        assert found.refusal is not None
        assert found.refusal.violations[1] == Violation(
            unit="requests", window=DAY, limit=250
        )

    async def test_refusal_without_details(self) -> None:
        """Nothing is known but that it was refused."""
        message = "Resource has been exhausted (e.g. check quota)."

        found = await failure(refusal(429, "RESOURCE_EXHAUSTED", message))

        assert found.error.kind == "rate_limited"
        assert found.refusal == Refusal()

    async def test_wait_in_the_sentence_or_in_a_header(self) -> None:
        """Where details are missing."""
        told = refusal(429, "RESOURCE_EXHAUSTED", "Please retry in 10.5s.")
        by_gateway = Say(body=b"busy", status=429, headers={"retry-after": "9"})

        first, second = await failure(told), await failure(by_gateway)

        assert first.refusal == Refusal(retry_after=10.5)
        assert second.refusal == Refusal(retry_after=9)

    @pytest.mark.parametrize(
        "say",
        [
            refusal(
                429, "RESOURCE_EXHAUSTED", details=quota({**PER_DAY, "quotaValue": "0"})
            ),
            refusal(
                429,
                "RESOURCE_EXHAUSTED",
                "Quota exceeded for metric: free_tier_requests, limit: 0, model: m",
                quota({"quotaId": PER_DAY["quotaId"]}, delay="10s"),
            ),
            refusal(429, "RESOURCE_EXHAUSTED", "Your monthly spending cap is reached."),
            refusal(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
            refusal(429, "RESOURCE_EXHAUSTED", "Your credits are depleted."),
        ],
    )
    async def test_money_is_not_waited_for(self, say: Say) -> None:
        """Neither is a plan that has nothing of this model."""
        found = await failure(say)

        assert (type(found.error), found.error.kind) == (ProviderMisconfigured, "money")
        assert found.refusal is None

    @pytest.mark.parametrize(
        ("message", "details", "wait"),
        [
            (
                "Your spend limit in a rolling window is reached.",
                quota(delay="45s"),
                45,
            ),
            ("Your spending limit of $10 in ten minutes is reached.", [], 600),
            ("Exhausted.", quota({"quotaId": "SpendPer10MinutesPerProject"}), 600),
        ],
    )
    async def test_spending_of_ten_minutes_is_a_wait(
        self, message: str, details: Any, wait: float
    ) -> None:
        """It rolls on by itself."""
        found = await failure(refusal(429, "RESOURCE_EXHAUSTED", message, details))

        assert found.error.kind == "rate_limited"
        assert found.refusal == Refusal(retry_after=wait)

    async def test_limit_of_ten_is_not_one_of_nothing(self) -> None:
        """The figure is read to its end."""
        message = "Quota exceeded for metric: requests, limit: 05, model: m"

        found = await failure(refusal(429, "RESOURCE_EXHAUSTED", message))

        assert type(found.error) is ProviderBusy


class TestRefusals:
    """All other statuses."""

    @pytest.mark.parametrize(
        ("say", "error", "kind"),
        [
            (
                refusal(
                    400,
                    "INVALID_ARGUMENT",
                    details=[{"reason": "API_KEY_INVALID", "domain": "x"}],
                ),
                ProviderMisconfigured,
                "authentication",
            ),
            (refusal(401, "UNAUTHENTICATED"), ProviderMisconfigured, "authentication"),
            (
                refusal(403, "PERMISSION_DENIED"),
                ProviderMisconfigured,
                "authentication",
            ),
            (
                refusal(400, "FAILED_PRECONDITION"),
                ProviderMisconfigured,
                "authentication",
            ),
            (
                refusal(404, "NOT_FOUND", f"models/{MODEL} is not found for v1beta"),
                ProviderMisconfigured,
                "unknown_model",
            ),
            (refusal(404, "", "Not Found"), ProviderMisconfigured, "address"),
            (Say(body=b"<html/>", status=404), ProviderMisconfigured, "address"),
            (refusal(405), ProviderMisconfigured, "address"),
            (
                Say(body={}, status=307, headers={"location": "http://127.0.0.1:1/"}),
                ProviderMisconfigured,
                "address",
            ),
            (
                refusal(
                    400,
                    "INVALID_ARGUMENT",
                    "The input token count (2000000) exceeds the maximum number",
                ),
                QuestionRefused,
                "too_long",
            ),
            (refusal(413), QuestionRefused, "too_long"),
            (refusal(400, "INVALID_ARGUMENT"), QuestionRefused, "bad_request"),
            (refusal(408), ProviderDown, "timeout"),
            (refusal(499, "CANCELLED"), ProviderDown, "unknown"),
            (refusal(500, "INTERNAL"), ProviderDown, "server_error"),
            (refusal(502), ProviderDown, "server_error"),
            (refusal(503, "UNAVAILABLE"), ProviderDown, "overloaded"),
            (refusal(504, "DEADLINE_EXCEEDED"), ProviderDown, "timeout"),
            (
                Say(body=[{"error": {"code": 500}}], status=500),
                ProviderDown,
                "server_error",
            ),
            (Say(body=["odd", "list"], status=500), ProviderDown, "server_error"),
            (Say(body=b"\xff\xfe", status=500), ProviderDown, None),
            (Say(body=answer(), status=206), ProviderDown, "unknown"),
        ],
    )
    async def test_status_is_named(
        self, say: Say, error: type[ProviderError], kind: str | None
    ) -> None:
        """By who must act; what the provider says is not passed on."""
        found = await failure(say)

        assert type(found.error) is error
        assert kind in {None, found.error.kind}
        assert found.slow_down == (kind == "overloaded")
        assert "not valid" not in str(found)

    async def test_model_that_is_gone_names_another(self) -> None:
        """What to write into the settings."""
        say = refusal(404, "NOT_FOUND", "models/gemini-1 is not found")

        found = (await failure(say, model="gemini-1")).error

        assert "the model gemini-1 is not there" in str(found)
        assert "use gemini-3.5-flash-lite for example" in str(found)


class TestBrokenWay:
    """No answer at all."""

    async def test_timeout(self) -> None:
        """The whole call is bounded."""
        found = await failure(Say(body=answer(), after=5), timeout=0.15)

        assert (type(found.error), found.error.kind) == (ProviderDown, "timeout")

    @pytest.mark.parametrize("say", [None, Say(body=answer(), cut=20)])
    async def test_hang_up(self, say: Say | None) -> None:
        """Before the first byte, and after some."""
        found = await failure(say)

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
        wire = GeminiWire(KEY, model=MODEL, models=MODELS, base_url=gone)
        timing = Timing()

        with pytest.raises(CallFailed) as caught:
            await wire.send(QUESTION, timing)
        await wire.close()

        assert caught.value.error.kind == "network"
        assert timing.sent_at is None

    async def test_cancelling_is_no_failure(self) -> None:
        """The process stops; nobody is blamed."""
        async with wired(lambda _: Say(body=answer(), after=5)) as (wire, _):
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
        async with wired(lambda _: refusal(403)) as (wire, _):
            with pytest.raises(CallFailed):
                await wire.send(QUESTION, Timing())

        assert caplog.text
        for secret in (KEY, KEY[:12], PAGE_TEXT):
            assert secret not in caplog.text


class TestCheck:
    """The doctor's line; no tokens are spent."""

    async def test_known_model(self) -> None:
        """One GET of the model."""
        body = {"name": f"models/{MODEL}", "inputTokenLimit": 1048576}
        async with wired(lambda _: Say(body=body)) as (wire, server):
            line = await wire.check()

        assert line.endswith(f"knows {MODEL}")
        assert [(one.method, one.path) for one in server.asked] == [
            ("GET", f"/v1beta/models/{MODEL}")
        ]

    @pytest.mark.parametrize(
        ("say", "kind"),
        [
            (refusal(401, "UNAUTHENTICATED"), "authentication"),
            (refusal(404, "NOT_FOUND", "models/x is not found"), "unknown_model"),
            (Say(body=b"<html/>"), "address"),
            (None, "network"),
        ],
    )
    async def test_what_is_wrong(self, say: Say | None, kind: str) -> None:
        """Named as for a call."""
        async with wired(lambda _: say) as (wire, _):
            with pytest.raises(CallFailed) as caught:
                await wire.check()

        assert caught.value.error.kind == kind
        assert KEY[:12] not in str(caught.value)

    async def test_names(self) -> None:
        """As receipts show them."""
        async with wired(lambda _: None) as (wire, _):
            assert (wire.provider, wire.model) == ("gemini", MODEL)
