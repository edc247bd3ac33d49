"""Tests for app.domain.labels."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings, strategies as st

from app.domain.labels import MAX_LENGTH, is_disguised, normalise

#: Which characters a label may not hold:
#: https://docs.adaptavist.com/sr4c/latest/features/built-in-scripts
REFUSED = " \t\n:;.,?&[]()#^*@!'`\"/\\<>+=|~%${}"


class TestNormalise:
    """Tests for app.domain.labels.normalise()."""

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("release", "release"),
            ("Release Notes", "release-notes"),
            ("  release   notes  ", "release-notes"),
            ("Договір Оренди", "договір-оренди"),
            ("ЇЖАК Ґанок Є", "їжак-ґанок-є"),
            ("п'ять", "пять"),
            ("п\u2019ять", "пять"),
            ("п\u02bcять", "пять"),
            ("Größe", "größe"),
            ("C++ / C#", "c-c"),
            ("v1.2.3", "v1-2-3"),
            ("snake_case", "snake_case"),
            ("--a--b--", "a-b"),
            ("_a_", "a"),
            ("a\u00a0b", "a-b"),
            ("a\u200bb", "ab"),
            ("日本語", "日本語"),
            ("2026", "2026"),
            ("🚀 launch 🚀", "launch"),
        ],
    )
    def test_name_becomes_what_confluence_accepts(
        self, name: str, expected: str
    ) -> None:
        """Letters stay, case folds, apostrophes vanish, the rest becomes a hyphen."""
        assert normalise(name) == expected

    @pytest.mark.parametrize("name", ["", " ", "🚀", "!!!", "-_-", "\u200d", "'"])
    def test_nothing_usable_leaves_nothing(self, name: str) -> None:
        """A name of refused characters is no label."""
        assert normalise(name) == ""

    def test_composed_and_decomposed_letters_are_one_label(self) -> None:
        """`й` typed on a Mac is the same letter."""
        assert normalise("и\u0306од") == normalise("йод") == "йод"

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("हिन्दी", "हिन्दी"),
            ("ภาษาไทย", "ภาษาไทย"),
            ("за\u0301мок", "замок"),
            ("İstanbul", "istanbul"),
        ],
        ids=["hindi", "thai", "ukrainian with stress mark", "turkish capital"],
    )
    def test_marks_do_not_break_a_word_apart(self, name: str, expected: str) -> None:
        """Letters of any script stay: a vowel sign is no gap between words."""
        made = normalise(name)

        assert "-" not in made
        assert made in {expected, name.lower()}

    @pytest.mark.parametrize("letter", ["x", "ї", "語"])
    def test_long_name_is_cut(self, letter: str) -> None:
        """Three hundred letters become 255."""
        assert normalise(letter * 300) == letter * MAX_LENGTH

    def test_cut_leaves_no_hyphen_at_the_end(self) -> None:
        """The limit may fall on a gap between words."""
        assert normalise("x" * 254 + " yz") == "x" * 254

    @given(st.text(max_size=300))
    @example("e'\u0301")
    @example("e\u200d\u0301")
    @example("x" * 254 + "и\u0306")
    @settings(max_examples=200, deadline=None)
    def test_normal_name_stays_as_it_is(self, name: str) -> None:
        """Normalising twice is normalising once."""
        once = normalise(name)

        assert normalise(once) == once

    @given(st.text(alphabet=st.sampled_from(REFUSED + "abЇґ-_"), max_size=40))
    @settings(max_examples=200, deadline=None)
    def test_no_refused_character_is_left(self, name: str) -> None:
        """What Confluence refuses, or splits at, is never sent."""
        made = normalise(name)

        assert set(made).isdisjoint(REFUSED)
        assert made == made.strip("-_")
        assert "--" not in made


class TestIsDisguised:
    """Tests for app.domain.labels.is_disguised()."""

    @pytest.mark.parametrize(
        "name", ["\u0430dmin", "back-\u0441ode-b\u0430ckup", "αdmin", "net_w\u043erk"]
    )
    def test_two_alphabets_in_a_word_pose_as_one(self, name: str) -> None:
        """Letters that look the same make another label."""
        assert is_disguised(name)

    @pytest.mark.parametrize(
        "name", ["admin", "api-ключ", "відпустка", "größe-2", "v1_версія", "日本語", ""]
    )
    def test_words_of_one_alphabet_are_honest(self, name: str) -> None:
        """Each word may have its own."""
        assert not is_disguised(name)
