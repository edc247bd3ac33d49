"""Tests for app.store.terms and app.store.refusals, on both databases."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.clock import utc_now
from app.domain.vocabulary.terms import Term, TermPatch
from app.store.database import Database
from app.store.refusals import RefusalStore
from app.store.tables import TermRow
from app.store.tenants import TenantStore
from app.store.terms import TermStore
from tests.integration.store.stored import new_tenant

pytestmark = pytest.mark.anyio

BACKUP = Term(
    name="backup",
    description="Copies",
    synonyms=("резервна копія",),
    parent="it",
    excluded=True,
    manual_only=True,
    min_confidence=0.5,
)
PATCH = TermPatch(name="backup", excluded=False, synonyms=())


async def version(database: Database, tenant: str) -> int:
    return await database.read(lambda s: TermStore(s).version(tenant))


class TestTerms:
    """What is written is read."""

    async def test_terms_and_patches_of_their_tenant(self, database: Database) -> None:
        """Of the site, and of a space over it; nobody else's."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")

        def work(session: Session) -> None:
            store = TermStore(session)
            store.put(tenant, BACKUP, origin="person")
            store.put(tenant, Term(name="архів"), origin="site")
            store.put_patch(tenant, "100", PATCH)
            store.put_patch(tenant, "200", TermPatch(name="local"))
            store.put(other, Term(name="theirs"), origin="site")

        await database.write(work)

        def look(session: Session) -> Any:
            store = TermStore(session)
            return (
                list(store.terms(tenant)),
                list(store.patches(tenant, "100")),
                dict(store.origins(tenant, "")),
                store.synonyms(tenant),
                store.speaking(tenant, ["backup", "local", "архів"]),
                store.speaking(tenant, ["архів"]),
            )

        assert await database.read(look) == (
            [BACKUP, Term(name="архів")],
            [PATCH],
            {"backup": "person", "архів": "site"},
            ["резервна копія"],
            ["100", "200"],
            [],
        )

    async def test_putting_many_keeps_origins_and_putting_one_sets_it(
        self, database: Database
    ) -> None:
        """Where a term came from does not change with what is said of it."""
        tenant = await new_tenant(database)

        def work(session: Session) -> None:
            store = TermStore(session)
            store.note(tenant, ["backup", "disk"], origin="site")
            changed = [BACKUP, Term(name="new")]
            store.put_all(tenant, "", changed, origin="import")
            store.put(tenant, Term(name="disk"), origin="person")
            store.put_all(tenant, "", [], origin="import")

        await database.write(work)

        terms = await database.read(lambda s: TermStore(s).terms(tenant))
        origins = await database.read(lambda s: TermStore(s).origins(tenant, ""))
        assert BACKUP in terms
        assert origins == {"backup": "site", "disk": "person", "new": "import"}

    async def test_noting_adds_and_changes_nothing(self, database: Database) -> None:
        """It tells how many are new."""
        tenant = await new_tenant(database)
        await database.write(lambda s: TermStore(s).put(tenant, BACKUP, origin="site"))

        async def note(*names: str) -> int:
            return await database.write(
                lambda s: TermStore(s).note(tenant, names, origin="site")
            )

        counts = [await note("backup", "архів"), await note("архів"), await note()]

        assert counts == [1, 0, 0]
        assert BACKUP in await database.read(lambda s: TermStore(s).terms(tenant))

    async def test_removing_tells_how_many_there_were(self, database: Database) -> None:
        """Of the site, or of one space."""
        tenant = await new_tenant(database)

        def work(session: Session) -> tuple[int, int, int]:
            store = TermStore(session)
            store.put(tenant, BACKUP, origin="site")
            store.put_patch(tenant, "100", PATCH)
            return (
                store.remove(tenant, "100", ["backup", "nope"]),
                store.remove(tenant, "", ["backup"]),
                store.remove(tenant, "", ["backup"]),
            )

        assert await database.write(work) == (1, 1, 0)

    async def test_thousands_in_seconds(self, database: Database) -> None:
        """Five thousand are noted, put, known and removed."""
        tenant = await new_tenant(database)
        names = [f"термін-{n}" for n in range(5_000)]

        def work(session: Session) -> tuple[int, int, int]:
            store = TermStore(session)
            noted = store.note(tenant, names, origin="site")
            terms = [Term(name=name, synonyms=(f"s {name}",)) for name in names]
            store.put_all(tenant, "", terms, origin="import")
            RefusalStore(session).add(tenant, names, by="cli")
            refused = RefusalStore(session).of(tenant, names)
            known = len(store.known(tenant, names) & refused)
            RefusalStore(session).lift(tenant, names)
            return noted, known, store.remove(tenant, "", names)

        begun = time.monotonic()
        found = await database.write(work)

        assert found == (5_000, 5_000, 5_000)
        # Seconds on an idle machine; a busy one is given time.
        assert time.monotonic() - begun < 20


