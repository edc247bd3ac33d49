"""The loop is tested on SQLite alone: what differs by database is tested in the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.store.database import Database
from app.usecases.services import Services
from tests.unit.worker.services import make_services


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    path = tmp_path / "app.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def services(database: Database) -> Services:
    """Everything the loop needs, over a real queue."""
    return make_services(database)
