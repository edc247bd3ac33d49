"""Connect requests that must not get in: each through HTTP, each leaving no trace."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.store.tables import EventRow, InstallationRow, TenantRow
from tests.functional import forging
from tests.functional.conftest import BuildHouse
from tests.functional.house import House

pytestmark = pytest.mark.anyio

HOOK = "/connect/webhooks/page_updated"
INSTALLED = "/connect/installed"
UNINSTALLED = "/connect/uninstalled"

#: What every refused sender is told, whatever was wrong.
REFUSAL = {"title": "Unauthorized", "status": 401}

MakeToken = Callable[[House], str | None]


async def _post(
    house: House, path: str, token: str | None, body: Any, *, scheme: str = "JWT"
) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"{scheme} {token}"}
    return await house.app.post(path, json=body, headers=headers)


async def _is_refused(
    house: House, path: str, token: str | None, body: Any, **more: Any
) -> str:
    """Send a request that must fail; return the reason in the security log."""
    before, logged = await house.counts(), len(house.log("security"))

    answer = await _post(house, path, token, body, **more)

    lines = house.log("security")[logged:]
    assert answer.status_code == 401
    assert answer.json() == REFUSAL
    assert answer.headers["content-type"] == "application/problem+json"
    assert await house.counts() == before
    assert len(lines) == 1
    assert lines[0]["event"] == "not_authenticated"
    assert lines[0]["path"] == path
    if token:
        assert token not in house.all_logs()
    return str(lines[0]["reason"])


def _wrong_secret(house: House) -> str:
    return forging.connect_token(
        house, HOOK, secret="another-secret-0123456789abcdef-0123456789"
    )


def _alg_none(house: House) -> str:
    return forging.unsigned(forging.connect_claims(house, HOOK))


def _alg_none_spelt(house: House) -> str:
    claims = forging.connect_claims(house, HOOK)
    return forging.encode({"alg": "nOnE", "typ": "JWT"}, claims, b"")


def _expired(house: House) -> str:
    now = int(time.time())
    return forging.connect_token(house, HOOK, iat=now - 600, exp=now - 420)


def _without_end(house: House) -> str:
    return forging.connect_token(house, HOOK, exp=None)


def _from_the_future(house: House) -> str:
    now = int(time.time())
    return forging.connect_token(house, HOOK, iat=now + 600, exp=now + 780)


def _other_path(house: House) -> str:
    return forging.connect_token(house, "/connect/webhooks/page_created")


def _other_method(house: House) -> str:
    return forging.connect_token(house, HOOK, method="GET")


def _without_qsh(house: House) -> str:
    return forging.connect_token(house, HOOK, qsh=None)


def _context(house: House) -> str:
    return forging.connect_token(house, HOOK, qsh="context-qsh")


def _unknown_tenant(house: House) -> str:
    return forging.connect_token(house, HOOK, iss="somebody-else")


def _odd_issuer(house: House) -> str:
    claims = forging.connect_claims(house, HOOK, iss=["a", "list"])
    secret = forging.connect_installation(house).shared_secret
    return forging.encode({"alg": "HS256", "typ": "JWT"}, claims, secret.encode())


def _signed_like_an_install(house: House) -> str:
    return forging.lifecycle_token(house, HOOK)


def _rubbish(_: House) -> str:
    return "no.token.at-all"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _: None, "no token"),
        (_wrong_secret, "signature"),
        (_alg_none, "not a signed token"),
        (_alg_none_spelt, "signature"),
        (_expired, "expired"),
        (_without_end, "exp"),
        (_from_the_future, "not valid yet"),
        (_other_path, "qsh"),
        (_other_method, "qsh"),
        (_without_qsh, "qsh"),
        (_context, "context"),
        (_unknown_tenant, "no such installation"),
        (_odd_issuer, "iss"),
        (_signed_like_an_install, "signature"),
        (_rubbish, "token"),
    ],
)
async def test_a_webhook_without_proof_is_refused(
    still_house: House, make: MakeToken, reason: str
) -> None:
    """A webhook whose token does not hold is answered 401 and leaves no trace."""
    told = await _is_refused(
        still_house, HOOK, make(still_house), forging.webhook_body()
    )

    assert reason in told


async def test_a_webhook_in_bearers_clothes_is_refused(still_house: House) -> None:
    """A good token under another scheme proves nothing."""
    token = forging.connect_token(still_house, HOOK)
    body = forging.webhook_body()

    await _is_refused(still_house, HOOK, token, body, scheme="Bearer")


async def test_two_tokens_are_refused(still_house: House) -> None:
    """A token in the header and another in the query are one too many."""
    house = still_house
    token = forging.connect_token(house, HOOK)
    headers = {"Authorization": f"JWT {token}"}

    answer = await house.app.post(
        f"{HOOK}?jwt={token}", json=forging.webhook_body(), headers=headers
    )

    assert answer.status_code == 401
    assert answer.json() == REFUSAL
    assert token not in house.all_logs()


async def test_a_genuine_webhook_is_taken_in(still_house: House) -> None:
    """The same request with a good token is accepted: the tests above test tokens."""
    house = still_house
    before = len(await house.rows(EventRow))

    answer = await _post(
        house, HOOK, forging.connect_token(house, HOOK), forging.webhook_body()
    )

    assert answer.status_code == 204
    assert len(await house.rows(EventRow)) == before + 1


async def test_an_install_signed_with_our_own_public_key_is_refused(
    still_house: House,
) -> None:
    """The public key is no shared secret: HS256 with it is not RS256."""
    house = still_house
    key = house.connect._apps.key
    claims = forging.connect_claims(house, INSTALLED, aud=[house.app_url])
    header = {"alg": "HS256", "kid": key.kid, "typ": "JWT"}
    token = forging.encode(header, claims, key.pem().encode())

    told = await _is_refused(house, INSTALLED, token, forging.installed_body(house))

    assert "RS256" in told


async def test_a_header_that_lies_about_its_algorithm_is_refused(
    still_house: House,
) -> None:
    """A token that says RS256 and is HS256 with the public key is refused, too."""
    house = still_house
    key = house.connect._apps.key
    claims = forging.connect_claims(house, INSTALLED, aud=[house.app_url])
    header = {"alg": "RS256", "kid": key.kid, "typ": "JWT"}
    token = forging.encode(header, claims, key.pem().encode())

    told = await _is_refused(house, INSTALLED, token, forging.installed_body(house))

    assert "signature" in told


@pytest.mark.parametrize("path", [INSTALLED, UNINSTALLED])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "tenant-a"}, "issuer"),
        ({"aud": ["https://other.example.com"]}, "audience"),
        ({"aud": None}, "audience"),
        ({"qsh": "context-qsh"}, "context"),
        ({"qsh": "0" * 64}, "qsh"),
        ({"qsh": None}, "qsh"),
        ({"exp": 1_000_000_000}, "expired"),
        ({"kid": "../../../etc/passwd"}, "kid"),
        ({"kid": "../install-keys/x"}, "kid"),
        ({"kid": "a/../b"}, "kid"),
        ({"kid": ".."}, "kid"),
        ({"kid": "0b2f7c3e-5d41-4f7a-9c58-000000000000"}, "unknown install key"),
    ],
)
async def test_a_lifecycle_call_without_proof_is_refused(
    still_house: House, path: str, changes: dict[str, Any], reason: str
) -> None:
    """Nobody but Atlassian, about this app and this tenant, installs or removes it."""
    house = still_house
    body = forging.installed_body(house, eventType=path.rpartition("/")[2])

    told = await _is_refused(
        house, path, forging.lifecycle_token(house, path, **changes), body
    )

    assert reason in told


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"clientKey": "tenant-b"}, "issuer"),
        ({"key": "another-app"}, "another app"),
        ({"baseUrl": "https://evil.example.com/wiki"}, "base URL"),
        ({"baseUrl": "http://127.0.0.1:1/wiki"}, "base URL"),
        ({"baseUrl": "file:///etc/passwd"}, "base URL"),
        ({"baseUrl": "https://user:pw@127.0.0.1/wiki"}, "base URL"),
    ],
)
async def test_an_install_that_says_too_much_is_refused(
    still_house: House, changes: dict[str, str], reason: str
) -> None:
    """A genuine token covers no other tenant, no other app and no foreign host."""
    house = still_house
    token = forging.lifecycle_token(house, INSTALLED)

    told = await _is_refused(
        house, INSTALLED, token, forging.installed_body(house, **changes)
    )

    assert reason in told


async def test_a_tenant_cannot_remove_another(still_house: House) -> None:
    """The token of tenant A with the body of tenant B ends nobody's installation."""
    house = still_house
    token = forging.lifecycle_token(house, UNINSTALLED, iss="tenant-a")
    body = forging.installed_body(house, eventType="uninstalled")

    await _is_refused(house, UNINSTALLED, token, body)

    where = InstallationRow.host == "connect"
    (installation,) = await house.rows(InstallationRow, where)
    assert installation["status"] == "active"


