"""Tests for app.domain.fingerprint.content_hash()."""

from __future__ import annotations

import re
import unicodedata

import pytest

from app.domain.fingerprint import content_hash
from app.domain.pages import PageText


def _text(text: str, *, title: str = "Огляд") -> PageText:
    return PageText(title=title, paragraphs=(text,), text=text)


def test_it_is_a_sha256_of_stable_value() -> None:
    """The number is the same in every process and release."""
    digest = content_hash(_text("Привіт, світе"))

    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert digest == content_hash(_text("Привіт, світе"))


@pytest.mark.parametrize(
    "same",
    ["Їжак  i\u00a0кіт", " Їжак i\n\nкіт ", unicodedata.normalize("NFD", "Їжак i кіт")],
)
def test_spelling_of_white_space_and_accents_does_not_count(same: str) -> None:
    """Texts that read the same have the same number."""
    assert content_hash(_text(same)) == content_hash(_text("Їжак i кіт"))


def test_words_count() -> None:
    """Another word, another order or another title is another text."""
    digests = {
        content_hash(_text("a b")),
        content_hash(_text("b a")),
        content_hash(_text("ab")),
        content_hash(_text("a b", title="")),
        content_hash(_text("b", title="Огляд a")),
    }

    assert len(digests) == 5


def test_half_a_surrogate_pair_does_not_fail() -> None:
    """Text that no encoding can hold still has a number."""
    assert content_hash(_text("a\ud800"))
