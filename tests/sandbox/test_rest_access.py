"""Tests for who gets into REST: credentials, the gateway, scopes; and spaces, users."""

from __future__ import annotations

import httpx
import pytest

from sandbox.changes import Change
from tests.fakes.sandbox_site import (
    APP_KEY,
    NO_CHECK,
    StubHost,
    add_page,
    app_client,
    client_of,
    eng,
    make_site,
    walk,
)

pytestmark = pytest.mark.anyio

V1 = "/wiki/rest/api"
V2 = "/wiki/api/v2"
WRONG = httpx.BasicAuth("olena@example.com", "wrong")


class TestCredentials:
    """Tests for senders that are not proved."""

    @pytest.mark.parametrize("auth", [None, WRONG], ids=["none", "wrong"])
    async def test_v2_hides(self, auth: httpx.Auth | None) -> None:
        """v2 answers 404 with a bare title, as if there were nothing."""
        site = make_site()

        async with client_of(site, auth=auth) as client:
            answer = await client.get(f"{V2}/pages/{add_page(site)}")

        assert answer.status_code == 404
        assert answer.json()["errors"][0]["title"] == "Not Found"

    @pytest.mark.parametrize("auth", [None, WRONG], ids=["none", "wrong"])
    async def test_v1_says_so(self, auth: httpx.Auth | None) -> None:
        """v1 answers 403."""
        async with client_of(make_site(), auth=auth) as client:
            answer = await client.get(f"{V1}/user/current")

        assert answer.json()["statusCode"] == 403
        assert answer.json()["message"].endswith("caller cannot access Confluence")

    @pytest.mark.parametrize(
        "header",
        ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Basic /w==", "Digest x"],
    )
    async def test_unreadable_headers(self, header: str) -> None:
        """No header makes a crash."""
        async with client_of(make_site(), auth=None) as client:
            answer = await client.get(f"{V2}/spaces", headers={"Authorization": header})

        assert answer.status_code == 404

    async def test_tenant_info_is_open(self) -> None:
        """The cloud id needs no credentials."""
        site = make_site()

        async with client_of(site, auth=None) as client:
            answer = await client.get("/_edge/tenant_info")

        assert answer.json() == {"cloudId": site.cloud_id}


class TestGateway:
    """Tests for the API below /ex/confluence/{cloudId}."""

    async def test_a_bearer_gets_in_and_walks(self) -> None:
        """An app's token works there, and `next` links lead on."""
        site = make_site()
        for number in range(5):
            add_page(site, f"Page {number}")

        async with app_client(site, StubHost(site)) as client:
            pages = await walk(client, f"{V2}/pages?limit=2")

        assert len(pages) == 6

    async def test_only_bearers_get_in(self) -> None:
        """Basic credentials count for nothing at the gateway."""
        site = make_site()

        async with client_of(site) as client:
            answer = await client.get(f"/ex/confluence/{site.cloud_id}{V2}/spaces")

        assert (answer.status_code, answer.json()) == (
            401,
            {"code": 401, "message": "Unauthorized"},
        )

    async def test_another_cloud_id(self) -> None:
        """A site that is not ours is not found."""
        async with client_of(make_site()) as client:
            answer = await client.get(f"/ex/confluence/else{V2}/spaces")

        assert answer.status_code == 404

    async def test_an_expired_token(self) -> None:
        """A token that has ended is 401 in JSON."""
        site = make_site()

        async with app_client(site, StubHost(site), "expired") as client:
            answer = await client.get(f"{V2}/spaces")

        assert answer.status_code == 401

    async def test_a_bearer_on_the_site_gets_a_web_page(self) -> None:
        """A bearer token at the site itself is 401 in HTML."""
        site = make_site()

        async with client_of(site, auth=None) as client:
            answer = await client.get(
                f"{V2}/spaces", headers={"Authorization": "Bearer all"}
            )

        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("text/html")

    async def test_a_bad_connect_token(self) -> None:
        """A JWT that is refused is 401 on both families."""
        site = make_site()

        async with app_client(site, StubHost(site), "expired", gateway=False) as client:
            answer = await client.get(f"{V2}/spaces")

        assert answer.status_code == 401


class TestScopes:
    """Tests for what a token's scopes allow."""

    @pytest.mark.parametrize(
        ("token", "path", "status"),
        [
            ("read:page:confluence", "pages", 200),
            ("read:confluence-content.all", "pages", 200),
            ("read:space:confluence", "pages", 401),
            ("read:space:confluence", "spaces", 200),
            ("write:confluence-content", "spaces", 401),
        ],
    )
    async def test_reading(self, token: str, path: str, status: int) -> None:
        """Granular and classic scopes open what they name, and no more."""
        site = make_site()

        async with app_client(site, StubHost(site), token) as client:
            answer = await client.get(f"{V2}/{path}")

        assert answer.status_code == status
        if status == 401:
            assert answer.json() == {
                "code": 401,
                "message": "Unauthorized; scope does not match",
            }

    @pytest.mark.parametrize(
        ("token", "status"),
        [
            ("read:confluence-content.all", 401),
            ("write:label:confluence", 401),
            ("write:label:confluence,read:label:confluence", 200),
            ("write:confluence-content", 200),
        ],
    )
    async def test_labelling(self, token: str, status: int) -> None:
        """Adding a label asks for both granular scopes or the classic one."""
        site = make_site()
        page_id = add_page(site)

        async with app_client(site, StubHost(site), token) as client:
            answer = await client.post(
                f"{V1}/content/{page_id}/label",
                json={"prefix": "global", "name": "a"},
            )

        assert answer.status_code == status
        assert bool(site.pages[page_id].labels) == (status == 200)

    async def test_work_of_an_app_is_told_as_such(self) -> None:
        """What an app writes carries its key."""
        site = make_site()
        page_id = add_page(site)
        told: list[Change] = []
        host = StubHost(site)
        site.subscribe(told.append)

        async with app_client(site, host, gateway=False) as client:
            await client.post(
                f"{V1}/content/{page_id}/label",
                json={"prefix": "global", "name": "a"},
            )

        assert [(change.app, change.account_id) for change in told] == [
            (APP_KEY, host.account_id)
        ]


