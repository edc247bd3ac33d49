"""Measures how fast events are accepted: p50, p99 and requests a second.

Run: `python -m benchmarks.ingest [--quick] [--json FILE] [--folder DIR]`.

The app runs as its own process on SQLite and on a PostgreSQL with fsync on, beside a
floor server that verifies and forgets. Cells are interleaved, so that a busy moment
of the machine hits all of them alike; the ratio to the floor is the figure to keep.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path

import sqlalchemy as sa

from app.store import migrations
from app.store.database import open_database
from app.store.encryption import new_key
from app.store.tables import EventRow
from benchmarks.load import machine
from benchmarks.load.acceptance import FLOOR, Cell, Report, figures_of, render
from benchmarks.load.client import LoadFailed, Sample, drive
from benchmarks.load.host import APP_ID, APP_KEY, HostName, StandIn, nothing
from benchmarks.load.postgres import PostgresMissing, durable_postgres
from benchmarks.load.processes import ServerFailed, free_port, serving, serving_app

HOSTS: tuple[HostName, ...] = ("connect", "forge")
CONNECTIONS = (1, 16, 64)

_WARM_UP_CONNECTIONS = 16
#: Requests prepared for a cell, in terms of what the server did when it was faster.
_RESERVE = 1.5
#: The floor would use up more than can be prepared in reasonable time.
_MOST_REQUESTS = 20_000
_CEILING_REQUESTS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure."""

    rounds: int
    seconds: float
    warm_up_seconds: float
    invocation_tokens: int


FULL = Effort(rounds=3, seconds=2.0, warm_up_seconds=0.5, invocation_tokens=3000)
QUICK = Effort(rounds=2, seconds=0.35, warm_up_seconds=0.2, invocation_tokens=500)


@dataclass(slots=True, kw_only=True)
class Server:
    """A server under load, and what it has said yes to."""

    name: str
    port: int
    database_url: str | None = None
    accepted: Counter[HostName] = field(default_factory=Counter)
    fastest: dict[HostName, float] = field(default_factory=dict)


async def measure(folder: Path, effort: Effort) -> Report:
    """Start everything, measure, and hold the answers against the databases.

    Raises:
        LoadFailed: An event was not accepted, or an accepted one is in no database.
    """
    load_before = machine.load_average()
    facts = machine.examine(folder)
    with contextlib.ExitStack() as running:
        stand_in = StandIn(invocation_tokens=effort.invocation_tokens)
        keys_url = running.enter_context(stand_in.publishing())
        servers = [running.enter_context(_floor(folder, stand_in))]
        skipped = None
        for name, url in (
            ("SQLite", f"sqlite:///{folder}/sqlite/app.db"),
            ("PostgreSQL", None),
        ):
            try:
                address = url or running.enter_context(durable_postgres(folder))
            except PostgresMissing as missing:
                skipped = f"PostgreSQL: {missing}"
                continue
            await migrations.upgrade(address)
            app = _app(folder, name, address, keys_url)
            servers.append(running.enter_context(app))
        for server in servers:
            await _introduce(server, stand_in, effort)
        samples, foreign = await _rounds(servers, stand_in, effort)
        ceiling = await _ceiling(servers[0], effort)
        rows = {one.name: await _stored(one) for one in servers if one.database_url}
    return Report(
        machine=facts,
        load_average=(load_before, machine.load_average()),
        foreign_cores=foreign,
        ceiling=ceiling,
        figures=figures_of(samples),
        rows=rows,
        skipped=skipped,
    )


@contextlib.contextmanager
def _floor(folder: Path, stand_in: StandIn) -> Iterator[Server]:
    port = free_port()
    keys = folder / "keys.json"
    keys.write_text(json.dumps(asdict(stand_in.published)), encoding="utf-8")
    with serving(
        ["benchmarks.load.floor", "--port", str(port), "--keys", str(keys)],
        port=port,
        ready_path="/ready",
        log=folder / "floor.out",
    ):
        yield Server(name=FLOOR, port=port)