async def test_an_install_signed_with_the_old_secret_is_refused(
    still_house: House,
) -> None:
    """The secret of a tenant is no authority over its own installation."""
    house = still_house
    token = forging.connect_token(house, INSTALLED)

    told = await _is_refused(house, INSTALLED, token, forging.installed_body(house))

    assert "RS256" in told


@pytest.mark.parametrize("path", ["/connect/enabled", "/connect/disabled"])
@pytest.mark.parametrize("make", ["context", "lifecycle", "none"])
async def test_switching_needs_the_tenants_own_token(
    still_house: House, path: str, make: str
) -> None:
    """Only the tenant's secret, bound to this very call, enables or disables."""
    house = still_house
    tokens = {
        "context": forging.connect_token(house, path, qsh="context-qsh"),
        "lifecycle": forging.lifecycle_token(house, path),
        "none": forging.unsigned(forging.connect_claims(house, path)),
    }

    await _is_refused(house, path, tokens[make], forging.installed_body(house))


@pytest.mark.parametrize(
    "path", ["/connect/ui/admin", "/connect/ui/space", "/connect/ui/byline"]
)
async def test_a_frame_takes_no_context_token(still_house: House, path: str) -> None:
    """Pages of frames are bound to their address: a context token opens none."""
    house = still_house
    token = forging.connect_token(house, path, method="GET", qsh="context-qsh")

    answer = await house.app.get(f"{path}?jwt={token}")

    assert answer.status_code == 401
    assert answer.json() == REFUSAL
    assert token not in house.all_logs()


