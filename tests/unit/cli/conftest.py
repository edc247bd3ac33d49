"""Commands are run on SQLite: what differs by database is tested in the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.command import CommandLine


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    path = tmp_path / "app.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def line(database_url: str, tmp_path: Path) -> CommandLine:
    """A command line over a fresh database."""
    return CommandLine(database_url, tmp_path / ".env")
