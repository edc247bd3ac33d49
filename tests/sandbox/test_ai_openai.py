"""Tests for the OpenAI API of the sandbox, asked by OpenAI's own client."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import openai
import pytest
from openai.types.responses import Response as OpenAiResponse

from sandbox.ai.openai_refusals import go_duration
from tests.fakes.ai_providers import OPENAI_MODEL, PAGE, SCHEMA, AiWorld, ai_world

pytestmark = pytest.mark.anyio

LIMITED = {"rpm": 2, "tpm": 100_000}
JSON_OBJECT = {"type": "json_object"}


async def knock(here: AiWorld, **changes: Any) -> None:
    """Ask again and again."""
    for _ in range(100):
        await here.respond(**changes)


async def refusal(here: AiWorld, **changes: Any) -> openai.RateLimitError:
    """Ask until OpenAI says no; return what it says."""
    with pytest.raises(openai.RateLimitError) as refused:
        await knock(here, **changes)
    return refused.value


class TestAnswers:
    """What a good answer looks like."""

    async def test_responses(self) -> None:
        """The client reads all of it, and the text is the JSON asked for."""
        async with ai_world() as here:
            raw = await here.respond(max_output_tokens=400, prompt_cache_key="site-1")

        response = raw.parse()
        assert isinstance(response, OpenAiResponse)
        assert response.status == "completed"
        assert response.model == OPENAI_MODEL
        assert json.loads(response.output_text) == {
            "language": "en",
            "summary": "This runbook tells how a deployment is rolled back.",
            "labels": [
                {"name": "deployment", "evidence": "deployment", "confidence": 0.7},
                {"name": "runbook", "evidence": "runbook", "confidence": 0.6},
            ],
        }
        assert response.usage is not None
        assert response.usage.input_tokens > 100
        assert response.usage.output_tokens > 20
        assert response.usage.output_tokens_details.reasoning_tokens == 0

    async def test_chat_completions(self) -> None:
        """The same answer by the other way."""
        async with ai_world() as here:
            responses = (await here.respond()).parse()
            chat = (await here.chat()).parse()

        (choice,) = chat.choices
        assert choice.finish_reason == "stop"
        assert choice.message.content == responses.output_text
        assert chat.usage.prompt_tokens == responses.usage.input_tokens

    async def test_answers_can_be_made_elsewhere(self) -> None:
        """By a function of the rules, the input and the schema."""
        asked = []

        def fixed(rules: str, text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
            asked.append((rules, text, schema))
            return {"summary": "Так."}

        async with ai_world(answerer=fixed) as here:
            response = (await here.respond()).parse()
            await here.generate()

        assert response.output_text == '{"summary": "Так."}'
        assert asked == [("Choose labels.", PAGE, SCHEMA)] * 2

    async def test_parts_of_an_input(self) -> None:
        """Messages in a list, content in parts, rules by their role."""
        content = [{"type": "input_text", "text": PAGE}]
        messages = [
            {"role": "system", "content": "Choose."},
            {"role": "user", "content": content},
        ]
        async with ai_world() as here:
            response = (await here.respond(input=messages)).parse()

        assert "deployment" in response.output_text

    async def test_client_parses_its_own_models(self) -> None:
        """`parse` of the client finds what it asked for."""
        from pydantic import BaseModel  # noqa: PLC0415 - needed here alone

        class Summary(BaseModel):
            summary: str
            sure: bool

        async with ai_world() as here:
            parsed = await here.openai.responses.parse(
                model=OPENAI_MODEL, input=PAGE, text_format=Summary
            )

        assert parsed.output_parsed == Summary(
            summary="This runbook tells how a deployment is rolled back.", sure=False
        )

    async def test_plain_text(self) -> None:
        """Where no JSON is asked for, there is none."""
        async with ai_world() as here:
            response = (await here.respond(text={})).parse()

        assert response.output_text == "Yes."

    async def test_schema_told_in_words(self) -> None:
        """A client that may ask for any JSON object tells the schema in the rules."""
        rules = f"Answer as {{this}}: {json.dumps(SCHEMA)} and no other way."
        async with ai_world() as here:
            response = (
                await here.respond(
                    instructions=rules, text={"format": {"type": "json_object"}}
                )
            ).parse()

        assert set(json.loads(response.output_text)) == set(SCHEMA["properties"])

    async def test_ukrainian_page(self) -> None:
        """Letters come through as they are, and cost more tokens."""
        page = "Ця сторінка пояснює, як відкотити deployment нашого сервісу. Кінець."
        async with ai_world() as here:
            response = (await here.respond(page)).parse()
            latin = (await here.respond("x" * len(page))).parse()

        told = json.loads(response.output_text)
        assert told["language"] == "uk"
        assert told["summary"] == page.removesuffix(" Кінець.")
        assert response.usage.input_tokens > latin.usage.input_tokens

    async def test_answer_longer_than_allowed_is_cut(self) -> None:
        """As by a model that runs out of tokens."""
        async with ai_world(openai={"thinking_tokens": 8}) as here:
            response = (await here.respond(max_output_tokens=20)).parse()
            chat = (await here.chat(max_completion_tokens=5)).parse()

        assert response.status == "incomplete"
        assert response.incomplete_details.reason == "max_output_tokens"
        assert response.usage.output_tokens <= 20
        assert response.usage.output_tokens_details.reasoning_tokens == 8
        with pytest.raises(json.JSONDecodeError):
            json.loads(response.output_text)
        assert chat.choices[0].finish_reason == "length"
        assert chat.choices[0].message.content == ""

    async def test_shared_beginning_is_cached(self) -> None:
        """From 1024 tokens on, in blocks of 128; shorter prompts are not cached."""
        rules = "Rules of this site. " * 400
        async with ai_world(openai={"cache_writes": True}) as here:
            first = (await here.respond("One.", instructions=rules)).parse().usage
            second = (await here.respond("Two.", instructions=rules)).parse().usage
            await here.respond("Three.")
            short = (await here.respond("Four.")).parse().usage

        cached = second.input_tokens_details.cached_tokens
        assert first.input_tokens_details.cached_tokens == 0
        assert first.input_tokens_details.cache_write_tokens > 2000
        assert cached > 2000
        assert cached % 128 == 0
        assert second.input_tokens - cached < 128 + 4
        assert short.input_tokens_details.cached_tokens == 0

    async def test_models(self) -> None:
        """They are listed, and told of one by one."""
        async with ai_world() as here:
            listed = [model.id async for model in here.openai.models.list()]
            one = await here.openai.models.retrieve(OPENAI_MODEL)
            with pytest.raises(openai.NotFoundError) as unknown:
                await here.openai.models.retrieve("gpt-3.5-turbo")

        assert OPENAI_MODEL in listed
        assert one.id == OPENAI_MODEL
        assert unknown.value.code == "model_not_found"


class TestRateHeaders:
    """What headers tell of the quotas."""

    async def test_on_every_answer(self) -> None:
        """Requests and tokens: limit, rest, and when all is there again."""
        async with ai_world(openai={**LIMITED, "kind": "bucket"}) as here:
            headers = (await here.respond(max_output_tokens=400)).headers

        shown = {
            name.removeprefix("x-ratelimit-"): value
            for name, value in headers.items()
            if name.startswith("x-ratelimit-")
        }
        used = 400 + -(-len("Choose labels." + PAGE) // 4)
        assert shown == {
            "limit-requests": "2",
            "remaining-requests": "1",
            "reset-requests": "30s",
            "limit-tokens": "100000",
            "remaining-tokens": str(100_000 - used),
            "reset-tokens": go_duration(used * 60 / 100_000),
        }

    async def test_reset_of_a_log(self) -> None:
        """When its oldest entry leaves."""
        async with ai_world(openai={"rpm": 60}) as here:
            await here.respond()
            here.forward(12.5)
            headers = (await here.respond()).headers

        assert headers["x-ratelimit-reset-requests"] == "47.5s"
        assert headers["x-ratelimit-remaining-requests"] == "58"

    async def test_the_day_is_shown_where_it_binds(self) -> None:
        """With less left than the minute has."""
        async with ai_world(openai={"rpm": 10, "rpd": 12}) as here:
            first = (await here.respond()).headers
            for _ in range(3):
                here.forward(60)
                await here.respond()
            here.forward(60)
            last = (await here.respond()).headers

        assert first["x-ratelimit-limit-requests"] == "10"
        assert last["x-ratelimit-limit-requests"] == "12"
        assert last["x-ratelimit-remaining-requests"] == "7"
        assert last["x-ratelimit-reset-requests"] == "23h56m0s"

    async def test_none_at_all(self) -> None:
        """A provider may keep everything to itself."""
        async with ai_world(openai={"rpm": 1, "hints": []}) as here:
            headers = (await here.respond()).headers
            refused = await refusal(here)

        told = re.compile("ratelimit|retry|processing")
        assert not [name for name in headers if told.search(name)]
        assert not [name for name in refused.response.headers if told.search(name)]
        assert refused.body == {
            "message": "Rate limit reached.",
            "type": "requests",
            "param": None,
            "code": "rate_limit_exceeded",
        }


class TestRefusals:
    """What is said of quotas without room."""

    async def test_requests_of_the_minute(self) -> None:
        """Body and headers, in the provider's words."""
        async with ai_world(openai=LIMITED) as here:
            await here.respond()
            here.forward(41.358)
            refused = await refusal(here)

        assert refused.type == "requests"
        assert refused.code == "rate_limit_exceeded"
        assert refused.message.startswith("Error code: 429")
        assert isinstance(refused.body, dict)
        assert refused.body["message"].startswith(
            f"Rate limit reached for {OPENAI_MODEL} in organization org-sandbox on "
            "requests per min (RPM): Limit 2, Used 2, Requested 1. "
            "Please try again in 18.642s."
        )
        headers = refused.response.headers
        assert headers["retry-after-ms"] == "18642"
        assert headers["retry-after"] == "19"
        assert headers["x-ratelimit-remaining-requests"] == "0"

    async def test_who_waits_as_told_is_let_in(self) -> None:
        """And who comes a little sooner is not."""
        async with ai_world(openai=LIMITED) as here:
            refused = await refusal(here)
            wait = int(refused.response.headers["retry-after-ms"]) / 1000
            here.forward(wait - 0.01)
            await refusal(here)
            here.forward(0.01)

            assert (await here.respond()).status_code == 200

    async def test_tokens_of_the_minute(self) -> None:
        """Charged when the call arrives: input by characters, output as allowed."""
        async with ai_world(openai={"tpm": 1_000, "kind": "bucket"}) as here:
            await here.respond(max_output_tokens=800)
            refused = await refusal(here, max_output_tokens=800)

        assert refused.type == "tokens"
        charge = 800 + -(-len("Choose labels." + PAGE) // 4)
        assert isinstance(refused.body, dict)
        assert (
            f"on tokens per min (TPM): Limit 1000, Used {charge}, Requested {charge}."
            in refused.body["message"]
        )

    async def test_call_larger_than_the_limit(self) -> None:
        """No wait is told, as none would help."""
        async with ai_world(openai={"tpm": 1_000}) as here:
            refused = await refusal(here, max_output_tokens=1_000)

        assert isinstance(refused.body, dict)
        assert refused.body["message"].startswith("Request too large for")
        assert "retry-after" not in refused.response.headers

    async def test_day(self) -> None:
        """A refusal for the day names the day."""
        async with ai_world(openai={"rpm": 60, "rpd": 1}) as here:
            refused = await refusal(here)

        assert isinstance(refused.body, dict)
        assert "requests per day (RPD): Limit 1" in refused.body["message"]
        assert "try again in 24h0m0s" in refused.body["message"]
        assert refused.response.headers["retry-after"] == "86400"

    async def test_both_ways_share_the_quota(self) -> None:
        """Responses and chat are one organisation's calls."""
        async with ai_world(openai={"rpm": 2}) as here:
            await here.respond()
            await here.chat()

            with pytest.raises(openai.RateLimitError):
                await here.chat()

    async def test_crowd(self) -> None:
        """Of a hundred at once exactly as many pass as may."""
        async with ai_world(openai={"rpm": 37}) as here:
            ended = await asyncio.gather(
                *(here.respond() for _ in range(100)), return_exceptions=True
            )
            stats = await here.stats()

        assert sum(isinstance(one, openai.RateLimitError) for one in ended) == 63
        assert (stats["admitted"], stats["refused"]) == (37, 63)


class TestRejections:
    """Calls that are wrong in themselves."""

    async def test_wrong_key(self) -> None:
        """The provider echoes a part of it."""
        async with ai_world(openai={"api_key": "sk-other"}) as here:
            here.openai.api_key = "sk-test-ABCDEF0123456789"
            with pytest.raises(openai.AuthenticationError) as refused:
                await here.respond()
            with pytest.raises(openai.AuthenticationError):
                await here.openai.models.retrieve(OPENAI_MODEL)

        assert refused.value.code == "invalid_api_key"
        assert "sk-test-************6789" in refused.value.message

    async def test_no_key(self) -> None:
        """A provider that asks for none takes none; another says so."""
        async with ai_world() as here:
            free = await here.http.get("/v1/models")
            await here.set(openai={"api_key": "sk-other"})
            bound = await here.http.get("/v1/models")

        assert free.status_code == 200
        assert bound.status_code == 401
        assert "didn't provide an API key" in bound.json()["error"]["message"]

    async def test_unknown_model(self) -> None:
        """404, by both ways."""
        async with ai_world() as here:
            for ask in (here.respond, here.chat):
                with pytest.raises(openai.NotFoundError) as refused:
                    await ask(model="gpt-3.5-turbo")
                assert refused.value.code == "model_not_found"
            stats = await here.stats()

        assert stats["turned_away"] == 2
        assert stats["charged_tokens"] == 0

    @pytest.mark.parametrize(
        "spoil",
        [
            {"additionalProperties": True},
            {"required": ["labels"]},
            {"properties": ["labels"]},
            {"properties": {"language": {"type": "string", "enum": []}}},
            {"properties": {"language": {"type": "object"}}, "required": ["language"]},
        ],
    )
    async def test_schema_that_is_not_strict(self, spoil: dict[str, Any]) -> None:
        """It is refused as it would be by the real one."""
        schema = {**SCHEMA, **spoil}
        wanted = {"type": "json_schema", "name": "answer", "schema": schema}
        async with ai_world() as here:
            with pytest.raises(openai.BadRequestError) as refused:
                await here.respond(text={"format": {**wanted, "strict": True}})
            lax = await here.respond(text={"format": wanted})

        assert refused.value.code == "invalid_json_schema"
        assert refused.value.param == "text.format.schema"
        assert lax.status_code == 200

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b'{"model": 3}',
            b'{"model": "gpt-6-luna"}',
            b"[" * 90000,
            b'{"model": "gpt-6-luna", "input": [3]}',
            b'{"model": "gpt-6-luna", "input": "x", "max_output_tokens": "many"}',
            b'{"model": "gpt-6-luna", "input": "x", "text": {"format": "json"}}',
            b'{"model": "gpt-6-luna", "input": "x", "text": {"format": {"type": 1}}}',
        ],
        ids=range(10),
    )
    async def test_body_that_cannot_be_read(self, body: bytes) -> None:
        """400 and an error of the usual shape."""
        async with ai_world() as here:
            answered = await here.http.post("/v1/responses", content=body)

        assert answered.status_code == 400
        assert answered.json()["error"]["type"] == "invalid_request_error"


