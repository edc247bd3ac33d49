"""What anybody may ask of the app, and what frames of both hosts are shown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import anyio
import asyncpg
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.functional import forging
from tests.functional.house import APP_KEY, FORGE_APP_ID, ROOT, House
from tests.functional.opening import open_house
from tests.functional.small_site import ENGLISH
from tests.postgres import PostgresServer

pytestmark = pytest.mark.anyio

PATHS = (
    "/health",
    "/health/live",
    "/metrics",
    "/atlassian-connect.json",
    "/nowhere",
    "/forge/events",
)


# ------------------------------------------------------------- headers, problems


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_has_security_headers(still_house: House, path: str) -> None:
    """Good and bad answers alike tell browsers to be careful."""
    answer = await still_house.app.get(path)

    headers = answer.headers
    assert "max-age=63072000" in headers["strict-transport-security"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "server" not in headers


async def test_a_request_id_comes_back(still_house: House) -> None:
    """A caller's id is told back, and stands in the log lines of its request."""
    given = {"X-Request-Id": "trace-42.a_b"}

    answer = await still_house.app.post("/forge/events", headers=given)

    assert answer.headers["x-request-id"] == "trace-42.a_b"
    assert still_house.log("security")[-1]["request"] == "trace-42.a_b"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, 'x"y', "мітка"])
async def test_an_odd_request_id_is_replaced(still_house: House, given: str) -> None:
    """An id that could break a log line is not repeated."""
    answer = await still_house.app.get(
        "/health/live", headers={b"X-Request-Id": given.encode()}
    )

    assert len(answer.headers["x-request-id"]) == 32


async def test_each_request_has_its_own_id(still_house: House) -> None:
    """Where no id is given, every request gets another one."""
    ids = {
        (await still_house.app.get("/health/live")).headers["x-request-id"]
        for _ in range(3)
    }

    assert len(ids) == 3


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/nowhere", 404, "Not Found"),
        ("GET", "/connect/ui/../../etc/passwd", 404, "Not Found"),
        ("GET", "/forge/events", 405, "Method Not Allowed"),
        ("DELETE", "/connect/webhooks/page_updated", 405, "Method Not Allowed"),
        ("POST", "/health", 405, "Method Not Allowed"),
        ("POST", "/forge/events", 401, "Unauthorized"),
    ],
)
async def test_refusals_are_problem_documents(
    still_house: House, method: str, path: str, status: int, title: str
) -> None:
    """Every refusal is problem JSON with its title and status."""
    answer = await still_house.app.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {"title": title, "status": status}


async def test_405_names_what_is_allowed(still_house: House) -> None:
    """A wrong method is told the right one."""
    answer = await still_house.app.get("/forge/events")

    assert answer.headers["allow"] == "POST"


# ------------------------------------------------------------- health, metrics


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/live"])
async def test_a_working_app_is_healthy(still_house: House, path: str) -> None:
    """All is well, and nothing about the house is given away."""
    answer = await still_house.app.get(path)

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


async def test_metrics_parse_and_count(house: House) -> None:
    """Prometheus can read the metrics, and they tell what has happened."""
    await house.install_forge()
    house.write(ENGLISH)
    await house.settled()
    await house.app.post("/forge/events")

    answer = await house.app.get("/metrics")

    families = {one.name: one for one in text_string_to_metric_families(answer.text)}
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert samples["confluence_ai_labels_written_total",] == 1
    assert samples["confluence_ai_ai_calls_total", "answered", "local"] == 1
    assert samples["confluence_ai_events_total", "forge", "queued"] == 1
    assert samples["confluence_ai_refusals_total", "NotAuthenticated", "events"] == 1
    assert samples["confluence_ai_confluence_points_total",] > 0
    assert await house.tenant_id() not in answer.text


async def test_our_points_are_those_of_the_site(house: House) -> None:
    """What a run says it has cost is what the site has charged."""
    await house.install_forge()
    await house.control.delete("/_sandbox/points")

    page_id = house.write(ENGLISH)
    await house.settled()

    report = (await house.control.get("/_sandbox/points")).json()
    (run,) = await house.runs(page_id)
    assert report["apps"][FORGE_APP_ID]["spent"] == run["points"]


@pytest.mark.parametrize("labels", [0, 3])
async def test_an_event_costs_five_points_at_most(house: House, labels: int) -> None:
    """Labelling and summarising a page stays within what an event may cost."""
    await house.install_forge()
    page_id = house.pages.waiting[ENGLISH]
    for number in range(labels):
        house.label(page_id, f"mail-{number}")
    await house.settled()
    await house.control.delete("/_sandbox/points")

    house.write(ENGLISH)
    await house.settled()

    report = (await house.control.get("/_sandbox/points")).json()
    assert report["apps"][FORGE_APP_ID]["spent"] <= 5


# ---------------------------------------------------------- a database that is gone


@pytest.fixture
async def orphan(
    postgres: PostgresServer, postgres_template: str, tmp_path: Path
) -> AsyncIterator[tuple[House, Path, str]]:
    """A house whose way to PostgreSQL a test can cut, with that way's socket."""
    name = postgres.clone(postgres_template)
    parts = urlsplit(postgres.url(name))
    if not parts.query.startswith("host="):
        pytest.skip("needs a PostgreSQL on a unix socket")
    real = Path(unquote(parts.query.removeprefix("host=")))
    road = real / f"road-{name}"
    road.mkdir()
    link = road / ".s.PGSQL.5432"
    link.symlink_to(real / link.name)
    url = f"postgresql://postgres@/{name}?host={quote(str(road), safe='')}"
    async with open_house(url, tmp_path, worker=False) as opened:
        yield opened, link, postgres.url(name)
    postgres.drop(name)


