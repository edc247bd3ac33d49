"""The composition root: settings in, services out, everything closed at the end."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import structlog
from pydantic import SecretStr

from app.ai.opening import Account, AiSetup, OpenedAi, Watchers, open_ai
from app.clock import utc_now
from app.confluence.client import open_confluence
from app.confluence.host_keys import LIMITS, HttpHostKeys
from app.confluence.markup import StorageMarkup
from app.confluence.pool import open_pool
from app.confluence.reading import read_page
from app.domain.origins import is_pattern
from app.errors import ConfigurationError, RemoteError
from app.settings import Settings
from app.store import migrations
from app.store.database import Database, open_database
from app.store.encryption import Cipher, new_key
from app.telemetry.metrics import Metrics
from app.usecases.memories import SiteMemories
from app.usecases.services import Rules, Services

log = structlog.get_logger("app")

_KEY_FILE = "encryption.key"


@contextlib.asynccontextmanager
async def open_services(
    settings: Settings, *, schema_required: bool = False
) -> AsyncIterator[Services]:
    """Open database, connections and provider; yield them; close them again.

    The embedded database is brought to this program's schema; with PostgreSQL that
    is a step of the release (`confluence-ai migrate`).

    Args:
        settings: The operator's.
        schema_required: Whether a PostgreSQL with another schema is refused, as it
            is by all who serve or work; the doctor wants to look at it.

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
        if schema_required and not settings.is_sqlite:
            await _require_schema(database)
        pool = await stack.enter_async_context(open_pool())
        metrics = Metrics()
        opened = await stack.enter_async_context(_ai(settings, database, metrics))
        yield Services(
            database=database,
            cipher=cipher,
            keys=await stack.enter_async_context(_host_keys(settings)),
            open_confluence=open_confluence(pool),
            read_page=read_page,
            markup=StorageMarkup(),
            ai=opened.ai,
            providers=opened.providers,
            check_provider=opened.checks,
            rules=rules,
            memories=SiteMemories(database),
            metrics=metrics,
            now=utc_now,
        )


def encryption_keys(settings: Settings) -> list[str]:
    """Return the keys of the settings, else the one beside the embedded database.

    The file is made on first use, readable by its owner alone.

    Raises:
        ConfigurationError: The file cannot be made or read, or holds no key.
    """
    if settings.encryption_keys:
        return [key.get_secret_value() for key in settings.encryption_keys]
    database = Path(settings.database_url.removeprefix("sqlite:///"))
    path = database.parent / _KEY_FILE
    try:
        if not path.exists():
            _make_key_file(path)
        key = path.read_text(encoding="ascii").strip()
    except OSError as error:
        message = (
            f"ENCRYPTION_KEYS: not set, and {path} cannot be made or read "
            f"({error.strerror})"
        )
        raise ConfigurationError([message]) from error
    except UnicodeDecodeError:
        key = ""
    try:
        Cipher([key])
    except ConfigurationError as error:
        message = (
            f"ENCRYPTION_KEYS: not set, and {path} holds no key: put the right one "
            "back, or remove the file if nothing was ever stored"
        )
        raise ConfigurationError([message]) from error
    return [key]


def _make_key_file(path: Path) -> None:
    """Put a whole key in place at once: who crashes half way leaves nothing there.

    Of several processes that start together one wins, and all read its key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(new_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
            log.info("encryption_key_made", path=str(path))
    finally:
        Path(draft).unlink()


async def _require_schema(database: Database) -> None:
    """Refuse a schema of another version; a database that is down refuses nobody.

    It will be back, and `/health/ready` tells until then.
    """
    try:
        found = await database.read(migrations.current)
    except RemoteError as error:
        log.warning("schema_not_checked", reason=str(error))
        return
    if found != (needed := migrations.head()):
        message = (
            f"DATABASE_URL: the schema is at {found or 'nothing'}, this version needs "
            f"{needed}: run `confluence-ai migrate`"
        )
        raise ConfigurationError([message])


@contextlib.asynccontextmanager
async def _host_keys(settings: Settings) -> AsyncIterator[HttpHostKeys]:
    async with open_pool(limits=LIMITS) as pool:
        keys = HttpHostKeys(
            pool,
            install_keys_url=settings.connect_install_keys_url,
            jwks_url=settings.forge_jwks_url,
        )
        async with contextlib.aclosing(keys):
            yield keys


def _ai(
    settings: Settings, database: Database, metrics: Metrics
) -> contextlib.AbstractAsyncContextManager[OpenedAi]:
    accounts = {
        "openai": Account(
            api_key=_secret(settings.openai_api_key),
            base_url=settings.openai_base_url,
            model=settings.openai_model,
            rpm=settings.openai_rpm,
            tpm=settings.openai_tpm,
            rpd=settings.openai_rpd,
        ),
        "gemini": Account(
            api_key=_secret(settings.gemini_api_key),
            base_url=settings.gemini_base_url,
            model=settings.gemini_model,
            rpm=settings.gemini_rpm,
            tpm=settings.gemini_tpm,
            rpd=settings.gemini_rpd,
        ),
    }
    usable = settings.usable_providers
    setup = AiSetup(
        accounts={name: one for name, one in accounts.items() if name in usable},
        order=settings.provider_order,
        concurrency=settings.ai_concurrency,
        patience=settings.ai_patience_seconds,
        page_tokens=settings.ai_page_tokens,
        models_file=settings.ai_models_file,
    )
    watchers = Watchers(
        waited=lambda name, took: metrics.preflight_seconds.labels(name).observe(took),
        let_in=lambda name, calls: metrics.micro_batch.labels(name).observe(calls),
        news=lambda name, news: metrics.quota_news.labels(name, news).inc(),
    )
    return open_ai(setup, database, watchers)


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""


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
        recommendation_mode=settings.recommendation_mode,
        structure_mode=settings.structure_mode,
        settle=timedelta(seconds=settings.event_settle_seconds),
    )
