"""Tests for app.domain.receipts: what a receipt says of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.completions import (
    Attempt,
    Candidate,
    Completion,
    Example,
    Exchange,
    LabelChoice,
    Prompt,
    Usage,
)
from app.domain.pages import PageText
from app.domain.plans import NOTHING, Plan, PlanItem
from app.domain.policy import Policy
from app.domain.receipts import (
    answer_row,
    attempt_figures,
    attempt_row,
    label_rows,
    packed,
    policy_row,
    prompt_of,
    question_row,
    unpacked,
)
from app.domain.teaching import Feedback, LearnedBar
from app.domain.vocabulary.terms import Openness, Term, Vocabulary

TEXT = "Копію роблять щоночі.\n\n  Потім її перевіряють.  "
PROMPT = Prompt(
    page=PageText(title="Копії", paragraphs=("Копію роблять щоночі.",), text=TEXT),
    language="uk",
    candidates=(
        Candidate(
            name="копії",
            score=0.7,
            evidence="на схожих сторінках",
            parts=(("vote", 2.5), ("bias", -1.0)),
        ),
    ),
    max_labels=5,
    summary_language="uk",
    existing=("мережа",),
    examples=(Example(title="Стрічки", labels=("копії",)),),
    draft="Копію роблять щоночі.",
)
EXCHANGE = Exchange(
    prompt=PROMPT.without_text(),
    instructions="Rules.",
    message=f"Title: Копії\n{TEXT}",
    schema={"type": "object"},
    page_text=TEXT,
    reply='{"labels": ["копії", "чуже"]}',
    oddities=("label_unknown",),
    dropped=("чуже",),
)
ANSWERED = Attempt(
    provider="openai",
    model="m",
    outcome="answered",
    seconds=1.5,
    usage=Usage(input_tokens=9, micro_usd=3),
    exchange=EXCHANGE,
)
HELD = Attempt(
    provider="gemini", model="g", outcome="quota_wait", seconds=0.0, reason="later"
)


def answer(*labels: LabelChoice, proposals: tuple[LabelChoice, ...] = ()) -> Completion:
    return Completion(
        labels=labels,
        summary="Речення.",
        language="uk",
        provider="openai",
        model="m",
        proposals=proposals,
    )


def choice(name: str, confidence: float) -> LabelChoice:
    return LabelChoice(name=name, confidence=confidence, evidence=f"про {name}")


def bar(openness: Openness = "closed", **feedback: Feedback) -> LearnedBar:
    vocabulary = Vocabulary.build([Term(name="копії")], openness=openness)
    return LearnedBar(Policy(), vocabulary, feedback)


class TestPacked:
    """Tests for packed() and unpacked()."""

    @pytest.mark.parametrize(
        "receipt",
        [{}, {"text": "копії 🚀 \x00" * 9, "n": None, "x": 0.1, "list": [1, "a"]}],
        ids=["empty", "full"],
    )
    def test_what_is_packed_comes_out_again(self, receipt: dict[str, object]) -> None:
        """Letter by letter."""
        assert unpacked(packed(receipt)) == receipt

    def test_half_a_letter_does_no_harm(self) -> None:
        """A page may hold a lone surrogate, which no encoding knows."""
        assert unpacked(packed({"text": "a\ud800b"})) == {"text": "a?b"}

    def test_what_is_said_twice_is_kept_once(self) -> None:
        """A page's text stands in the message and beside it."""
        text = "Резервну копію сервера роблять щоночі. " * 200

        assert len(packed({"message": text, "page_text": text})) < len(text) / 2

    @pytest.mark.parametrize("text", ["", "копії", "YWJj", packed({})[:-4]])
    def test_anything_else_is_no_receipt(self, text: str) -> None:
        """Said by a named error."""
        with pytest.raises(ValueError, match=r"."):
            unpacked(text)


