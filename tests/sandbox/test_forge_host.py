"""Tests for installing, calling and removing Forge apps, seen as a strict app."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from tests.fakes.forge_tenant import (
    APP_ID,
    MANIFEST,
    at_gateway,
    event,
    install,
    verify,
)
from tests.fakes.hosted_app import (
    CLOUD_ID,
    ORIGIN,
    PERSON,
    page_change,
    world,
)

pytestmark = pytest.mark.anyio


class TestInstall:
    """Tests for POST /_sandbox/forge/install."""

    async def test_installed_event(self) -> None:
        """The app hears of its installation with the bare id and the site."""
        async with world() as here:
            answer = await install(here, account_id=PERSON)

            told = await event(here, "/base/in/life")
            assert told["eventType"] == "avi:forge:installed:app"
            assert told["id"] == answer["installation_id"]
            assert told["installerAccountId"] == PERSON
            assert told["app"]["id"] == APP_ID
            assert told["context"] == f"ari:cloud:confluence::site/{CLOUD_ID}"

    async def test_invocation_token(self) -> None:
        """A strict app can verify the token, and finds where it was called from."""
        async with world() as here:
            answer = await install(here)

            (request,) = here.app.at("/base/in/life")
            claims = await verify(here, request, "life-in")
            app = claims["app"]
            assert claims["exp"] - claims["iat"] == 25
            assert app["id"] == APP_ID
            assert app["installationId"] == answer["installation_ari"]
            assert app["apiBaseUrl"] == f"{ORIGIN}/ex/confluence/{CLOUD_ID}"
            assert app["environment"]["type"] == "DEVELOPMENT"
            assert app["installation"]["contexts"] == [
                {
                    "name": "confluence",
                    "apiBaseUrl": f"{ORIGIN}/ex/confluence/{CLOUD_ID}",
                    "cloudId": CLOUD_ID,
                }
            ]
            assert "principal" not in claims

    async def test_headers(self) -> None:
        """Trace ids and the system token go along; no user token without a person."""
        async with world() as here:
            await install(here)

            (request,) = here.app.at("/base/in/life")
            assert request.headers["authorization"].startswith("Bearer ")
            assert len(request.headers["x-b3-traceid"]) == 32
            assert len(request.headers["x-b3-spanid"]) == 16
            assert "x-forge-oauth-system" in request.headers
            assert "x-forge-oauth-user" not in request.headers

    async def test_environment(self) -> None:
        """The environment asked for is in the token; an unknown one is refused."""
        async with world() as here:
            await install(here, environment="PRODUCTION")

            answer = await here.post(
                "/forge/install", manifest=str(MANIFEST), environment="LOCAL"
            )

            (request,) = here.app.at("/base/in/life")
            claims = await verify(here, request, "life-in")
            assert claims["app"]["environment"]["type"] == "PRODUCTION"
            assert answer.status_code == 400

    async def test_reinstall_is_another_installation(self) -> None:
        """A second install has a new id, and the first one's token is dead."""
        async with world() as here:
            first = await install(here)
            old = here.app.at("/base/in/life")[0].headers["x-forge-oauth-system"]

            second = await install(here)

            assert second["installation_id"] != first["installation_id"]
            assert (await at_gateway(here, old)).status_code == 401
            states = [app.status for host in here.hosts for app in host.apps()]
            assert states == ["uninstalled", "installed"]

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            pytest.param({}, "exactly one", id="nothing"),
            pytest.param({"manifest": "/nowhere.yml"}, "cannot be read", id="missing"),
            pytest.param({"manifest": "a\0b"}, "cannot be read", id="nul"),
            pytest.param({"manifest_yaml": "a: [b"}, "not YAML", id="broken"),
            pytest.param({"manifest_yaml": "- 1"}, "a mapping", id="list"),
            pytest.param(
                {"manifest_yaml": "!!python/name:os.system"}, "YAML", id="tag"
            ),
            pytest.param({"manifest_yaml": "[" * 5000}, "not YAML", id="deep"),
            pytest.param({"manifest_yaml": "app: {}"}, "app.id", id="no-id"),
        ],
    )
    async def test_bad_manifest(self, fields: dict[str, Any], said: str) -> None:
        """What is no manifest is refused with its reason, and nothing is installed."""
        async with world() as here:
            answer = await here.post("/forge/install", **fields)

            assert answer.status_code == 400
            assert said in answer.json()["error"]
            assert (await here.get("/forge/installations"))["installations"] == []


