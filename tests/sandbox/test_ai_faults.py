"""Tests for providers that fail as they are told, seen by the official clients."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import openai
import pytest
from google.genai import errors, types

from sandbox.ai.spoiling import FOREIGN_LABEL
from tests.fakes.ai_providers import PAGE, AiWorld, ai_world

pytestmark = pytest.mark.anyio


def failing(**fault: Any) -> dict[str, Any]:
    """Return the settings of a provider that has one fault."""
    return {"faults": [fault]}


async def openai_text(here: AiWorld) -> str:
    """Return what Responses answer."""
    text: str = (await here.respond()).parse().output_text
    return text


async def gemini_text(here: AiWorld) -> str:
    """Return what Gemini answers."""
    return (await here.generate()).text or ""


class TestStatuses:
    """Failures that are told by a status."""

    @pytest.mark.parametrize(
        ("fault", "status", "kind", "code"),
        [
            (
                {"kind": "overloaded"},
                503,
                "service_unavailable",
                "server_is_overloaded",
            ),
            ({"kind": "slow_down"}, 429, "rate_limit_error", "slow_down"),
            (
                {"kind": "insufficient_quota"},
                429,
                "insufficient_quota",
                "insufficient_quota",
            ),
            ({"kind": "unauthorized"}, 401, "invalid_request_error", "invalid_api_key"),
            ({"kind": "forbidden"}, 403, "invalid_request_error", "model_not_found"),
            ({"kind": "status", "status": 500}, 500, "server_error", None),
            ({"kind": "status", "status": 529}, 529, "server_error", None),
        ],
    )
    async def test_openai(
        self, fault: dict[str, Any], status: int, kind: str, code: str | None
    ) -> None:
        """With OpenAI's words for it."""
        async with ai_world(openai=failing(**fault)) as here:
            with pytest.raises(openai.APIStatusError) as failed:
                await here.respond()

        assert failed.value.status_code == status
        assert (failed.value.type, failed.value.code) == (kind, code)

    @pytest.mark.parametrize(
        ("fault", "code", "status"),
        [
            ({"kind": "overloaded"}, 503, "UNAVAILABLE"),
            ({"kind": "slow_down"}, 429, "RESOURCE_EXHAUSTED"),
            ({"kind": "insufficient_quota"}, 429, "RESOURCE_EXHAUSTED"),
            ({"kind": "unauthorized"}, 400, "INVALID_ARGUMENT"),
            ({"kind": "forbidden"}, 403, "PERMISSION_DENIED"),
            ({"kind": "status", "status": 500}, 500, "INTERNAL"),
            ({"kind": "status", "status": 504}, 504, "DEADLINE_EXCEEDED"),
            ({"kind": "failed"}, 500, "INTERNAL"),
        ],
    )
    async def test_gemini(self, fault: dict[str, Any], code: int, status: str) -> None:
        """With Google's words for it."""
        async with ai_world(gemini=failing(**fault)) as here:
            with pytest.raises(errors.APIError) as failed:
                await here.generate()

        assert (failed.value.code, failed.value.status) == (code, status)

    @pytest.mark.parametrize("status", [502, 504])
    async def test_gateway_knows_no_json(self, status: int) -> None:
        """What stands before OpenAI's API answers in HTML."""
        fault = {"kind": "status", "status": status}
        async with ai_world(openai=failing(**fault)) as here:
            with pytest.raises(openai.InternalServerError) as failed:
                await here.respond()

        assert failed.value.response.headers["content-type"].startswith("text/html")

    async def test_asked_to_wait(self) -> None:
        """A failure may say for how long."""
        slow = failing(kind="overloaded", retry_after=7.5)
        async with ai_world(openai=slow, gemini=slow) as here:
            with pytest.raises(openai.InternalServerError) as failed:
                await here.respond()
            with pytest.raises(errors.ServerError) as unavailable:
                await here.generate()

        assert failed.value.response.headers["retry-after"] == "7.5"
        (detail,) = unavailable.value.details["error"]["details"]
        assert detail["retryDelay"] == "7.5s"

    async def test_what_strikes_at_the_door_is_free(self) -> None:
        """A server error is charged, as the call had been let in; a 503 is not."""
        faults = [
            {"kind": "overloaded", "numbers": [1]},
            {"kind": "status", "numbers": [2]},
        ]
        async with ai_world(openai={"rpm": 10, "faults": faults}) as here:
            for _ in range(2):
                with pytest.raises(openai.InternalServerError):
                    await here.respond()
            stats = await here.stats()

        assert stats["quotas"]["rpm"]["used"] == 1
        assert stats["faults"] == {"overloaded": 1, "status": 1}
        assert stats["turned_away"] == 2

    async def test_models_are_behind_the_same_door(self) -> None:
        """A provider that is down tells nothing of its models either."""
        down = failing(kind="overloaded")
        async with ai_world(openai=down, gemini=down) as here:
            with pytest.raises(openai.InternalServerError):
                await here.openai.models.retrieve("gpt-6-luna")
            with pytest.raises(errors.ServerError):
                await here.gemini.aio.models.get(model="gemini-3.5-flash-lite")


