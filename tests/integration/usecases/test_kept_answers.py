"""Tests for the kept answers of app.usecases.complete_page on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from inspect import signature
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.errors import AnswerUnusable, ProviderBusy, ProviderDown, Unavailable
from app.store.database import Database
from app.store.encryption import Cipher, new_key
from app.store.tables import CompletionRow, UsageRow
from app.usecases.complete_page import PAUSES, complete_page
from app.usecases.settle_job import LEASE
from tests.integration.store.stored import new_tenant, rows
from tests.integration.usecases.asking import (
    BODY,
    COST,
    NOON,
    ScriptedProvider,
    a_page,
    asking,
    spent,
)

pytestmark = pytest.mark.anyio
ANSWER = "Підсумок від openai."


class TestUnchanged:
    """The same question is paid for once."""

    async def test_unchanged_page_costs_nothing(self, database: Database) -> None:
        """Not even in another version, or with other white space."""
        house = await asking(database, ScriptedProvider("openai"))
        spaced = BODY.replace(" ", "\n  ")

        first = await house.complete(a_page())
        second = await house.complete(a_page(version=2, body=spaced))

        assert house.calls == {"openai": 1}
        assert first.completion == second.completion
        assert first.completion.summary == ANSWER
        assert (len(first.attempts), second.attempts) == (1, ())
        assert first.key == second.key
        assert house.metric("ai_cache_hits_total") == 1

    @pytest.mark.parametrize(
        "changes",
        [{"body": BODY + " Ще речення."}, {"title": "Відпустки"}],
        ids=["text", "title"],
    )
    async def test_changed_page_is_asked_about_again(
        self, database: Database, changes: dict[str, str]
    ) -> None:
        """Text and title are both read by the one who answers."""
        house = await asking(database, ScriptedProvider("openai"))

        await house.complete(a_page())
        await house.complete(a_page(**changes))

        assert house.calls == {"openai": 2}

    async def test_other_words_of_the_question_ask_again(
        self, database: Database
    ) -> None:
        """A new prompt version makes old answers none."""
        openai = ScriptedProvider("openai")
        house = await asking(database, openai)
        await house.complete(a_page())
        ai = house.services.ai
        ai._prompt_version = 2  # type: ignore[attr-defined]

        await house.complete(a_page())

        assert house.calls == {"openai": 2}

    async def test_page_without_any_text_to_speak_of_is_its_own(
        self, database: Database
    ) -> None:
        """Two short pages of one title and body are one question all the same."""
        house = await asking(database, ScriptedProvider("openai"))

        await house.complete(a_page("7", "План", body="Далі буде."))
        await house.complete(a_page("8", "План", body="Далі буде."))

        assert house.calls == {"openai": 1}


class TestCopies:
    """A copied page has the answer of its original."""

    @pytest.mark.parametrize(
        "title",
        ["Copy of Резервні копії", "Резервні копії (2)", "Копія: РЕЗЕРВНІ КОПІЇ"],
    )
    async def test_copy_costs_nothing(self, database: Database, title: str) -> None:
        """Its title holds that of its original."""
        house = await asking(database, ScriptedProvider("openai"))

        original = await house.complete(a_page("7"))
        copy = await house.complete(a_page("8", title))

        assert house.calls == {"openai": 1}
        assert copy.completion == original.completion
        assert copy.attempts == ()

    async def test_original_of_a_copy_costs_nothing(self, database: Database) -> None:
        """Whichever of the two was answered first."""
        house = await asking(database, ScriptedProvider("openai"))

        await house.complete(a_page("8", "Copy of Резервні копії"))
        await house.complete(a_page("7"))

        assert house.calls == {"openai": 1}

    @pytest.mark.parametrize("title", ["Відпустки", ""])
    async def test_same_text_under_an_unrelated_title_is_asked_about(
        self, database: Database, title: str
    ) -> None:
        """A template filled in twice is no copy."""
        house = await asking(database, ScriptedProvider("openai"))

        await house.complete(a_page("7"))
        await house.complete(a_page("8", title))

        assert house.calls == {"openai": 2}

    async def test_short_texts_are_alike_by_chance(self, database: Database) -> None:
        """An almost empty page says nothing of where it came from."""
        house = await asking(database, ScriptedProvider("openai"))

        await house.complete(a_page("7", body="Далі буде."))
        await house.complete(a_page("8", "Copy of Резервні копії", body="Далі буде."))

        assert house.calls == {"openai": 2}

    async def test_copy_is_found_behind_pages_of_other_titles(
        self, database: Database
    ) -> None:
        """Several pages of the same text stand side by side."""
        house = await asking(database, ScriptedProvider("openai"))
        for title in ("Резервні копії", "Відпустки", "Мережа"):
            await house.complete(a_page("7", title))

        await house.complete(a_page("8", "Copy of Відпустки"))

        assert house.calls == {"openai": 3}


class TestSecrecy:
    """Answers speak of pages: they stay the tenant's, and sealed."""

    async def test_other_tenant_never_sees_it(self, database: Database) -> None:
        """The same page on two sites is two questions, by title or by text."""
        house = await asking(database, ScriptedProvider("openai"))
        other = await new_tenant(database, "b")

        await house.complete(a_page())
        await house.complete(a_page(), other)
        await house.complete(a_page(title="Copy of Резервні копії"), other)

        assert house.calls == {"openai": 2}
        owners = {row["tenant_id"] for row in await rows(database, CompletionRow)}
        assert owners == {house.tenant, other}

    async def test_nothing_of_it_can_be_read_in_the_database(
        self, database: Database, database_url: str
    ) -> None:
        """Neither summary nor title, in the row or in the file."""
        house = await asking(database, ScriptedProvider("openai"))

        await house.complete(a_page())

        (row,) = await rows(database, CompletionRow)
        raw = _bytes_of(database_url, or_else=repr(row))
        assert row["sealed_answer"].encode() in raw
        for word in ("Підсумок", "Резервн", "щоночі", '"summary"'):
            assert word.encode() not in raw

    async def test_answer_whose_key_is_gone_is_asked_anew(
        self, database: Database
    ) -> None:
        """A cache is no reason to stop; the new answer takes the old one's place."""
        house = await asking(database, ScriptedProvider("openai"))
        await house.complete(a_page())
        house.services = replace(house.services, cipher=Cipher([new_key()]))

        await house.complete(a_page())
        await house.complete(a_page())

        assert house.calls == {"openai": 2}
        assert len(await rows(database, CompletionRow)) == 1

    async def test_key_that_was_rotated_but_kept_still_opens(
        self, database: Database
    ) -> None:
        """The first key seals, all open."""
        old, new = new_key(), new_key()
        house = await asking(database, ScriptedProvider("openai"), cipher=Cipher([old]))
        await house.complete(a_page())
        house.services = replace(house.services, cipher=Cipher([new, old]))

        await house.complete(a_page())

        assert house.calls == {"openai": 1}

    async def test_answer_in_another_version_s_form_is_asked_anew(
        self, database: Database
    ) -> None:
        """An upgrade does not stop at what the release before it kept."""
        house = await asking(database, ScriptedProvider("openai"))
        await house.complete(a_page())
        odd = house.services.cipher.seal('{"completion": {"words": []}, "title": 3}')
        await database.write(
            lambda s: s.execute(
                sa.update(CompletionRow)
                .where(CompletionRow.tenant_id == house.tenant)
                .values(sealed_answer=odd)
            ).close()
        )

        await house.complete(a_page())

        assert house.calls == {"openai": 2}


