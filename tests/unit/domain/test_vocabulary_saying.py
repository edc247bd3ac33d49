"""Tests for app.domain.vocabulary.saying."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.vocabulary.saying import (
    FIELDS,
    LONGEST_DESCRIPTION,
    MOST_SYNONYMS,
    patch_of,
    read_text,
    read_value,
    told,
    write_text,
)
from app.domain.vocabulary.terms import Term, TermPatch


class TestReadText:
    """What people type."""

    @pytest.mark.parametrize(
        ("field", "text", "value"),
        [
            (
                "description",
                "  Copies of data.\nAll of it. ",
                "Copies of data.\nAll of it.",
            ),
            ("description", "-", ""),
            ("synonyms", "резервна копія, Sicherung", ("резервна копія", "Sicherung")),
            ("synonyms", "a, b | c", ("a, b", "c")),
            ("synonyms", "a, b |", ("a, b",)),
            ("synonyms", r"a\|b, c", ("a|b", "c")),
            ("synonyms", "one\ntwo, three", ("one", "two", "three")),
            ("synonyms", "Copy, copy, COPY,,", ("Copy",)),
            ("synonyms", "two   words", ("two words",)),
            ("synonyms", "-", ()),
            ("parent", " it ", "it"),
            ("parent", "-", ""),
            ("excluded", "true", True),
            ("excluded", "ІСТИНА", True),
            ("manual_only", "Ні", False),
            ("manual_only", "FALSCH", False),
            ("min_confidence", "0.85", 0.85),
            ("min_confidence", "0,85", 0.85),
            ("min_confidence", "1", 1.0),
        ],
    )
    def test_value(self, field: str, text: str, value: Any) -> None:
        """In the ways that people and their spreadsheets write it."""
        assert read_text(field, text) == value

    @pytest.mark.parametrize("field", FIELDS)
    def test_nothing_takes_back(self, field: str) -> None:
        """White space is nothing."""
        assert read_text(field, "") is None
        assert read_text(field, " \n") is None

    @pytest.mark.parametrize(
        ("field", "text", "problem"),
        [
            ("colour", "red", "there is no such field; there are: description,"),
            ("description", "x" * (LONGEST_DESCRIPTION + 1), "1001 characters"),
            ("description", "a\x00b", r"control character \(U\+0000\)"),
            ("synonyms", "\ud800", r"control character \(U\+D800\)"),
            ("synonyms", "ok, '", "is no name"),
            ("synonyms", "x" * 256, "at most 255 characters"),
            (
                "synonyms",
                ",".join(str(n) for n in range(MOST_SYNONYMS + 1)),
                "at most 200 synonyms",
            ),
            ("parent", "x" * 256, "at most 255 characters"),
            ("excluded", "maybe", "expected true or false"),
            ("min_confidence", "1.1", "from 0 to 1"),
            ("min_confidence", "nan", "from 0 to 1"),
            ("min_confidence", "high", "from 0 to 1"),
            ("min_confidence", "9" * 400, "from 0 to 1"),
        ],
    )
    def test_problem(self, field: str, text: str, problem: str) -> None:
        """It is told, not guessed around."""
        with pytest.raises(ValueError, match=problem):
            read_text(field, text)


class TestReadValue:
    """What JSON holds."""

    @pytest.mark.parametrize(
        ("field", "given", "value"),
        [
            ("description", " Copies ", "Copies"),
            ("description", "", ""),
            ("synonyms", ["a, b", "c", "C"], ("a, b", "c")),
            ("synonyms", [], ()),
            ("parent", "it", "it"),
            ("parent", "", ""),
            ("excluded", False, False),
            ("min_confidence", 1, 1.0),
            ("min_confidence", None, None),
        ],
    )
    def test_value(self, field: str, given: Any, value: Any) -> None:
        """An empty value is said, null takes back."""
        found = read_value(field, given)

        assert found == value
        assert type(found) is type(value)

    @pytest.mark.parametrize(
        ("field", "given", "problem"),
        [
            ("colour", None, "there is no such field"),
            ("description", 3, "expected a text"),
            ("description", {"a": 1}, "expected a text"),
            ("synonyms", "copy", "expected a list of texts"),
            ("synonyms", ["copy", 3], "expected a list of texts"),
            ("excluded", "yes", "expected true or false"),
            ("min_confidence", True, "from 0 to 1"),
            ("min_confidence", "0.5", "from 0 to 1"),
            ("min_confidence", float("inf"), "from 0 to 1"),
        ],
    )
    def test_problem(self, field: str, given: Any, problem: str) -> None:
        """Types are not guessed."""
        with pytest.raises(ValueError, match=problem):
            read_value(field, given)


class TestWriteText:
    """What is written is read back."""

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("description", "Копії, усі | різні"),
            ("description", ""),
            ("synonyms", ("a",)),
            ("synonyms", ("a, b",)),
            ("synonyms", ("a, b", "c")),
            ("synonyms", ("копія", "Sicherung")),
            ("synonyms", ("a|b",)),
            ("synonyms", ("a|b, c", "d\\|", "\\")),
            ("synonyms", ()),
            ("parent", "it"),
            ("parent", ""),
            ("excluded", True),
            ("manual_only", False),
            ("min_confidence", 0.1),
            ("min_confidence", 0.0),
            ("min_confidence", None),
        ],
    )
    def test_round_trip(self, field: str, value: Any) -> None:
        """What is not said, what is said to be nothing, and what is said."""
        assert read_text(field, write_text(value)) == value


class TestPatches:
    """What is said, told from what holds of any term."""

    def test_of_a_term_only_what_is_particular_is_said(self) -> None:
        """And it makes the same term again."""
        term = Term(name="backup", synonyms=("copy",), min_confidence=0.0)

        patch = patch_of(term)

        assert told(patch) == {"synonyms": ("copy",), "min_confidence": 0.0}
        assert patch.over(None) == term

    def test_nothing_said_is_nothing_told(self) -> None:
        """False and empty values are said."""
        assert told(TermPatch(name="backup")) == {}
        assert told(TermPatch(name="backup", excluded=False, parent="")) == {
            "parent": "",
            "excluded": False,
        }
