"""Tests for the site as a process, with real sockets that can be cut."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.sandbox_site import OLENA

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Run the sandbox on a free port; yield the origin it announces."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--empty", "--quiet"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    yield line.partition(": ")[2].strip().removesuffix("/wiki")
    process.terminate()
    assert process.wait(timeout=20) is not None
    process.stdout.close()


def order(address: str, answer: dict[str, object]) -> None:
    """Order one fault on lists of spaces."""
    fields = {"match": {"path_regex": "/spaces"}, "answer": answer}
    httpx.post(f"{address}/_sandbox/faults", json=fields).raise_for_status()


def test_it_serves_where_it_says(address: str) -> None:
    """The announced address answers, links carry it, and no sample is there."""
    answer = httpx.get(f"{address}/wiki/api/v2/spaces", auth=OLENA)

    assert answer.json() == {"results": [], "_links": {"base": f"{address}/wiki"}}


def test_a_dropped_connection(address: str) -> None:
    """A caller sees the connection end without any answer."""
    order(address, {"drop": True})

    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{address}/wiki/api/v2/spaces", auth=OLENA)


def test_half_a_body(address: str) -> None:
    """A caller sees headers and the body break off."""
    order(address, {"half_body": True})

    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|peer closed"):
        httpx.get(f"{address}/wiki/api/v2/spaces", auth=OLENA)


def test_a_port_in_use(address: str) -> None:
    """A second server on the port says why it cannot start."""
    port = address.rpartition(":")[2]
    command = [sys.executable, "-m", "sandbox", "--port", port, "--empty"]

    second = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert second.returncode == 1
    assert "cannot listen on 127.0.0.1" in second.stderr
