"""Starts the servers of a benchmark as processes of their own, and ends them."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

#: The folder that holds `app`, `sandbox` and `benchmarks`.
ROOT = Path(__file__).resolve().parents[2]

_START_SECONDS = 30.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.05
_TAIL = 2000


class ServerFailed(Exception):
    """A server did not come up; the message ends with what it said last."""


def free_port() -> int:
    """Return a port of the loopback that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(
    arguments: Sequence[str],
    *,
    port: int,
    ready_path: str,
    log: Path,
    settings: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run `python -m ARGUMENTS` until the block ends; yield its process id.

    The process sees `settings` and nothing else of the environment.

    Raises:
        ServerFailed: It ended at once, or does not answer `ready_path`.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **(settings or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            _wait_for(process, f"http://127.0.0.1:{port}{ready_path}", log)
            yield process.pid
        finally:
            stop(process)


@contextlib.contextmanager
def serving_app(port: int, home: Path, settings: Mapping[str, str]) -> Iterator[int]:
    """Run the app from `home`, blind to any `.env`; yield its process id."""
    own = {
        "API_PORT": str(port),
        "APP_BASE_URL": f"http://127.0.0.1:{port}",
        "LOG_DIR": str(home / "logs"),
    }
    empty = home / "empty.env"
    empty.touch()
    with serving(
        ["app", "--env-file", str(empty), "serve"],
        port=port,
        ready_path="/health/ready",
        log=home / "app.out",
        settings={**own, **settings},
    ) as pid:
        yield pid


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and end it if it does not."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(URLError, OSError), urlopen(url, timeout=2):  # noqa: S310 - our own loopback
            return
        time.sleep(_POLL_SECONDS)
    said = log.read_text(encoding="utf-8", errors="replace")[-_TAIL:]
    message = f"{url} does not answer; the process said:\n{said}"
    raise ServerFailed(message)