class TestSpacesAndUsers:
    """Tests for spaces and users."""

    async def test_spaces_by_key_and_id(self) -> None:
        """Keys match letter case aside, joined or repeated."""
        site = make_site()
        other = site.create_space(key="HR", name="Кадри", actor=site.admin)
        site.create_space(key="ZZ", name="Other", actor=site.admin)

        async with client_of(site) as client:
            joined = await walk(client, f"{V2}/spaces?keys=eng,hr&limit=1")
            repeated = await walk(client, f"{V2}/spaces?keys=ENG&keys=hr&sort=-key")
            by_id = await walk(client, f"{V2}/spaces?ids={other.id}")
            one = await client.get(f"{V2}/spaces/{other.id}")
            none = await client.get(f"{V2}/spaces/1")

        assert [space["key"] for space in joined] == ["ENG", "HR"]
        assert [space["key"] for space in repeated] == ["HR", "ENG"]
        assert by_id[0]["homepageId"] == other.homepage_id
        assert (one.json()["name"], none.status_code) == ("Кадри", 404)

    async def test_users(self) -> None:
        """The sender sees its own e-mail, nobody else's; apps are told apart."""
        site = make_site()
        host = StubHost(site)

        async with client_of(site, host) as client:
            own = (await client.get(f"{V1}/user/current")).json()
            app = (
                await client.get(f"{V1}/user", params={"accountId": host.account_id})
            ).json()
            nobody = await client.get(f"{V1}/user?accountId=x")
            bulk = await client.post(
                f"{V2}/users-bulk",
                json={"accountIds": [own["accountId"], "x", own["accountId"]]},
            )

        assert (own["email"], app["email"]) == ("olena@example.com", "")
        assert (own["accountType"], app["accountType"]) == ("atlassian", "app")
        assert nobody.status_code == 404
        assert [user["accountId"] for user in bulk.json()["results"]] == [
            own["accountId"]
        ]

    @pytest.mark.parametrize("ids", [None, [], "x", [1], ["x"] * 251], ids=str)
    async def test_bad_bulk_lookups(self, ids: object) -> None:
        """Between 1 and 250 strings are expected."""
        async with client_of(make_site()) as client:
            answer = await client.post(f"{V2}/users-bulk", json={"accountIds": ids})

        assert answer.status_code == 400


class TestGone:
    """Tests for what v1 has lost, and what never was."""

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/content"),
            ("GET", "/content/65601"),
            ("PUT", "/content/65601"),
            ("GET", "/content/65601/label"),
            ("GET", "/content/65601/child/page"),
            ("GET", "/content/65601/property"),
            ("GET", "/space"),
        ],
    )
    async def test_removed_operations(self, method: str, path: str) -> None:
        """They answer 410 to a caller that is known."""
        async with client_of(make_site()) as client:
            answer = await client.request(method, f"{V1}{path}", headers=NO_CHECK)

        assert answer.status_code == 410
        assert answer.json()["data"]["authorized"] is True
        assert "GoneException: This deprecated endpoint" in answer.json()["message"]

    @pytest.mark.parametrize("path", [f"{V1}/nothing", f"{V2}/nothing", f"{V2}/"])
    async def test_unknown_paths(self, path: str) -> None:
        """Other paths are 404 in JSON."""
        async with client_of(make_site()) as client:
            answer = await client.get(path)

        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/json"

    async def test_a_body_beyond_reading(self) -> None:
        """Twelve megabytes are not even read."""
        site = make_site()

        async with client_of(site) as client:
            answer = await client.post(
                f"{V2}/pages", content=b"x" * (12 * 1024 * 1024 + 1)
            )

        assert answer.status_code == 413

    async def test_writes_from_another_origin(self) -> None:
        """A browser that was led here by another page writes nothing."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            answer = await client.delete(
                f"{V2}/pages/{page_id}", headers={"Origin": "http://evil.example"}
            )

        assert answer.status_code == 403
        assert site.pages[page_id].status == "current"

    async def test_hosts_run_while_the_site_is_up(self) -> None:
        """A host's context is entered with the lifespan and left with it."""
        site = make_site()
        host = StubHost(site)
        client = client_of(site, host)
        transport = client._transport
        assert isinstance(transport, httpx.ASGITransport)

        async with transport.app.router.lifespan_context(transport.app):  # type: ignore[attr-defined]
            during = host.running

        assert (during, host.running) == (True, False)
        assert eng(site).key == "ENG"
