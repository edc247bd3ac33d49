"""Tests for app.store.tenants on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.tenants import PURGE_GRACE
from app.store.base import db_time
from app.store.database import Database, open_database
from app.store.installations import InstallationStore
from app.store.jobs import JobStore
from app.store.memory import MemoryStore
from app.store.tables import CompletionRow, JobRow, PolicyRow, TenantRow
from app.store.tenants import TenantStore
from tests.integration.store.stored import (
    CIPHER,
    TENANT_TABLES,
    counted,
    fill,
    new_tenant,
    rows,
)

pytestmark = pytest.mark.anyio
STATES = ("ready", "running", "done", "failed", "discarded")


async def install(
    database: Database, tenant: str, status: str, host: str = "connect"
) -> None:
    def work(session: Session) -> None:
        store = InstallationStore(session, CIPHER)
        made = store.save(
            tenant,
            host,  # type: ignore[arg-type]
            f"{host} of {tenant}",
            base_url="https://a.atlassian.net/wiki",
        )
        if status != "active":
            store.set_status(made, status)

    await database.write(work)


async def add_job(
    database: Database, tenant: str, *, state: str, key: str = "label_page:7"
) -> int:
    def work(session: Session) -> int:
        row = JobRow(
            tenant_id=tenant,
            kind="label_page",
            dedupe_key=key,
            priority=0,
            state=state,
            payload={},
            run_at=db_time(),
            created_at=db_time(),
        )
        session.add(row)
        session.flush()
        return row.id

    return await database.write(work)


class TestCreate:
    """Tests for app.store.tenants.TenantStore.create()."""

    async def test_new_tenant_is_found_by_its_site(self, database: Database) -> None:
        """By our own id and by Atlassian's."""
        tenant = await new_tenant(database, cloud_id="c-1")

        by_id = await database.read(lambda s: TenantStore(s).get(tenant))
        by_site = await database.read(lambda s: TenantStore(s).by_cloud_id("c-1"))

        assert by_id is not None
        assert by_id == by_site
        assert by_id.is_active

    async def test_unknown_tenant_is_none(self, database: Database) -> None:
        """Asking is no error."""
        assert await database.read(lambda s: TenantStore(s).get("x")) is None
        assert await database.read(lambda s: TenantStore(s).by_cloud_id("x")) is None

    async def test_rivals_for_one_site_get_one_tenant(self, database: Database) -> None:
        """Two hosts' first calls at once make one tenant, not an error."""
        made = await asyncio.gather(
            *(new_tenant(database, str(n), cloud_id="c-1") for n in range(8))
        )

        assert len(set(made)) == 1
        assert len(await rows(database, TenantRow)) == 1

    async def test_sites_without_a_cloud_id_stay_apart(
        self, database: Database
    ) -> None:
        """Unknown is not equal to unknown."""
        made = [await new_tenant(database, str(n)) for n in range(3)]

        listed = await database.read(lambda s: TenantStore(s).all())

        assert {tenant.id for tenant in listed} == set(made)


