"""Tests for the quota, ordered faults, the request log and other control."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from sandbox.site import Site
from tests.fakes.sandbox_site import (
    APP_KEY,
    SteppingClock,
    StubHost,
    add_page,
    app_client,
    client_of,
    make_site,
)

pytestmark = pytest.mark.anyio

V1 = "/wiki/rest/api"
V2 = "/wiki/api/v2"


async def order(client: httpx.AsyncClient, answer: Any, **rest: Any) -> httpx.Response:
    """Order a fault on pages."""
    fields = {"match": {"path_regex": "/pages/"}, "answer": answer, **rest}
    return await client.post("/_sandbox/faults", json=fields)


class TestPoints:
    """Tests for what requests of an app cost."""

    async def test_prices(self) -> None:
        """1 a request, 1 an object, 2 a user; what a page includes is free."""
        site = make_site()
        page_id = add_page(site)
        site.add_labels(page_id, [("global", "a")], site.admin)

        async with app_client(site, StubHost(site)) as client:
            spent = []
            for path in (
                f"{V2}/pages/{page_id}",
                f"{V2}/pages/{page_id}?include-labels=true",
                f"{V2}/pages",
                f"{V1}/user/current",
            ):
                before = site.points.report().get(APP_KEY, {"total": 0})["total"]
                await client.get(path)
                after = site.points.report()[APP_KEY]["total"]
                spent.append((before, after))
            await client.delete(f"{V1}/content/{page_id}/label?name=a")

        assert [int(str(b)) - int(str(a)) for a, b in spent] == [2, 2, 3, 3]
        assert site.points.report()[APP_KEY]["total"] == 11

    async def test_people_are_exempt(self) -> None:
        """A person's requests carry no quota headers and cost nothing."""
        site = make_site()

        async with client_of(site) as client:
            answer = await client.get(f"{V2}/pages")

        assert "x-ratelimit-limit" not in answer.headers
        assert site.points.report() == {}

    async def test_headers_and_exhaustion(self) -> None:
        """The quota counts down to a 429 that says how long to wait, then renews."""
        site = make_site()
        clock = site.clock
        assert isinstance(clock, SteppingClock)

        async with app_client(site, StubHost(site)) as client:
            await client.post(
                "http://127.0.0.1:8090/_sandbox/points", json={"quota": 4}
            )
            first = await client.get(f"{V2}/pages")
            await client.get(f"{V2}/pages")
            refused = await client.get(f"{V2}/pages")
            clock.forward(hours=1)
            renewed = await client.get(f"{V2}/pages")

        assert first.headers["x-ratelimit-limit"] == "4"
        assert first.headers["x-ratelimit-remaining"] == "2"
        assert first.headers["x-ratelimit-reset"] == "2026-11-22T11:00:00.000Z"
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 45 * 60
        assert refused.headers["ratelimit-reason"] == "confluence-quota-global-based"
        assert renewed.status_code == 200
        assert site.points.report()[APP_KEY]["refused"] == 1

    async def test_report_by_operation(self) -> None:
        """The control tells what was spent on what, and forgets it when told."""
        site = make_site()
        base = site.origin

        async with app_client(site, StubHost(site)) as client:
            await client.get(f"{V2}/pages")
            report = (await client.get(f"{base}/_sandbox/points")).json()
            await client.delete(f"{base}/_sandbox/points")
            empty = (await client.get(f"{base}/_sandbox/points")).json()

        assert report["quota"] == 65_000
        assert report["apps"][APP_KEY]["by_operation"] == {"getPages": 2}
        assert empty["apps"] == {}

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"quota": -1}'])
    async def test_bad_quotas(self, body: bytes) -> None:
        """A quota is a whole number."""
        async with client_of(make_site()) as client:
            answer = await client.post("/_sandbox/points", content=body)

        assert answer.status_code == 400


