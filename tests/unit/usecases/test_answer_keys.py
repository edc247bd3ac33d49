"""Tests for app.usecases.answer_keys."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest

from app.domain.completions import (
    Completion,
    Exchange,
    LabelChoice,
    Passage,
    Prompt,
    Usage,
)
from app.domain.pages import PageText
from app.store.encryption import Cipher, new_key
from app.usecases.ai_ports import Respondent
from app.usecases.answer_keys import AnswerKeys, KeptAnswer, opened, sealed

OPENAI = Respondent(provider="openai", model="m")
GEMINI = Respondent(provider="gemini", model="m")
LOCAL = Respondent(provider="local", model="m")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEXT = "Резервну копію роблять щоночі. " * 10
COMPLETION = Completion(
    labels=(LabelChoice(name="копії", confidence=0.9, evidence="«копію»"),),
    summary="Про резервні копії 🚀",
    language="uk",
    provider="openai",
    model="m",
    usage=Usage(input_tokens=9, micro_usd=2),
    proposals=(LabelChoice(name="сервер", confidence=0.1),),
    sources=(Passage(sentence="Про копії", quote="Копію роблять.", section="Копії"),),
    oddities=("summary_too_long",),
)


def page(title: str = "Копії", text: str = TEXT) -> PageText:
    return PageText(title=title, paragraphs=(text,), text=text)


def keys(
    *respondents: Respondent, of: PageText | None = None, version: int = 1
) -> AnswerKeys:
    return AnswerKeys.of(of or page(), respondents or (OPENAI,), version=version)


class TestKeys:
    """Tests for app.usecases.answer_keys.AnswerKeys.of()."""

    def test_same_question_has_the_same_name(self) -> None:
        """White space and the form of letters are nobody's question."""
        spaced = page(text=TEXT.replace(" ", " \n\t"))

        assert keys().whole == keys(of=spaced).whole

    @pytest.mark.parametrize(
        "other",
        [
            keys(of=page(title="Мережа")),
            keys(of=page(text=TEXT + "Так.")),
            keys(version=2),
            keys(GEMINI),
            keys(replace(OPENAI, model="m2")),
        ],
        ids=["title", "text", "prompt", "provider", "model"],
    )
    def test_another_question_has_another(self, other: AnswerKeys) -> None:
        """Whatever an answer depends on."""
        assert not set(keys().whole) & set(other.whole)

    def test_title_and_text_do_not_flow_together(self) -> None:
        """A word that moves from the one to the other is a change."""
        one = keys(of=page(title="а б", text="в"))
        other = keys(of=page(title="а", text="б в"))

        assert one.whole != other.whole

    def test_text_alone_is_named_apart_from_the_whole(self) -> None:
        """A page without a title is not every page with that text."""
        untitled = keys(of=page(title=""))

        assert untitled.texts == untitled.whole
        assert keys().texts == untitled.texts
        assert keys().texts != keys().whole

    @pytest.mark.parametrize(
        ("length", "tells"), [(0, False), (199, False), (200, True), (10**6, True)]
    )
    def test_short_text_says_nothing_of_its_origin(
        self, length: int, *, tells: bool
    ) -> None:
        """White space around it adds nothing."""
        text = "  " * 200 + "я" * length + "\n" * 200

        assert bool(keys(of=page(text=text)).texts) is tells

    @pytest.mark.parametrize(
        ("asked", "count"),
        [
            ((OPENAI, GEMINI, LOCAL), 2),
            ((OPENAI, LOCAL), 1),
            ((LOCAL, OPENAI), 2),
            ((LOCAL,), 1),
        ],
        ids=lambda value: (
            "-".join(one.provider for one in value) if isinstance(value, tuple) else ""
        ),
    )
    def test_free_answer_counts_only_where_it_is_asked_first(
        self, asked: tuple[Respondent, ...], count: int
    ) -> None:
        """In order, the first names the question."""
        found = keys(*asked)

        assert len(found.whole) == len(found.texts) == count
        assert found.first == found.named(asked[0].provider, asked[0].model)[0]


