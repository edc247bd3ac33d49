"""Tests for installing and removing Connect apps, seen as a strict app."""

from __future__ import annotations

import httpx
import jwt
import pytest

from sandbox.hosts.qsh import CONTEXT_QSH, query_string_hash
from tests.fakes.connect_tenant import (
    DESCRIPTOR_URL,
    app_token,
    expected_qsh,
    install,
    public_key,
    verify,
    whoami,
)
from tests.fakes.hosted_app import (
    APP_URL,
    CONNECT_KEY,
    ORIGIN,
    PERSON,
    page_change,
    world,
)

pytestmark = pytest.mark.anyio


class TestInstall:
    """Tests for POST /_sandbox/connect/install."""

    async def test_installed_is_signed_with_the_published_key(self) -> None:
        """A strict app can verify `installed`: RS256, kid, iss, aud, exp, qsh."""
        async with world() as here:
            body = await install(here)

            request = here.app.at("/base/life/installed")[0]
            claims = jwt.decode(
                request.token,
                await public_key(here, request.token),
                algorithms=["RS256"],
                audience=APP_URL,
                issuer=body["clientKey"],
                options={"require": ["iss", "iat", "exp", "qsh", "aud"]},
            )
            assert claims["qsh"] == expected_qsh(request)
            assert claims["aud"] == [APP_URL]
            assert request.headers["authorization"].startswith("JWT ")

    async def test_payload(self) -> None:
        """The body holds what apps rely on, and a field nobody announced."""
        async with world() as here:
            body = await install(here)

            assert body["key"] == CONNECT_KEY
            assert body["baseUrl"] == f"{ORIGIN}/wiki"
            assert body["eventType"] == "installed"
            assert body["productType"] == "confluence"
            assert len(body["sharedSecret"]) >= 32
            assert "unannouncedField" in body

    async def test_answer_holds_no_secret(self) -> None:
        """Who installs learns the client key and the app user, not the secret."""
        async with world() as here:
            answer = await here.post("/connect/install", descriptor_url=DESCRIPTOR_URL)

            assert set(answer.json()) == {"client_key", "app_account_id", "base_url"}

    async def test_enabled_follows_with_the_secret(self) -> None:
        """After `installed` comes `enabled`, signed with the shared secret."""
        async with world() as here:
            body = await install(here)

            paths = [request.path for request in here.app.received]
            assert paths == ["/base/life/installed", "/base/life/enabled"]
            claims = verify(here.app.received[1], body["sharedSecret"])
            assert claims["iss"] == body["clientKey"]
            assert "sharedSecret" not in here.app.received[1].json

    async def test_reinstall_keeps_the_client_key_only(self) -> None:
        """A second install has the same client key, another secret, RS256 again."""
        async with world() as here:
            first = await install(here)

            second = await install(here)

            assert second["clientKey"] == first["clientKey"]
            assert second["sharedSecret"] != first["sharedSecret"]
            token = here.app.at("/base/life/installed")[1].token
            assert jwt.get_unverified_header(token)["alg"] == "RS256"

    @pytest.mark.parametrize("status", [201, 202, 302, 401, 500])
    async def test_only_200_and_204_install(self, status: int) -> None:
        """Any other answer fails the install and says what the app said."""
        async with world() as here:
            here.app.answers = [status]

            answer = await here.post("/connect/install", descriptor_url=DESCRIPTOR_URL)

            assert answer.status_code == 400
            assert f"status {status}" in answer.json()["error"]
            assert here.site.removed == list(here.site.app_users.values())
            assert (await here.get("/connect/installations"))["installations"] == []

    async def test_refused_reinstall_leaves_the_old_one(self) -> None:
        """An app that refuses a re-install goes on with its earlier secret."""
        async with world() as here:
            first = await install(here)
            here.app.answers = [500]

            await here.post("/connect/install", descriptor_url=DESCRIPTOR_URL)

            answer = await whoami(here, app_token(here, first["sharedSecret"]))
            assert answer.status_code == 200
            assert here.site.removed == []

    @pytest.mark.parametrize(
        ("descriptor_url", "said"),
        [
            pytest.param(f"{APP_URL}/nowhere", "status 204", id="missing"),
            pytest.param("not a url", "http(s)", id="no-url"),
            pytest.param("file:///etc/passwd", "http(s)", id="scheme"),
            pytest.param("http://[::1", "cannot be fetched", id="bad-url"),
            pytest.param("", "is required", id="empty"),
        ],
    )
    async def test_unreachable_descriptor(self, descriptor_url: str, said: str) -> None:
        """A descriptor that cannot be had is a refusal with its reason."""
        async with world() as here:
            answer = await here.post("/connect/install", descriptor_url=descriptor_url)

            assert answer.status_code == 400
            assert said in answer.json()["error"]

    async def test_unknown_install_key(self) -> None:
        """Only the site's own key is published."""
        async with world() as here:
            answer = await here.client.get("/_sandbox/install-keys/other")

            assert answer.status_code == 404


