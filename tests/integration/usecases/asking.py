"""Providers, a site and a database by script, for tests of who is asked and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from typing_extensions import override

from app.ai.router import Router
from app.domain.completions import (
    Completion,
    Exchange,
    LabelChoice,
    Prompt,
    Turn,
    Usage,
)
from app.domain.jobs import Job
from app.domain.pages import ContentProperty, Label, Page, PageText
from app.domain.policy import Policy
from app.domain.vocabulary.terms import Vocabulary
from app.errors import ProviderError, Unavailable
from app.store.database import Database, T, Work
from app.store.encryption import Cipher, new_key
from app.store.installations import InstallationStore
from app.usecases.ai_ports import Provider
from app.usecases.complete_page import Answer, complete_page
from app.usecases.ports import Confluence, PointsMeter, SiteAccess
from app.usecases.services import Services
from tests.integration.store.stored import new_tenant
from tests.unit.worker.services import RULES, make_services

#: Lets every label through.
ANY = Vocabulary.build((), openness="open")
BODY = "Резервну копію сервера роблять щоночі й щомісяця перевіряють. " * 5
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
COST = Usage(input_tokens=900, cached_tokens=400, output_tokens=60, micro_usd=120)
#: What a call may cost at worst.
WORST = Usage(input_tokens=1000, output_tokens=200, micro_usd=200)


class ScriptedProvider(Provider):
    """Answers each question with the next of its script, then with its own summary.

    Attributes:
        asked: Every question that came, with its turn.
        held: Seconds for which it says it is held.
        proposes: New names that it proposes each time.
    """

    def __init__(self, name: str, *script: ProviderError, held: float = 0.0) -> None:
        self._name = name
        self._script = list(script)
        self.held = held
        self.proposes: tuple[str, ...] = ()
        self.asked: list[tuple[Prompt, Turn]] = []

    @property
    @override
    def name(self) -> str:
        return self._name

    @property
    @override
    def model(self) -> str:
        return f"{self._name}-model"

    @override
    def held_for(self) -> float:
        return self.held

    @override
    def estimate(self, prompt: Prompt) -> Usage:
        return Usage() if self.name == "local" else WORST

    @override
    async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
        self.asked.append((prompt, turn))
        if self.name != "local":
            await turn.confirm()
        if self._script:
            raise self._script.pop(0)
        return Completion(
            labels=tuple(
                LabelChoice(name=one.name, confidence=0.95)
                for one in prompt.candidates[:1]
            ),
            summary=f"Підсумок від {self.name}.",
            language="uk",
            provider=self.name,
            model=self.model,
            usage=Usage() if self.name == "local" else COST,
            proposals=tuple(
                LabelChoice(name=name, confidence=0.9) for name in self.proposes
            ),
            exchange=Exchange(
                prompt=prompt.without_text(),
                instructions="Label this.",
                message=f"Title and text:\n{prompt.page.text}",
                schema={"type": "object"},
                page_text=prompt.page.text,
                reply='{"labels": []}',
                oddities=("label_unknown",),
                dropped=("чуже",),
            ),
        )


class TroubledDatabase:
    """A database that is away for so many of its next writes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect
        self.away_for = 0
        self.refused = 0
        self.was_asked = asyncio.Event()

    async def write(self, work: Work[T]) -> T:
        if self.away_for > 0:
            self.away_for -= 1
            self.refused += 1
            self.was_asked.set()
            raise Unavailable("database", "the server is starting up")
        return await self._database.write(work)

    async def read(self, work: Work[T]) -> T:
        return await self._database.read(work)

    async def close(self) -> None:
        await self._database.close()


@dataclass(slots=True)
class OnePageSite:
    """A site with one page, which remembers what was written; the rest raises.

    Attributes:
        away: Whether writes fail for want of the site.
    """

    page: Page
    meter: PointsMeter = field(default_factory=PointsMeter)
    reads: int = 0
    writes: list[str] = field(default_factory=list)
    away: bool = False

    async def get_page(self, page_id: str, *, live: bool = False) -> Page:
        assert (page_id, live) == (self.page.id, False)
        self.reads += 1
        self.meter.points += 1
        return self.page

    async def space_pages(self, space_id: str) -> AsyncIterator[Page]:
        """Walk the pages of a space: the one, or none."""
        if space_id == self.page.space_id:
            yield self.page

    async def add_labels(self, page_id: str, names: Sequence[str]) -> tuple[Label, ...]:
        self._write("labels")
        labels = tuple(Label(id=f"{page_id}-{name}", name=name) for name in names)
        self.page = replace(self.page, labels=(*(self.page.labels or ()), *labels))
        return self.page.labels or ()

    async def put_property(
        self, page_id: str, key: str, value: Any, *, current: ContentProperty | None
    ) -> ContentProperty:
        self._write("property")
        version = current.version + 1 if current else 1
        made = ContentProperty(id=page_id, key=key, value=value, version=version)
        self.page = replace(self.page, properties=(made,))
        return made

    def _write(self, what: str) -> None:
        if self.away:
            raise Unavailable("confluence", "503")
        self.writes.append(what)

    @asynccontextmanager
    async def open(self, access: SiteAccess) -> AsyncIterator[Confluence]:
        """Yield itself, whoever comes."""
        del access
        yield cast("Confluence", self)


