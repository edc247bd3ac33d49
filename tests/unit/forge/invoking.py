"""Forge Invocation Tokens as Atlassian would make them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import PyJWS
from jwt.algorithms import RSAAlgorithm

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KID = "forge-invocation-token-7"
APP_ID = "ari:cloud:ecosystem::app/5b0c7a52-6f0e-4d3b-9a41-0c2f4e8d7a10"
INSTALLATION_ID = (
    "ari:cloud:ecosystem::installation/75969db9-dc7b-4798-9715-bd098ac0d9d1"
)
CLOUD_ID = "d0d52620-3203-4cfa-8db5-f2587155f0dd"
OTHER_CLOUD_ID = "11111111-2222-4333-8444-555555555555"
API_BASE_URL = f"https://api.atlassian.com/ex/confluence/{CLOUD_ID}"


@cache
def private_key(name: str = "forge") -> rsa.RSAPrivateKey:  # noqa: ARG001 - names the cached key
    """Make one key a name; another name is another key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(name: str = "forge", **changes: Any) -> dict[str, Any]:
    """Return the public half as the JWKS has it; a change to None leaves a field out."""
    public = RSAAlgorithm.to_jwk(private_key(name).public_key(), as_dict=True)
    fields = {**public, "kid": KID, "use": "sig", "alg": "RS256", **changes}
    return {k: v for k, v in fields.items() if v is not None}


def make_claims() -> dict[str, Any]:
    """Make the claims of an event for the events endpoint."""
    seconds = int(NOW.timestamp())
    return {
        "iss": "forge/invocation-token",
        "aud": APP_ID,
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds + 25,
        "jti": "d8a496253ec8c18a54631e4c82cbedd5d0ae8570",
        "app": {
            "id": APP_ID,
            "appVersion": "2.1.0",
            "installationId": INSTALLATION_ID,
            "apiBaseUrl": API_BASE_URL,
            "environment": {
                "type": "PRODUCTION",
                "id": "ari:cloud:ecosystem::environment/aa911f10",
            },
            "module": {"type": "core:endpoint", "key": "events-ep"},
            "installation": {
                "id": INSTALLATION_ID,
                "contexts": [
                    {
                        "name": "confluence",
                        "apiBaseUrl": API_BASE_URL,
                        "cloudId": CLOUD_ID,
                    }
                ],
            },
        },
    }


def changed(claims: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of `claims` with one place changed; `...` takes it away."""
    copy: dict[str, Any] = json.loads(json.dumps(claims))
    *parents, last = path.split(".")
    place: Any = copy
    for name in parents:
        place = place[int(name) if isinstance(place, list) else name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copy


def sign(
    claims: dict[str, Any], name: str = "forge", *, kid: Any = KID, alg: str = "RS256"
) -> str:
    """Sign as Forge does."""
    payload = json.dumps(claims).encode()
    return PyJWS().encode(
        payload, private_key(name), algorithm=alg, headers={"kid": kid}
    )
