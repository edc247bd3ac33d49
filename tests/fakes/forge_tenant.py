"""The sample Forge app on a small site, and a strict reading of its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import jwt

from tests.fakes.hosted_app import (
    APP_URL,
    GATEWAY,
    Received,
    World,
)

MANIFEST = Path(__file__).parents[1] / "samples" / "forge_manifest" / "manifest.yml"
APP_ID = "ari:cloud:ecosystem::app/5d0b1f4e-0c8a-4a1e-9a63-6e3f1f0a7b11"


async def install(here: World, **changes: Any) -> dict[str, Any]:
    """Install the sample app, wait for its events, forget them; return the answer."""
    await here.post("/forge/settings", schedule_first_seconds=3600)
    fields = {"manifest": str(MANIFEST), "remote_url": APP_URL, **changes}
    answer = await here.post("/forge/install", **fields)
    assert answer.status_code == 200, answer.text
    await here.idle()
    found: dict[str, Any] = answer.json()
    return found


async def verify(here: World, request: Received, module_key: str) -> dict[str, Any]:
    """Check an invocation token as an app must; return its claims."""
    kid = jwt.get_unverified_header(request.token)["kid"]
    keys = (await here.get("/forge/jwks.json"))["keys"]
    (key,) = [key for key in keys if key["kid"] == kid]
    claims: dict[str, Any] = jwt.decode(
        request.token,
        jwt.PyJWK(key),
        algorithms=["RS256"],
        audience=APP_ID,
        issuer="forge/invocation-token",
        options={"require": ["iss", "aud", "iat", "nbf", "exp", "jti"]},
    )
    assert claims["app"]["module"] == {"type": "core:endpoint", "key": module_key}
    return claims


async def at_gateway(here: World, token: str) -> httpx.Response:
    """Call the API gateway with a bearer token."""
    return await here.client.get(
        f"{GATEWAY}/wiki/api/v2/whoami", headers={"authorization": f"Bearer {token}"}
    )


async def event(here: World, path: str = "/base/in/changes") -> dict[str, Any]:
    """Return the newest event that arrived, unwrapped."""
    await here.idle()
    found: dict[str, Any] = here.app.at(path)[-1].json["payload"]
    return found
