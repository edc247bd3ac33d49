"""Tests for app.domain.byline."""

from __future__ import annotations

import pytest

from app.domain.byline import byline_value

#: Characters that fit beside author and date.
TITLE = 80


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
