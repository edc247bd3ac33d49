"""Fixtures that every test may use: the event loop, databases, the network guard."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest

from app.store import migrations
from app.store.database import Database, open_database
from tests.postgres import PostgresServer, start_postgres

_LOCAL = ("127.0.0.1", "::1", "localhost", "0.0.0.0")  # noqa: S104 - compared only


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio, as the program does."""
    return "asyncio"


@pytest.fixture(autouse=True, scope="session")
def _network_guard() -> Iterator[None]:
    """Fail any connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in _LOCAL:
            message = f"a test tried to reach {address[0]}"
            raise OSError(message)
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server of our own, with a migrated template database."""
    with start_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


def _migrate(url: str) -> None:
    """Migrate in a thread: the test's own loop may be running in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: anyio.run(migrations.upgrade, url)).result()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """The name of a migrated database to clone."""
    # Workers may share a server that was given; each has a template of its own.
    name = f"template_{os.getpid()}"
    postgres.create_database(name)
    _migrate(postgres.url(name))
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated database of each kind; the same tests run on both."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "app.db"
        path.write_bytes(template.read_bytes())
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.clone(request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database, empty of rows."""
    opened = open_database(database_url)
    yield opened
    await opened.close()
