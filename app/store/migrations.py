"""Brings a database to this program's schema, or says that it is not there yet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.orm import Session

_ROOT = Path(__file__).resolve().parents[2]


def config(database_url: str) -> Config:
    """Return Alembic's configuration for one database; opens nothing."""
    made = Config()
    made.set_main_option("script_location", str(_ROOT / "migrations"))
    made.attributes["url"] = database_url
    return made


async def upgrade(database_url: str) -> None:
    """Run every missing migration; several processes at once wait for one another."""
    if database_url.startswith("sqlite:///"):
        path = database_url.removeprefix("sqlite:///")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(command.upgrade, config(database_url), "head")


def head() -> str:
    """Return the revision that this program's tables are."""
    script = ScriptDirectory(str(_ROOT / "migrations"))
    return script.get_current_head() or ""


def current(session: Session) -> str | None:
    """Return the revision that the database is at; None if it has no schema."""
    connection = session.connection()
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = session.scalar(
        sa.text("SELECT version_num FROM alembic_version")
    )
    return version
