"""RSA keys that the hosts sign with, and the shapes they are published in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm


class SigningKey:
    """One RSA key pair with the id (`kid`) that tokens name it by."""

    def __init__(self) -> None:
        self.kid = str(uuid4())
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return an RS256 token over `claims` whose header names this key."""
        return jwt.encode(
            dict(claims), self._private, algorithm="RS256", headers={"kid": self.kid}
        )

    def pem(self) -> str:
        """Return the public half as Connect's install-keys host serves it."""
        public = self._private.public_key()
        info = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return info.decode()

    def jwk(self) -> dict[str, Any]:
        """Return the public half as one entry of Forge's JWKS document."""
        jwk = RSAAlgorithm.to_jwk(self._private.public_key(), as_dict=True)
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": jwk["n"],
            "e": jwk["e"],
        }
