"""Tests for app.domain.byline."""

from __future__ import annotations

import pytest

from app.domain.byline import byline_value, is_in_persons_words, summarised_as

#: Characters that fit beside author and date.
TITLE = 80
FIRST = "How the wiki's backup is made, e.g. at night."


class TestBylineValue:
    """Tests for app.domain.plans.byline_value()."""

    @pytest.mark.parametrize(
        "summary",
        ["", "Коротко.", "x" * TITLE, "x" * (TITLE + 1), "слово " * 400, "🚀" * 500],
        ids=["empty", "short", "limit", "over", "long", "emoji"],
    )
    def test_title_fits_under_a_page_title(self, summary: str) -> None:
        """The line is cut where it would not fit, and says so; the summary is whole."""
        value = byline_value(
            summary=summary, labels=(), waiting=0, page_version=1, model="m"
        )

        assert len(value["title"]) <= TITLE
        assert value["title"].endswith("…") == (len(summary) > TITLE)
        assert value["summary"] == summary

    @pytest.mark.parametrize(
        ("summary", "title"),
        [
            (f"{FIRST} {FIRST} {FIRST}", f"{FIRST} …"),
            ("слово " * 40, "слово " * 12 + "слово…"),
            ("x" * 200, "x" * (TITLE - 1) + "…"),
        ],
    )
    def test_title_is_the_first_sentence(self, summary: str, title: str) -> None:
        """Of several sentences the first is shown whole, else it ends at a word."""
        value = byline_value(
            summary=summary.strip(), labels=(), waiting=0, page_version=1, model="m"
        )

        assert value["title"] == title
        assert value["tooltip"] == f"{summary.strip()} (summary by AI)"

    def test_a_person_s_words_are_known(self) -> None:
        """Who wrote the summary can be told from the property."""
        ours = byline_value(
            summary="A.", labels=(), waiting=0, page_version=1, model="m"
        )
        empty = byline_value(summary="", labels=(), waiting=0, page_version=1, model="")

        assert is_in_persons_words(summarised_as(ours, "B."))
        assert not is_in_persons_words(ours)
        assert not is_in_persons_words(empty)

    def test_says_who_wrote_it_and_of_which_version(self) -> None:
        """A reader can tell an AI's summary, and an outdated one."""
        value = byline_value(
            summary="Як замовити.",
            labels={"b", "a"},
            waiting=2,
            page_version=7,
            model="local-1",
        )

        assert "AI" in value["tooltip"]
        assert (value["page_version"], value["model"]) == (7, "local-1")
        assert (value["labels"], value["waiting"]) == (["a", "b"], 2)

    def test_page_without_text_shows_no_empty_sentence(self) -> None:
        """Nothing is said about nothing."""
        value = byline_value(summary="", labels=(), waiting=0, page_version=1, model="")

        assert (value["title"], value["tooltip"]) == ("", "")

    def test_same_page_gives_the_same_value(self) -> None:
        """The order of a set does not make a new version of the property."""
        one, other = (
            byline_value(
                summary="s", labels=labels, waiting=0, page_version=1, model="m"
            )
            for labels in (["b", "a"], ["a", "b"])
        )

        assert one == other
