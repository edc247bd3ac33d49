"""Tests for the Gemini API of the sandbox, asked by Google's own client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import errors, types

from tests.fakes.ai_providers import GEMINI_MODEL, PAGE, SCHEMA, AiWorld, ai_world

pytestmark = pytest.mark.anyio


async def knock(here: AiWorld, **changes: Any) -> None:
    """Ask again and again."""
    for _ in range(100):
        await here.generate(**changes)


async def refusal(here: AiWorld, **changes: Any) -> errors.ClientError:
    """Ask until Gemini says no; return what it says."""
    with pytest.raises(errors.ClientError) as refused:
        await knock(here, **changes)
    return refused.value


def details(refused: errors.ClientError) -> dict[str, Any]:
    """Return the details of an error by the last part of their type."""
    listed = refused.details["error"].get("details", [])
    return {one["@type"].rpartition(".")[2]: one for one in listed}


class TestAnswers:
    """What a good answer looks like."""

    @pytest.mark.parametrize("version", [None, "v1beta"])
    async def test_generate_content(self, version: str | None) -> None:
        """The client reads all of it, by whichever version it asks."""
        async with ai_world(api_version=version) as here:
            answered = await here.generate()

        assert json.loads(answered.text or "")["labels"][0]["name"] == "deployment"
        assert answered.candidates is not None
        assert answered.candidates[0].finish_reason == types.FinishReason.STOP
        assert answered.model_version == GEMINI_MODEL
        usage = answered.usage_metadata
        assert usage is not None
        assert usage.prompt_token_count is not None
        assert usage.candidates_token_count is not None
        assert usage.total_token_count == (
            usage.prompt_token_count + usage.candidates_token_count
        )
        assert usage.cached_content_token_count is None
        assert usage.thoughts_token_count is None

    async def test_no_header_tells_of_quotas(self) -> None:
        """Neither limits nor what is left."""
        async with ai_world(gemini={"rpm": 10}) as here:
            answered = await here.generate()

        assert answered.sdk_http_response is not None
        names = answered.sdk_http_response.headers or {}
        assert not [name for name in names if "limit" in name or "retry" in name]

    async def test_schema_in_googles_own_words(self) -> None:
        """`response_schema` spells types in capitals."""
        own = {
            "type": "OBJECT",
            "properties": {"summary": {"type": "STRING"}, "n": {"type": "INTEGER"}},
            "required": ["summary", "n"],
        }
        async with ai_world() as here:
            answered = await here.generate(
                response_json_schema=None, response_schema=own
            )

        told = json.loads(answered.text or "")
        assert told == {
            "summary": "This runbook tells how a deployment is rolled back.",
            "n": 0,
        }

    async def test_thinking_and_cache(self) -> None:
        """Thoughts are counted apart; a beginning is cached from 2048 tokens on."""
        rules = "Rules of this site. " * 500
        async with ai_world(gemini={"thinking_tokens": 30}) as here:
            await here.generate("One.", system_instruction=rules)
            second = await here.generate("Two.", system_instruction=rules)
            await here.generate("Three.", system_instruction=rules[:6_000])
            short = await here.generate("Four.", system_instruction=rules[:6_000])

        assert second.usage_metadata is not None
        assert second.usage_metadata.thoughts_token_count == 30
        assert (second.usage_metadata.cached_content_token_count or 0) >= 2048
        assert short.usage_metadata is not None
        assert short.usage_metadata.cached_content_token_count is None

    async def test_cut_answer(self) -> None:
        """As by a model that runs out of tokens."""
        async with ai_world() as here:
            answered = await here.generate(max_output_tokens=10)

        assert answered.candidates is not None
        assert answered.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
        assert (answered.text or "").startswith("{")

    async def test_plain_text(self) -> None:
        """Where no JSON is asked for, there is none."""
        async with ai_world() as here:
            answered = await here.generate(
                response_mime_type=None, response_json_schema=None
            )

        assert answered.text == "Yes."

    @pytest.mark.parametrize("version", [None, "v1beta"])
    async def test_models(self, version: str | None) -> None:
        """They are listed, and told of one by one, beside OpenAI's under /v1."""
        async with ai_world(api_version=version) as here:
            models = here.gemini.aio.models
            listed = [model.name async for model in await models.list()]
            one = await models.get(model=GEMINI_MODEL)
            with pytest.raises(errors.ClientError) as unknown:
                await models.get(model="gemini-1.0-pro")

        assert f"models/{GEMINI_MODEL}" in listed
        assert one.name == f"models/{GEMINI_MODEL}"
        assert (unknown.value.code, unknown.value.status) == (404, "NOT_FOUND")


