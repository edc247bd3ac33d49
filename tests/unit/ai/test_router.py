"""Tests for app.ai.router: who is asked, in which order, and what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typing_extensions import override

from app.ai.router import Router
from app.domain.completions import (
    Attempt,
    Completion,
    Exchange,
    Prompt,
    Turn,
    Usage,
)
from app.domain.pages import PageText
from app.errors import (
    AnswerUnusable,
    BudgetExceeded,
    OverBudget,
    PageTooExpensive,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderMisconfigured,
    QuestionRefused,
    Unavailable,
)
from app.usecases.ai_ports import Provider
from app.usecases.purse import Purse

pytestmark = pytest.mark.anyio

TURN = Turn(tenant_id="t", priority=20)
PROMPT = Prompt(
    page=PageText(title="Сторінка", paragraphs=()),
    language="uk",
    candidates=(),
    max_labels=3,
    summary_language="uk",
)
USAGE = Usage(input_tokens=500, micro_usd=7)
WORST = Usage(input_tokens=600, output_tokens=90, micro_usd=20)


class Scripted(Provider):
    """Answers, or raises what it was given; keeps who asked."""

    def __init__(
        self, name: str, error: Exception | None = None, *, held: float = 0.0
    ) -> None:
        self._name = name
        self.error = error
        self.held = held
        self.turns: list[Turn] = []
        self.others: list[Scripted] = []
        self.at_work = 0

    @property
    @override
    def name(self) -> str:
        return self._name

    @property
    @override
    def model(self) -> str:
        return f"{self._name}-1"

    @override
    def held_for(self) -> float:
        return self.held

    @override
    def estimate(self, prompt: Prompt) -> Usage:
        assert prompt is PROMPT
        return Usage() if self.name == "local" else WORST

    @override
    async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
        assert prompt is PROMPT
        assert not any(one.at_work for one in self.others), "two at once"
        self.turns.append(turn)
        self.at_work += 1
        try:
            await asyncio.sleep(0.001)
        finally:
            self.at_work -= 1
        if self.error:
            raise self.error
        return Completion(
            labels=(),
            summary="s",
            language="uk",
            provider=self.name,
            model=self.model,
            usage=USAGE,
            exchange=Exchange(prompt=PROMPT, reply=f"by {self.name}"),
        )


def routed(
    *providers: Scripted, order: Sequence[str] = (), patience: float = 20.0
) -> Router:
    """Return a router that asks these in order; `local` is always there."""
    everybody = list(providers)
    if all(one.name != "local" for one in everybody):
        everybody.append(Scripted("local"))
    for one in everybody:
        one.others = everybody
    return Router(
        {one.name: one for one in everybody},
        order=order or [one.name for one in providers],
        patience=patience,
        prompt_version=7,
    )


def busy(wait: float | None = None) -> ProviderBusy:
    return ProviderBusy("x", "spent", kind="rate_limited", retry_after=_delta(wait))


def down(wait: float | None = None) -> ProviderDown:
    return ProviderDown("x", "fails", kind="server_error", retry_after=_delta(wait))


def unusable(kind: str = "truncated") -> AnswerUnusable:
    return AnswerUnusable("x", "is cut", kind=kind, usage=asdict(USAGE))


def too_long() -> QuestionRefused:
    return QuestionRefused("x", "too long", kind="too_long")


def wrong_key(wait: float | None = None) -> ProviderMisconfigured:
    return ProviderMisconfigured(
        "x", "key", kind="authentication", retry_after=_delta(wait)
    )


class ScriptedPurse(Purse):
    """Pays for everybody but those whose cost it was told to refuse, and why."""

    def __init__(self, *refusals: OverBudget | None) -> None:
        self.refusals = list(refusals)
        self.asked: list[tuple[Usage, int]] = []

    @override
    async def hold(
        self, forecast: Callable[[], Usage], attempts: Sequence[Attempt]
    ) -> None:
        self.asked.append((forecast(), len(attempts)))
        if self.refusals and (error := self.refusals.pop(0)) is not None:
            raise error


SPENT = BudgetExceeded("the day", until=datetime(2026, 11, 30, tzinfo=UTC))
NEVER = PageTooExpensive("the day")


def _delta(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


class TestAnswer:
    """Tests for Router.answer()."""

    async def test_words_go_with_the_attempt_that_they_are_of(self) -> None:
        """A failure's too, where anything was sent; the answer itself has none."""
        error = unusable()
        error.exchange = Exchange(prompt=PROMPT, reply="cut sho")
        held = busy()
        router = routed(Scripted("a", error), Scripted("b", held), Scripted("c"))

        answer = await router.answer(PROMPT, TURN)

        told = [one.exchange and one.exchange.reply for one in answer.attempts]
        assert told == ["cut sho", None, "by c"]
        assert answer.completion.exchange is None

    async def test_first_in_order_answers(self) -> None:
        """Nobody else is asked."""
        first, second = Scripted("gemini"), Scripted("openai")

        answer = await routed(first, second).answer(PROMPT, TURN)

        assert answer.completion.provider == "gemini"
        assert not answer.is_fallback
        assert [one.outcome for one in answer.attempts] == ["answered"]
        assert second.turns == []

    @pytest.mark.parametrize(
        "error", [busy(9), down(), unusable(), too_long(), wrong_key()]
    )
    async def test_next_one_answers_where_the_first_does_not(
        self, error: ProviderError
    ) -> None:
        """The reason of the fallback, and what it cost, are kept."""
        first, second = Scripted("gemini", error), Scripted("openai")

        answer = await routed(first, second).answer(PROMPT, TURN)

        failed, answered = answer.attempts
        assert (failed.provider, failed.model) == ("gemini", "gemini-1")
        assert (failed.outcome, failed.reason) == (error.kind, error.reason)
        assert failed.usage == Usage(**error.usage)
        assert failed.seconds > 0
        assert (answered.provider, answered.usage) == ("openai", USAGE)
        assert answer.is_fallback

    async def test_patience_ends_only_where_somebody_comes_after(self) -> None:
        """The last one may take as long as it takes."""
        names = ("gemini", "openai", "local")
        providers = [Scripted(name, busy(1)) for name in names[:2]]
        last = Scripted("local")

        await routed(*providers, last, patience=12.5).answer(PROMPT, TURN)

        assert [one.turns[0].patience for one in (*providers, last)] == [
            12.5,
            12.5,
            None,
        ]
        assert {one.turns[0].priority for one in (*providers, last)} == {20}

    async def test_patience_of_a_turn_is_its_own_at_the_last(self) -> None:
        """Whoever asks may be in a hurry."""
        only = Scripted("openai")

        await routed(only).answer(PROMPT, Turn(tenant_id="t", patience=2.0))

        assert only.turns[0].patience == 2.0

    async def test_shorter_patience_of_a_turn_is_not_made_longer(self) -> None:
        """Nor is it before others."""
        first, second = Scripted("gemini", busy(5)), Scripted("openai")

        await routed(first, second).answer(PROMPT, Turn(tenant_id="t", patience=2.0))

        assert first.turns[0].patience == 2.0

    async def test_shortest_wait_is_raised_with_all_attempts(self) -> None:
        """So that the page comes back when the first of them is free."""
        providers = [
            Scripted("gemini", busy(3600)),
            Scripted("openai", down(15)),
            Scripted("third", wrong_key(1)),
        ]

        with pytest.raises(ProviderDown) as caught:
            await routed(*providers).answer(PROMPT, TURN)

        assert caught.value.retry_after == timedelta(seconds=15)
        kinds = [getattr(one, "outcome", "") for one in caught.value.attempts]
        assert kinds == ["rate_limited", "server_error", "authentication"]

    async def test_told_wait_is_better_than_none(self) -> None:
        """An hour that is known before a moment that is not."""
        providers = [Scripted("gemini", down()), Scripted("openai", busy(3600))]

        with pytest.raises(ProviderBusy):
            await routed(*providers).answer(PROMPT, TURN)

    async def test_operator_is_asked_where_nobody_can_be_waited_for(self) -> None:
        """All keys are wrong."""
        providers = [Scripted("gemini", wrong_key(60)), Scripted("openai", wrong_key())]

        with pytest.raises(ProviderMisconfigured) as caught:
            await routed(*providers).answer(PROMPT, TURN)

        assert len(caught.value.attempts) == 2

    @pytest.mark.parametrize(
        "errors",
        [
            (unusable(),),
            (too_long(),),
            (unusable("refused"), too_long()),
            (unusable("blocked"), unusable("malformed")),
        ],
    )
    async def test_page_that_nobody_can_answer_gets_the_draft(
        self, errors: tuple[ProviderError, ...]
    ) -> None:
        """What is only this page's fault is no reason to wait."""
        providers = [Scripted(f"p{n}", error) for n, error in enumerate(errors)]

        answer = await routed(*providers).answer(PROMPT, TURN)

        assert answer.completion.provider == "local"
        assert len(answer.attempts) == len(errors) + 1

    async def test_unusable_answer_is_not_bought_twice(self) -> None:
        """Waiting for the other would mean to pay the first once more."""
        providers = [Scripted("gemini", unusable()), Scripted("openai", busy(5))]

        answer = await routed(*providers).answer(PROMPT, TURN)

        assert answer.completion.provider == "local"

    async def test_held_provider_is_no_fault_of_the_page(self) -> None:
        """What the gate says while the operator must act leads to no draft."""
        error = ProviderMisconfigured("x", "no money", kind="operator_wait")

        with pytest.raises(ProviderMisconfigured):
            await routed(Scripted("gemini", error)).answer(PROMPT, TURN)

    async def test_database_that_is_away_is_nobodys_turn(self) -> None:
        """Another provider's quota cannot be asked for either."""
        first = Scripted("gemini", Unavailable("database", "away"))
        second = Scripted("openai")

        with pytest.raises(Unavailable):
            await routed(first, second).answer(PROMPT, TURN)

        assert second.turns == []

    async def test_nobody_is_paid_twice_since_the_database_went_away(self) -> None:
        """An answer of no use was paid for; the draft stands, and its cost is told."""
        useless = AnswerUnusable(
            "gemini", "no JSON", kind="malformed", usage={"micro_usd": 5}
        )
        first = Scripted("gemini", useless)
        second = Scripted("openai", Unavailable("database", "away"))

        answer = await routed(first, second).answer(PROMPT, TURN)

        assert answer.completion.provider == "local"
        assert [(one.provider, one.outcome) for one in answer.attempts] == [
            ("gemini", "malformed"),
            ("local", "answered"),
        ]
        assert answer.attempts[0].usage.micro_usd == 5

    async def test_cancelling_asks_nobody_else(self) -> None:
        """Whoever does not want the answer any more does not want another."""
        first, second = Scripted("gemini"), Scripted("openai")
        task = asyncio.create_task(routed(first, second).answer(PROMPT, TURN))
        await asyncio.sleep(0)

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert second.turns == []