class TestFits:
    """Tests for app.usecases.answer_keys.AnswerKeys.fits()."""

    @pytest.mark.parametrize(
        ("ours", "theirs", "fits"),
        [
            ("Copy of Копії", "Копії", True),
            ("копії", "  КОПІЇ (2) ", True),
            ("Копії", "Копії", True),
            ("Мережа", "Копії", False),
            ("", "Копії", False),
            ("Копії", "", False),
            (" ", " ", False),
        ],
    )
    def test_one_title_holds_the_other(
        self, ours: str, theirs: str, *, fits: bool
    ) -> None:
        """An answer found by the text alone is that of the original, or none."""
        kept = KeptAnswer(completion=COMPLETION, title=theirs)

        assert keys(of=page(title=ours)).fits("found by its text", kept) is fits

    def test_page_s_own_answer_fits_whatever_it_was_called(self) -> None:
        """The key says all."""
        own = keys()

        assert own.fits(own.first, KeptAnswer(completion=COMPLETION, title="x"))


class TestSealing:
    """Tests for app.usecases.answer_keys.sealed() and opened()."""

    @pytest.mark.parametrize(
        "completion",
        [
            COMPLETION,
            replace(COMPLETION, labels=(), proposals=(), summary=""),
            replace(COMPLETION, summary="\x00\u202e</script> " + "ї" * 200_000),
        ],
        ids=["usual", "empty", "huge and hostile"],
    )
    def test_answer_comes_back_as_it_was(self, completion: Completion) -> None:
        """Every field of it."""
        cipher = Cipher([new_key()])
        kept = KeptAnswer(completion=completion, title="Копії")

        assert opened(cipher, sealed(cipher, kept)) == kept

    def test_how_it_was_given_comes_back(self) -> None:
        """When, and about which page; who keeps it no word of the exchange."""
        cipher = Cipher([new_key()])
        prompt = Prompt(
            page=page(),
            language="uk",
            candidates=(),
            max_labels=5,
            summary_language="uk",
        )
        exchange = Exchange(prompt=prompt, message="Розмова")
        kept = KeptAnswer(
            completion=replace(COMPLETION, exchange=exchange),
            title="Копії",
            given_at=NOON,
            page_id="7",
        )

        box = sealed(cipher, kept)
        found = opened(cipher, box)

        assert found == kept
        assert found is not None
        assert (found.given_at, found.page_id) == (NOON, "7")
        assert found.completion.exchange is None
        assert "Розмова" not in cipher.open(box)

    def test_releases_before_and_after_read_one_another(self) -> None:
        """A box without the newer fields is read; a new one has no field too many."""
        cipher = Cipher([new_key()])
        kept = KeptAnswer(completion=COMPLETION, title="Копії", given_at=NOON)
        said = json.loads(cipher.open(sealed(cipher, kept)))
        older = {name: said[name] for name in ("completion", "title")}

        found = opened(cipher, cipher.seal(json.dumps(older)))

        # They ask in other versions of the prompt, so they never see the last two.
        assert found == KeptAnswer(completion=COMPLETION, title="Копії")
        assert set(said["completion"]) == {
            "labels",
            "summary",
            "language",
            "provider",
            "model",
            "usage",
            "proposals",
            "sources",
            "oddities",
        }

    def test_nothing_can_be_read_in_it(self) -> None:
        """Nor is it the same twice."""
        cipher = Cipher([new_key()])
        kept = KeptAnswer(completion=COMPLETION, title="Копії")

        one, other = sealed(cipher, kept), sealed(cipher, kept)

        assert one != other
        assert one.isascii()
        assert "summary" not in one

    @pytest.mark.parametrize(
        "content",
        [
            "not json",
            "[]",
            "null",
            "{}",
            json.dumps({"completion": {}, "title": ""}),
            json.dumps({"completion": {"labels": 3}, "title": ""}),
            json.dumps({"completion": {"labels": [{"label": 1}]}, "title": ""}),
        ],
    )
    def test_other_form_is_no_answer(self, content: str) -> None:
        """What another version kept can only be asked anew."""
        cipher = Cipher([new_key()])

        assert opened(cipher, cipher.seal(content)) is None

    def test_answers_of_the_version_before_are_read(self) -> None:
        """They tell nothing of passages, and are no error."""
        cipher = Cipher([new_key()])
        known = asdict(COMPLETION)
        del known["sources"], known["oddities"]
        box = cipher.seal(json.dumps({"completion": known, "title": "Копії"}))

        kept = opened(cipher, box)

        assert kept is not None
        assert kept.completion == replace(COMPLETION, sources=(), oddities=())

    @pytest.mark.parametrize("box", ["", "x", "gAAAA", "ї"])
    def test_what_no_key_opens_is_no_answer(self, box: str) -> None:
        """A damaged row, or a key that is gone."""
        assert opened(Cipher([new_key()]), box) is None