class TestConnections:
    """Failures without a status."""

    @pytest.mark.parametrize("kind", ["disconnect", "half_body", "refused"])
    async def test_connection_ends(self, kind: str) -> None:
        """Both clients tell of a connection, not of an answer."""
        broken = failing(kind=kind)
        async with ai_world(openai=broken, gemini=broken) as here:
            with pytest.raises(openai.APIConnectionError):
                await here.respond()
            with pytest.raises(httpx2.TransportError):
                await here.generate()
            stats = await here.stats()

        assert stats["gone"] == 1
        assert stats["log"][0]["delivered"] is None

    async def test_stall(self) -> None:
        """No answer comes until the client has had enough; others are served."""
        async with ai_world(openai=failing(kind="stall", numbers=[1])) as here:
            with pytest.raises(openai.APITimeoutError):
                await here.respond(timeout=0.1)
            text = await openai_text(here)

        assert "deployment" in text

    async def test_client_leaves_before_it_has_asked(self) -> None:
        """Its call ends without an answer, and costs nothing."""
        head = b"POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"
        async with ai_world(openai={"rpm": 1}) as here, asyncio.timeout(10):
            port = int(here.origin.rpartition(":")[2])
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            while (await here.stats())["calls"] == 0:
                pass
            writer.close()
            while (await here.stats())["open"] == 1:
                pass
            stats = await here.stats()

        assert (stats["gone"], stats["admitted"]) == (1, 0)


class TestOutage:
    """A time in which nobody is served."""

    async def test_from_then_till_then(self) -> None:
        """Before it and after it all is well, and nothing was charged."""
        outage = {"kind": "overloaded", "start": 60, "until": 180}
        async with ai_world(openai={"rpm": 9, "faults": [outage]}) as here:
            await here.respond()
            here.forward(60)
            with pytest.raises(openai.InternalServerError):
                await here.respond()
            here.forward(119.9)
            with pytest.raises(openai.InternalServerError):
                await here.respond()
            here.forward(0.1)
            last = await here.respond()

        assert last.headers["x-ratelimit-remaining-requests"] == "8"

    async def test_the_other_provider_goes_on(self) -> None:
        """Even where connections are refused, as both share a port."""
        async with ai_world(openai=failing(kind="refused")) as here:
            with pytest.raises(openai.APIConnectionError):
                await here.respond()

            assert await gemini_text(here)


class TestChance:
    """Failures by chance."""

    async def test_same_seed_same_calls(self) -> None:
        """Another seed strikes others, at about the rate that was asked for."""
        struck = []
        for seed in (1, 1, 2):
            fault = {"kind": "overloaded", "probability": 0.3}
            async with ai_world(openai=failing(**fault), seed=seed) as here:
                ended = await asyncio.gather(
                    *(here.respond() for _ in range(40)), return_exceptions=True
                )
                log = (await here.stats())["log"]
            struck.append([call["number"] for call in log if call["fault"]])
            assert sum(isinstance(one, Exception) for one in ended) == len(struck[-1])

        assert struck[0] == struck[1] != struck[2]
        assert 4 <= len(struck[0]) <= 20

    async def test_how_often_at_most(self) -> None:
        """After so many strikes it is over."""
        async with ai_world(openai=failing(kind="overloaded", times=2)) as here:
            ended = []
            for _ in range(4):
                try:
                    await here.respond()
                    ended.append(True)
                except openai.InternalServerError:
                    ended.append(False)

        assert ended == [False, False, True, True]


