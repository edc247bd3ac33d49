"""Seals secrets at rest: Fernet (AES-128-CBC with HMAC), several keys for rotation."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.errors import ConfigurationError


class Cipher:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Build from url-safe base64 keys of 32 bytes.

        Raises:
            ConfigurationError: No key, or one that is no Fernet key.
        """
        if not keys:
            raise ConfigurationError(["ENCRYPTION_KEYS: is required but not set"])
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            message = "ENCRYPTION_KEYS: each must be 32 bytes in url-safe base64"
            raise ConfigurationError([message]) from error

    def seal(self, secret: str) -> str:
        """Return `secret` encrypted and authenticated."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the secret again.

        Raises:
            ConfigurationError: None of the keys fits: the operator lost one.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            message = "ENCRYPTION_KEYS: no key opens a stored secret"
            raise ConfigurationError([message]) from error


def new_key() -> str:
    """Return a fresh key."""
    return Fernet.generate_key().decode()
