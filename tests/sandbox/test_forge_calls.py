"""Tests for calls of UI modules and for the link to a Connect past."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.hosts.forge import CLIENT_KEY_PROPERTY
from tests.fakes.forge_tenant import (
    at_gateway,
    install,
    verify,
)
from tests.fakes.hosted_app import (
    APP_URL,
    CLOUD_ID,
    CONNECT_KEY,
    GATEWAY,
    PERSON,
    World,
    world,
)

pytestmark = pytest.mark.anyio


class TestInvoke:
    """Tests for calls of UI modules."""

    async def test_invoke(self) -> None:
        """The backend gets person, place and both tokens, and its answer comes back."""
        async with world() as here:
            await install(here)
            here.app.answers = [404]

            answer = await here.post(
                "/forge/invoke",
                module="settings-page",
                path="/ui/api/me?x=1",
                method="GET",
                account_id=PERSON,
                extension={"space": {"key": "DOCS"}},
            )

            (request,) = here.app.at("/base/ui/api/me")
            claims = await verify(here, request, "screen-in")
            assert request.method == "GET"
            assert request.query == "x=1"
            assert claims["principal"] == PERSON
            assert claims["context"]["moduleKey"] == "settings-page"
            assert claims["context"]["cloudId"] == CLOUD_ID
            assert claims["context"]["extension"] == {
                "type": "confluence:globalSettings",
                "space": {"key": "DOCS"},
            }
            assert answer.json() == {
                "status": 404,
                "error": None,
                "body": {"said": "no"},
            }
            token = request.headers["x-forge-oauth-user"]
            found = (await at_gateway(here, token)).json()
            assert (found["kind"], found["account"]) == ("user", PERSON)

    @pytest.mark.parametrize(
        ("changes", "status", "said"),
        [
            pytest.param({"module": "x"}, 400, "no UI module", id="module"),
            pytest.param({"path": "ui"}, 400, "start with /", id="path"),
            pytest.param({"path": ""}, 400, "is required", id="no-path"),
            pytest.param({"method": "TRACE"}, 400, "method", id="method"),
            pytest.param({"account_id": ""}, 400, "is required", id="nobody"),
            pytest.param({"body": "x" * 500_000}, 413, "500 kB", id="large"),
        ],
    )
    async def test_bad_calls(
        self, changes: dict[str, Any], status: int, said: str
    ) -> None:
        """A call that Forge would not carry is refused by name."""
        async with world() as here:
            await install(here)
            fields = {"module": "byline", "path": "/ui", "account_id": PERSON}

            answer = await here.post("/forge/invoke", **{**fields, **changes})

            assert answer.status_code == status
            assert said in answer.json()["error"]
            assert here.app.at("/base/ui") == []


class TestLinking:
    """Tests for the property that tells a Forge app of its Connect past."""

    ADDON = f"{GATEWAY}/wiki/rest/atlassian-connect/1/addons"

    async def read(self, here: World, key: str) -> httpx.Response:
        """Read the reserved property with the newest system token."""
        token = here.app.at("/base/in/life")[-1].headers["x-forge-oauth-system"]
        return await here.client.get(
            f"{self.ADDON}/{key}/properties/{CLIENT_KEY_PROPERTY}",
            headers={"authorization": f"Bearer {token}"},
        )

    async def test_client_key(self) -> None:
        """The app of the same key reads the client key that the site had there."""
        async with world() as here:
            connect = await here.post(
                "/connect/install", descriptor_url=f"{APP_URL}/descriptor.json"
            )
            await install(here)

            answer = await self.read(here, CONNECT_KEY)

            assert answer.json() == {
                "key": CLIENT_KEY_PROPERTY,
                "value": connect.json()["client_key"],
            }

    async def test_no_connect_app(self) -> None:
        """Without a Connect app, or for another app's key, there is no property."""
        async with world() as here:
            await install(here)
            missing = await self.read(here, CONNECT_KEY)
            await here.post(
                "/connect/install", descriptor_url=f"{APP_URL}/descriptor.json"
            )
            await install(here, connect_client_key_of="another-app")

            foreign = await self.read(here, CONNECT_KEY)

            assert missing.status_code == 404
            assert foreign.status_code == 404

    async def test_strangers(self) -> None:
        """Nobody reads it without a token."""
        async with world() as here:
            await install(here)

            answer = await here.client.get(
                f"{self.ADDON}/{CONNECT_KEY}/properties/{CLIENT_KEY_PROPERTY}"
            )

            assert answer.status_code == 401