class TestFaults:
    """Tests for failures that a test orders."""

    async def test_status_with_headers_and_body(self) -> None:
        """A fault answers in the place of the site, and does no work."""
        site = make_site()
        page_id = add_page(site)
        answer = {"status": 429, "headers": {"Retry-After": "7"}, "body": {"a": 1}}

        async with client_of(site) as client:
            await order(client, answer)
            struck = await client.delete(f"{V2}/pages/{page_id}")
            after = await client.get(f"{V2}/pages/{page_id}")

        assert (struck.status_code, struck.json()) == (429, {"a": 1})
        assert struck.headers["retry-after"] == "7"
        assert after.json()["status"] == "current"

    async def test_times_and_after(self) -> None:
        """A fault lets the first ones through and strikes as often as told."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            await order(client, {"status": 500}, times=2, after=1)
            seen = [
                (await client.get(f"{V2}/pages/{page_id}")).status_code
                for _ in range(5)
            ]
            report = (await client.get("/_sandbox/faults")).json()["faults"]

        assert seen == [200, 500, 500, 200, 200]
        assert (report[0]["hits"], report[0]["seen"]) == (2, 3)

    async def test_zero_times_is_until_cleared(self) -> None:
        """A lasting fault ends by DELETE."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            await order(client, {"status": 503}, times=0)
            struck = [
                (await client.get(f"{V2}/pages/{page_id}")).status_code
                for _ in range(3)
            ]
            await client.delete("/_sandbox/faults")
            cleared = await client.get(f"{V2}/pages/{page_id}")

        assert (struck, cleared.status_code) == ([503] * 3, 200)

    @pytest.mark.parametrize(
        ("match", "struck"),
        [
            ({"method": "get"}, True),
            ({"method": "PUT"}, False),
            ({"principal": "user"}, True),
            ({"principal": "app"}, False),
            ({"page_id": "65602"}, True),
            ({"page_id": "1"}, False),
            ({"path_regex": "^/ex/"}, False),
            ({}, True),
        ],
        ids=str,
    )
    async def test_matching(self, match: dict[str, str], *, struck: bool) -> None:
        """Each condition narrows; none at all strikes everything."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            await order(client, {"status": 500}, match=match)
            answer = await client.get(f"{V2}/pages/{page_id}")

        assert (answer.status_code == 500) == struck

    async def test_after_effect(self) -> None:
        """The work is done, and the answer says it was not."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            await order(client, {"after_effect": {"status": 502}})
            answer = await client.delete(f"{V2}/pages/{page_id}")

        assert answer.status_code == 502
        assert site.pages[page_id].status == "trashed"

    @pytest.mark.parametrize("answer", [{"drop": True}, {"half_body": True}], ids=str)
    async def test_cut_connections(self, answer: dict[str, bool]) -> None:
        """Without a socket to close, a cut shows as a reset connection."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            await order(client, answer)
            with pytest.raises(ConnectionResetError):
                await client.get(f"{V2}/pages/{page_id}")

    async def test_timeout(self) -> None:
        """A slow answer keeps the caller waiting and comes to nothing."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            await order(client, {"timeout_seconds": 0.05})
            started = time.monotonic()
            answer = await client.delete(f"{V2}/pages/{page_id}")

        assert answer.status_code == 504
        assert time.monotonic() - started >= 0.05
        assert site.pages[page_id].status == "current"

    @pytest.mark.parametrize(
        "fields",
        [
            b"",
            b"[]",
            b"{}",
            b'{"answer": {}}',
            b'{"answer": {"status": 500, "drop": true}}',
            b'{"answer": {"status": 99}}',
            b'{"answer": {"status": "500"}}',
            b'{"answer": {"timeout_seconds": -1}}',
            b'{"answer": {"timeout_seconds": "x"}}',
            b'{"answer": {"odd": 1}}',
            b'{"answer": {"after_effect": {"status": 500}, "drop": true}}',
            b'{"answer": {"status": 500}, "times": -1}',
            b'{"answer": {"status": 500}, "oops": 1}',
            b'{"answer": {"status": 500}, "match": {"path_regex": "("}}',
            b'{"answer": {"status": 500}, "match": {"principal": "cat"}}',
            b'{"answer": {"status": 500}, "match": {"path": "x"}}',
        ],
    )
    async def test_bad_orders(self, fields: bytes) -> None:
        """An order that means nothing is refused, and none is in force."""
        site = make_site()

        async with client_of(site) as client:
            answer = await client.post("/_sandbox/faults", content=fields)

        assert answer.status_code == 400
        assert answer.json()["error"]
        assert site.faults.report() == []


