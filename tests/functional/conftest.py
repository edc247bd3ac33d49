"""Houses to test in: a fresh one a test, and one a module for requests that fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.functional.house import House
from tests.functional.opening import fresh_sqlite, open_house

BuildHouse = Callable[..., Awaitable[House]]


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    return fresh_sqlite(sqlite_template, tmp_path)


@pytest.fixture
async def build(sqlite_url: str, tmp_path: Path) -> AsyncIterator[BuildHouse]:
    """Builds a house on SQLite with the settings that a test wants."""
    async with AsyncExitStack() as stack:

        async def built(**wanted: Any) -> House:
            return await stack.enter_async_context(
                open_house(sqlite_url, tmp_path, **wanted)
            )

        yield built


@pytest.fixture
async def house(build: BuildHouse) -> House:
    """A house on SQLite with its worker inside, nothing installed."""
    return await build()


@pytest.fixture
async def any_house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """A house on each database."""
    async with open_house(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
async def busy_house(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A house that has learned its site through Forge; each test adds its own page."""
    folder = tmp_path_factory.mktemp("busy")
    url = fresh_sqlite(sqlite_template, folder)
    async with open_house(url, folder) as opened:
        await opened.install_forge()
        yield opened


@pytest.fixture(scope="module")
async def still_house(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A house without a worker and with both hosts, for requests that must fail."""
    folder = tmp_path_factory.mktemp("still")
    url = fresh_sqlite(sqlite_template, folder)
    async with open_house(url, folder, worker=False) as opened:
        await opened.install_connect(settle=False)
        await opened.install_forge(settle=False)
        await opened.delivered()
        yield opened