class TestRefusals:
    """What is said of quotas without room."""

    async def test_requests_of_the_minute(self) -> None:
        """Which quota, its value, how long to wait, where to read more."""
        async with ai_world(gemini={"rpm": 2}) as here:
            await here.generate()
            here.forward(34.3)
            refused = await refusal(here)

        assert (refused.code, refused.status) == (429, "RESOURCE_EXHAUSTED")
        assert "limit: 2" in (refused.message or "")
        assert "Please retry in 25.7" in (refused.message or "")
        told = details(refused)
        assert told["QuotaFailure"]["violations"] == [
            {
                "quotaMetric": "generativelanguage.googleapis.com/"
                "generate_content_paid_tier_requests",
                "quotaId": "GenerateRequestsPerMinutePerProjectPerModel",
                "quotaDimensions": {"location": "global", "model": GEMINI_MODEL},
                "quotaValue": "2",
            }
        ]
        assert told["RetryInfo"]["retryDelay"] == "26s"
        assert told["Help"]["links"][0]["url"].startswith("https://ai.google.dev/")

    async def test_day_beside_a_short_delay(self) -> None:
        """All spent quotas are named; the delay is the minute's."""
        limits = {"rpm": 1, "rpd": 1, "free_tier": True}
        async with ai_world(gemini=limits) as here:
            refused = await refusal(here)
            here.forward(600)
            later = await refusal(here)

        named = [
            one["quotaId"] for one in details(refused)["QuotaFailure"]["violations"]
        ]
        assert named == [
            "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
            "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
        ]
        assert details(refused)["RetryInfo"]["retryDelay"] == "60s"
        assert details(later)["RetryInfo"]["retryDelay"] == "30s"

    async def test_tokens_are_the_inputs_alone(self) -> None:
        """What may be written costs nothing of them."""
        async with ai_world(gemini={"tpm": 500}) as here:
            first = await here.generate(max_output_tokens=60_000)
            refused = await refusal(here)
            stats = await here.stats("gemini")

        assert first.usage_metadata is not None
        assert stats["charged_tokens"] == (
            stats["admitted"] * (first.usage_metadata.prompt_token_count or 0)
        )
        (violation,) = details(refused)["QuotaFailure"]["violations"]
        assert violation["quotaId"] == (
            "GenerateContentPaidTierInputTokensPerModelPerMinute"
        )
        assert violation["quotaMetric"].endswith("input_token_count")

    @pytest.mark.parametrize(
        ("hints", "left"),
        [
            (["quota_failure"], {"QuotaFailure"}),
            (["retry_info"], {"RetryInfo"}),
            (["help", "message"], {"Help"}),
            ([], set()),
        ],
    )
    async def test_details_can_be_missing(
        self, hints: list[str], left: set[str]
    ) -> None:
        """Any of them, or all."""
        async with ai_world(gemini={"rpm": 1, "hints": hints}) as here:
            refused = await refusal(here)

        assert set(details(refused)) == left
        if not hints:
            assert refused.message == "Resource has been exhausted (e.g. check quota)."

    async def test_quotas_are_not_shared_with_openai(self) -> None:
        """Each provider counts its own calls."""
        async with ai_world(gemini={"rpm": 1}, openai={"rpm": 1}) as here:
            await here.generate()
            await here.respond()
            refused = await refusal(here)

        assert refused.code == 429


class TestRejections:
    """Calls that are wrong in themselves."""

    async def test_wrong_key(self) -> None:
        """400, of all things, and the reason in the details."""
        async with ai_world(gemini={"api_key": "right"}) as here:
            with pytest.raises(errors.ClientError) as refused:
                await here.generate()

        assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
        assert details(refused.value)["ErrorInfo"]["reason"] == "API_KEY_INVALID"
        assert "test-key" not in str(refused.value)

    async def test_key_in_the_address(self) -> None:
        """It counts as well as one in the header; none at all is forbidden."""
        async with ai_world(gemini={"api_key": "right"}) as here:
            keyed = await here.http.get("/v1/models", params={"key": "right"})
            none = await here.http.get("/v1beta/models")

        assert keyed.json()["models"]
        assert none.status_code == 403
        assert none.json()["error"]["status"] == "PERMISSION_DENIED"

    async def test_unknown_model(self) -> None:
        """404."""
        async with ai_world() as here:
            with pytest.raises(errors.ClientError) as refused:
                await here.generate(model="gemini-1.0-pro")

        assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")
        assert "models/gemini-1.0-pro is not found" in (refused.value.message or "")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            [],
            {"contents": []},
            {"contents": ["x"]},
            {"contents": [{"parts": "x"}]},
            {"contents": [{"parts": ["x"]}]},
            {"contents": [{"parts": []}], "generationConfig": 7},
            {"contents": [{"parts": []}], "systemInstruction": "x"},
            {
                "contents": [{"parts": [{"text": PAGE}]}],
                "generationConfig": {"responseJsonSchema": SCHEMA},
            },
        ],
    )
    async def test_body_that_cannot_be_read(self, body: Any) -> None:
        """400 INVALID_ARGUMENT."""
        address = f"/v1beta/models/{GEMINI_MODEL}:generateContent"
        async with ai_world() as here:
            answered = await here.http.post(address, json=body)

        assert answered.status_code == 400
        assert answered.json()["error"]["status"] == "INVALID_ARGUMENT"