def a_page(page_id: str = "7", title: str = "Резервні копії", **more: Any) -> Page:
    fields: dict[str, Any] = {
        "id": page_id,
        "title": title,
        "status": "current",
        "space_id": "100",
        "version": 1,
        "body": BODY,
        "labels": (),
    }
    return Page(**(fields | more))


def text_of(page: Page) -> PageText:
    """Read a page whose body is plain text."""
    body = page.body or ""
    return PageText(title=page.title, paragraphs=(body,), text=body)


@dataclass(kw_only=True)
class Asking:
    """Use cases over a real database, asking scripted providers."""

    tenant: str
    services: Services
    database: TroubledDatabase
    providers: dict[str, ScriptedProvider]

    async def complete(self, page: Page, tenant: str = "", **more: Any) -> Answer:
        """Get a page's answer, with no pauses in which the database may come back."""
        order = more.pop("order", ())
        return await complete_page(
            self.services,
            tenant or self.tenant,
            page,
            text_of(page),
            policy=Policy(providers=tuple(order)),
            **({"pauses": (), "vocabulary": ANY} | more),  # type: ignore[arg-type]
        )

    @property
    def calls(self) -> dict[str, int]:
        """How often each provider was asked; without those that never were."""
        asked = {name: len(one.asked) for name, one in self.providers.items()}
        return {name: count for name, count in asked.items() if count}

    def metric(self, name: str, **labels: str) -> float:
        """Return a metric's value, 0 where it was never counted."""
        registry = self.services.metrics.registry
        return registry.get_sample_value(f"confluence_ai_{name}", labels) or 0.0

    async def install(self) -> None:
        """Give the tenant a way to its site."""

        def work(session: Any) -> None:
            InstallationStore(session, self.services.cipher).save(
                self.tenant,
                "connect",
                "client-key",
                base_url="https://a.atlassian.net/wiki",
                secret="s" * 40,
            )

        await self.database.write(work)


async def asking(
    database: Database,
    *providers: ScriptedProvider,
    order: Sequence[str] = (),
    cipher: Cipher | None = None,
    **services: Any,
) -> Asking:
    """Return a tenant whose questions go to these providers in turn.

    Args:
        database: A real one; it can be taken away.
        providers: Without `local`, which is always there.
        order: The operator's; without it, the providers as they are given.
        cipher: Seals the answers.
        services: Other doubles.
    """
    troubled = TroubledDatabase(database)
    every = {one.name: one for one in (*providers, ScriptedProvider("local"))}
    if given := [one for one in providers if one.name == "local"]:
        every["local"] = given[0]
    router = Router(
        every,
        order=order or [one.name for one in providers],
        patience=20.0,
        prompt_version=1,
    )
    return Asking(
        tenant=await new_tenant(database),
        services=make_services(
            troubled,
            ai=router,
            providers=every,
            cipher=cipher or Cipher([new_key()]),
            read_page=text_of,
            now=lambda: NOON,
            rules=replace(RULES, tagging_mode="PROD", summary_mode="PROD"),
            **services,
        ),
        database=troubled,
        providers=every,
    )


def a_job(tenant: str, page_id: str = "7", **changes: Any) -> Job:
    """Return a claimed job for a page."""
    fields: dict[str, Any] = {
        "id": 1,
        "tenant_id": tenant,
        "kind": "label_page",
        "payload": {"page_id": page_id},
        "version": 1,
        "priority": 0,
        "attempt": 1,
        "max_attempts": 3,
        "deferrals": 0,
        "lease_token": "l",
        "leased_until": NOON,
        "waited": timedelta(),
    }
    return Job(**(fields | changes))


def spent(cost: Usage = COST) -> dict[str, int]:
    """Return a usage as the fields that errors carry."""
    return asdict(cost)