class TestOrder:
    """A tenant's order in place of the operator's."""

    async def test_tenants_order_is_followed(self) -> None:
        """Backwards, if they like."""
        first, second = Scripted("gemini"), Scripted("openai")

        answer = await routed(first, second).answer(
            PROMPT, TURN, order=("openai", "gemini")
        )

        assert answer.completion.provider == "openai"

    @pytest.mark.parametrize("order", [("local",), ("nobody",), ("", "місцевий")])
    async def test_local_only_never_asks_a_remote_one(
        self, order: tuple[str, ...]
    ) -> None:
        """Nor does an order of which nothing is left: somebody wanted to be careful."""
        remote = Scripted("openai")

        answer = await routed(remote).answer(PROMPT, TURN, order=order)

        assert answer.completion.provider == "local"
        assert remote.turns == []

    async def test_names_that_are_gone_are_passed_over(self) -> None:
        """A key was taken away after the tenant had chosen."""
        remote = Scripted("openai")

        answer = await routed(remote).answer(
            PROMPT, TURN, order=("gemini", "openai", "local")
        )

        assert [one.provider for one in answer.attempts] == ["openai"]

    def test_respondents_are_those_who_would_be_asked(self) -> None:
        """With their models, for the plan of a run."""
        router = routed(Scripted("gemini"), Scripted("openai"))

        listed = [(one.provider, one.model) for one in router.respondents()]
        chosen = router.respondents(("openai", "gone", "local"))

        assert listed == [("gemini", "gemini-1"), ("openai", "openai-1")]
        assert [one.provider for one in chosen] == ["openai", "local"]
        assert router.prompt_version == 7

    @pytest.mark.parametrize(
        ("order", "seconds"),
        [((), 30.0), (("gemini",), 500.0), (("gemini", "local"), 0.0), (("x",), 0.0)],
    )
    def test_held_for_is_until_the_first_is_free(
        self, order: tuple[str, ...], seconds: float
    ) -> None:
        """Whoever can be asked now makes it nothing."""
        router = routed(Scripted("gemini", held=500.0), Scripted("openai", held=30.0))

        assert router.held_for(order) == seconds


