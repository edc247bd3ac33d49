"""The provider that needs no key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from app.ai.local import LocalProvider
from app.domain.completions import Candidate, Prompt, Turn, Usage
from app.domain.pages import PageText
from app.domain.plans import FixedBar, plan_labels
from app.domain.vocabulary.terms import Vocabulary

pytestmark = pytest.mark.anyio

_TURN = Turn(tenant_id="t")

_PAGE = PageText(
    title="Резервні копії",
    paragraphs=(
        "Ця сторінка показує, як відновити резервні копії бази даних.",
        "Резервні копії лежать на іншому диску. Копії робить нічне завдання.",
    ),
    text="Ця сторінка показує, як відновити резервні копії бази даних.",
)


def _prompt(
    *candidates: tuple[str, float],
    page: PageText = _PAGE,
    max_labels: int = 5,
    language: str = "uk",
) -> Prompt:
    return Prompt(
        page=page,
        language=language,
        candidates=tuple(
            Candidate(name=name, score=score, evidence=f"because of {name}")
            for name, score in candidates
        ),
        max_labels=max_labels,
        summary_language=language,
    )


class TestComplete:
    """Tests for app.ai.local.LocalProvider.complete()."""

    async def test_receipt_gets_the_candidates_and_no_text(self) -> None:
        """Nothing was sent anywhere, and the page is not kept once more."""
        prompt = _prompt(("high", 0.9))

        exchange = (await LocalProvider().complete(prompt, _TURN)).exchange

        assert exchange is not None
        assert exchange.prompt.candidates == prompt.candidates
        assert (exchange.prompt.page.title, exchange.prompt.page.text) == (
            "Резервні копії",
            "",
        )
        assert (exchange.message, exchange.reply) == ("", "")

    async def test_likely_candidates_are_chosen(self) -> None:
        """Labels are the candidates from 0.2 on, best first, with their evidence."""
        prompt = _prompt(("low", 0.19), ("edge", 0.2), ("high", 0.9))

        completion = await LocalProvider().complete(prompt, _TURN)

        assert [(one.name, one.confidence) for one in completion.labels] == [
            ("high", 0.9),
            ("edge", 0.2),
        ]
        assert completion.labels[0].evidence == "because of high"

    async def test_a_page_s_best_label_is_applied(self) -> None:
        """Uncertain, but nothing else comes near: the plan will write it, and say why."""
        prompt = _prompt(("best", 0.45), ("next", 0.2))

        completion = await LocalProvider().complete(prompt, _TURN)
        plan = plan_labels(
            completion,
            on_page=(),
            ledger={},
            vocabulary=Vocabulary.build((), openness="open"),
            bar=FixedBar(),
            max_labels=5,
        )

        assert plan.labels("add") == ("best",)
        assert plan.labels("suggest") == ("next",)
        assert completion.labels[0].evidence == (
            "because of best; 45% likely, yet among the page's best"
        )

    @pytest.mark.parametrize(("most", "names"), [(1, ["b"]), (0, []), (-2, [])])
    async def test_no_more_labels_than_asked_for(
        self, most: int, names: list[str]
    ) -> None:
        """The best candidates fill the places there are."""
        prompt = _prompt(("a", 0.5), ("b", 0.8), max_labels=most)

        completion = await LocalProvider().complete(prompt, _TURN)

        assert [one.name for one in completion.labels] == names

    async def test_a_candidate_given_twice_is_chosen_once(self) -> None:
        """Of two candidates with one name the better one counts."""
        prompt = _prompt(("a", 0.3), ("a", 0.6), ("a", 0.6))

        completion = await LocalProvider().complete(prompt, _TURN)

        assert [one.confidence for one in completion.labels] == [0.6]

    async def test_a_cold_start_invents_no_label(self) -> None:
        """Without candidates there are proposals for a person, and no labels."""
        completion = await LocalProvider().complete(_prompt(), _TURN)

        assert completion.labels == ()
        assert completion.proposals[0].name == "резервні-копії"
        assert all(one.confidence < 0.2 for one in completion.proposals)

    async def test_candidates_leave_no_room_for_proposals(self) -> None:
        """A site with labels gets no new ones from here, however bad they fit."""
        completion = await LocalProvider().complete(_prompt(("a", 0.01)), _TURN)

        assert (completion.labels, completion.proposals) == ((), ())

    async def test_the_summary_is_the_page_s_own_sentence(self) -> None:
        """The answer is in the page's language, costs nothing, and says who gave it."""
        completion = await LocalProvider().complete(_prompt(language="en"), _TURN)

        assert completion.summary == _PAGE.paragraphs[0]
        assert completion.language == "uk"
        assert completion.usage == Usage()
        assert (completion.provider, completion.model) == ("local", "site-memory-2")

    async def test_sentences_come_with_their_passages(self) -> None:
        """Each is the page's own, so it speaks for itself."""
        page = PageText(
            title="Копії",
            paragraphs=(),
            headings=("Розклад",),
            text=(
                "Ця сторінка показує, як відновити резервні копії бази даних вікі.\n\n"
                "Розклад\n\nНічне завдання щодня пише їх на інший диск сервера."
            ),
        )
        page = replace(page, paragraphs=tuple(page.text.split("\n\n")[::2]))
        prompt = replace(_prompt(page=page), sentences=2)

        completion = await LocalProvider().complete(prompt, _TURN)

        assert completion.summary == " ".join(page.paragraphs)
        assert [one.section for one in completion.sources] == ["", "Розклад"]
        assert all(one.quote == one.sentence for one in completion.sources)
        assert completion.oddities == ()

    async def test_it_does_not_translate_and_says_so(self) -> None:
        """Asked for German, it gives the page's own words, in the page's language."""
        prompt = replace(_prompt(), summary_language="de", label_language="de")

        with capture_logs() as logs:
            completion = await LocalProvider().complete(prompt, _TURN)

        assert (completion.summary, completion.language) == (_PAGE.paragraphs[0], "uk")
        assert completion.oddities == ("summary_not_translated",)
        assert completion.proposals == ()
        assert [one["event"] for one in logs] == ["answer_mended"]

    @pytest.mark.parametrize(("known", "language"), [("fr", "fr"), ("", "und")])
    async def test_an_unknown_language_is_taken_from_the_prompt(
        self, known: str, language: str
    ) -> None:
        """Where the text does not tell, what the caller knows stands."""
        prompt = _prompt(page=PageText(title="42", paragraphs=()), language=known)

        completion = await LocalProvider().complete(prompt, _TURN)

        assert (completion.summary, completion.language) == ("42", language)

    @pytest.mark.parametrize(
        "text",
        ["", "word " * 200_000, "x" * 1_000_000, "🙂" * 300_000],
        ids=["empty", "one word", "no spaces", "emoji"],
    )
    async def test_hostile_pages_get_an_answer(self, text: str) -> None:
        """Nothing makes it fail."""
        page = PageText(title="", paragraphs=(text,), text=text)

        completion = await LocalProvider().complete(_prompt(page=page), _TURN)

        assert completion.labels == ()