class TestWhose:
    """Whose answers count for whom."""

    async def test_answer_of_the_one_in_place_is_used_and_marked_again(
        self, database: Database
    ) -> None:
        """A fallback's answer is not thrown away, and the page keeps saying so."""
        openai = ScriptedProvider(
            "openai", ProviderDown("openai", "503", kind="overloaded")
        )
        house = await asking(database, openai, ScriptedProvider("gemini"))

        first = await house.complete(a_page())
        second = await house.complete(a_page())

        assert house.calls == {"openai": 1, "gemini": 1}
        assert (first.is_fallback, second.is_fallback) == (True, True)
        assert [one.outcome for one in first.attempts] == ["overloaded", "answered"]

    async def test_free_answer_in_place_does_not_stand_for_ever(
        self, database: Database
    ) -> None:
        """Once the one that was chosen is back, it is asked."""
        openai = ScriptedProvider(
            "openai", ProviderDown("openai", "503", kind="overloaded")
        )
        house = await asking(database, openai, order=["openai", "local"])

        first = await house.complete(a_page())
        second = await house.complete(a_page())

        assert (first.completion.provider, first.is_fallback) == ("local", True)
        assert (second.completion.provider, second.is_fallback) == ("openai", False)
        assert house.calls == {"openai": 2, "local": 1}

    async def test_free_answer_is_kept_where_it_was_asked_first(
        self, database: Database
    ) -> None:
        """Nothing is worked out twice."""
        house = await asking(database, ScriptedProvider("local"))

        await house.complete(a_page())
        again = await house.complete(a_page())

        assert house.calls == {"local": 1}
        assert not again.is_fallback

    async def test_local_alone_asks_and_uses_nobody_else(
        self, database: Database
    ) -> None:
        """Nor an answer that a remote one has given before."""
        house = await asking(
            database, ScriptedProvider("openai"), ScriptedProvider("gemini")
        )
        await house.complete(a_page())

        answer = await house.complete(a_page(), order=["local"])

        assert house.calls == {"openai": 1, "local": 1}
        assert answer.completion.provider == "local"
        assert not answer.is_fallback

    async def test_order_of_which_nobody_is_left_stays_at_home(
        self, database: Database
    ) -> None:
        """A provider that the operator took away is not replaced by another one."""
        house = await asking(database, ScriptedProvider("openai"))

        answer = await house.complete(a_page(), order=["gemini"])

        assert house.calls == {"local": 1}
        assert answer.completion.provider == "local"


