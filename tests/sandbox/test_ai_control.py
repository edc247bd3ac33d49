"""Tests for the control of the AI providers: figures, settings, a new beginning."""

from __future__ import annotations

import asyncio
import statistics
from typing import Any

import openai
import pytest
from google.genai import errors

from sandbox.ai.clock import ProviderClock
from sandbox.ai.config import OPENAI, configured
from sandbox.refusals import Malformed
from tests.fakes.ai_providers import AiWorld, HandClock, ai_world

pytestmark = pytest.mark.anyio


async def crowd(here: AiWorld, calls: int) -> int:
    """Ask OpenAI so many times at once; return how many were refused."""
    ended = await asyncio.gather(
        *(here.respond() for _ in range(calls)), return_exceptions=True
    )
    refused = [one for one in ended if isinstance(one, BaseException)]
    assert all(isinstance(one, openai.RateLimitError) for one in refused)
    return len(refused)


async def refused_by_gemini(here: AiWorld) -> None:
    """Ask Gemini once; it must say no."""
    with pytest.raises(errors.ClientError):
        await here.generate()


class TestFigures:
    """What is told of the calls."""

    async def test_of_each_provider(self) -> None:
        """Totals, and every call with its times."""
        async with ai_world(openai={"rpm": 2}) as here:
            await here.respond(max_output_tokens=500)
            here.forward(2.5)
            await here.generate()
            await crowd(here, 3)
            stats = await here.stats()
            gemini = await here.stats("gemini")

        assert stats["quotas"] == {"rpm": {"limit": 2, "used": 2, "remaining": 0}}
        assert (stats["calls"], stats["admitted"], stats["answered"]) == (4, 2, 2)
        assert (stats["refused"], stats["refused_by"]) == (2, {"rpm": 2})
        assert stats["charged_tokens"] > 500
        assert stats["usage"]["input"] > 0
        assert (stats["first_arrival"], stats["last_delivery"]) == (0.0, 2.5)
        assert [call["arrived"] for call in stats["log"]] == [0.0, 2.5, 2.5, 2.5]
        assert [call["status"] for call in stats["log"]] == [200, 200, 429, 429]
        assert (gemini["calls"], gemini["refused"]) == (1, 0)

    async def test_without_the_calls(self) -> None:
        """The totals alone, where the log would be long."""
        async with ai_world() as here:
            await here.respond()
            answered = await here.http.get("/_sandbox/ai/stats?log=false")

        told = answered.json()
        assert (told["now"], told["scale"], told["seed"]) == (0.0, 1.0, 1)
        assert told["openai"]["calls"] == 1
        assert "log" not in told["openai"]

    async def test_before_the_first_call(self) -> None:
        """There is nothing to tell."""
        async with ai_world() as here:
            stats = await here.stats()

        assert (stats["calls"], stats["first_arrival"]) == (0, None)
        assert stats["log"] == []


class TestAvoidable:
    """Which refusals a client could have spared itself."""

    async def test_known_limits(self) -> None:
        """All of them."""
        async with ai_world(openai={"rpm": 2}) as here:
            await crowd(here, 5)
            stats = await here.stats()

        assert (stats["avoidable"], stats["unavoidable"]) == (3, 0)

    async def test_unknown_limits(self) -> None:
        """None that came before anything was told; all that came later."""
        unknown = {"rpm": 2, "limits_known": False}
        async with ai_world(openai=unknown) as here:
            await crowd(here, 5)
            here.forward(1)
            await crowd(here, 4)
            stats = await here.stats()

        assert (stats["avoidable"], stats["unavoidable"]) == (4, 3)

    async def test_an_answer_tells_by_its_headers(self) -> None:
        """Where there are none, only a refusal does."""
        unknown = {"rpm": 2, "limits_known": False}
        async with ai_world(openai=unknown, gemini=unknown) as here:
            for provider in (here.respond, here.generate):
                await provider()
                await provider()
            here.forward(1)
            await crowd(here, 1)
            await refused_by_gemini(here)
            here.forward(1)
            await refused_by_gemini(here)
            told = await here.stats()
            untold = await here.stats("gemini")

        assert (told["avoidable"], told["unavoidable"]) == (1, 0)
        assert (untold["avoidable"], untold["unavoidable"]) == (1, 1)

    @pytest.mark.parametrize("by_hand", [True, False])
    async def test_after_a_change(self, by_hand: bool) -> None:  # noqa: FBT001 - a case
        """Nobody knows of it until the first answer made under it is there."""
        changes = [] if by_hand else [{"at": 10, "rpm": 1}]
        async with ai_world(openai={"rpm": 4, "changes": changes}) as here:
            await crowd(here, 1)
            here.forward(10)
            if by_hand:
                await here.set(openai={"rpm": 1})
            await crowd(here, 3)
            here.forward(1)
            await crowd(here, 2)
            stats = await here.stats()

        assert stats["quotas"]["rpm"]["limit"] == 1
        assert (stats["avoidable"], stats["unavoidable"]) == (2, 3)
        assert {call["epoch"] for call in stats["log"]} == {0, 1}


