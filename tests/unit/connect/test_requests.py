"""Tests for app.connect.requests."""

from __future__ import annotations

from typing import Any

import pytest

from app.connect.requests import token_of
from app.errors import NotAuthenticated
from tests.unit.connect.signing import make_request


class TestTokenOf:
    """Tests for app.connect.requests.token_of()."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"authorization": "JWT a.b.c"},
            {"authorization": "jwt  a.b.c "},
            {"raw_query": "x=1&jwt=a.b.c"},
            {"raw_query": "%6Awt=a.b.c"},
            {"authorization": "Basic Zm9vOmJhcg==", "raw_query": "jwt=a.b.c"},
        ],
        ids=["header", "header-case", "query", "query-encoded", "behind-basic"],
    )
    def test_one_place(self, changes: dict[str, Any]) -> None:
        """A token in one place is found wherever it is."""
        request = make_request(**{"raw_query": "", **changes})

        assert token_of(request) == "a.b.c"

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"authorization": ""},
            {"authorization": "Bearer a.b.c"},
            {"authorization": "JWTa.b.c"},
            {"authorization": "JWT a.b.c", "raw_query": "jwt=a.b.c"},
            {"authorization": "JWT a.b.c", "raw_query": "jwt="},
            {"raw_query": "jwt=a.b.c&jwt=d.e.f"},
            {"raw_query": "jwt=a.b.c&%6a%77%74=d.e.f"},
        ],
        ids=[
            "none",
            "empty",
            "bearer",
            "glued",
            "header-and-query",
            "header-and-empty",
            "query-twice",
            "query-twice-encoded",
        ],
    )
    def test_none_or_two(self, changes: dict[str, Any]) -> None:
        """No token, or a choice of tokens, proves nothing."""
        request = make_request(**{"raw_query": "", **changes})

        with pytest.raises(NotAuthenticated):
            token_of(request)

    def test_the_token_is_not_shown(self) -> None:
        """A request in a log line does not give its token away."""
        request = make_request(authorization="JWT a.b.c")

        assert "a.b.c" not in repr(request)