@contextlib.contextmanager
def _app(folder: Path, name: str, database_url: str, keys_url: str) -> Iterator[Server]:
    home = folder / name.lower()
    home.mkdir(exist_ok=True)
    port = free_port()
    settings = {
        "DATABASE_URL": database_url,
        "ENCRYPTION_KEYS": new_key(),
        # Acceptance alone: what a worker does beside it, benchmarks.latency shows.
        "EMBEDDED_WORKER": "false",
        "APP_KEY": APP_KEY,
        "CONNECT_INSTALL_KEYS_URL": f"{keys_url}/install-keys",
        "FORGE_APP_ID": APP_ID,
        "FORGE_JWKS_URL": f"{keys_url}/jwks.json",
    }
    with serving_app(port, home, settings):
        yield Server(name=name, port=port, database_url=database_url)


async def _introduce(server: Server, stand_in: StandIn, effort: Effort) -> None:
    """Install the app, warm it up, and learn how many requests a cell may take."""
    if server.database_url:
        call = stand_in.installed(f"http://127.0.0.1:{server.port}")
        first = await drive(server.port, iter([call]), connections=1, seconds=5)
        _check(server, "connect", first)
    for host in HOSTS:
        # The first Forge event installs the tenant: on its own, as in real life.
        await _load(server, stand_in, host, many=1, connections=1, seconds=5)
        many = math.ceil(10_000 * effort.warm_up_seconds)
        seconds, lanes = effort.warm_up_seconds, _WARM_UP_CONNECTIONS
        await _load(
            server, stand_in, host, many=many, connections=lanes, seconds=seconds
        )


async def _load(
    server: Server,
    stand_in: StandIn,
    host: HostName,
    *,
    many: int,
    connections: int,
    seconds: float,
) -> Sample:
    requests = stand_in.events(host, many)
    sample = await drive(
        server.port, iter(requests), connections=connections, seconds=seconds
    )
    _check(server, host, sample)
    server.accepted[host] += len(sample.latencies)
    if connections > 1:
        server.fastest[host] = max(server.fastest.get(host, 0.0), sample.rate)
    return sample


async def _rounds(
    servers: list[Server], stand_in: StandIn, effort: Effort
) -> tuple[dict[Cell, list[Sample]], list[float]]:
    samples: defaultdict[Cell, list[Sample]] = defaultdict(list)
    foreign = []
    for number in range(effort.rounds):
        foreign.append(machine.foreign_cores())
        for host, connections, server in product(HOSTS, CONNECTIONS, servers):
            wanted = server.fastest[host] * effort.seconds * _RESERVE
            sample = await _load(
                server,
                stand_in,
                host,
                many=min(math.ceil(wanted), _MOST_REQUESTS),
                connections=connections,
                seconds=effort.seconds,
            )
            samples[Cell(host, connections, server.name)].append(sample)
        _progress(f"round {number + 1} of {effort.rounds}")
    return samples, foreign


async def _ceiling(floor: Server, effort: Effort) -> float:
    """Return what the generator can ask for when it gets an answer for nothing."""
    requests = iter(nothing(_CEILING_REQUESTS))
    seconds = min(1.0, effort.seconds)
    sample = await drive(floor.port, requests, connections=64, seconds=seconds)
    return sample.rate


async def _stored(server: Server) -> int:
    """Return how many events are in the server's database, having checked it.

    Raises:
        LoadFailed: Other than were accepted.
    """
    assert server.database_url is not None
    database = open_database(server.database_url)
    try:
        stored = await database.read(
            lambda s: s.scalar(sa.select(sa.func.count()).select_from(EventRow))
        )
    finally:
        await database.close()
    accepted = server.accepted.total()
    if stored != accepted:
        message = f"{server.name}: {accepted} events accepted, {stored} stored"
        raise LoadFailed(message)
    return accepted


def _check(server: Server, host: HostName, sample: Sample) -> None:
    if sample.refused:
        message = f"{server.name} refused {host} events: {sample.refused}"
        raise LoadFailed(message)


def _progress(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr)


def main() -> int:
    """Measure, print, and return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="in half a minute")
    arguments.add_argument("--json", type=Path, help="write the figures here too")
    arguments.add_argument(
        "--folder", type=Path, help="where the databases lie; a disk, not memory"
    )
    options = arguments.parse_args()
    effort = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as scratch:
        folder = Path(scratch)
        # PostgreSQL runs as another user and has to pass through.
        folder.chmod(0o755)
        try:
            report = asyncio.run(measure(folder, effort))
        except (LoadFailed, ServerFailed) as failure:
            print(f"failed: {failure}", file=sys.stderr)
            return 1
    print(render(report))
    if options.json:
        text = json.dumps(asdict(report), indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