class TestEnding:
    """Tests for app.store.tenants.TenantStore.end_if_unused() and activate()."""

    @pytest.mark.parametrize(
        ("statuses", "ended"),
        [
            ([], True),
            (["uninstalled"], True),
            (["uninstalled", "uninstalled"], True),
            (["active"], False),
            (["disabled"], False),
            (["uninstalled", "active"], False),
            (["disabled", "uninstalled"], False),
        ],
        ids=lambda value: "+".join(value) or "none" if isinstance(value, list) else "",
    )
    async def test_tenant_ends_with_its_last_installation(
        self, database: Database, *, statuses: list[str], ended: bool
    ) -> None:
        """A disabled app is still installed."""
        tenant = await new_tenant(database)
        for host, status in zip(("connect", "forge"), statuses, strict=False):
            await install(database, tenant, status, host)

        said = await database.write(lambda s: TenantStore(s).end_if_unused(tenant))

        value = await database.read(lambda s: TenantStore(s).get(tenant))
        assert value is not None
        assert (said, value.is_active) == (ended, not ended)

    async def test_end_starts_the_grace_once(self, database: Database) -> None:
        """A second uninstall does not prolong it."""
        tenant = await new_tenant(database)

        first = await database.write(lambda s: TenantStore(s).end_if_unused(tenant))
        second = await database.write(lambda s: TenantStore(s).end_if_unused(tenant))
        left = await database.read(lambda s: TenantStore(s).purge_in(tenant))

        assert (first, second) == (True, False)
        assert left is not None
        assert PURGE_GRACE - timedelta(minutes=1) < left <= PURGE_GRACE

    async def test_tenant_that_comes_back_is_not_purged(
        self, database: Database
    ) -> None:
        """A re-install within the grace finds its data, and ends the grace."""
        tenant = await new_tenant(database)
        await database.write(lambda s: fill(s, tenant))
        await database.write(
            lambda s: s.execute(
                sa.update(TenantRow).values(
                    status="uninstalled", purge_after=db_time(timedelta(days=1))
                )
            )
        )

        await database.write(lambda s: TenantStore(s).activate(tenant))

        left = await database.read(lambda s: TenantStore(s).purge_in(tenant))
        assert left is None
        assert set((await counted(database, tenant)).values()) == {1}

    async def test_grace_that_is_over_leaves_nothing_to_wait_for(
        self, database: Database
    ) -> None:
        """Late is not negative."""
        tenant = await new_tenant(database)
        await database.write(lambda s: TenantStore(s).end_if_unused(tenant))
        await database.write(
            lambda s: s.execute(
                sa.update(TenantRow).values(purge_after=db_time(timedelta(days=-3)))
            )
        )

        left = await database.read(lambda s: TenantStore(s).purge_in(tenant))

        assert left == timedelta()


class TestPurge:
    """Tests for app.store.tenants.TenantStore.purge()."""

    async def test_no_row_of_the_tenant_is_left_in_any_table(
        self, database: Database
    ) -> None:
        """All of it goes, in every table there is; neighbours keep theirs."""
        gone, kept = await new_tenant(database), await new_tenant(database, "b")
        await database.write(lambda s: fill(s, gone))
        await database.write(lambda s: fill(s, kept))

        await database.write(lambda s: TenantStore(s).purge(gone))

        assert set((await counted(database, gone)).values()) == {0}
        assert set((await counted(database, kept)).values()) == {1}
        assert await database.read(lambda s: TenantStore(s).get(gone)) is None

    async def test_purging_nobody_is_no_error(self, database: Database) -> None:
        """A second purge finds nothing to do."""
        await database.write(lambda s: TenantStore(s).purge("x"))