class TestOtherServers:
    """Servers that speak OpenAI's language less well."""

    async def test_chat_only(self) -> None:
        """Responses is not found, chat is there."""
        async with ai_world(openai={"chat_only": True}) as here:
            with pytest.raises(openai.NotFoundError) as missing:
                await here.respond()
            chat = await here.chat()

        assert missing.value.code is None
        assert chat.status_code == 200

    @pytest.mark.parametrize("status", [400, 422, 500])
    async def test_json_object_only(self, status: int) -> None:
        """A schema is refused, with or without reason; an object is not."""
        async with ai_world(openai={"schema_status": status}) as here:
            with pytest.raises(openai.APIStatusError) as refused:
                await here.chat()
            chat = (await here.chat(response_format=JSON_OBJECT)).parse()
            schema = JSON_OBJECT | {"schema": SCHEMA}
            grammar = (await here.chat(response_format=schema)).parse()

        assert refused.value.status_code == status
        assert json.loads(chat.choices[0].message.content) == {}
        assert "deployment" in grammar.choices[0].message.content


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0s"),
        (0.012, "12ms"),
        (0.0001, "1ms"),
        (0.9999, "1s"),
        (1, "1s"),
        (18.642, "18.642s"),
        (59.9996, "1m0s"),
        (63, "1m3s"),
        (360, "6m0s"),
        (3600, "1h0m0s"),
        (83_909.144, "23h18m29.144s"),
        (-3, "0s"),
    ],
)
def test_durations(seconds: float, told: str) -> None:
    """They are written as Go writes them."""
    assert go_duration(seconds) == told
