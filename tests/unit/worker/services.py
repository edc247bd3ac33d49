"""Services for tests of the loop and the command line: a real database, no network."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from typing_extensions import override

from app.clock import utc_now
from app.confluence.markup import StorageMarkup
from app.domain.completions import Prompt, Routed, Turn, Usage
from app.domain.pages import Page, PageText
from app.errors import AppError, NotAuthenticated
from app.store.database import Database
from app.store.encryption import Cipher, new_key
from app.telemetry.metrics import Metrics
from app.usecases.ai_ports import Ai, Respondent
from app.usecases.memories import SiteMemories
from app.usecases.ports import Confluence, HostKeys, SiteAccess
from app.usecases.purse import Purse
from app.usecases.services import Rules, Services

RULES = Rules(
    app_base_url="https://app.test",
    app_key="confluence-ai",
    connect_enabled=True,
    connect_allowed_hosts=("*.atlassian.net",),
    forge_app_id="",
    forge_environments=("PRODUCTION",),
    forge_api_hosts=("api.atlassian.com",),
    tagging_mode="SAFE_TEST",
    summary_mode="SAFE_TEST",
    settle=timedelta(),
)


class ScriptedKeys(HostKeys):
    """Key hosts that answer every question with one error."""

    def __init__(self, error: AppError | None = None) -> None:
        self.error = error or NotAuthenticated("unknown key")

    @override
    async def install_key(self, kid: str) -> str:
        raise self.error

    @override
    async def forge_key(self, kid: str) -> dict[str, Any]:
        raise self.error


class IdleAi(Ai):
    """An AI that is only ever asked who it is."""

    @property
    @override
    def prompt_version(self) -> int:
        return 1

    @override
    def respondents(self, order: Sequence[str] = ()) -> tuple[Respondent, ...]:
        return (Respondent(provider="local", model="test-model"),)

    @override
    def held_for(self, order: Sequence[str] = ()) -> float:
        return 0.0

    @override
    def estimate(self, prompt: Prompt, order: Sequence[str] = ()) -> Usage:
        return Usage()

    @override
    async def answer(
        self,
        prompt: Prompt,
        turn: Turn,
        *,
        order: Sequence[str] = (),
        purse: Purse | None = None,
    ) -> Routed:
        raise AssertionError(prompt)


def make_services(
    database: Database, *, keys: HostKeys | None = None, **others: Any
) -> Services:
    """Return services whose database alone is real, but for `others` handed in."""
    services = Services(
        database=database,
        cipher=Cipher([new_key()]),
        keys=keys or ScriptedKeys(),
        open_confluence=_no_site,
        read_page=_no_page,
        markup=StorageMarkup(),
        ai=IdleAi(),
        providers={},
        check_provider={},
        rules=RULES,
        memories=SiteMemories(database),
        metrics=Metrics(),
        now=utc_now,
    )
    return replace(services, **others)


def _no_site(access: SiteAccess) -> AbstractAsyncContextManager[Confluence]:
    raise AssertionError(access)


def _no_page(page: Page) -> PageText:
    raise AssertionError(page)
