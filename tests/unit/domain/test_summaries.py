"""The sentence that stands for a page."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st

from app.domain.summaries import MAX_WORDS, summarise
from tests.unit.domain.site_pages import make_text, sample_lines, sample_text


class TestSummarise:
    """Tests for app.domain.summaries.summarise()."""

    def test_the_sentence_about_the_page_wins(self) -> None:
        """What says what the page shows is preferred to what stands before it."""
        page = make_text(
            "Restoring a backup",
            "Coffee is in the kitchen. Ask Anna for the keys of the office.",
            "This page shows how to restore a backup of the wiki's database.",
        )

        summary = summarise(page)

        assert summary == (
            "This page shows how to restore a backup of the wiki's database."
        )

    def test_a_ukrainian_page_is_summed_up_in_ukrainian(self) -> None:
        """The summary is a sentence of the page, in the page's language."""
        page = make_text(
            "Пряма заборона трафіку",
            "Примітка: потрібна версія 1.20.",
            "Це завдання показує, як налаштувати політику заборони трафіку.",
            "Натисніть кнопку внизу. Перейдіть на сторінку.",
        )

        summary = summarise(page)

        assert summary == (
            "Це завдання показує, як налаштувати політику заборони трафіку."
        )

    @pytest.mark.parametrize(
        "remark",
        [
            "Applies to: version 2.x and 1.x of the product.",
            "Note: the backup of the wiki is made by hand.",
            "Hinweis: das Backup des Wikis ist von Hand zu machen.",
            "Застосовується до програми Project Service версій 2.x і 1.x.",
            "To make a backup of the wiki do the following:",
        ],
    )
    def test_remarks_never_stand_for_a_page(self, remark: str) -> None:
        """Scope, notes and what ends with a colon are skipped."""
        page = make_text("Backup", remark, "The weather has been nice all week long.")

        summary = summarise(page)

        assert summary == "The weather has been nice all week long."

    @pytest.mark.parametrize("paragraphs", [(), ("",), ("Two words.",), ("🙂" * 50,)])
    def test_hardly_any_prose_yields_the_title(
        self, paragraphs: tuple[str, ...]
    ) -> None:
        """With fewer than five words of prose the title has to do."""
        page = make_text("  The  title ", *paragraphs)

        summary = summarise(page)

        assert summary == "The title"

    def test_nothing_at_all_yields_nothing(self) -> None:
        """A page without title and text has an empty summary."""
        assert summarise(make_text()) == ""

    def test_only_remarks_yield_the_first_words(self) -> None:
        """Where no sentence may stand, the beginning is cut to length."""
        page = make_text("", "Note: " + "word " * 100)

        summary = summarise(page)

        assert len(summary.split()) == MAX_WORDS
        assert summary.endswith("…")

    @pytest.mark.parametrize(
        "text",
        ["word " * 200_000, "x" * 1_000_000, "word. " * 170_000, "." * 1_000_000],
        ids=["one word", "no spaces", "tiny sentences", "full stops"],
    )
    def test_a_megabyte_of_nonsense_is_quick(self, text: str) -> None:
        """Hostile text costs well under a second or two, and no long summary."""
        begin = time.process_time()

        summary = summarise(make_text("", text))

        assert len(summary.split()) <= MAX_WORDS
        assert time.process_time() - begin < 20  # quadratic work would take minutes

    @given(st.text(), st.lists(st.text()))
    def test_any_page_gets_an_answer(self, title: str, paragraphs: list[str]) -> None:
        """No page makes it fail, and the answer is short."""
        summary = summarise(make_text(title, *paragraphs))

        words = max(MAX_WORDS, len(title.split()))
        assert len(summary.split()) <= words

    def test_real_pages_get_a_sentence_of_their_own(self) -> None:
        """Each sample's summary is found in its text, so nothing is invented."""
        pages = [sample_text(line) for line in sample_lines()]

        summaries = [summarise(page) for page in pages]

        assert all(
            summary in " ".join(" ".join(page.paragraphs).split())
            for page, summary in zip(pages, summaries, strict=True)
        )
