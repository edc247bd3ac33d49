"""Forge invocations that must not get in: each through HTTP, each leaving no trace."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.store.tables import EventRow, TenantRow
from sandbox.hosts.keys import SigningKey
from tests.functional import forging
from tests.functional.conftest import BuildHouse
from tests.functional.house import FORGE_APP_ID, House

pytestmark = pytest.mark.anyio

EVENTS = "/forge/events"
REFUSAL = {"title": "Unauthorized", "status": 401}
OTHER_APP = "ari:cloud:ecosystem::app/00000000-0000-4000-8000-000000000000"
OTHER_CLOUD = "99999999-9999-4999-8999-999999999999"


async def _post(
    house: House, path: str, token: str | None, **headers: str
) -> httpx.Response:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return await house.app.post(path, json=forging.forge_event(), headers=headers)


async def _is_refused(house: House, path: str, token: str | None) -> str:
    """Send an invocation that must fail; return the reason in the security log."""
    before, logged = await house.counts(), len(house.log("security"))

    answer = await _post(house, path, token)

    lines = house.log("security")[logged:]
    assert answer.status_code == 401
    assert answer.json() == REFUSAL
    assert await house.counts() == before
    assert len(lines) == 1
    if token:
        assert token not in house.all_logs()
    return str(lines[0]["reason"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": OTHER_APP}, "audience"),
        ({"aud": None}, "audience"),
        ({"app": {"id": OTHER_APP}}, "app"),
        ({"app": {"environment": {"type": "PRODUCTION"}}}, "environment"),
        ({"app": {"environment": None}}, "environment"),
        ({"app": {"module": {"key": "ui-ep"}}}, "module"),
        ({"app": {"module": {"key": "schedule-ep"}}}, "module"),
        ({"app": {"apiBaseUrl": "https://evil.example.com/ex/confluence/x"}}, "API"),
        (
            {"app": {"apiBaseUrl": f"http://evil.test/ex/confluence/{OTHER_CLOUD}"}},
            "API",
        ),
        ({"app": {"installationId": "ari:cloud:ecosystem::installation/../x"}}, "inst"),
        ({"app": {"installationId": None}}, "installationId"),
        ({"iss": "somebody"}, "issuer"),
        ({"exp": 1_000_000_000}, "expired"),
        ({"exp": None}, "exp"),
        ({"nbf": 32_503_680_000}, "not valid yet"),
    ],
)
async def test_an_invocation_for_somebody_else_is_refused(
    still_house: House, changes: dict[str, Any], reason: str
) -> None:
    """A token of Forge's own for another app, place, module or time is refused."""
    token = forging.forge_token(still_house, changes=changes)

    assert reason in await _is_refused(still_house, EVENTS, token)


async def test_a_token_that_names_two_sites_is_refused(still_house: House) -> None:
    """A token of tenant A cannot act for the site of tenant B."""
    house = still_house
    foreign = f"{house.site.origin}/ex/confluence/{OTHER_CLOUD}"
    token = forging.forge_token(house, changes={"app": {"apiBaseUrl": foreign}})

    assert "two sites" in await _is_refused(house, EVENTS, token)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/forge/events", "ui-ep"),
        ("/forge/events", "admin-page"),
        ("/forge/lifecycle", "events-ep"),
        ("/forge/schedule", "events-ep"),
        ("/forge/uninstall", "ui-ep"),
        ("/forge/uninstall", "events-ep"),
    ],
)
async def test_each_route_takes_its_own_endpoint_alone(
    still_house: House, path: str, endpoint: str
) -> None:
    """What a frame or another trigger was given is worth nothing on this route."""
    token = forging.forge_token(still_house, endpoint)

    assert "module" in await _is_refused(still_house, path, token)


async def test_the_ui_takes_no_token_of_an_event(still_house: House) -> None:
    """A token made for an event does not open the UI's API."""
    token = forging.forge_token(still_house, "events-ep")

    answer = await still_house.app.get(
        "/ui/api/status", headers={"Authorization": f"Bearer {token}"}
    )

    assert (answer.status_code, answer.json()) == (401, REFUSAL)