class TestAway:
    """The database is away when a paid answer comes."""

    async def test_answer_waits_for_the_database(self, database: Database) -> None:
        """A short absence is sat out."""
        house = await asking(database, ScriptedProvider("openai"))
        house.database.away_for = 3

        answer = await house.complete(a_page(), pauses=[0.001] * 4)

        assert answer.completion.summary == ANSWER
        assert (house.calls, house.database.refused) == ({"openai": 1}, 3)
        assert len(await rows(database, CompletionRow)) == 1
        assert house.services.answers_in_hand == {}

    async def test_answer_stays_in_hand_over_a_longer_absence(
        self, database: Database
    ) -> None:
        """The page's next attempt has it, and its cost is told once."""
        house = await asking(database, ScriptedProvider("openai"))
        house.database.away_for = 2
        with pytest.raises(Unavailable):
            await house.complete(a_page(), pauses=[0.001])

        answer = await house.complete(a_page())

        (usage,) = await rows(database, UsageRow)
        assert house.calls == {"openai": 1}
        assert answer.completion.summary == ANSWER
        assert [one.usage for one in answer.attempts] == [COST]
        assert (usage["calls"], usage["micro_usd"]) == (1, COST.micro_usd)
        assert house.services.answers_in_hand == {}
        assert (
            house.metric("ai_calls_total", provider="openai", outcome="answered") == 1
        )

    async def test_answer_in_hand_is_the_tenant_s_own(self, database: Database) -> None:
        """The same page of another site does not get it."""
        house = await asking(database, ScriptedProvider("openai"))
        other = await new_tenant(database, "b")
        house.database.away_for = 1
        with pytest.raises(Unavailable):
            await house.complete(a_page())

        await house.complete(a_page(), other)

        assert house.calls == {"openai": 2}
        assert [owner for owner, _ in house.services.answers_in_hand] == [house.tenant]

    async def test_worker_that_is_stopped_meanwhile_loses_nothing(
        self, database: Database
    ) -> None:
        """Its lease lapses while it waits: whoever has the page next pays nothing."""
        house = await asking(database, ScriptedProvider("openai"))
        house.database.away_for = 10**6
        waiting = asyncio.create_task(house.complete(a_page(), pauses=[60.0]))
        await house.database.was_asked.wait()

        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        house.database.away_for = 0
        await house.complete(a_page())

        assert house.calls == {"openai": 1}

    async def test_hand_holds_only_so_many(self, database: Database) -> None:
        """A database that stays away does not fill the memory."""
        house = await asking(database, ScriptedProvider("openai"))
        hand = house.services.answers_in_hand
        house.database.away_for = 2
        with pytest.raises(Unavailable):
            await house.complete(a_page(title="Мережа"))
        ((_, routed),) = hand.items()
        hand.update({("t", str(number)): routed for number in range(999)})

        with pytest.raises(Unavailable):
            await house.complete(a_page())

        assert len(hand) == 1000

    async def test_pauses_end_before_a_lease_does(self) -> None:
        """Else two workers would ask for one page."""
        assert signature(complete_page).parameters["pauses"].default == PAUSES
        assert 10 <= sum(PAUSES) < LEASE.total_seconds()