class TestAttempts:
    """What is kept of those who were asked."""

    async def test_many_pages_at_once_keep_their_own(self) -> None:
        """One router serves all workers."""
        answers: list[Any] = await asyncio.gather(
            *(
                Router(
                    {"local": Scripted("local"), "a": Scripted("a", busy(n))},
                    order=("a", "local"),
                    patience=1,
                    prompt_version=1,
                ).answer(PROMPT, TURN)
                for n in range(5)
            )
        )

        assert [len(one.attempts) for one in answers] == [2] * 5


class TestPurse:
    """Who is paid, and what follows if nobody can be."""

    async def test_each_is_held_for_before_it_is_asked(self) -> None:
        """At its worst; who was asked before is told."""
        purse = ScriptedPurse()
        router = routed(Scripted("gemini", down()), Scripted("openai"))

        await router.answer(PROMPT, TURN, purse=purse)

        assert purse.asked == [(WORST, 0), (WORST, 1)]

    async def test_cheaper_one_answers_where_the_first_is_not_paid(self) -> None:
        """The first was not called."""
        first, second = Scripted("gemini"), Scripted("openai")

        answer = await routed(first, second).answer(
            PROMPT, TURN, purse=ScriptedPurse(SPENT)
        )

        assert first.turns == []
        assert [(one.outcome, one.was_called) for one in answer.attempts] == [
            ("over_budget", False),
            ("answered", True),
        ]
        assert answer.is_fallback

    @pytest.mark.parametrize(
        ("refusals", "raised"),
        [((SPENT,), SPENT), ((NEVER, SPENT), SPENT), ((NEVER, NEVER), NEVER)],
    )
    async def test_nobody_is_paid(
        self, refusals: tuple[OverBudget, ...], raised: OverBudget
    ) -> None:
        """A page that some later day has money for is put off, not given up."""
        names = ("gemini", "openai")[: len(refusals)]
        router = routed(*map(Scripted, names))

        with pytest.raises(OverBudget) as caught:
            await router.answer(PROMPT, TURN, purse=ScriptedPurse(*refusals))

        assert caught.value is raised
        assert len(caught.value.attempts) == len(refusals)

    async def test_want_of_money_after_a_final_answer_is_the_draft_s_turn(self) -> None:
        """Later, the first would be paid in vain once more."""
        router = routed(Scripted("gemini", unusable()), Scripted("openai"))

        answer = await router.answer(PROMPT, TURN, purse=ScriptedPurse(None, SPENT))

        assert [one.outcome for one in answer.attempts] == [
            "truncated",
            "over_budget",
            "answered",
        ]
        assert answer.completion.provider == "local"

    def test_estimate_is_that_of_the_first_in_order(self) -> None:
        """Of the operator's order, or a tenant's."""
        router = routed(Scripted("openai"))

        assert router.estimate(PROMPT) == WORST
        assert router.estimate(PROMPT, ["local"]) == Usage()
