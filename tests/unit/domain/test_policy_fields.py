"""Tests for app.domain.policy_fields: what a person types, and what cannot be."""

from __future__ import annotations

import pytest

from app.domain.labels import MAX_LENGTH
from app.domain.policy_fields import read_fields
from app.errors import MalformedPayload

PROVIDERS = ("openai", "local")


class TestReadFields:
    """Tests for read_fields()."""

    def test_all_is_read_as_it_is_stored(self) -> None:
        """White space around it is no part of it; each entry of a list counts once."""
        pairs = [
            ("mode", "suggest"),
            ("never_send", " Yes "),
            ("apply_at", "0.75"),
            ("max_labels", "3"),
            ("summary_language", "uk"),
            ("never_send_labels", "секрет, secret, secret"),
            ("providers", "local, openai"),
            ("scope.include_trees", "12,13"),
            ("scope.exclude_titles", "^Draft"),
            ("thresholds.backup", "1"),
        ]

        assert read_fields(pairs, providers=PROVIDERS) == {
            "mode": "suggest",
            "never_send": True,
            "apply_at": 0.75,
            "max_labels": 3,
            "summary_language": "uk",
            "never_send_labels": ["секрет", "secret"],
            "providers": ["local", "openai"],
            "scope.include_trees": ["12", "13"],
            "scope.exclude_titles": ["^Draft"],
            "thresholds.backup": 1.0,
        }

    @pytest.mark.parametrize(
        "name", ["mode", "scope.include_trees", "thresholds.backup"]
    )
    def test_nothing_takes_a_field_back(self, name: str) -> None:
        """What the layer below says holds again."""
        assert read_fields([(name, " ")], providers=PROVIDERS) == {name: None}

    @pytest.mark.parametrize(
        ("name", "text", "why"),
        [
            ("mode", "sometimes", "expected off, suggest or auto"),
            ("never_send", "maybe", "expected true or false"),
            ("apply_at", "much", "expected a number from 0 to 1"),
            ("apply_at", "1.01", "expected a number from 0 to 1"),
            ("apply_at", "nan", "expected a number from 0 to 1"),
            ("max_labels", "-1", "expected a whole number from"),
            ("max_labels", "9" * 9_999, "expected a whole number from"),
            ("max_labels", "٣", "expected a whole number from"),
            ("summary_language", "english", "a code of two letters"),
            ("never_send_labels", "x" * (MAX_LENGTH + 1), "a label has at most"),
            ("never_send_labels", ", ,", "expected up to 200"),
            ("scope.include_trees", "0", "'0' is no page id"),
            ("scope.exclude_titles", "(", "is no pattern"),
            ("providers", "OpenAI!", "'OpenAI!' is no provider"),
            ("providers", "gemini", "no provider 'gemini'; there are: openai, local"),
            ("thresholds.", "0.5", "expected thresholds.LABEL=NUMBER"),
            ("thresholds." + "x" * (MAX_LENGTH + 1), "0.5", "expected thresholds."),
            ("thresholds.backup", "5", "expected a number from 0 to 1"),
            ("aply_at", "0.5", "there is no such field; did you mean apply_at?"),
            ("scope.what", "0.5", "there is no such field"),
        ],
    )
    def test_what_cannot_be_is_told(self, name: str, text: str, why: str) -> None:
        """With its field, in words that say what could be."""
        with pytest.raises(MalformedPayload) as caught:
            read_fields([(name, text)], providers=PROVIDERS)

        assert caught.value.reason.startswith(f"{name}: ")
        assert why in caught.value.reason

    def test_all_problems_are_told_at_once(self) -> None:
        """Nobody types a command three times."""
        with pytest.raises(MalformedPayload, match=r"mode: .*; never_send: "):
            read_fields([("mode", "x"), ("never_send", "x")], providers=PROVIDERS)