class TestVersion:
    """Every change is seen, whoever made it and when."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda store, tenant: store.put(tenant, Term(name="a"), origin="site"),
            lambda store, tenant: store.put_patch(tenant, "1", PATCH),
            lambda store, tenant: store.put_all(tenant, "", [BACKUP], origin="site"),
            lambda store, tenant: store.note(tenant, ["b"], origin="site"),
            lambda store, tenant: store.remove(tenant, "", ["backup"]),
        ],
    )
    async def test_grows_with_every_change(
        self, database: Database, change: Callable[[TermStore, str], Any]
    ) -> None:
        """Also one that makes two changes in one transaction look like none."""
        tenant = await new_tenant(database)
        await database.write(lambda s: TermStore(s).put(tenant, BACKUP, origin="site"))
        before = await version(database, tenant)

        await database.write(lambda s: change(TermStore(s), tenant))

        assert await version(database, tenant) > before

    async def test_what_changes_nothing_does_not_count(
        self, database: Database
    ) -> None:
        """Known labels noted again, terms removed that are not there."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await database.write(lambda s: TermStore(s).put(tenant, BACKUP, origin="site"))
        before = await version(database, tenant)

        def work(session: Session) -> None:
            TermStore(session).note(tenant, ["backup"], origin="site")
            TermStore(session).remove(tenant, "", ["nope"])
            TermStore(session).put(other, BACKUP, origin="site")

        await database.write(work)

        assert await version(database, tenant) == before
        assert await version(database, "nobody") == 0

    async def test_two_changes_in_one_moment_are_two(self, database: Database) -> None:
        """Number of terms and latest change tell nothing: both are as they were."""
        tenant = await new_tenant(database)

        def work(session: Session) -> None:
            TermStore(session).note(tenant, ["a", "b"], origin="site")

        await database.write(work)
        before = await version(database, tenant)

        def swap(session: Session) -> Any:
            latest = session.scalar(
                sa.select(sa.func.max(TermRow.changed_at)).where(
                    TermRow.tenant_id == tenant
                )
            )
            TermStore(session).remove(tenant, "", ["a"])
            TermStore(session).put(tenant, Term(name="c"), origin="site")
            session.execute(
                sa.update(TermRow)
                .where(TermRow.tenant_id == tenant)
                .values(changed_at=latest)
            )

        await database.write(swap)

        assert await version(database, tenant) == before + 2

    async def test_a_change_that_ends_late_is_seen(self, on_postgres: Database) -> None:
        """One that began before another and ends after it, by time hides behind it."""
        tenant = await new_tenant(on_postgres)
        await on_postgres.write(
            lambda s: TermStore(s).note(tenant, ["a", "b"], origin="site")
        )
        before = await version(on_postgres, tenant)

        async def put(name: str, *, wait: float, hold: float) -> int:
            def work(session: Session) -> int:
                TermStore(session).put(tenant, Term(name=name), origin="person")
                session.execute(sa.select(sa.func.pg_sleep(hold)))
                return TermStore(session).version(tenant)

            await asyncio.sleep(wait)
            return await on_postgres.write(work)

        seen = await asyncio.gather(
            put("a", wait=0, hold=0.2), put("b", wait=0.05, hold=0)
        )

        assert sorted(seen) == [before + 1, before + 2]


class TestRefusals:
    """Names that people said no to."""

    async def test_a_no_holds_for_every_spelling_until_it_is_lifted(
        self, database: Database
    ) -> None:
        """And for one tenant alone."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")

        def work(session: Session) -> Any:
            store = RefusalStore(session)
            store.add(tenant, ["Net work", "disk"], by="cli")
            store.add(tenant, ["NET-WORK"], by="olena")
            store.add(tenant, [], by="cli")
            first = (
                store.all(tenant),
                store.of(tenant, ["net_work", "DISK", "tape"]),
                store.of(other, ["disk"]),
            )
            store.lift(tenant, ["Net-Work", "tape"])
            return *first, store.all(tenant)

        assert await database.write(work) == (
            {"net-work", "disk"},
            {"net_work", "DISK"},
            set(),
            {"disk"},
        )


class TestMerge:
    """Two records of one site become one."""

    async def test_terms_come_together_and_readers_are_told(
        self, database: Database
    ) -> None:
        """The survivor's word stands where both have one."""
        old, new = await new_tenant(database), await new_tenant(database, "b")

        def work(session: Session) -> None:
            store = TermStore(session)
            store.put(old, Term(name="backup"), origin="site")
            store.put(old, Term(name="disk"), origin="site")
            store.put(new, BACKUP, origin="person")

        await database.write(work)
        before = await version(database, new)

        await database.write(lambda s: TenantStore(s).merge(old, into=new))

        terms = await database.read(lambda s: TermStore(s).terms(new))
        assert list(terms) == [BACKUP, Term(name="disk")]
        assert await version(database, new) == before + 1

    async def test_a_no_of_either_side_stays_a_no(self, database: Database) -> None:
        """Also where the other side has not decided yet."""
        old, new = await new_tenant(database), await new_tenant(database, "b")

        def work(session: Session) -> None:
            RefusalStore(session).add(old, ["disk", "tape"], by="cli")
            session.execute(
                sa.text(
                    "INSERT INTO proposals (tenant_id, key, name, state, pages, count,"
                    " seen_at) VALUES (:t, 'disk', 'disk', 'waiting', '[]', 3, :now)"
                ).bindparams(sa.bindparam("now", type_=TermRow.changed_at.type)),
                {"t": new, "now": utc_now()},
            )
            TenantStore(session).merge(old, into=new)

        await database.write(work)

        found = await database.read(lambda s: RefusalStore(s).all(new))
        assert found == {"disk", "tape"}
