"""Tokens as a Connect host would sign them, and a few it never would."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt import PyJWS

from app.connect.qsh import query_string_hash
from app.connect.requests import SignedRequest

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CLIENT_KEY = "5d0c8a31-3a7e-3f6b-9a59-6a0f5b1c2d3e"
SECRET = "kvitka-secret-that-is-long-enough-for-hs256-signatures"
BASE_URL = "https://app.example.com/base"
BASE_PATH = "/base"
KID = "0f0e8c5a-7c7f-4f57-9d0e-5a1b0c2d3e4f"


@dataclass(frozen=True)
class KeyPair:
    """A key of the install-keys host: ours to sign with, theirs to publish."""

    private_pem: str
    public_pem: str


@cache
def rsa_keys(name: str = "atlassian") -> KeyPair:  # noqa: ARG001 - names the cached pair
    """Make one key pair a name; another name is another key."""
    return _pair(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@cache
def weak_rsa_keys() -> KeyPair:
    """Make a key pair that is too short to trust."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - weak on purpose
    return _pair(key)


@cache
def ec_keys() -> KeyPair:
    """Make a key pair of another family."""
    return _pair(ec.generate_private_key(ec.SECP256R1()))


def make_request(**changes: Any) -> SignedRequest:
    """Make the request that most tokens here are for."""
    fields: dict[str, Any] = {
        "method": "POST",
        "raw_path": "/base/connect/webhooks/page_updated",
        "raw_query": "lic=none",
        "authorization": None,
    }
    return SignedRequest(**{**fields, **changes})


def make_claims(request: SignedRequest, **changes: Any) -> dict[str, Any]:
    """Make good claims for `request`; a change to None leaves a claim out."""
    seconds = int(NOW.timestamp())
    claims = {
        "iss": CLIENT_KEY,
        "iat": seconds,
        "exp": seconds + 180,
        "qsh": query_string_hash(
            request.method, request.raw_path, request.raw_query, base_path=BASE_PATH
        ),
        "sub": "557058:olena",
        "context": {"content": {"id": "98765"}},
    }
    return {k: v for k, v in {**claims, **changes}.items() if v is not None}


def sign_hs256(claims: dict[str, Any], secret: str = SECRET, **header: Any) -> str:
    """Sign as a site does for a tenant."""
    payload = json.dumps(claims).encode()
    return PyJWS().encode(payload, secret, algorithm="HS256", headers=header or None)


def sign_rs256(
    claims: dict[str, Any], keys: KeyPair | None = None, *, kid: Any = KID
) -> str:
    """Sign as Atlassian does for lifecycle calls."""
    pem = (keys or rsa_keys()).private_pem
    payload = json.dumps(claims).encode()
    return PyJWS().encode(payload, pem, algorithm="RS256", headers={"kid": kid})


def sign_by_hand(
    header: dict[str, Any], payload: bytes, secret: bytes = SECRET.encode()
) -> str:
    """Sign whatever a library would refuse to."""
    parts = [json.dumps(header).encode(), payload]
    body = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    digest = hmac.new(secret, body, hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return (body + b"." + signature).decode()


def _pair(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> KeyPair:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(private.decode(), public.decode())
