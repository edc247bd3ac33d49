"""Opens a house: a site and the app on free ports, with logs of their own."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from starlette.types import ASGIApp

from app.launch import configure_logs, web_app
from app.settings import Settings, from_environ
from app.store.database import open_database
from app.store.encryption import new_key
from app.usecases.services import Services
from sandbox.app import create_app
from sandbox.hosts.connect import ConnectHost
from sandbox.hosts.forge import ForgeHost
from sandbox.hosts.wiring import build_hosts
from sandbox.site import Site
from tests.functional import small_site
from tests.functional.house import APP_KEY, FORGE_APP_ID, House
from tests.functional.serving import Gate, listen, origin_of, serving

MakeApp = Callable[[Settings], ASGIApp]

_LOGGERS = ("", "app", "ai_calls", "audit", "security")


def fresh_sqlite(template: Path, folder: Path) -> str:
    """Return the URL of a copy of a migrated database."""
    path = folder / "app.db"
    path.write_bytes(template.read_bytes())
    return f"sqlite:///{path}"


@contextlib.asynccontextmanager
async def open_house(
    database_url: str,
    folder: Path,
    *,
    worker: bool = True,
    make_app: MakeApp | None = web_app,
    **environ: str,
) -> AsyncIterator[House]:
    """Run a site and the app on free ports; nothing is installed yet.

    Args:
        database_url: A migrated database of the app's own.
        folder: Where logs go.
        worker: Whether the app works on jobs, or lets them lie to be looked at.
        make_app: Makes the app to serve; None serves none (a process will).
        environ: Further settings of the app.
    """
    site_socket, app_socket = listen(), listen()
    site = Site(origin=origin_of(site_socket))
    pages = small_site.fill(site)
    hosts = build_hosts(site)
    gate = Gate(create_app(site, hosts=hosts))
    app_url = origin_of(app_socket)
    settings_of = {
        **_environ(site.origin, app_url, database_url, folder),
        "EMBEDDED_WORKER": str(worker).lower(),
        **environ,
    }
    services: Services | None = None
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(gate, site_socket))
        if make_app is None:
            app_socket.close()
        else:
            settings = from_environ(settings_of, env_file=None)
            stack.enter_context(_logging(settings))
            state = await stack.enter_async_context(
                serving(make_app(settings), app_socket)
            )
            services = state["services"]
        database = open_database(database_url)
        stack.push_async_callback(database.close)
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, trust_env=False, timeout=120)
            )
            for url in (app_url, site.origin)
        ]
        connect, forge = _hosts(hosts)
        house = House(
            site=site,
            forge=forge,
            connect=connect,
            gate=gate,
            pages=pages,
            environ=settings_of,
            database=database,
            logs=folder / "logs",
            app_url=app_url,
            services=services,
            app=clients[0],
            control=clients[1],
        )
        # The hourly trigger is fired by hand alone.
        await house.order("/forge/settings", schedule_first_seconds=3600)
        stack.callback(site.faults.clear)
        yield house


def _hosts(hosts: Any) -> tuple[ConnectHost, ForgeHost]:
    (connect,) = [one for one in hosts if isinstance(one, ConnectHost)]
    (forge,) = [one for one in hosts if isinstance(one, ForgeHost)]
    return connect, forge


def _environ(
    site_url: str, app_url: str, database_url: str, folder: Path
) -> dict[str, str]:
    return {
        "APP_BASE_URL": app_url,
        "APP_KEY": APP_KEY,
        "API_PORT": str(urlsplit(app_url).port),
        "DATABASE_URL": database_url,
        "ENCRYPTION_KEYS": new_key(),
        "CONNECT_INSTALL_KEYS_URL": f"{site_url}/_sandbox/install-keys",
        "CONNECT_ALLOWED_HOSTS": site_url,
        "FORGE_APP_ID": FORGE_APP_ID,
        "FORGE_JWKS_URL": f"{site_url}/_sandbox/forge/jwks.json",
        "FORGE_ENVIRONMENTS": "DEVELOPMENT",
        "FORGE_API_HOSTS": site_url,
        "AGENT_MODE": "PROD",
        # Nobody edits twice by mistake here; tests of joining set their own.
        "EVENT_SETTLE_SECONDS": "0",
        "LOG_DIR": str(folder / "logs"),
        "LOG_FORMAT": "json",
    }


@contextlib.contextmanager
def _logging(settings: Settings) -> Iterator[None]:
    """Direct this process's logs to the house's folder, and back again."""
    before = {name: list(logging.getLogger(name).handlers) for name in _LOGGERS}
    for name, handlers in before.items():
        for handler in handlers:
            logging.getLogger(name).removeHandler(handler)
    structure = structlog.get_config()
    configure_logs(settings, to_stdout=False)
    try:
        yield
    finally:
        for name, handlers in before.items():
            logger = logging.getLogger(name)
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
                handler.close()
            for handler in handlers:
                logger.addHandler(handler)
        structlog.configure(**structure)
