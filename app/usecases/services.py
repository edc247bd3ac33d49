"""Everything long-lived that use cases need, in one frozen, typed bundle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.domain.budgets import Bill
from app.domain.completions import Routed
from app.domain.modes import AgentMode
from app.domain.vocabulary.terms import Vocabulary
from app.store.database import Database
from app.store.encryption import Cipher
from app.telemetry.metrics import Metrics
from app.usecases.ai_ports import Ai, Provider
from app.usecases.memories import SiteMemories
from app.usecases.ports import HostKeys, OpenConfluence, PageMarkup, ReadPage


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The operator's settings, as far as use cases care.

    Attributes:
        settle: How long a page is left alone after an edit before it is read, so
            that a storm of edits costs one run.
    """

    app_base_url: str
    app_key: str
    connect_enabled: bool
    connect_allowed_hosts: tuple[str, ...]
    forge_app_id: str
    forge_environments: tuple[str, ...]
    forge_api_hosts: tuple[str, ...]
    tagging_mode: AgentMode
    summary_mode: AgentMode
    settle: timedelta
    recommendation_mode: AgentMode = "SAFE_TEST"
    structure_mode: AgentMode = "SAFE_TEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the bootstrap opened; handlers and tasks get nothing else."""

    database: Database
    cipher: Cipher
    keys: HostKeys
    open_confluence: OpenConfluence
    read_page: ReadPage
    markup: PageMarkup
    ai: Ai
    #: Each provider by name, for measuring and examining; work asks `ai`.
    providers: Mapping[str, Provider]
    #: Remote providers by name: returns a line on their state, or raises ProviderError.
    check_provider: Mapping[str, Callable[[], Awaitable[str]]]
    rules: Rules
    memories: SiteMemories
    metrics: Metrics
    now: Callable[[], datetime]
    #: Set whenever this process enqueues: its worker need not wait for the next poll.
    work_arrived: asyncio.Event = field(default_factory=asyncio.Event)
    #: Providers that pages of this process were put off for.
    awaited_providers: set[str] = field(default_factory=set)
    #: Vocabularies as last read, by tenant and space, with what tells a newer one.
    vocabularies: dict[tuple[str, str], tuple[object, Vocabulary]] = field(
        default_factory=dict
    )
    #: Paid answers that wait for the database, by tenant and key.
    answers_in_hand: dict[tuple[str, str], Routed] = field(default_factory=dict)
    #: What calls without an answer cost, while the database is away.
    bills_in_hand: list[Bill] = field(default_factory=list)
