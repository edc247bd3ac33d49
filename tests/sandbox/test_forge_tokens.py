"""Tests for the bearer tokens of Forge apps at the API gateway."""

from __future__ import annotations

import jwt
import pytest

from tests.fakes.forge_tenant import (
    APP_ID,
    at_gateway,
    install,
)
from tests.fakes.hosted_app import (
    GATEWAY,
    page_change,
    world,
)

pytestmark = pytest.mark.anyio


class TestTokens:
    """Tests for system and user tokens at the gateway."""

    async def test_system_token(self) -> None:
        """The token comes in as the app user with the manifest's scopes."""
        async with world() as here:
            answer = await install(here)
            token = here.app.at("/base/in/life")[0].headers["x-forge-oauth-system"]

            found = await at_gateway(here, token)

            assert found.json()["app"] == APP_ID
            assert found.json()["account"] == answer["app_account_id"]
            assert found.json()["scopes"] == answer["scopes"]
            claims = jwt.decode(token, options={"verify_signature": False})
            assert claims["exp"] == int(here.clock().timestamp()) + 3 * 3600

    async def test_site_takes_no_bearer(self) -> None:
        """The same token is worth nothing on the site itself."""
        async with world() as here:
            await install(here)
            token = here.app.at("/base/in/life")[0].headers["x-forge-oauth-system"]

            answer = await here.client.get(
                "/wiki/api/v2/whoami", headers={"authorization": f"Bearer {token}"}
            )

            assert answer.status_code == 403

    async def test_tokens_expire(self) -> None:
        """A token ends when its time is up."""
        async with world() as here:
            await here.post("/forge/tokens", ttl_seconds=60)
            await install(here)
            token = here.app.at("/base/in/life")[0].headers["x-forge-oauth-system"]

            before = await at_gateway(here, token)
            here.clock.advance(61)
            after = await at_gateway(here, token)

            assert before.status_code == 200
            assert after.status_code == 401
            assert after.json()["reason"] == "the token is expired"

    async def test_expire_all(self) -> None:
        """All tokens can be ended at once; the next event brings a good one."""
        async with world() as here:
            await install(here)
            token = here.app.at("/base/in/life")[0].headers["x-forge-oauth-system"]

            await here.client.post("/_sandbox/forge/tokens/expire")
            refused = await at_gateway(here, token)
            here.site.tell(page_change())
            await here.idle()
            fresh = here.app.at("/base/in/changes")[0].headers["x-forge-oauth-system"]

            assert refused.status_code == 401
            assert (await at_gateway(here, fresh)).status_code == 200

    @pytest.mark.parametrize("token", ["x", "a.b.c", "токен"])
    async def test_foreign_token_is_nobody(self, token: str) -> None:
        """A bearer token that the host never issued proves nobody."""
        async with world() as here:
            answer = await here.client.get(
                f"{GATEWAY}/wiki/api/v2/whoami",
                headers=[(b"authorization", f"Bearer {token}".encode())],
            )

            assert answer.status_code == 403

    async def test_too_long_a_life(self) -> None:
        """A life that no clock can hold is refused."""
        async with world() as here:
            answer = await here.post("/forge/tokens", ttl_seconds=1e300)

            assert answer.status_code == 400
