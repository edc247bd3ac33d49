"""Tests for how calls of Connect apps are let in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest

from sandbox.hosts.qsh import CONTEXT_QSH, query_string_hash
from tests.fakes.connect_tenant import (
    app_token,
    install,
    whoami,
)
from tests.fakes.hosted_app import (
    CONNECT_KEY,
    GATEWAY,
    connect_descriptor,
    world,
)

pytestmark = pytest.mark.anyio


class TestAuthenticator:
    """Tests for how the app's own calls are let in."""

    async def test_signed_call(self) -> None:
        """A call signed for path and query comes in as the app user with scopes."""
        async with world() as here:
            body = await install(here)
            query = "b=2&a=%D0%B0"
            qsh = query_string_hash("GET", "/wiki/api/v2/whoami", query, "/wiki")

            answer = await whoami(
                here, app_token(here, body["sharedSecret"], qsh=qsh), f"?{query}"
            )

            assert answer.status_code == 200
            assert answer.json()["app"] == CONNECT_KEY
            assert answer.json()["kind"] == "app"
            assert "write:confluence-content" in answer.json()["scopes"]

    async def test_token_in_the_query(self) -> None:
        """The token may stand in `?jwt=`, which is no part of its own hash."""
        async with world() as here:
            body = await install(here)
            token = app_token(here, body["sharedSecret"])

            answer = await here.client.get(f"/wiki/api/v2/whoami?jwt={token}")

            assert answer.status_code == 200

    async def test_reader_gets_no_write_scope(self) -> None:
        """A descriptor without WRITE gives no scope to write with."""
        async with world() as here:
            here.app.descriptor = connect_descriptor(scopes=["READ"])
            body = await install(here)

            answer = await whoami(here, app_token(here, body["sharedSecret"]))

            scopes = answer.json()["scopes"]
            assert not [scope for scope in scopes if scope.startswith("write:")]

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"qsh": "0" * 64}, id="other-request"),
            pytest.param({"qsh": CONTEXT_QSH}, id="context-qsh"),
            pytest.param({"qsh": None}, id="no-qsh"),
            pytest.param({"qsh": "ї"}, id="odd-qsh"),
            pytest.param({"exp": 1_000_000_000}, id="expired"),
            pytest.param({"exp": 1e400}, id="endless"),
            pytest.param({"exp": None}, id="no-exp"),
            pytest.param({"iss": "client-key"}, id="wrong-issuer"),
            pytest.param({"iss": None}, id="no-issuer"),
            pytest.param({"iat": 99_999_999_999}, id="future"),
        ],
    )
    async def test_bad_claims(self, changes: dict[str, Any]) -> None:
        """A token whose claims do not hold is refused."""
        async with world() as here:
            body = await install(here)

            answer = await whoami(
                here, app_token(here, body["sharedSecret"], **changes)
            )

            assert answer.status_code == 401

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "е.е.е"])
    async def test_garbage(self, token: str) -> None:
        """Something that is no token is refused, not a crash."""
        async with world() as here:
            await install(here)

            answer = await here.client.get(
                "/wiki/api/v2/whoami",
                headers=[(b"authorization", f"JWT {token}".encode())],
            )

            assert answer.status_code == 401

    async def test_wrong_secret_and_none(self) -> None:
        """Another secret, or no signature at all, is refused."""
        async with world() as here:
            await install(here)
            unsigned = jwt.encode({"iss": CONNECT_KEY}, "", algorithm="none")

            answers = [
                await whoami(here, app_token(here, "x" * 40)),
                await whoami(here, unsigned),
            ]

            assert [answer.status_code for answer in answers] == [401, 401]

    async def test_gateway_takes_no_connect_token(self) -> None:
        """The API gateway does not know Connect."""
        async with world() as here:
            body = await install(here)
            token = app_token(here, body["sharedSecret"])

            answer = await here.client.get(
                f"{GATEWAY}/wiki/api/v2/whoami",
                headers={"authorization": f"JWT {token}"},
            )

            assert answer.status_code == 403

    async def test_stale_token_by_the_site_clock(self) -> None:
        """A token runs out by the site's clock."""
        async with world() as here:
            body = await install(here)
            token = app_token(here, body["sharedSecret"])

            here.clock.advance(timedelta(minutes=4).total_seconds())

            assert (await whoami(here, token)).status_code == 401
