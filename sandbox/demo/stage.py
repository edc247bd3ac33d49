"""The demo's stage: a site, the app and, if wanted, the AI providers, as processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
FORGE_APP_ID = "ari:cloud:ecosystem::app/5b0c7a52-6f0e-4d3b-9a41-0c2f4e8d7a10"
APP_KEY = "confluence-ai"
_START_SECONDS = 30.0
#: The provider servers take no other key; nobody else takes these.
_AI_KEY = "demo-key"


class Failed(Exception):
    """The demo could not keep its promise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where everything is.

    Attributes:
        ai: The provider servers; empty where the app needs none.
        var: Data and logs of this stage alone.
    """

    site: str
    app: str
    ai: str
    var: Path

    @property
    def settings(self) -> Path:
        """The app's settings as a file, for commands beside the running app."""
        return self.var / "app.env"


@contextlib.contextmanager
def running(stage: Stage) -> Iterator[httpx.Client]:
    """Run all processes of a stage; end them whatever happens."""
    shutil.rmtree(stage.var, ignore_errors=True)
    stage.var.mkdir(parents=True)
    lines = (f"{name}={value}\n" for name, value in _app_settings(stage).items())
    stage.settings.write_text("".join(lines), encoding="utf-8")
    started: list[subprocess.Popen[bytes]] = []
    try:
        with httpx.Client(timeout=30) as http:
            for name, command, environment, url in _processes(stage):
                _require_free(url)
                started.append(_start(stage, name, command, environment))
                _wait_for(url, http, started[-1])
            yield http
    finally:
        for process in reversed(started):
            process.terminate()
        for process in reversed(started):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_START_SECONDS)
            process.kill()


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def post(http: httpx.Client, url: str, body: Mapping[str, Any]) -> None:
    """Give an order to a control API.

    Raises:
        Failed: It was not taken.
    """
    answer = http.post(url, json=dict(body))
    if not answer.is_success:
        raise Failed(f"{url} answered {answer.status_code}: {answer.text[:500]}")


def until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Wait for something.

    Raises:
        Failed: It did not come.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{otherwise} in {seconds:.0f} s")
        time.sleep(0.1)


_Process = tuple[str, Sequence[str], Mapping[str, str], str]


def _processes(stage: Stage) -> Iterator[_Process]:
    """Walk name, command, environment and first address of what has to run."""
    port = httpx.URL(stage.site).port
    yield (
        "site",
        ["-m", "sandbox", "--port", str(port), "--quiet"],
        {},
        f"{stage.site}/_edge/tenant_info",
    )
    if stage.ai:
        port = httpx.URL(stage.ai).port
        command = ["-m", "sandbox.ai", "--port", str(port), "--api-key", _AI_KEY]
        stats = f"{stage.ai}/_sandbox/ai/stats"
        yield "ai", [*command, "--latency", "0.3"], {}, stats
    yield "app", ["-m", "app", "serve"], _app_settings(stage), f"{stage.app}/health"


def _start(
    stage: Stage, name: str, command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with (stage.var / f"{name}.log").open("wb") as log:
        # Arguments are ours; a session of its own keeps Ctrl-C for us alone.
        return subprocess.Popen(  # noqa: S603
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, **environment},  # noqa: TID251 - a process starter
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _app_settings(stage: Stage) -> dict[str, str]:
    return _app_environment(stage) | (_ai_environment(stage) if stage.ai else {})


def _app_environment(stage: Stage) -> dict[str, str]:
    return {
        "APP_BASE_URL": stage.app,
        "APP_KEY": APP_KEY,
        "API_PORT": str(httpx.URL(stage.app).port),
        "DATABASE_URL": f"sqlite:///{stage.var.resolve() / 'app.db'}",
        "LOG_DIR": str(stage.var.resolve() / "logs"),
        "CONNECT_INSTALL_KEYS_URL": f"{stage.site}/_sandbox/install-keys",
        "CONNECT_ALLOWED_HOSTS": stage.site,
        "FORGE_APP_ID": FORGE_APP_ID,
        "FORGE_JWKS_URL": f"{stage.site}/_sandbox/forge/jwks.json",
        "FORGE_ENVIRONMENTS": "DEVELOPMENT",
        "FORGE_API_HOSTS": stage.site,
        "AGENT_MODE": "PROD",
        "EVENT_SETTLE_SECONDS": "0.5",
        # Whatever keys the shell has: the demo asks nobody outside.
        "AI_PROVIDERS": "local",
    }


def _ai_environment(stage: Stage) -> dict[str, str]:
    return {
        "AI_PROVIDERS": "openai,gemini",
        "OPENAI_BASE_URL": f"{stage.ai}/v1",
        "OPENAI_API_KEY": _AI_KEY,
        "OPENAI_MODEL": "",
        "GEMINI_BASE_URL": stage.ai,
        "GEMINI_API_KEY": _AI_KEY,
        "GEMINI_MODEL": "",
    }


def _require_free(url: str) -> None:
    """Refuse to start beside a process that has the port: its answers would be taken."""
    address = httpx.URL(url)
    with contextlib.suppress(OSError):
        socket.create_connection((address.host, address.port or 80), timeout=1).close()
        raise Failed(
            f"something listens on port {address.port} already (another demo?): "
            "end it, or choose others with --site-port, --app-port, --ai-port"
        )


def _wait_for(url: str, http: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    def answers() -> bool:
        if process.poll() is not None:
            raise Failed(f"{url} will never answer: its process ended")
        with contextlib.suppress(httpx.HTTPError):
            return http.get(url).is_success
        return False

    until(answers, _START_SECONDS, f"{url} does not answer")
