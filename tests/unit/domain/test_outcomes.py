"""Tests for app.domain.outcomes: how a run ended, in a word."""

from __future__ import annotations

import pytest

from app.domain.completions import Attempt
from app.domain.outcomes import concluded, is_unreadable

ENDED = {
    "applied": False,
    "denied": False,
    "waiting": False,
    "is_empty": False,
    "unreadable": False,
    "was_known": False,
    "conflicts": False,
}


class TestConcluded:
    """Tests for concluded()."""

    @pytest.mark.parametrize(
        ("said", "outcome"),
        [
            ((), "no_change"),
            (("was_known",), "unchanged_content"),
            (("was_known", "conflicts"), "conflict"),
            (("conflicts", "waiting"), "suggested"),
            (("unreadable",), "parse_error"),
            (("unreadable", "waiting"), "suggested"),
            (("waiting",), "suggested"),
            (("waiting", "denied"), "denied"),
            (("waiting", "denied", "applied"), "applied"),
            (("applied", "is_empty"), "empty"),
        ],
    )
    def test_what_matters_most_is_told(
        self, said: tuple[str, ...], outcome: str
    ) -> None:
        """What was done goes before what was not."""
        given = {name: name in said for name in ENDED}

        assert concluded(**given) == outcome


class TestIsUnreadable:
    """Tests for is_unreadable()."""

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ((), False),
            (("local answered",), False),
            (("openai malformed", "local answered"), True),
            (("openai malformed", "gemini malformed", "local answered"), True),
            (("openai malformed", "gemini quota_wait", "local answered"), True),
            (("openai malformed", "gemini answered"), False),
            (("openai refused", "local answered"), False),
            (("openai malformed", "gemini refused", "local answered"), False),
            (("openai quota_wait", "local answered"), False),
        ],
    )
    def test_only_replies_that_nobody_can_read_count(
        self, asked: tuple[str, ...], *, said: bool
    ) -> None:
        """A second provider's good answer is one, whatever the first one said."""
        attempts = [
            Attempt(provider=who, model="m", outcome=outcome, seconds=1.0)
            for who, outcome in (one.split() for one in asked)
        ]

        assert is_unreadable(attempts) is said