class TestSpoiltAnswers:
    """Status 200, but no good."""

    @pytest.mark.parametrize(
        "kind", ["truncated", "not_json", "thinking_aloud", "fenced"]
    )
    async def test_text_is_no_json(self, kind: str) -> None:
        """Both providers' models have the same bad habits."""
        broken = failing(kind=kind)
        async with ai_world(openai=broken, gemini=broken) as here:
            texts = [await openai_text(here), await gemini_text(here)]

        assert texts[0] == texts[1]
        with pytest.raises(json.JSONDecodeError):
            json.loads(texts[0])

    async def test_json_hides_in_it(self) -> None:
        """In a fence; after a thought that has braces itself."""
        async with ai_world(openai=failing(kind="fenced")) as here:
            fenced = await openai_text(here)
            await here.set(openai=failing(kind="thinking_aloud"))
            thought = await openai_text(here)

        inside = fenced.removeprefix("```json\n").removesuffix("\n```")
        assert json.loads(inside)["language"] == "en"
        assert thought.startswith("<think>")
        assert thought.partition("</think>")[2].strip() == inside

    async def test_wrong_types(self) -> None:
        """No field is what it should be."""
        async with ai_world(openai=failing(kind="wrong_types")) as here:
            told = json.loads(await openai_text(here))

        assert isinstance(told["labels"], str)
        assert isinstance(told["summary"], int)

    async def test_label_that_was_not_offered(self) -> None:
        """It comes first, and looks like the others."""
        async with ai_world(gemini=failing(kind="foreign_labels")) as here:
            first, second, *_ = json.loads(await gemini_text(here))["labels"]

        assert first["name"] == FOREIGN_LABEL
        assert set(first) == set(second)

    @pytest.mark.parametrize(
        ("page", "alphabet"),
        [(PAGE, "ця"), ("Це звичайна сторінка про наші домовленості.", "diese")],
    )
    async def test_other_language(self, page: str, alphabet: str) -> None:
        """The summary is not in the page's language."""
        async with ai_world(openai=failing(kind="other_language")) as here:
            response = (await here.respond(page)).parse()

        summary = json.loads(response.output_text)["summary"]
        assert summary.casefold().startswith(alphabet)

    async def test_empty(self) -> None:
        """A good ending, and nothing before it."""
        empty = failing(kind="empty")
        async with ai_world(openai=empty, gemini=empty) as here:
            response = (await here.respond()).parse()
            answered = await here.generate()

        assert (response.status, response.output_text) == ("completed", "")
        assert answered.text is None
        assert answered.candidates is not None
        assert answered.candidates[0].finish_reason == types.FinishReason.STOP

    async def test_truncated(self) -> None:
        """Half of the JSON, and the reason told."""
        cut = failing(kind="truncated")
        async with ai_world(openai=cut, gemini=cut) as here:
            response = (await here.respond()).parse()
            chat = (await here.chat()).parse()
            answered = await here.generate()

        assert response.status == "incomplete"
        assert response.incomplete_details.reason == "max_output_tokens"
        assert chat.choices[0].finish_reason == "length"
        assert answered.candidates is not None
        assert answered.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS

    async def test_refusal(self) -> None:
        """The model declines."""
        declined = failing(kind="refusal")
        async with ai_world(openai=declined, gemini=declined) as here:
            response = (await here.respond()).parse()
            message = (await here.chat()).parse().choices[0].message
            answered = await here.generate()

        assert response.output[0].content[0].type == "refusal"
        assert message.content is None
        assert message.refusal
        assert answered.candidates is not None
        assert answered.candidates[0].finish_reason == types.FinishReason.SAFETY
        assert answered.text is None

    async def test_blocked(self) -> None:
        """A filter stops it."""
        blocked = failing(kind="blocked")
        async with ai_world(openai=blocked, gemini=blocked) as here:
            response = (await here.respond()).parse()
            chat = (await here.chat()).parse()
            answered = await here.generate()

        assert response.incomplete_details.reason == "content_filter"
        assert chat.choices[0].finish_reason == "content_filter"
        assert answered.candidates is None
        assert answered.prompt_feedback is not None
        assert answered.prompt_feedback.block_reason == types.BlockedReason.SAFETY

    @pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded"])
    async def test_failed_with_status_200(self, code: str) -> None:
        """Responses may fail inside an answer that looks well."""
        async with ai_world(openai=failing(kind="failed", code=code)) as here:
            raw = await here.respond()
            with pytest.raises(openai.InternalServerError):
                await here.chat()

        response = raw.parse()
        assert raw.status_code == 200
        assert response.status == "failed"
        assert response.error.code == code
        assert (response.output, response.usage) == ([], None)