async def test_a_lost_database_is_503_and_comes_back(
    orphan: tuple[House, Path, str],
) -> None:
    """Without a database the app says when to come again, and recovers by itself."""
    house, link, url = orphan
    await house.install_connect(settle=False)
    path = "/connect/webhooks/page_updated"

    async def send() -> httpx.Response:
        headers = {"Authorization": f"JWT {forging.connect_token(house, path)}"}
        return await house.app.post(path, json=forging.webhook_body(), headers=headers)

    target = link.readlink()
    link.unlink()
    await _cut_connections(url)
    lost = await send()
    ready, live = (
        await house.app.get("/health/ready"),
        await house.app.get("/health/live"),
    )
    metrics = await house.app.get("/metrics")
    link.symlink_to(target)
    found = await send()

    assert lost.status_code == 503
    assert int(lost.headers["retry-after"]) > 0
    assert lost.json()["title"] == "Service Unavailable"
    assert "postgres" not in lost.text.lower()
    assert (ready.status_code, live.status_code) == (503, 200)
    assert ready.json()["checks"]["database"].startswith("unreachable")
    assert metrics.status_code in {200, 503}
    assert found.status_code == 204


async def _cut_connections(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
    await anyio.sleep(0.05)


# ------------------------------------------------------- descriptor and frames


async def test_the_descriptor_is_ours_with_its_address(still_house: House) -> None:
    """What is served is the file of the repository with this app's own address."""
    house = still_house
    text = (ROOT / "atlassian-connect.json").read_text(encoding="utf-8")
    expected = text.replace("{{base_url}}", house.app_url)

    answer = await house.app.get("/atlassian-connect.json")

    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == json.loads(expected.replace("{{app_key}}", APP_KEY))


async def _frame(house: House, path: str) -> httpx.Response:
    account = house.olena.account_id
    params = {"key": APP_KEY, "path": path, "account_id": account}
    found = await house.control.get("/_sandbox/connect/page-url", params=params)
    return await house.app.get(found.json()["url"])


@pytest.mark.parametrize(
    "path",
    [
        "/connect/ui/admin",
        "/connect/ui/space?space_key=OPS&space_id=32769",
        "/connect/ui/byline?page_id=65601",
        "/connect/ui/page?page_id=65601",
        "/connect/ui/space?space_key=%D0%94%D0%9E%D0%9A&space_id=1",
    ],
)
async def test_connects_frames_show_the_status(still_house: House, path: str) -> None:
    """A frame whose address is signed shows the status, framed by the site alone."""
    house = still_house

    answer = await _frame(house, path)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "Confluence AI" in answer.text
    policy = answer.headers["content-security-policy"]
    assert f"frame-ancestors {house.site.origin}" in policy
    assert "'none'" in policy.split("default-src", 1)[1]


async def test_a_frame_tells_what_was_done(house: House) -> None:
    """The status counts what the site's pages have got."""
    await house.install_connect()
    house.write(ENGLISH)
    await house.settled()

    answer = await _frame(house, "/connect/ui/admin")

    assert "applied" in answer.text
    assert "PROD" in answer.text


async def test_both_hosts_frames_ask_the_same_status(house: House) -> None:
    """The UI's API answers Forge's `invokeRemote` and Connect's context token alike."""
    await house.install_forge()
    await house.install_connect()
    account = house.olena.account_id

    forge = await house.order(
        "/forge/invoke",
        module="admin-page",
        path="/ui/api/status",
        method="GET",
        account_id=account,
    )
    params = {"key": APP_KEY, "account_id": account}
    context = await house.control.get("/_sandbox/connect/context-token", params=params)
    token = context.json()["token"]
    connect = await house.app.get(
        "/ui/api/status", headers={"Authorization": f"JWT {token}"}
    )

    assert forge["status"] == 200
    assert connect.status_code == 200
    assert forge["body"] == connect.json()
    assert {one["host"] for one in connect.json()["installations"]} == {
        "forge",
        "connect",
    }
    assert "secret" not in connect.text


@pytest.mark.parametrize("module", ["space-page", "byline", "content-action"])
async def test_every_forge_module_may_ask(house: House, module: str) -> None:
    """Each UI module of the manifest reaches the UI's API."""
    await house.install_forge(settle=False)
    await house.delivered()

    answer = await house.order(
        "/forge/invoke",
        module=module,
        path="/ui/api/status",
        method="GET",
        account_id=house.olena.account_id,
    )

    assert answer["status"] == 200


async def test_one_tenant_sees_nothing_of_another(house: House) -> None:
    """The status is that of the asking site alone."""
    await house.install_forge()
    house.write(ENGLISH)
    await house.settled()
    tenant_id = await house.tenant_id()
    other = "99999999-9999-4999-8999-999999999999"
    base = f"{house.site.origin}/ex/confluence/{other}"
    ari = "ari:cloud:ecosystem::installation/another-one"
    place = {"name": "confluence", "cloudId": other, "apiBaseUrl": base}
    token = forging.forge_token(
        house,
        "ui-ep",
        {
            "app": {
                "installationId": ari,
                "apiBaseUrl": base,
                "installation": {"id": ari, "contexts": [place]},
            }
        },
    )

    answer = await house.app.get(
        "/ui/api/status", headers={"Authorization": f"Bearer {token}"}
    )

    assert answer.status_code == 200
    assert answer.json()["tenant"] != tenant_id
    assert answer.json()["runs"] == {}
    assert answer.json()["pages_remembered"] == 0
