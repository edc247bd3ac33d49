"""Revision 0002 on databases that were in use: what was there stays, and comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.orm import Session

from app.store import migrations
from app.store.database import Work, open_database
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.store.tenants import TenantStore
from tests.postgres import PostgresServer

#: Rows as the release before wrote them.
TENANT = """
INSERT INTO tenants (id, site_url, status, created_at, memory_version)
VALUES ('t', 'https://a.atlassian.net', 'active', CURRENT_TIMESTAMP, 5)
"""
POLICIES = """
INSERT INTO policies (tenant_id, space_id, mode)
VALUES ('t', '', 'suggest'), ('t', '100', 'off')
"""
MEMORY = """
INSERT INTO page_memory
(tenant_id, page_id, space_id, page_version, title, language, weights, labels)
VALUES ('t', '7', '100', 3, 'Копії', 'uk', '{"копі"\\: 1.5}', '["копії"]')
"""
RUN = """
INSERT INTO runs
(tenant_id, page_id, outcome, ai_calls, requests, points, receipt, started_at, finished_at)
VALUES ('t', '7', 'written', 1, 3, 4, '{}', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)
"""
ANSWER = """
INSERT INTO completions (tenant_id, page_id, content_hash, answer, answered_at)
VALUES ('t', '7', 'h', '{}', CURRENT_TIMESTAMP)
"""

#: What only this release writes.
NEWS = (
    "INSERT INTO policies (tenant_id, space_id, providers) VALUES ('t', '200', 'local')",
    "UPDATE policies SET providers = 'gemini' WHERE space_id = '100'",
    """
    INSERT INTO completions (tenant_id, key, text_key, sealed_answer, used_at)
    VALUES ('t', 'k', 'x', 'sealed', CURRENT_TIMESTAMP)
    """,
    "UPDATE runs SET micro_usd = 7",
    "INSERT INTO forgotten_pages (tenant_id, page_id, changed_seq) VALUES ('t', '8', 6)",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def used_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database at revision 0001 with rows in it, of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/used.db"
        _prepare(url)
        yield url
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.clone("template0")
    _prepare(server.url(name))
    yield server.url(name)
    server.drop(name)


def _prepare(url: str) -> None:
    command.upgrade(migrations.config(url), "0001")
    _run(url, TENANT, POLICIES, MEMORY, RUN, ANSWER)


def _run(url: str, *statements: str) -> None:
    def work(session: Session) -> None:
        for statement in statements:
            session.execute(sa.text(statement))

    _with(url, work)


def _with(url: str, work: Work[Any]) -> Any:
    """Do one thing outside of any loop: Alembic runs its own."""

    async def run() -> Any:
        database = open_database(url)
        try:
            return await database.write(work)
        finally:
            await database.close()

    return anyio.run(run)


def _rows(url: str, table: str) -> list[Mapping[str, Any]]:
    statement = sa.text(f"SELECT * FROM {table}")  # noqa: S608 - our own names
    found: list[Mapping[str, Any]] = _with(
        url, lambda s: [dict(row._mapping) for row in s.execute(statement)]
    )
    return found


class TestUp:
    """0001 -> 0002."""

    def test_rows_stay_and_have_nothing_spent(self, used_url: str) -> None:
        """Policies, memories and runs; the old cache alone is made anew."""
        anyio.run(migrations.upgrade, used_url)

        (run,) = _rows(used_url, "runs")
        policies = {row["space_id"]: row for row in _rows(used_url, "policies")}
        assert (run["outcome"], run["points"]) == ("written", 4)
        assert (run["input_tokens"], run["output_tokens"], run["micro_usd"]) == (
            0,
            0,
            0,
        )
        assert {space: row["mode"] for space, row in policies.items()} == {
            "": "suggest",
            "100": "off",
        }
        assert {row["providers"] for row in policies.values()} == {None}
        assert _rows(used_url, "completions") == []

    def test_stores_work_on_what_was_there(self, used_url: str) -> None:
        """A memory of older stems is not read, and has its space walked again."""
        anyio.run(migrations.upgrade, used_url)

        def work(session: Session) -> list[Any]:
            memories, policies = MemoryStore(session), PolicyStore(session)
            policies.set_providers("t", "100", ["local"])
            return [
                memories.load("t"),
                memories.count("t"),
                memories.outdated_spaces("t"),
                policies.mode("t", "100"),
                policies.providers("t", "100"),
            ]

        assert _with(used_url, work) == [[], 1, {"100"}, "off", ("local",)]

    def test_release_before_goes_on_writing(self, used_url: str) -> None:
        """While a release rolls out, its rows need nothing that it does not know."""
        anyio.run(migrations.upgrade, used_url)

        _run(used_url, MEMORY.replace("'7'", "'8'"), RUN)

        assert [row["micro_usd"] for row in _rows(used_url, "runs")] == [0, 0]
        assert {row["changed_seq"] for row in _rows(used_url, "page_memory")} == {0}


class TestDown:
    """0002 -> 0001, and up again."""

    def test_rows_of_the_release_before_are_as_they_were(self, used_url: str) -> None:
        """What it has no words for is left out."""
        tables = ("tenants", "policies", "page_memory", "runs")
        before = {table: _rows(used_url, table) for table in tables}
        anyio.run(migrations.upgrade, used_url)
        _run(used_url, *NEWS)

        command.downgrade(migrations.config(used_url), "0001")

        assert {table: _rows(used_url, table) for table in tables} == before
        assert _rows(used_url, "completions") == []

    def test_way_up_again_is_open(self, used_url: str) -> None:
        """A release that was taken back comes again."""
        anyio.run(migrations.upgrade, used_url)
        _run(used_url, *NEWS)
        command.downgrade(migrations.config(used_url), "0001")

        anyio.run(migrations.upgrade, used_url)

        _run(used_url, *NEWS)
        (run,) = _rows(used_url, "runs")
        assert run["micro_usd"] == 7
        _with(used_url, lambda s: TenantStore(s).purge("t"))
        for table in ("policies", "completions", "runs", "forgotten_pages"):
            assert _rows(used_url, table) == []