async def test_an_uninstalled_tenant_is_a_stranger(build: BuildHouse) -> None:
    """After an uninstall the former secret opens nothing, and looks like any other."""
    house = await build(worker=False)
    await house.install_connect(settle=False)
    token = forging.connect_token(house, HOOK)
    client_key = forging.connect_installation(house).client_key
    await house.uninstall_connect()
    before = await house.counts()

    answer = await _post(house, HOOK, token, forging.webhook_body())

    assert (answer.status_code, answer.json()) == (401, REFUSAL)
    assert await house.counts() == before
    assert client_key not in answer.text


async def test_a_stranger_costs_as_much_as_a_forger(still_house: House) -> None:
    """An unknown tenant and a bad signature get the same bytes back."""
    house = still_house

    answers = [
        await _post(house, HOOK, make(house), forging.webhook_body())
        for make in (_unknown_tenant, _wrong_secret, _other_path)
    ]

    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["content-length"] for answer in answers} == {
        str(len(answers[0].content))
    }


async def test_a_key_host_that_is_down_is_no_refusal(build: BuildHouse) -> None:
    """Where Atlassian's keys cannot be had the answer is 503, to be tried again."""
    house = await build(worker=False, CONNECT_INSTALL_KEYS_URL="http://127.0.0.1:1")
    key = house.connect._apps.key
    body = {
        "key": "confluence-ai",
        "clientKey": "tenant-a",
        "baseUrl": f"{house.site.origin}/wiki",
        "sharedSecret": "a-secret-of-a-stranger-0123456789",
        "eventType": "installed",
    }
    token = key.sign({"iss": "tenant-a"})

    answer = await _post(house, INSTALLED, token, body)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert await house.rows(TenantRow) == []
