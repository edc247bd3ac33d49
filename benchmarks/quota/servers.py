"""The providers' servers: one process for a run, and what it saw."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from pydantic import TypeAdapter

from benchmarks.load.processes import ROOT, ServerFailed, stop
from sandbox.ai.config import ProviderConfig, ProviderName

_READY = re.compile(r"ready: (\S+)")
_JSON = TypeAdapter(ProviderConfig)


@dataclass(frozen=True, slots=True)
class ProviderServers:
    """A running server; `origin` is its address without a path."""

    origin: str

    def reset(self) -> None:
        """Make it the time zero, with nothing used."""
        self._call("reset", b"{}")

    def report(self) -> dict[str, Any]:
        """Return what the providers saw since then, call by call."""
        seen: dict[str, Any] = json.loads(self._call("stats"))
        return seen

    def _call(self, path: str, body: bytes | None = None) -> bytes:
        request = Request(  # noqa: S310 - our own loopback
            f"{self.origin}/_sandbox/ai/{path}",
            data=body,
            headers={"content-type": "application/json"},
        )
        with urlopen(request, timeout=10) as response:  # noqa: S310 - our own loopback
            answered: bytes = response.read()
        return answered


@contextlib.contextmanager
def provider_servers(
    providers: Mapping[ProviderName, ProviderConfig],
    *,
    scale: float,
    seed: int,
    folder: Path,
) -> Iterator[ProviderServers]:
    """Serve `providers` on one free port until the block ends.

    Raises:
        ServerFailed: It did not come up.
    """
    config = folder / "providers.json"
    settings = {
        name: _JSON.dump_python(one, mode="json") for name, one in providers.items()
    }
    config.write_text(json.dumps(settings), encoding="utf-8")
    served = "both" if len(providers) > 1 else next(iter(providers))
    with (folder / "providers.out").open("ab") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "sandbox.ai", "--port", "0"),
                *("--provider", served, "--config", str(config)),
                *("--scale", str(scale), "--seed", str(seed)),
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        try:
            assert process.stdout is not None
            found = _READY.search(process.stdout.readline().decode())
            if found is None:
                raise ServerFailed(
                    (folder / "providers.out").read_text("utf-8")[-2000:]
                )
            yield ProviderServers(found[1])
        finally:
            stop(process)
