"""Two processes write one thing at the same moment, where that can happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.clock import utc_now
from app.domain.memory import PageMemory
from app.domain.modes import WhitelistEntry
from app.domain.pages import Space
from app.store.completions import CompletionStore
from app.store.database import Database
from app.store.installations import InstallationStore
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.store.usage import UsageStore
from tests.integration.store.stored import CIPHER, new_tenant

pytestmark = pytest.mark.anyio
PATIENCE = 10.0


SPACE = Space(id="100", key="DOCS", name="Docs")
PAGE = PageMemory(
    page_id="7", parent_id=None, space_id="100", language="uk", weights={},
    labels=frozenset(),
)  # fmt: skip

#: Store calls that two processes may make for one thing at the same moment.
TWICE: dict[str, Callable[[Session, str], object]] = {
    "keep_space": lambda s, t: PolicyStore(s).keep_space(t, SPACE),
    "set_mode": lambda s, t: PolicyStore(s).set_mode(t, "", "auto"),
    "allow": lambda s, t: PolicyStore(s).allow(
        t, WhitelistEntry(kind="page", value="7")
    ),
    "keep_memory": lambda s, t: MemoryStore(s).keep(t, PAGE, page_version=1),
    "set_providers": lambda s, t: PolicyStore(s).set_providers(t, "", ["local"]),
    "keep_completion": lambda s, t: CompletionStore(s).keep(t, "00ff", "t", "sealed"),
    "add_usage": lambda s, t: UsageStore(s).add(
        t, date(2026, 11, 22), provider="openai", model="m", calls=1
    ),
}


class TestAtOnce:
    """Two writers of one thing on PostgreSQL, where they really overlap."""

    @pytest.mark.parametrize("name", TWICE)
    async def test_second_writer_of_a_new_row_is_no_error(
        self, on_postgres: Database, name: str
    ) -> None:
        """Whoever comes second writes over it, or leaves it."""
        tenant = await new_tenant(on_postgres)
        call = TWICE[name]

        await at_once(on_postgres, lambda s: call(s, tenant))

    async def test_install_that_is_delivered_twice_is_one(
        self, on_postgres: Database
    ) -> None:
        """A host may repeat itself before it has our answer."""
        tenant = await new_tenant(on_postgres)

        await at_once(
            on_postgres,
            lambda s: InstallationStore(s, CIPHER).save(
                tenant, "forge", "i", base_url="https://x/wiki"
            ),
        )

    async def test_two_events_may_bring_the_first_token(
        self, on_postgres: Database
    ) -> None:
        """Each hour the first events after the old token's end come side by side."""
        tenant = await new_tenant(on_postgres)
        installation = await on_postgres.write(
            lambda s: InstallationStore(s, CIPHER).save(
                tenant, "forge", "i", base_url="https://x/wiki"
            )
        )

        await at_once(
            on_postgres,
            lambda s: InstallationStore(s, CIPHER).keep_token(
                installation,
                kind="system",
                token="t",
                expires_at=utc_now() + timedelta(hours=1),
            ),
        )


async def at_once(database: Database, work: Callable[[Session], object]) -> None:
    """Run work twice, the second beginning before the first has committed."""

    def slow(session: Session) -> None:
        work(session)
        session.flush()
        session.execute(sa.text("SELECT pg_sleep(0.2)"))

    def quick(session: Session) -> None:
        work(session)

    first = asyncio.create_task(database.write(slow))
    await asyncio.sleep(0.1)
    await asyncio.gather(first, database.write(quick))
