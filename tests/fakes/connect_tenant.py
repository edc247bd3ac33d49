"""The sample Connect app on a small site, and a strict reading of its tokens."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import jwt

from sandbox.hosts.qsh import query_string_hash
from tests.fakes.hosted_app import (
    APP_URL,
    CONNECT_KEY,
    Received,
    World,
)

DESCRIPTOR_URL = f"{APP_URL}/descriptor.json"


async def install(here: World) -> dict[str, Any]:
    """Install the app and return the body of its `installed` call."""
    answer = await here.post("/connect/install", descriptor_url=DESCRIPTOR_URL)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = here.app.at("/base/life/installed")[-1].json
    return body


async def public_key(here: World, token: str) -> str:
    """Fetch the key a token names, as the app would."""
    kid = jwt.get_unverified_header(token)["kid"]
    answer = await here.client.get(f"/_sandbox/install-keys/{kid}")
    assert answer.status_code == 200
    return answer.text


def expected_qsh(request: Received, base: str = "/base") -> str:
    """Compute what the token of a received request must hold."""
    path = request.path.removeprefix(base)
    text = f"{request.method}&{path}&{request.query}"
    return hashlib.sha256(text.encode()).hexdigest()


def verify(request: Received, secret: str) -> dict[str, Any]:
    """Check an HS256 token as an app must; return its claims."""
    claims: dict[str, Any] = jwt.decode(
        request.token,
        secret,
        algorithms=["HS256"],
        options={"require": ["iss", "iat", "exp", "qsh"]},
    )
    assert claims["qsh"] == expected_qsh(request)
    assert claims["exp"] - claims["iat"] == 180
    return claims


def app_token(here: World, secret: str, **changes: Any) -> str:
    """Sign a call of the app to `GET /wiki/api/v2/whoami`."""
    issued = int(here.clock().timestamp())
    claims = {
        "iss": CONNECT_KEY,
        "iat": issued,
        "exp": issued + 180,
        "qsh": query_string_hash("GET", "/wiki/api/v2/whoami", "", "/wiki"),
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, secret, algorithm="HS256")


async def whoami(here: World, token: str, query: str = "") -> httpx.Response:
    """Call the site as the app."""
    return await here.client.get(
        f"/wiki/api/v2/whoami{query}", headers={"authorization": f"JWT {token}"}
    )