class TestMerge:
    """Tests for app.store.tenants.TenantStore.merge()."""

    async def test_rows_move_in_every_table(self, database: Database) -> None:
        """A tenant that has nothing takes all of the other's history."""
        old, new = await new_tenant(database), await new_tenant(database, "b")
        await database.write(lambda s: fill(s, old))

        await database.write(lambda s: TenantStore(s).merge(old, into=new))

        moved = await counted(database, new)
        assert set((await counted(database, old)).values()) == {0}
        # Whoever reads the survivor never knew what the other one forgot.
        assert moved.pop("forgotten_pages") == 0
        assert set(moved.values()) == {1}
        assert await database.read(lambda s: TenantStore(s).get(old)) is None

    async def test_clashing_rows_in_every_table_are_no_error(
        self, database: Database
    ) -> None:
        """Where both have a row of one key, one stays; where keys differ, both do."""
        old, new = await new_tenant(database), await new_tenant(database, "b")
        await database.write(lambda s: fill(s, old))
        await database.write(lambda s: fill(s, new))

        await database.write(lambda s: TenantStore(s).merge(old, into=new))

        left = await counted(database, new)
        keyed_by_tenant = {
            table.name
            for table in TENANT_TABLES
            if "tenant_id" in table.primary_key.columns
        }
        assert keyed_by_tenant <= {name for name, count in left.items() if count == 1}
        assert (left["runs"], left["audit"], left["installations"]) == (2, 2, 2)
        assert set((await counted(database, old)).values()) == {0}

    async def test_what_the_survivor_says_stands(self, database: Database) -> None:
        """Its policy and its paid answer are not replaced."""
        old, new = await new_tenant(database), await new_tenant(database, "b")
        for tenant, mode in ((old, "auto"), (new, "off")):
            await database.write(
                lambda s, t=tenant, m=mode: s.add_all(  # type: ignore[misc]
                    [
                        PolicyRow(tenant_id=t, space_id="", mode=m),
                        CompletionRow(
                            tenant_id=t,
                            key="7",
                            text_key="t",
                            sealed_answer=m,
                            used_at=db_time(),
                        ),
                    ]
                )
            )

        await database.write(lambda s: TenantStore(s).merge(old, into=new))

        assert [row["mode"] for row in await rows(database, PolicyRow)] == ["off"]
        (answer,) = await rows(database, CompletionRow)
        assert answer["sealed_answer"] == "off"

    @pytest.mark.parametrize("theirs", STATES)
    @pytest.mark.parametrize("ours", STATES)
    async def test_jobs_of_one_page_in_any_two_states_are_no_error(
        self, database: Database, ours: str, theirs: str
    ) -> None:
        """At most one waits and one runs; a job of another page always moves."""
        old, new = await new_tenant(database), await new_tenant(database, "b")
        await add_job(database, old, state=theirs)
        other = await add_job(database, old, state=theirs, key="label_page:8")
        kept = await add_job(database, new, state=ours)

        await database.write(lambda s: TenantStore(s).merge(old, into=new))

        jobs = await rows(database, JobRow)
        assert {job["tenant_id"] for job in jobs} == {new}
        assert {kept, other} <= {job["id"] for job in jobs}
        assert len(jobs) == (2 if ours == theirs in {"ready", "running"} else 3)

    async def test_merge_makes_caches_of_the_site_stale(
        self, database: Database
    ) -> None:
        """The survivor's memory has grown by the other's pages."""
        old, new = await new_tenant(database), await new_tenant(database, "b")
        await database.write(lambda s: fill(s, old))
        before = await database.read(lambda s: MemoryStore(s).version(new))

        await database.write(lambda s: TenantStore(s).merge(old, into=new))

        after = await database.read(lambda s: MemoryStore(s).version(new))
        assert after > before

    async def test_merging_a_tenant_with_itself_changes_nothing(
        self, database: Database
    ) -> None:
        """A slip of the caller does not erase a site."""
        tenant = await new_tenant(database)
        await database.write(lambda s: fill(s, tenant))

        await database.write(lambda s: TenantStore(s).merge(tenant, into=tenant))

        assert set((await counted(database, tenant)).values()) == {1}

    async def test_third_tenants_rows_are_untouched(self, database: Database) -> None:
        """A merge of two is of no other's business."""
        old, new = await new_tenant(database), await new_tenant(database, "b")
        third = await new_tenant(database, "c")
        for tenant in (old, new, third):
            await database.write(lambda s, t=tenant: fill(s, t))  # type: ignore[misc]

        await database.write(lambda s: TenantStore(s).merge(old, into=new))

        assert set((await counted(database, third)).values()) == {1}


class TestPause:
    """Tests for app.store.tenants.TenantStore.pause() and its kin."""

    async def test_longer_pause_stands(self, database: Database) -> None:
        """A short wait does not end a long one early."""
        tenant = await new_tenant(database)

        def pause(session: Session) -> None:
            store = TenantStore(session)
            store.pause(tenant, delay=timedelta(hours=1), reason="credentials")
            store.pause(tenant, delay=timedelta(seconds=1), reason="rate_limited")

        await database.write(pause)

        (row,) = await rows(database, TenantRow)
        assert row["blocked_reason"] == "credentials"

    async def test_pause_of_everyone_pauses_every_tenant(
        self, database: Database
    ) -> None:
        """The app's own quota is spent: nobody works."""
        await new_tenant(database)
        await new_tenant(database, "b")

        await database.write(
            lambda s: TenantStore(s).pause_everyone(
                delay=timedelta(minutes=1), reason="rate_limited"
            )
        )

        reasons = [row["blocked_reason"] for row in await rows(database, TenantRow)]
        assert reasons == ["rate_limited"] * 2


