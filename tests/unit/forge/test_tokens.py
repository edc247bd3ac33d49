"""Tests for app.forge.tokens.token_expiry()."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.forge.tokens import token_expiry
from tests.unit.connect.signing import sign_by_hand
from tests.unit.forge.invoking import NOW

SECONDS = int(NOW.timestamp())


def token(claims: str) -> str:
    return sign_by_hand({"alg": "RS256"}, claims.encode())


class TestTokenExpiry:
    """Tests for app.forge.tokens.token_expiry()."""

    def test_end_is_read(self) -> None:
        """A site token is kept until it ends."""
        expires_at = token_expiry(token(f'{{"exp": {SECONDS + 10_800}}}'), now=NOW)

        assert expires_at == NOW + timedelta(hours=3)

    def test_end_in_the_past(self) -> None:
        """A token that has ended is not kept."""
        assert token_expiry(token(f'{{"exp": {SECONDS - 1}}}'), now=NOW) < NOW

    def test_end_far_away(self) -> None:
        """No token is believed for longer than a day."""
        expires_at = token_expiry(token('{"exp": 253402300799}'), now=NOW)

        assert expires_at == NOW + timedelta(hours=24)

    @pytest.mark.parametrize(
        "opaque",
        [
            "",
            "opaque",
            "a.b.c.d.e",
            token("{}"),
            token('{"exp": "later"}'),
            token('{"exp": 1e400}'),
            token("[]"),
            "A" * 100_000,
            "ключ",
        ],
        ids=[
            "empty",
            "word",
            "jwe",
            "none",
            "text",
            "inf",
            "list",
            "huge",
            "ukrainian",
        ],
    )
    def test_unreadable(self, opaque: Any) -> None:
        """A token that cannot be read is kept for a few minutes."""
        assert token_expiry(opaque, now=NOW) == NOW + timedelta(minutes=10)
