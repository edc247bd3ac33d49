"""The app's outer edge: hostile connections, frames, and what it refuses to start on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from app.bootstrap import open_services
from app.errors import ConfigurationError
from app.launch import REQUEST_GRACE_SECONDS, server_config, web_app
from app.settings import Settings, from_environ
from app.store import migrations
from app.store.database import open_database
from app.store.encryption import new_key
from app.usecases.report_health import readiness
from app.worker.loop import GRACE_SECONDS
from tests.functional.conftest import BuildHouse
from tests.functional.house import APP_KEY, House
from tests.functional.small_site import ENGLISH
from tests.postgres import PostgresServer

pytestmark = pytest.mark.anyio

#: Seconds after which platforms kill what was told to stop.
_PLATFORM_GRACE = 30


# ------------------------------------------------------------------- connections


@pytest.fixture
async def process(
    build: BuildHouse,
) -> AsyncIterator[tuple[House, asyncio.subprocess.Process]]:
    """The app as it is really served, in a process of its own."""
    house = await build(make_app=None)
    started = await house.spawn("serve")
    try:
        await house.wait_for(lambda: _lives(house), 60, what="the web process")
        yield house, started
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
        await started.wait()


async def _lives(house: House) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await house.app.get("/health/live")).is_success
    return False


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    (line,) = [one for one in status.splitlines() if one.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


async def test_an_endless_header_takes_no_memory(
    process: tuple[House, asyncio.subprocess.Process],
) -> None:
    """A header of 300 MB is cut off at its beginning, and the next caller is served."""
    house, started = process
    before = _memory_mb(started.pid)
    url = httpx.URL(house.app_url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"GET /health/live HTTP/1.1\r\nx: ")
    sent = 0

    with contextlib.suppress(ConnectionError):
        while sent < 300_000_000:
            writer.write(b"a" * 100_000)
            await writer.drain()
            sent += 100_000
    writer.close()
    del reader

    assert sent < 20_000_000
    assert _memory_mb(started.pid) - before < 20
    assert (await house.app.get("/health/live")).is_success


def test_requests_and_worker_end_before_platforms_kill(tmp_path: Path) -> None:
    """The grace of both together leaves time to close."""
    settings = Settings(database_url=f"sqlite:///{tmp_path}/app.db")

    config = server_config(settings, web_app(settings))

    assert config.timeout_graceful_shutdown == REQUEST_GRACE_SECONDS
    assert REQUEST_GRACE_SECONDS + GRACE_SECONDS < _PLATFORM_GRACE - 2


# ------------------------------------------------------------------------ frames


async def _frame(house: House, path: str) -> httpx.Response:
    account = house.olena.account_id
    params = {"key": APP_KEY, "path": path, "account_id": account}
    found = await house.control.get("/_sandbox/connect/page-url", params=params)
    return await house.app.get(found.json()["url"])


async def test_readers_see_no_counts(house: House) -> None:
    """What was done on the site is told in the admin's frame alone."""
    await house.install_connect()
    house.write(ENGLISH)
    await house.settled()

    admin = await _frame(house, "/connect/ui/admin")
    readers = [
        await _frame(house, path)
        for path in (
            "/connect/ui/byline?page_id=65601",
            "/connect/ui/page?page_id=65601",
            "/connect/ui/space?space_key=OPS&space_id=32769",
        )
    ]

    assert "Runs by outcome" in admin.text
    for answer in readers:
        assert "Confluence AI is at work" in answer.text
        assert "<table" not in answer.text
        assert "PROD" not in answer.text


@pytest.mark.parametrize(
    "path", ["/connect/ui/admin", "/connect/ui/byline?page_id=65601"]
)
async def test_frames_load_the_hosts_script_alone(
    still_house: House, path: str
) -> None:
    """Atlassian's script makes the frame as high as its content; no other may run."""
    answer = await _frame(still_house, path)

    policy = dict(
        part.strip().split(" ", 1)
        for part in answer.headers["content-security-policy"].split(";")
    )
    assert "src='https://connect-cdn.atl-paas.net/all.js'" in answer.text
    assert policy["script-src"] == "https://connect-cdn.atl-paas.net"
    assert policy["default-src"] == "'none'"


# ------------------------------------------------------------------------ schema


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_a_refusal_is_told_in_a_line(
    empty_postgres: str, build: BuildHouse, command: str
) -> None:
    """Whoever starts a process sees why it did not, and its exit code says so."""
    house = await build(make_app=None)

    process = await house.spawn(command, DATABASE_URL=empty_postgres)
    _, told = await process.communicate()

    assert process.returncode == 2
    assert told.decode().startswith("error: DATABASE_URL: the schema is at nothing")


async def test_a_taken_port_is_no_success(build: BuildHouse) -> None:
    """A server that could not begin does not leave with 0."""
    house = await build(make_app=None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        process = await house.spawn("serve", API_PORT=str(port))
        code = await process.wait()

    assert code == 3


@pytest.fixture
async def empty_postgres(postgres: PostgresServer) -> AsyncIterator[str]:
    """The URL of a database without tables."""
    name = postgres.clone("template0")
    yield postgres.url(name)
    postgres.drop(name)


def _settings(url: str) -> Settings:
    environ = {"DATABASE_URL": url, "ENCRYPTION_KEYS": new_key()}
    return from_environ(environ, env_file=None)


async def test_an_empty_postgres_is_refused(empty_postgres: str) -> None:
    """Serving and working wait for the release's migration, and say so."""
    with pytest.raises(ConfigurationError) as refused:
        async with open_services(_settings(empty_postgres), schema_required=True):
            pytest.fail("it started")

    assert str(refused.value) == (
        "DATABASE_URL: the schema is at nothing, this version needs "
        f"{migrations.head()}: run `confluence-ai migrate`"
    )


async def test_a_strange_schema_is_refused(
    postgres: PostgresServer, postgres_template: str
) -> None:
    """An older program does not write into a newer database."""
    name = postgres.clone(postgres_template)
    url = postgres.url(name)
    database = open_database(url)
    strange = sa.text("UPDATE alembic_version SET version_num = 'of_tomorrow'")
    await database.write(lambda s: s.execute(strange).close())
    await database.close()

    with pytest.raises(ConfigurationError, match="is at of_tomorrow, this version"):
        async with open_services(_settings(url), schema_required=True):
            pytest.fail("it started")

    postgres.drop(name)


async def test_the_doctor_may_look_at_a_wrong_schema(empty_postgres: str) -> None:
    """Whoever only asks gets an answer."""
    async with open_services(_settings(empty_postgres)) as services:
        checks = await readiness(services)

    assert checks["schema"] == f"at None, needs {migrations.head()}"


async def test_a_database_that_is_down_refuses_nobody() -> None:
    """It will be back; readiness tells until then."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"postgresql://nobody@127.0.0.1:{port}/nowhere"

    with capture_logs() as lines:
        async with open_services(_settings(url), schema_required=True) as services:
            checks = await readiness(services)

    assert "schema_not_checked" in [line["event"] for line in lines]
    assert checks["database"].startswith("unreachable")


async def test_the_right_schema_is_taken(
    postgres: PostgresServer, postgres_template: str
) -> None:
    """A migrated database is worked with."""
    name = postgres.clone(postgres_template)

    async with open_services(
        _settings(postgres.url(name)), schema_required=True
    ) as services:
        checks = await readiness(services)

    postgres.drop(name)
    assert checks == {"database": "ok", "schema": "ok"}