async def test_unsigned_and_foreign_signatures_are_refused(still_house: House) -> None:
    """No token, no algorithm, a public key as secret, a stranger's key: all refused."""
    house = still_house
    key = house.forge._apps.invoker._keys[-1]
    stranger, impostor = SigningKey(), SigningKey()
    impostor.kid = key.kid
    claims = forging.forge_claims(house, "events-ep")
    header = {"alg": "HS256", "kid": key.kid, "typ": "JWT"}
    lying = {**header, "alg": "RS256"}
    pem = key.pem().encode()

    for token in (
        None,
        forging.unsigned(claims),
        forging.encode(header, claims, pem),
        forging.encode(lying, claims, pem),
        stranger.sign(claims),
        impostor.sign(claims),
        "rubbish",
    ):
        await _is_refused(house, EVENTS, token)


@pytest.mark.parametrize("kid", ["../../x", "a/b", "..", "", "x" * 200])
async def test_an_unusual_kid_is_refused(still_house: House, kid: str) -> None:
    """A key id that is no plain word is not even looked up."""
    house = still_house
    key = SigningKey()
    key.kid = kid
    token = key.sign(forging.forge_claims(house, "events-ep"))

    assert "kid" in await _is_refused(house, EVENTS, token)


async def test_a_connect_token_is_no_invocation(still_house: House) -> None:
    """A token of the same site's Connect app does not open Forge's routes."""
    token = forging.connect_token(still_house, EVENTS)

    await _is_refused(still_house, EVENTS, token)


async def test_a_genuine_invocation_is_taken_in(still_house: House) -> None:
    """The same request with a good token is accepted: the tests above test tokens."""
    house = still_house
    before = len(await house.rows(EventRow))

    answer = await _post(house, EVENTS, forging.forge_token(house))
    again = await _post(house, EVENTS, forging.forge_token(house))

    assert (answer.status_code, again.status_code) == (204, 204)
    assert len(await house.rows(EventRow)) == before + 1


async def test_an_uninstalled_site_queues_nothing(build: BuildHouse) -> None:
    """A straggler after the uninstall is answered 2xx, and nothing comes of it."""
    house = await build(worker=False)
    await house.install_forge(settle=False)
    await house.delivered()
    token = forging.forge_token(house)
    ui_token = forging.forge_token(house, "ui-ep")
    await house.uninstall_forge()
    before = await house.counts()

    answer = await _post(house, EVENTS, token)
    status = await house.app.get(
        "/ui/api/status", headers={"Authorization": f"Bearer {ui_token}"}
    )

    (tenant,) = await house.rows(TenantRow)
    assert answer.status_code == 204
    assert (status.status_code, status.json()) == (401, REFUSAL)
    assert await house.counts() == before
    assert tenant["status"] == "uninstalled"


async def test_forge_can_be_left_unset(build: BuildHouse) -> None:
    """Without an app id nobody gets in through Forge."""
    house = await build(worker=False, FORGE_APP_ID="")
    key = house.forge._apps.invoker._keys[-1]

    answer = await _post(house, EVENTS, key.sign({"aud": FORGE_APP_ID}))

    assert (answer.status_code, answer.json()) == (401, REFUSAL)


async def test_connect_can_be_switched_off(build: BuildHouse) -> None:
    """Without Connect there is neither a descriptor nor an open route."""
    house = await build(worker=False, CONNECT_ENABLED="false")

    descriptor = await house.app.get("/atlassian-connect.json")
    hook = await house.app.post("/connect/webhooks/page_updated", json={})

    assert descriptor.status_code == 404
    assert (hook.status_code, hook.json()) == (401, REFUSAL)


async def test_a_key_host_that_is_down_is_no_refusal(build: BuildHouse) -> None:
    """Where Forge's keys cannot be had the answer is 503: the event is sent again."""
    house = await build(worker=False, FORGE_JWKS_URL="http://127.0.0.1:1/jwks.json")
    key = house.forge._apps.invoker._keys[-1]

    first = await _post(house, EVENTS, key.sign({"aud": FORGE_APP_ID}))
    second = await _post(house, EVENTS, key.sign({"aud": FORGE_APP_ID}))

    assert first.status_code == 503
    assert second.status_code == 503
    assert int(second.headers["retry-after"]) > 0