class TestQuestion:
    """Tests for question_row(), attempt_row() and prompt_of()."""

    def test_each_candidate_tells_how_it_was_scored(self) -> None:
        """Score, evidence, and what the features added."""
        row = question_row([ANSWERED])

        assert row is not None
        assert row["candidates"] == [
            {
                "label": "копії",
                "score": 0.7,
                "evidence": "на схожих сторінках",
                "parts": {"vote": 2.5, "bias": -1.0},
                "untried": False,
            }
        ]
        assert row["examples"] == [{"title": "Стрічки", "labels": ["копії"]}]

    def test_nobody_was_asked(self) -> None:
        """A call that was held is no question."""
        assert question_row([]) is None
        assert question_row([HELD]) is None

    def test_attempt_tells_words_and_cost(self) -> None:
        """Those that were really sent, and nothing of one that was not."""
        sent, held = attempt_row(ANSWERED), attempt_row(HELD)

        assert (sent["instructions"], sent["page_text"]) == ("Rules.", TEXT)
        assert (sent["mended"], sent["dropped"]) == (["label_unknown"], ["чуже"])
        assert sent["usage"]["micro_usd"] == 3
        assert (held["message"], held["reply"], held["schema"]) == ("", "", {})
        assert held["reason"] == "later"

    def test_figures_quote_nothing(self) -> None:
        """They go where everybody may read them."""
        assert "Копі" not in str(attempt_figures(ANSWERED))
        assert "Копі" not in repr(ANSWERED)

    def test_question_can_be_put_again(self) -> None:
        """With the text that was sent, and the same candidates."""
        receipt = {
            "question": question_row([HELD, ANSWERED]),
            "attempts": [attempt_row(HELD), attempt_row(ANSWERED)],
        }

        found = prompt_of(unpacked(packed(receipt)))

        lines = ("Копію роблять щоночі.", "Потім її перевіряють.")
        assert found == replace(
            PROMPT, page=PageText(title="Копії", paragraphs=lines, text=TEXT)
        )
        assert found is not None
        assert found.candidates[0].parts == PROMPT.candidates[0].parts

    @pytest.mark.parametrize(
        "attempts",
        [[], [HELD], [replace(ANSWERED, exchange=replace(EXCHANGE, page_text=""))]],
        ids=["nobody", "held", "local"],
    )
    def test_without_text_there_is_nothing_to_ask_again(
        self, attempts: list[Attempt]
    ) -> None:
        """The built-in provider is sent no text."""
        receipt = {
            "question": question_row(attempts),
            "attempts": [attempt_row(one) for one in attempts],
        }

        assert prompt_of(receipt) is None


class TestDecision:
    """Tests for answer_row(), policy_row() and label_rows()."""

    def test_answer_is_told_as_it_was_used(self) -> None:
        """With confidences and evidence."""
        row = answer_row(answer(choice("копії", 0.9)))

        assert row["labels"] == [
            {"name": "копії", "confidence": 0.9, "evidence": "про копії"}
        ]
        assert "exchange" not in row

    def test_local_only_shows_in_the_order(self) -> None:
        """Whatever else was named."""
        policy = Policy(local_only=True, providers=("openai",), thresholds={"a": 0.7})

        row = policy_row(policy)

        assert (row["order"], row["local_only"]) == (["local"], True)
        assert row["thresholds"] == {"a": 0.7}

    def test_each_label_tells_its_bar_and_why(self) -> None:
        """Also a bar that people's rejections have raised."""
        item = PlanItem(
            label="копії", action="suggest", confidence=0.6, evidence="про копії"
        )
        known = bar(копії=Feedback(accepted=0, rejected=6))

        (row,) = label_rows(answer(choice("копії", 0.6)), Plan(items=(item,)), known)

        assert (row["action"], row["apply_at"]) == ("suggest", 0.7)
        assert "rejected 6 times" in row["why"]

    def test_labels_that_came_to_nothing_are_told_too(self) -> None:
        """Too unsure for a question, or not to be chosen."""
        said = answer(
            choice("копії", 0.1), choice("чуже", 0.9), proposals=(choice("нове", 0.3),)
        )

        closed = label_rows(said, NOTHING, bar())
        opened = label_rows(said, NOTHING, bar("open"))

        assert [(one["label"], one["action"]) for one in closed] == [
            ("копії", "forget"),
            ("чуже", "drop"),
        ]
        assert [one["label"] for one in opened] == ["копії", "чуже", "нове"]
