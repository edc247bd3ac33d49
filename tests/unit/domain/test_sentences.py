"""Where sentences end."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from app.domain.sentences import MAX_SENTENCE_CHARACTERS, sentences


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        (
            "Use v1.2.3, e.g. The CLI. See https://a.test/b.html. Done.",
            ["Use v1.2.3, e.g. The CLI.", "See https://a.test/b.html.", "Done."],
        ),
        (
            "Am 1. Januar z.B. Berlin bzw. Bonn. Danach usw. Neues.",
            ["Am 1. Januar z.B. Berlin bzw. Bonn.", "Danach usw.", "Neues."],
        ),
        (
            "Див. Рис. 5 і т.д. Потім Т. Шевченко прийшов. «Так!» Кінець.",
            ["Див. Рис. 5 і т.д.", "Потім Т. Шевченко прийшов.", "«Так!»", "Кінець."],
        ),
        ("У 2020 р. у Києві… і далі. Ось.", ["У 2020 р. у Києві… і далі.", "Ось."]),
        ("Wait... and see. Then... Go.", ["Wait... and see.", "Then...", "Go."]),
        ("In step 12. Then go on.", ["In step 12.", "Then go on."]),
        ("  many\n\n spaces.  Here. ", ["many spaces.", "Here."]),
        ("東京です。大阪です。", ["東京です。", "大阪です。"]),
        ("", []),
        (" \n ", []),
        ("...", ["..."]),
    ],
)
def test_sentences_end_where_people_end_them(
    paragraph: str, expected: list[str]
) -> None:
    """Abbreviations, initials, versions, addresses and ellipses end no sentence."""
    found = list(sentences(paragraph))

    assert found == expected


def test_endless_sentences_are_cut() -> None:
    """A paragraph without a full stop comes in bounded pieces."""
    found = list(sentences("word " * 10_000))

    assert max(map(len, found)) <= MAX_SENTENCE_CHARACTERS


@given(st.text(alphabet="aбВ. !?…\n1«»"))
def test_no_letter_is_lost(paragraph: str) -> None:
    """Together the sentences are the paragraph, but for white space."""
    found = "".join(sentences(paragraph))

    assert "".join(found.split()) == "".join(paragraph.split())