class TestLearning:
    """Tests for app.store.tenants.TenantStore.begin_learning()."""

    async def test_site_is_walked_once_in_a_while(self, database: Database) -> None:
        """Of two that ask at once one is told to walk."""
        tenant = await new_tenant(database)

        def ask(session: Session) -> bool:
            return TenantStore(session).begin_learning(
                tenant, at_most_every=timedelta(hours=1)
            )

        said = await asyncio.gather(*(database.write(ask) for _ in range(4)))
        later = await database.write(
            lambda s: TenantStore(s).begin_learning(
                tenant, at_most_every=timedelta(seconds=-1)
            )
        )

        assert sorted(said) == [False, False, False, True]
        assert later


class TestMergeRevives:
    """A living installation that joins an ended tenant brings it back."""

    async def test_tenant_in_its_grace_lives_again(self, database: Database) -> None:
        """Neither its purge nor its wait for a token outlives the merge."""
        ended, living = await new_tenant(database), await new_tenant(database, "b")

        def end(session: Session) -> None:
            TenantStore(session).end_if_unused(ended)
            TenantStore(session).await_token(ended, longest=timedelta(hours=1))
            JobStore(session).enqueue(ended, "purge_tenant", "purge")
            JobStore(session).enqueue(living, "label_page", "7")

        await database.write(end)

        await database.write(lambda s: TenantStore(s).merge(living, into=ended))

        tenant = await database.read(lambda s: TenantStore(s).get(ended))
        claimed = await database.write(
            lambda s: JobStore(s).claim(limit=9, lease=timedelta(seconds=30))
        )
        assert tenant is not None
        assert tenant.is_active
        assert [job.kind for job in claimed] == ["label_page"]

    async def test_two_ended_tenants_stay_ended(self, database: Database) -> None:
        """Joining records of a site that is gone revives nobody."""
        first, second = await new_tenant(database), await new_tenant(database, "b")
        for tenant in (first, second):
            await database.write(
                lambda s, one=tenant: TenantStore(s).end_if_unused(one)  # type: ignore[misc]
            )

        await database.write(lambda s: TenantStore(s).merge(second, into=first))

        tenant_left = await database.read(lambda s: TenantStore(s).get(first))
        assert tenant_left is not None
        assert not tenant_left.is_active


class TestMergeWhileEventsArrive:
    """Two transactions that meet: neither an event nor its job is lost."""

    async def test_event_that_came_first_moves_along(
        self, on_postgres: Database, postgres_url: str
    ) -> None:
        """The merge waits for it and takes it to the tenant that stays."""
        loser, winner = (
            await new_tenant(on_postgres),
            await new_tenant(on_postgres, "b"),
        )
        other = open_database(postgres_url)

        def slow_event(session: Session) -> None:
            JobStore(session).enqueue(loser, "label_page", "7")
            session.execute(sa.text("SELECT pg_sleep(0.3)"))

        arriving = asyncio.create_task(other.write(slow_event))
        await asyncio.sleep(0.1)
        await on_postgres.write(lambda s: TenantStore(s).merge(loser, into=winner))
        await arriving
        await other.close()

        counts = await on_postgres.read(lambda s: JobStore(s).counts(winner))
        assert counts == {"ready": 1}

    async def test_event_that_comes_during_the_merge_is_told(
        self, on_postgres: Database, postgres_url: str
    ) -> None:
        """It waits for the merge, and then finds its tenant gone instead of vanishing."""
        loser, winner = (
            await new_tenant(on_postgres),
            await new_tenant(on_postgres, "b"),
        )
        other = open_database(postgres_url)

        def slow_merge(session: Session) -> None:
            TenantStore(session).merge(loser, into=winner)
            session.execute(sa.text("SELECT pg_sleep(0.3)"))

        merging = asyncio.create_task(on_postgres.write(slow_merge))
        await asyncio.sleep(0.1)
        with pytest.raises(sa.exc.IntegrityError):
            await other.write(
                lambda s: JobStore(s).enqueue(loser, "label_page", "7").job_id
            )
        await merging
        await other.close()
