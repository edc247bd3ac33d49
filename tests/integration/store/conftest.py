"""Databases of one kind alone, for what only that kind can show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.store.database import Database, open_database
from tests.postgres import PostgresServer


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    path = tmp_path / "only.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: PostgresServer, postgres_template: str) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    name = postgres.clone(postgres_template)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
async def on_postgres(postgres_url: str) -> AsyncIterator[Database]:
    """An open PostgreSQL database: it really writes side by side."""
    opened = open_database(postgres_url)
    yield opened
    await opened.close()
