"""Tests for app.domain.outcomes: how a run ended, in a word."""

from __future__ import annotations

import pytest

from app.domain.outcomes import concluded

ENDED = {
    "applied": False,
    "denied": False,
    "waiting": False,
    "is_empty": False,
    "unreadable": False,
    "was_asked": True,
}


class TestConcluded:
    """Tests for concluded()."""

    @pytest.mark.parametrize(
        ("said", "outcome"),
        [
            ((), "no_change"),
            (("not asked",), "unchanged_content"),
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
        given["was_asked"] = "not asked" not in said

        assert concluded(**given) == outcome
