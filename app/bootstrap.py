"""The composition root: settings in, services out, everything closed at the end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import structlog

from app.ai.local import LocalProvider
from app.clock import utc_now
from app.confluence.client import open_confluence
from app.confluence.host_keys import HttpHostKeys
from app.confluence.pool import open_pool
from app.confluence.reading import read_page
from app.domain.origins import is_pattern
from app.errors import ConfigurationError
from app.settings import Settings
from app.store import migrations
from app.store.database import open_database
from app.store.encryption import Cipher, new_key
from app.telemetry.metrics import Metrics
from app.usecases.memories import SiteMemories
from app.usecases.services import Rules, Services

log = structlog.get_logger("app")

_KEY_FILE = "encryption.key"


@contextlib.asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open database, connections and provider; yield them; close them again.

    The embedded database is brought to this program's schema; with PostgreSQL that
    is a step of the release (`confluence-ai migrate`), and a wrong schema refuses
    to start.

    Raises:
        ConfigurationError: A setting that only shows its fault when used.
    """
    rules = _rules(settings)
    cipher = Cipher(encryption_keys(settings))
    if settings.is_sqlite:
        await migrations.upgrade(settings.database_url)
    database = open_database(
        settings.database_url, pool_size=settings.worker_concurrency + 8
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        pool = await stack.enter_async_context(open_pool())
        yield Services(
            database=database,
            cipher=cipher,
            keys=HttpHostKeys(
                pool,
                install_keys_url=settings.connect_install_keys_url,
                jwks_url=settings.forge_jwks_url,
            ),
            open_confluence=open_confluence(pool),
            read_page=read_page,
            provider=LocalProvider(),
            rules=rules,
            memories=SiteMemories(database),
            metrics=Metrics(),
            now=utc_now,
        )


def encryption_keys(settings: Settings) -> list[str]:
    """Return the keys of the settings, else the one beside the embedded database.

    The file is made on first use, readable by its owner alone.
    """
    if settings.encryption_keys:
        return [key.get_secret_value() for key in settings.encryption_keys]
    database = Path(settings.database_url.removeprefix("sqlite:///"))
    path = database.parent / _KEY_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return [path.read_text(encoding="ascii").strip()]
    except OSError as error:
        message = f"ENCRYPTION_KEYS: not set, and {path} cannot be made"
        raise ConfigurationError([message]) from error
    key = new_key()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key + "\n")
    log.info("encryption_key_made", path=str(path))
    return [key]


def _rules(settings: Settings) -> Rules:
    lists = {
        "CONNECT_ALLOWED_HOSTS": settings.connect_allowed_hosts,
        "FORGE_API_HOSTS": settings.forge_api_hosts,
    }
    if problems := [
        f"{name}: {entry!r} is neither a host, *.host, nor a full origin"
        for name, entries in lists.items()
        for entry in entries
        if not is_pattern(entry)
    ]:
        raise ConfigurationError(problems)
    return Rules(
        app_base_url=settings.app_base_url,
        app_key=settings.app_key,
        connect_enabled=settings.connect_enabled,
        connect_allowed_hosts=settings.connect_allowed_hosts,
        forge_app_id=settings.forge_app_id,
        forge_environments=settings.forge_environments,
        forge_api_hosts=settings.forge_api_hosts,
        tagging_mode=settings.tagging_mode,
        summary_mode=settings.summary_mode,
        settle=timedelta(seconds=settings.event_settle_seconds),
    )