class TestStates:
    """Tests for disabling, enabling and uninstalling."""

    async def test_uninstall(self) -> None:
        """`disabled` comes with the secret, `uninstalled` with the site's key."""
        async with world() as here:
            body = await install(here)

            answer = await here.post("/connect/uninstall", key=CONNECT_KEY)

            assert answer.status_code == 204
            (disabled,) = here.app.at("/base/life/disabled")
            (uninstalled,) = here.app.at("/base/life/uninstalled")
            verify(disabled, body["sharedSecret"])
            claims = jwt.decode(
                uninstalled.token,
                await public_key(here, uninstalled.token),
                algorithms=["RS256"],
                audience=APP_URL,
            )
            assert claims["iss"] == body["clientKey"]
            assert claims["qsh"] == expected_qsh(uninstalled)
            assert "sharedSecret" not in uninstalled.json

    async def test_uninstalled_app_is_out(self) -> None:
        """Afterwards nothing is told, nothing is answered, and twice is an error."""
        async with world() as here:
            body = await install(here)
            await here.post("/connect/uninstall", key=CONNECT_KEY)
            here.app.received.clear()

            here.site.tell(page_change())
            await here.idle()
            answer = await whoami(here, app_token(here, body["sharedSecret"]))
            again = await here.post("/connect/uninstall", key=CONNECT_KEY)

            assert here.app.received == []
            assert answer.status_code == 401
            assert again.status_code == 404
            assert here.site.removed == list(here.site.app_users.values())

    async def test_reinstall_after_uninstall_keeps_the_client_key(self) -> None:
        """A site stays the same tenant to an app that comes back."""
        async with world() as here:
            first = await install(here)
            await here.post("/connect/uninstall", key=CONNECT_KEY)

            second = await install(here)

            assert second["clientKey"] == first["clientKey"]

    async def test_disabled_app_is_told_nothing(self) -> None:
        """A disabled app gets no webhooks and no answers until it is enabled."""
        async with world() as here:
            body = await install(here)
            await here.post("/connect/disable", key=CONNECT_KEY)
            here.app.received.clear()

            here.site.tell(page_change())
            await here.idle()
            refused = await whoami(here, app_token(here, body["sharedSecret"]))
            await here.post("/connect/enable", key=CONNECT_KEY)
            accepted = await whoami(here, app_token(here, body["sharedSecret"]))

            assert [request.path for request in here.app.received] == [
                "/base/life/enabled"
            ]
            assert refused.status_code == 401
            assert accepted.status_code == 200

    async def test_site_learns_of_the_app(self) -> None:
        """The host lists the app, its state and its byline property."""
        async with world() as here:
            await install(here)

            (app,) = (app for host in here.hosts for app in host.apps())
            keys = [key for host in here.hosts for key in host.byline_property_keys()]

            assert (app.key, app.host, app.status) == (
                CONNECT_KEY,
                "connect",
                "enabled",
            )
            assert keys == ["sample-labels-byline"]


class TestBrowserTokens:
    """Tests for what people's browsers are given."""

    async def test_context_token(self) -> None:
        """The token for XHR names the person and is tied to no URL."""
        async with world() as here:
            body = await install(here)

            found = await here.get(
                "/connect/context-token", key=CONNECT_KEY, account_id=PERSON
            )

            claims = jwt.decode(
                found["token"], body["sharedSecret"], algorithms=["HS256"]
            )
            assert claims["qsh"] == CONTEXT_QSH
            assert claims["sub"] == PERSON
            assert claims["iss"] == body["clientKey"]

    async def test_page_url(self) -> None:
        """The address of an iframe holds what the site adds, and is signed so."""
        async with world() as here:
            body = await install(here)

            found = await here.get(
                "/connect/page-url",
                key=CONNECT_KEY,
                path="/ui?page=1",
                account_id=PERSON,
            )

            url = httpx.URL(found["url"])
            claims = jwt.decode(
                url.params["jwt"], body["sharedSecret"], algorithms=["HS256"]
            )
            query = url.query.decode()
            assert claims["qsh"] == query_string_hash("GET", url.path, query, "/base")
            assert url.params["lic"] == "active"
            assert url.params["page"] == "1"

    async def test_unknown_app(self) -> None:
        """Tokens for an app that is not there are refused by name."""
        async with world() as here:
            found = await here.get("/connect/context-token", key="x", account_id=PERSON)

            assert found["error"] == "x: is not installed"
