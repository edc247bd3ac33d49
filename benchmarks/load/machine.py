"""What the machine is, and how busy others keep it while something is measured."""

from __future__ import annotations

import math
import os
import platform
import sqlite3
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.load.client import percentile

_SYNCS = 60
_STAT = Path("/proc/stat")
_CPUS = Path("/proc/cpuinfo")
_MOUNTS = Path("/proc/mounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Facts that a figure is worth nothing without.

    Attributes:
        sync_p50_ms: Median of an append of 4 KB and `fdatasync` where the databases
            lie: nothing that is durable can be answered sooner.
    """

    processor: str
    cores: int
    system: str
    python: str
    sqlite: str
    filesystem: str
    sync_p50_ms: float
    sync_p99_ms: float

    def lines(self) -> list[str]:
        """Return the facts as Markdown list items."""
        named = asdict(self)
        return [
            f"- {name.replace('_', ' ')}: {value:.2f}"
            if isinstance(value, float)
            else f"- {name.replace('_', ' ')}: {value}"
            for name, value in named.items()
        ]


def examine(folder: Path) -> Machine:
    """Look at this machine, and at the disk under `folder`."""
    syncs = _sync_times(folder)
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        filesystem=_filesystem(folder),
        sync_p50_ms=percentile(syncs, 0.5) * 1000,
        sync_p99_ms=percentile(syncs, 0.99) * 1000,
    )


def foreign_cores(seconds: float = 0.25) -> float:
    """Return how many cores are busy now; to be asked while our own servers idle.

    Only Linux tells; elsewhere it is not a number.
    """
    before = _busy_seconds()
    time.sleep(seconds)
    return (_busy_seconds() - before) / seconds


def load_average() -> float:
    """Return the load of the last minute, our own included."""
    return os.getloadavg()[0]


def _busy_seconds() -> float:
    if not _STAT.exists():
        return math.nan
    fields = _STAT.read_text(encoding="ascii").split("\n", 1)[0].split()
    user, nice, system, _, _, irq, softirq, steal = map(int, fields[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _sync_times(folder: Path) -> list[float]:
    path = folder / "sync.probe"
    times = []
    # macOS has no fdatasync.
    sync = getattr(os, "fdatasync", os.fsync)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(_SYNCS):
            started = time.perf_counter()
            os.write(handle, b"." * 4096)
            sync(handle)
            times.append(time.perf_counter() - started)
    finally:
        os.close(handle)
        path.unlink()
    return times


def _processor() -> str:
    lines = _CPUS.read_text(encoding="utf-8").splitlines() if _CPUS.exists() else []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _filesystem(folder: Path) -> str:
    """Return the type of the mount that `folder` lies on."""
    if not _MOUNTS.exists():
        return "unknown"
    real = str(folder.resolve())
    mounts = _MOUNTS.read_text(encoding="utf-8").splitlines()
    above = [
        (len(point), kind)
        for _, point, kind, *_ in map(str.split, mounts)
        if point in {"/", real} or real.startswith(point + "/")
    ]
    return max(above)[1] if above else "unknown"