class TestRequestLog:
    """Tests for the log of REST requests."""

    async def test_entries(self) -> None:
        """Each REST request is noted, refused ones too; control and face are not."""
        site = make_site()
        page_id = add_page(site)
        base = site.origin

        async with app_client(site, StubHost(site)) as client:
            await client.get(f"{V2}/pages/{page_id}?body-format=storage")
            await client.get(f"{V2}/pages/999")
            await client.get(f"{base}/wiki")
            await client.get(f"{base}{V2}/pages")
            entries = (await client.get(f"{base}/_sandbox/requests")).json()["requests"]
            later = (await client.get(f"{base}/_sandbox/requests?since=2")).json()

        assert [(e["operation"], e["status"], e["app"]) for e in entries] == [
            ("getPageById", 200, APP_KEY),
            ("getPageById", 404, APP_KEY),
            ("getPages", 401, None),
        ]
        assert entries[0]["query"] == "body-format=storage"
        assert (entries[0]["points"], entries[1]["points"]) == (2, 1)
        assert [entry["number"] for entry in later["requests"]] == [3]

    async def test_it_is_bounded(self) -> None:
        """Old entries make room for new ones."""
        site = make_site()
        site.requests._entries = type(site.requests._entries)(maxlen=2)

        async with client_of(site) as client:
            for _ in range(3):
                await client.get(f"{V2}/spaces")

        assert [entry["number"] for entry in site.requests.since(0)] == [2, 3]

    async def test_clearing_and_bad_numbers(self) -> None:
        """DELETE empties the log; `since` must be a number."""
        site = make_site()

        async with client_of(site) as client:
            await client.get(f"{V2}/spaces")
            await client.delete("/_sandbox/requests")
            bad = await client.get("/_sandbox/requests?since=x")

        assert site.requests.since(0) == []
        assert bad.status_code == 400


class TestControl:
    """Tests for the rest of the control."""

    async def test_restricting_a_page(self) -> None:
        """A test can hide a page from all but some, and open it again."""
        site = make_site()
        page_id = add_page(site)
        path = f"/_sandbox/pages/{page_id}/readers"

        async with client_of(site) as client:
            await client.put(path, json={"readers": []})
            hidden = await client.get(f"{V2}/pages/{page_id}")
            await client.put(path, json={"readers": None})
            shown = await client.get(f"{V2}/pages/{page_id}")

        assert (hidden.status_code, shown.status_code) == (404, 200)

    @pytest.mark.parametrize(
        ("body", "status"),
        [(b"{}", 400), (b'{"readers": "x"}', 400), (b'{"readers": ["x"]}', 404)],
    )
    async def test_bad_readers(self, body: bytes, status: int) -> None:
        """Readers are known accounts."""
        site = make_site()
        page_id = add_page(site)

        async with client_of(site) as client:
            answer = await client.put(
                f"/_sandbox/pages/{page_id}/readers", content=body
            )

        assert answer.status_code == status

    async def test_users(self) -> None:
        """The control lists the accounts."""
        site: Site = make_site()

        async with client_of(site) as client:
            users = (await client.get("/_sandbox/users")).json()["users"]

        assert [user["role"] for user in users] == [
            "admin",
            "editor",
            "editor",
            "reader",
        ]
