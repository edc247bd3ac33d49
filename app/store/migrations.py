"""Brings a database to this program's schema, or says that it is not there yet."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.orm import Session

from app.errors import ConfigurationError, Unavailable

_ROOT = Path(__file__).resolve().parents[2]
_SQLITE = "sqlite:///"

#: How long a process waits until another has migrated the database.
LOCK_WAIT = timedelta(minutes=10)

#: Not a database, or a broken one: https://www.sqlite.org/rescode.html
_BAD_FILE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
#: Wrong user or password, no such database, no right to make tables:
#: https://www.postgresql.org/docs/current/errcodes-appendix.html
_OPERATOR_STATES = ("28", "3D", "42501")
#: Connection, resources, shutdown or timeout, lock not to be had.
_LOST_STATES = ("08", "53", "57", "55P03")


def config(database_url: str, *, lock_wait: timedelta = LOCK_WAIT) -> Config:
    """Return Alembic's configuration for one database; opens nothing."""
    made = Config()
    made.set_main_option("script_location", str(_ROOT / "migrations"))
    made.attributes["url"] = database_url
    made.attributes["lock_wait"] = lock_wait
    return made


async def upgrade(database_url: str, *, lock_wait: timedelta = LOCK_WAIT) -> None:
    """Run every missing migration; several processes at once wait for one another.

    Raises:
        ConfigurationError: The database can never be used like this: no folder, no
            database, no right, or the schema of a newer program.
        Unavailable: It cannot be reached, or another process migrates for longer than
            `lock_wait`.
    """
    if database_url.startswith(_SQLITE):
        _make_folder(Path(database_url.removeprefix(_SQLITE)).parent)
    made = config(database_url, lock_wait=lock_wait)
    try:
        await asyncio.to_thread(command.upgrade, made, "head")
    except (CommandError, sa.exc.DBAPIError, OSError) as error:
        raise _named(error) from error


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


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"the folder {folder} cannot be made ({error.strerror})"
        raise ConfigurationError([f"DATABASE_URL: {reason}"]) from error


def _named(error: Exception) -> Exception:
    """Say who must act; a fault of a migration itself stays what it is."""
    if isinstance(error, CommandError):
        hint = "is the database newer than this program?"
        return ConfigurationError([f"DATABASE_URL: {error} ({hint})"])
    cause = getattr(error, "orig", None) or error
    told = str(cause)[:200]
    state = str(getattr(cause, "sqlstate", None) or "")
    file_code = getattr(cause, "sqlite_errorcode", None)
    if state.startswith(_OPERATOR_STATES) or file_code in _BAD_FILE:
        return ConfigurationError([f"DATABASE_URL: {told}"])
    lost = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | OSError)
    if lost or state.startswith(_LOST_STATES):
        return Unavailable("database", f"{type(cause).__name__}: {told}")
    return error