class TestSettings:
    """Settings that change while the servers run."""

    async def test_limits(self) -> None:
        """What was used before counts on; a limit of null is lifted."""
        async with ai_world(openai={"rpm": 1}) as here:
            await crowd(here, 1)
            await here.set(openai={"rpm": 2})
            assert await crowd(here, 2) == 1

            await here.set(openai={"rpm": None})
            assert await crowd(here, 9) == 0

    async def test_another_way_of_counting(self) -> None:
        """It begins with quotas that nobody has used."""
        async with ai_world(openai={"rpm": 1}) as here:
            await crowd(here, 1)
            await here.set(openai={"kind": "bucket"})

            assert await crowd(here, 2) == 1

    async def test_faults_come_and_go(self) -> None:
        """Other settings leave their counts alone."""
        fault = {"kind": "overloaded", "times": 1}
        async with ai_world() as here:
            await here.set(openai={"faults": [fault]})
            with pytest.raises(openai.InternalServerError):
                await here.respond()
            await here.set(openai={"rpm": 5})

            assert (await here.respond()).status_code == 200

    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"openai": {"rps": 1}}, "rps"),
            ({"openai": {"rpm": "many"}}, "rpm"),
            ({"openai": {"rpm": -1}}, "rpm must not be negative"),
            ({"openai": {"kind": "leaky"}}, "kind"),
            ({"openai": {"faults": [{"kind": "boredom"}]}}, "faults.0.kind"),
            ({"openai": {"hints": ["smoke"]}}, "hints"),
            ({"openai": []}, "object"),
            ({"claude": {}}, "no such settings: claude"),
            ({"scale": 0}, "scale"),
            ({"scale": True}, "scale"),
            ([], "object"),
        ],
    )
    async def test_what_cannot_be_set(self, settings: Any, says: str) -> None:
        """The answer says what is wrong, and nothing has changed."""
        async with ai_world() as here:
            if isinstance(settings, dict):
                settings = {"gemini": {"rpm": 7}, **settings}
            answered = await here.http.post("/_sandbox/ai/set", json=settings)
            stats = await here.stats("gemini")

        assert answered.status_code == 400
        assert says in answered.json()["error"]
        assert stats["quotas"] == {}

    def test_settings_keep_what_is_not_named(self) -> None:
        """A change is a change, not a new beginning."""
        once = configured(OPENAI, {"rpm": 5, "faults": [{"kind": "stall"}]})

        twice = configured(once, {"tpm": 7})

        assert (twice.rpm, twice.tpm, twice.faults) == (5, 7, once.faults)
        assert twice.hints == OPENAI.hints

    def test_key_is_not_shown(self) -> None:
        """Where settings are printed."""
        assert "hush" not in repr(configured(OPENAI, {"api_key": "hush"}))
        with pytest.raises(Malformed):
            configured(OPENAI, {"latency_median": -1})


class TestNewBeginning:
    """All calls forgotten."""

    async def test_reset(self) -> None:
        """Time is zero, quotas are full, numbers begin at one; settings stay."""
        async with ai_world(openai={"rpm": 1}) as here:
            await crowd(here, 2)
            here.forward(5)
            answered = await here.http.post("/_sandbox/ai/reset")
            here.forward(3)
            refused = await crowd(here, 2)
            stats = await here.stats()

        assert answered.status_code == 204
        assert refused == 1
        assert [call["number"] for call in stats["log"]] == [1, 2]
        assert stats["first_arrival"] == 3.0

    async def test_web_pages_may_not(self) -> None:
        """A browser that has some other page open is no test."""
        async with ai_world() as here:
            answered = await here.http.post(
                "/_sandbox/ai/reset", headers={"Origin": "https://example.com"}
            )

        assert answered.status_code == 403


class TestTime:
    """The providers' clock and how long answers take."""

    async def test_clock_runs_at_its_own_speed(self) -> None:
        """Ten times as fast, then at half speed, and it never jumps."""
        hand = HandClock()
        clock = ProviderClock(10.0, hand)
        hand.now += 2
        assert clock.now() == pytest.approx(20.0)

        clock.rescale(0.5)
        assert clock.now() == pytest.approx(20.0)
        hand.now += 2
        assert clock.now() == pytest.approx(21.0)

        clock.restart()
        assert clock.now() == 0.0

    async def test_latency_is_the_same_for_the_same_seed(self) -> None:
        """Its median is as set, and it varies."""
        async with ai_world(openai={"latency_median": 1.0}) as here:
            provider = here.providers.by_name["openai"]
            first = [provider.latency(number) for number in range(1, 400)]
            again = [provider.latency(number) for number in range(1, 400)]

        assert first == again
        assert statistics.median(first) == pytest.approx(1.0, rel=0.1)
        assert min(first) < 0.6
        assert max(first) > 1.6

    async def test_refusals_come_at_once(self) -> None:
        """Only answers take their time."""
        slow = {"rpm": 1, "latency_median": 0.3, "latency_sigma": 0}
        async with ai_world(openai=slow) as here:
            asked = [asyncio.ensure_future(here.respond()) for _ in range(2)]
            first, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            ended = await asyncio.gather(*asked, return_exceptions=True)

        (soonest,) = first
        assert isinstance(soonest.exception(), openai.RateLimitError)
        assert sum(isinstance(one, openai.RateLimitError) for one in ended) == 1
