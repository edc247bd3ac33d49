"""Tests for app.store.encryption."""

from __future__ import annotations

import pytest

from app.errors import ConfigurationError
from app.store.encryption import Cipher, new_key


class TestCipher:
    """Tests for app.store.encryption.Cipher."""

    @pytest.mark.parametrize("secret", ["", "x", "таємниця 🔑", "y" * 10_000])
    def test_sealed_secret_opens_again(self, secret: str) -> None:
        """Whatever the secret is."""
        cipher = Cipher([new_key()])

        sealed = cipher.seal(secret)

        assert cipher.open(sealed) == secret
        assert len(secret) < 2 or secret not in sealed

    def test_new_key_in_front_seals_and_the_old_one_still_opens(self) -> None:
        """Rotation: add in front, wait, take the old one away."""
        old, new = new_key(), new_key()
        before = Cipher([old]).seal("kept")
        both = Cipher([new, old])

        after = both.seal("fresh")

        assert both.open(before) == "kept"
        assert Cipher([new]).open(after) == "fresh"
        with pytest.raises(ConfigurationError):
            Cipher([old]).open(after)

    @pytest.mark.parametrize("sealed", ["", "garbage", "gAAAA", "Ї"])
    def test_what_no_key_opens_is_told_by_the_setting(self, sealed: str) -> None:
        """A lost key, or a broken value, names what to look at."""
        with pytest.raises(ConfigurationError, match="ENCRYPTION_KEYS"):
            Cipher([new_key()]).open(sealed)

    def test_changed_value_does_not_open(self) -> None:
        """Authenticated: nobody edits a secret in the database."""
        cipher = Cipher([new_key()])
        sealed = cipher.seal("secret")

        with pytest.raises(ConfigurationError):
            cipher.open(sealed[:-5] + "AAAA=")

    @pytest.mark.parametrize(
        "keys",
        [[], [""], ["short"], [new_key(), "x"], ["ключ" * 11], ["A" * 43]],
        ids=["none", "empty", "short", "second bad", "not ascii", "no padding"],
    )
    def test_bad_keys_are_refused_without_repeating_them(self, keys: list[str]) -> None:
        """A named problem that holds no key."""
        with pytest.raises(ConfigurationError, match="ENCRYPTION_KEYS") as caught:
            Cipher(keys)

        assert not any(key and key in str(caught.value) for key in keys)


class TestNewKey:
    """Tests for app.store.encryption.new_key()."""

    def test_every_key_is_another(self) -> None:
        """And each of them works."""
        keys = {new_key() for _ in range(20)}

        assert len(keys) == 20
        Cipher(sorted(keys))