class TestKeys:
    """Tests for the keys that invocation tokens are signed with."""

    async def test_rotation(self) -> None:
        """After a rotation a new key signs, and the one before is still published."""
        async with world() as here:
            await install(here)

            kid = (await here.post("/forge/rotate-key")).json()["kid"]
            here.site.tell(page_change())
            await here.idle()

            await verify(here, here.app.at("/base/in/life")[0], "life-in")
            (request,) = here.app.at("/base/in/changes")
            await verify(here, request, "changes-in")
            assert jwt.get_unverified_header(request.token)["kid"] == kid
            assert len((await here.get("/forge/jwks.json"))["keys"]) == 2


class TestLife:
    """Tests for upgrades, uninstalls and schedules."""

    async def test_uninstall(self) -> None:
        """The pre-uninstall endpoint is called; then tokens and events end."""
        async with world() as here:
            await install(here)
            token = here.app.at("/base/in/life")[0].headers["x-forge-oauth-system"]
            here.app.received.clear()

            answer = await here.post("/forge/uninstall")
            here.site.tell(page_change())
            await here.idle()

            assert answer.status_code == 204
            (goodbye,) = here.app.received
            assert goodbye.path == "/base/in/goodbye"
            assert goodbye.json["context"] == {
                "cloudId": CLOUD_ID,
                "moduleKey": "goodbye",
            }
            await verify(here, goodbye, "goodbye-in")
            assert "x-forge-oauth-system" not in goodbye.headers
            assert (await at_gateway(here, token)).status_code == 401
            assert [
                key for host in here.hosts for key in host.byline_property_keys()
            ] == []

    async def test_uninstall_goes_on_when_the_app_fails(self) -> None:
        """An app cannot prevent its removal, and is called once only."""
        async with world() as here:
            await install(here)
            here.app.answers = [500]

            await here.post("/forge/uninstall")
            again = await here.post("/forge/uninstall")

            assert len(here.app.at("/base/in/goodbye")) == 1
            assert again.status_code == 404

    async def test_major_upgrade(self) -> None:
        """A major version is told; a minor one is only seen in tokens."""
        async with world() as here:
            await install(here)

            minor = (await here.post("/forge/upgrade", major=False)).json()
            major = (await here.post("/forge/upgrade", major=True)).json()

            told = await event(here, "/base/in/life")
            assert minor["app_version"] == "1.1.0"
            assert major["app_version"] == "2.0.0"
            assert told["eventType"] == "avi:forge:upgraded:app"
            assert len(here.app.at("/base/in/life")) == 2

    async def test_schedule_by_hand(self) -> None:
        """A scheduled trigger can be fired; an unknown one is refused by name."""
        async with world() as here:
            await install(here)

            fired = await here.post("/forge/schedule", key="every-hour")
            unknown = await here.post("/forge/schedule", key="never")
            await here.idle()

            (request,) = here.app.at("/base/in/tick")
            await verify(here, request, "tick-in")
            assert fired.json() == {"fired": ["every-hour"]}
            assert request.json["context"]["moduleKey"] == "every-hour"
            assert "x-forge-oauth-system" in request.headers
            assert unknown.status_code == 404

    async def test_failed_schedule_is_not_repeated(self) -> None:
        """The next tick is the retry of a scheduled run."""
        async with world() as here:
            await install(here)
            await here.post("/deliveries/settings", retry_seconds=0.01)
            here.app.answers = [500]

            await here.post("/forge/schedule")
            await here.idle()

            assert len(here.app.at("/base/in/tick")) == 1

    async def test_schedule_by_the_clock(self) -> None:
        """The first run comes soon after the install, the next an interval later."""
        async with world() as here:
            await install(here)
            schedule: Any = here.hosts[2]
            clock = schedule._schedule

            here.clock.advance(3599)
            early = clock.fire_due()
            here.clock.advance(2)
            first = clock.fire_due()
            again = clock.fire_due()
            here.clock.advance(3600)
            next_one = clock.fire_due()
            await here.idle()

            assert (early, first, again, next_one) == (0, 1, 0, 1)
            assert len(here.app.at("/base/in/tick")) == 2
