"""What inflected forms of a word have in common."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from app.domain.vocabulary.roots import are_forms, root, roots

LETTERS = st.text("abcdefgiorsteіїуаямкнь", min_size=1, max_size=14)


class TestAreForms:
    """Tests for app.domain.vocabulary.roots.are_forms()."""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("мережа", "мережі"),
            ("мережа", "мережами"),
            ("мережева", "мережеві"),
            ("звіт", "звітів"),
            ("відпустка", "відпустками"),
            ("політика", "політиці"),
            ("безпека", "безпекою"),
            ("policy", "policies"),
            ("query", "queries"),
            ("class", "classes"),
            ("index", "indexes"),
            ("backup", "backups"),
            ("container", "containers"),
            ("rolle", "rollen"),
            ("netzwerk", "netzwerke"),
            ("anmeldung", "anmeldungen"),
        ],
    )
    def test_forms_of_one_word_meet(self, one: str, other: str) -> None:
        """In English, Ukrainian and German, short words too."""
        assert are_forms(one, other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("java", "javascript"),
            ("international", "internal"),
            ("netzwerk", "netzwerkkabel"),
            ("server", "service"),
            ("api", "app"),
            ("2023", "2024"),
            ("v1", "v2"),
            ("iso27001", "iso27002"),
            ("cat", "car"),
        ],
    )
    def test_other_words_do_not(self, one: str, other: str) -> None:
        """However they begin."""
        assert not are_forms(one, other)

    @given(LETTERS, LETTERS)
    def test_order_makes_no_difference(self, one: str, other: str) -> None:
        """A word is its own form, and forms are so of one another."""
        assert are_forms(one, one)
        assert are_forms(one, other) == are_forms(other, one)


class TestRoots:
    """Tests for app.domain.vocabulary.roots.root() and roots()."""

    @pytest.mark.parametrize(
        "name", ["network-policies", "Network_Policy", "network policy"]
    )
    def test_name_is_its_words(self, name: str) -> None:
        """Hyphens, underscores and spaces part them."""
        assert roots(name) == ("networ", "policy")

    @given(st.text(max_size=20))
    def test_any_name_has_roots(self, name: str) -> None:
        """No text makes it fail, and no root is empty."""
        assert all(roots(name))

    @given(LETTERS)
    def test_something_stays_of_each_word(self, word: str) -> None:
        """However short it is."""
        assert root(word)