class TestAccounts:
    """What calls cost is written down with what came of them."""

    async def test_each_call_is_added_to_its_day_and_model(
        self, database: Database
    ) -> None:
        """Calls, tokens, money, and pages that cost nothing."""
        house = await asking(database, ScriptedProvider("openai"))

        for page in (a_page(), a_page(), a_page(title="Мережа"), a_page()):
            await house.complete(page)

        (row,) = await rows(database, UsageRow)
        assert row == {
            "tenant_id": house.tenant,
            "day": NOON.date(),
            "provider": "openai",
            "model": "openai-model",
            "calls": 2,
            "failures": 0,
            "cache_hits": 2,
            **{name: 2 * amount for name, amount in spent().items()},
        }

    async def test_failed_call_is_paid_for_all_the_same(
        self, database: Database
    ) -> None:
        """An answer that was cut short cost its tokens; the next provider's its own."""
        cut = AnswerUnusable("openai", "cut short", kind="truncated", usage=spent())
        house = await asking(
            database, ScriptedProvider("openai", cut), ScriptedProvider("gemini")
        )

        answer = await house.complete(a_page())

        assert [one.usage for one in answer.attempts] == [COST, COST]
        assert await _sums(database) == {
            "openai": (1, 1, COST.micro_usd),
            "gemini": (1, 0, COST.micro_usd),
        }
        cost = house.metric(
            "ai_cost_usd_total", provider="openai", model="openai-model"
        )
        assert cost == pytest.approx(COST.micro_usd / 1e6)

    async def test_failures_are_told_though_nobody_answered(
        self, database: Database
    ) -> None:
        """The first was paid in vain, the second is busy: both stand in the sums."""
        cut = ProviderDown("openai", "failed", kind="server_error", usage=spent())
        busy = ProviderBusy(
            "gemini", "429", kind="rate_limited", retry_after=timedelta(seconds=9)
        )
        house = await asking(
            database, ScriptedProvider("openai", cut), ScriptedProvider("gemini", busy)
        )

        with pytest.raises(ProviderBusy) as caught:
            await house.complete(a_page())

        outcomes = [one.outcome for one in caught.value.attempts]  # type: ignore[attr-defined]
        assert outcomes == ["server_error", "rate_limited"]
        assert await _sums(database) == {
            "openai": (1, 1, COST.micro_usd),
            "gemini": (1, 1, 0),
        }

    async def test_text_that_is_refused_for_good_is_not_asked_about_again(
        self, database: Database
    ) -> None:
        """The draft stands: waiting for the second would mean to pay the first again."""
        cut = AnswerUnusable("openai", "no JSON", kind="malformed", usage=spent())
        busy = ProviderBusy("gemini", "429", kind="rate_limited")
        openai = ScriptedProvider("openai", cut)
        house = await asking(database, openai, ScriptedProvider("gemini", busy))

        answers = [await house.complete(a_page()) for _ in range(2)]

        assert [one.completion.provider for one in answers] == ["local", "local"]
        assert [one.is_fallback for one in answers] == [True, True]
        assert [len(one.attempts) for one in answers] == [3, 0]

    async def test_call_that_was_never_made_is_no_call(
        self, database: Database
    ) -> None:
        """Whoever was passed over for its quota has neither failed nor answered."""
        spared = ProviderBusy("openai", "its quota is spent", kind="quota_wait")
        house = await asking(
            database, ScriptedProvider("openai", spared), ScriptedProvider("gemini")
        )

        await house.complete(a_page())

        assert await _sums(database) == {
            "openai": (0, 0, 0),
            "gemini": (1, 0, COST.micro_usd),
        }

    async def test_provider_s_word_counts_though_its_cost_cannot_be_kept(
        self, database: Database
    ) -> None:
        """The page waits for the AI, and not as if it had failed itself."""
        cut = ProviderDown("openai", "failed", kind="server_error", usage=spent())
        busy = ProviderBusy(
            "gemini", "429", kind="rate_limited", retry_after=timedelta(seconds=9)
        )
        house = await asking(
            database, ScriptedProvider("openai", cut), ScriptedProvider("gemini", busy)
        )
        house.database.away_for = 1

        with pytest.raises(ProviderBusy):
            await house.complete(a_page())

    async def test_pages_that_fell_back_crosswise_do_not_lock_each_other(
        self, database: Database
    ) -> None:
        """Each counts at the providers of its order; the rows are the same."""
        cut = {
            name: [AnswerUnusable(name, "cut", kind="truncated", usage=spent())] * 12
            for name in ("openai", "gemini")
        }
        house = await asking(
            database, *(ScriptedProvider(name, *script) for name, script in cut.items())
        )
        orders = (["openai", "gemini", "local"], ["gemini", "openai", "local"])

        await asyncio.gather(
            *(
                house.complete(a_page(title=f"Сторінка {n}"), order=orders[n % 2])
                for n in range(12)
            )
        )

        assert await _sums(database) == {
            "openai": (12, 12, 12 * COST.micro_usd),
            "gemini": (12, 12, 12 * COST.micro_usd),
            "local": (12, 0, 0),
        }

    async def test_fallback_is_counted_with_its_reason(
        self, database: Database
    ) -> None:
        """From whom, to whom, and why."""
        refused = AnswerUnusable("openai", "will not", kind="refused")
        house = await asking(
            database, ScriptedProvider("openai", refused), ScriptedProvider("gemini")
        )

        await house.complete(a_page())

        labels = {
            "from_provider": "openai", "to_provider": "gemini", "reason": "refused",
        }  # fmt: skip
        assert house.metric("ai_fallbacks_total", **labels) == 1


def _bytes_of(database_url: str, *, or_else: str) -> bytes:
    """Return an embedded database as it lies there, its log included."""
    if not database_url.startswith("sqlite:///"):
        return or_else.encode()
    file = Path(database_url.removeprefix("sqlite:///"))
    return b"".join(one.read_bytes() for one in file.parent.glob(file.name + "*"))


async def _sums(database: Database) -> dict[str, tuple[int, int, int]]:
    return {
        row["provider"]: (row["calls"], row["failures"], row["micro_usd"])
        for row in await rows(database, UsageRow)
    }
