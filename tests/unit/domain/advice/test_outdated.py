"""Tests for app.domain.advice.outdated."""

from __future__ import annotations

import pytest

from app.domain.advice.outdated import outdated
from tests.unit.domain.advice.pages import prose, seen, signals, told


def judged(text: str, **page: object) -> list[str]:
    return signals(outdated(seen(f"<p>{text}</p>", **page)))  # type: ignore[arg-type]


class TestPromises:
    """The future of long ago."""

    @pytest.mark.parametrize(
        "text",
        [
            "The new portal will be released in Q2 2023.",
            "Upgrading to version 3 is planned for Q3 2023.",
            "The exam is due on May 3, 2022.",
            "All accounts should be migrated by the end of 2021.",
            "We are going to move in March 2024.",
            "Новий портал буде запущено до кінця 2024 року.",
            "Міжнародна доставка планується у 2025 році.",
            "Der Support wird bis Ende 2019 fortgeführt.",
            "Das Werkzeug steht voraussichtlich im März 2022 bereit.",
            "Das Modul ist geplant für Herbst 2020.",
            "Die Umstellung ist geplant für Mai 2022.",
        ],
    )
    def test_date_that_has_passed_is_found(self, text: str) -> None:
        """In each language, with the sentence that says so."""
        page = seen(f"<h2>Plans</h2><p>First. {text} Last.</p>")

        assert told(outdated(page)) == [("promise_passed", "Plans", text)]

    @pytest.mark.parametrize(
        "text",
        [
            "The portal was released in Q2 2023.",
            "The portal will be released in Q2 2027.",
            "The portal will be released in November 2026.",
            "It had been planned for 2019.",
            "Since 2019 files will be kept for a year.",
            "If it is released in 2019, all will be well.",
            "“It will be released in 2019,” she said.",
            "In this example the report will be sent on 2021-03-04.",
            "The archive will hold data of the project from 2019.",
            "You will need a licence issued in 2018.",
            "Das Format wird ab 2019 unterstützt.",
            "Спочатку запуск планувався, потім буде у 2019 році.",
            "It will be released soon.",
            f"It will be done {'and ' * 30} in 2019.",
        ],
    )
    def test_other_sentences_are_left_alone(self, text: str) -> None:
        """History, conditions, quotations, examples, and what is still to come."""
        assert judged(text) == []

    def test_sentence_without_end_is_not_read(self) -> None:
        """A dump promises nothing."""
        assert judged(f"{'word ' * 200} will be released in 2019") == []

    @pytest.mark.parametrize("days", [None, 3])
    def test_page_in_work_is_left_alone(self, days: int | None) -> None:
        """Whoever has just been there knows."""
        assert judged("It will be released in 2019.", days=days) == []

    @pytest.mark.parametrize(
        "title",
        [
            "Meeting notes of the board",
            "Decision: two disks",
            "Post-mortem of the outage",
            "Plans of May 2019",
            "Протокол наради про копії",
        ],
    )
    def test_records_may_speak_of_the_past(self, title: str) -> None:
        """They tell of a moment, and say so."""
        assert judged("It will be released in 2019.", title=title) == []


class TestStates:
    """How things stood."""

    @pytest.mark.parametrize(
        ("text", "signal"),
        [
            ("As of January 2018, it is the fourth most used.", "old_state"),
            ("Status (as of January 2023)", "old_state"),
            ("Last updated: 2021-03-01", "old_state"),
            ("Stand: Januar 2023", "old_state"),
            ("Станом на 24.08.2023 не закрито.", "old_state"),
            ("This agreement is valid until 31.12.2023.", "expired"),
            ("Gültig bis 31.12.2023", "expired"),
            ("Наказ діє до 31.12.2023.", "expired"),
        ],
    )
    def test_old_one_is_found(self, text: str, signal: str) -> None:
        """With its date."""
        (found,) = outdated(seen(f"<p>{text}</p>"))

        assert found.signal == signal
        assert found.facts["date"] in text

    @pytest.mark.parametrize(
        "text",
        [
            "The app is part of the chat as of January 2024.",
            "As of January 2021, a new rule will hold.",
            "As of September 2026 there are nine.",
            "Станом на 24.08.2026 не закрито.",
            "The pointer is valid until the next call.",
        ],
    )
    def test_recent_and_lasting_ones_are_left_alone(self, text: str) -> None:
        """What holds from a date on is no state at that date."""
        assert judged(text) == []

    def test_page_that_is_kept_is_left_alone(self) -> None:
        """For a year; then its date counts."""
        assert judged("Stand: Januar 2023", days=200) == []


class TestUnfinished:
    """What was left to come back to."""

    @pytest.mark.parametrize(
        "text",
        [
            "TODO: ask the network team",
            "TBD",
            "Owner: TBD",
            "Implementation Stories (TBD)",
            "The schedule is coming soon.",
            "Розклад уточнюється",
            "Beschreibung folgt in Kürze",
        ],
    )
    def test_mark_is_found(self, text: str) -> None:
        """If the page was not touched for long."""
        assert judged(text) == ["unfinished"]
        assert judged(text, days=10) == []

    @pytest.mark.parametrize(
        "text",
        [
            "Add a TODO comment to the code.",
            "TODO lists and how to keep them",
            "Trunk-Based Development (TBD)",
            "“WIP stands for work in progress.”",
            "The new portal with its many parts is coming soon to all of our offices.",
            "Todo está bien",
        ],
    )
    def test_words_that_mean_something_are_left_alone(self, text: str) -> None:
        """A page may speak of marks, of development, or at length."""
        assert judged(text) == []

    def test_code_is_not_read(self) -> None:
        """A mark in code is the code's business."""
        body = (
            '<ac:structured-macro ac:name="code"><ac:plain-text-body>'
            "<![CDATA[TODO: later]]></ac:plain-text-body></ac:structured-macro>"
        )

        assert list(outdated(seen(f"{prose(5)}{body}"))) == []
