"""Tests for app.store.policies on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.domain.modes import PolicyMode, WhitelistEntry
from app.domain.pages import Space
from app.store.base import db_time
from app.store.database import Database
from app.store.policies import DEFAULT_MODE, PolicyStore
from app.store.tables import SpaceRow, TenantRow
from app.store.tenants import TenantStore
from tests.integration.store.stored import new_tenant

pytestmark = pytest.mark.anyio
DOCS = Space(id="100", key="DOCS", name="Документи")


async def mode(database: Database, tenant: str, space: str = "100") -> PolicyMode:
    return await database.read(lambda s: PolicyStore(s).mode(tenant, space))


async def set_mode(
    database: Database, tenant: str, space: str, value: PolicyMode
) -> None:
    await database.write(lambda s: PolicyStore(s).set_mode(tenant, space, value))


class TestMode:
    """Tests for app.store.policies.PolicyStore.mode()."""

    async def test_space_goes_before_tenant_and_tenant_before_default(
        self, database: Database
    ) -> None:
        """The nearest word counts."""
        tenant = await new_tenant(database)
        seen = [await mode(database, tenant)]

        await set_mode(database, tenant, "", "suggest")
        seen.append(await mode(database, tenant))
        await set_mode(database, tenant, "100", "off")
        seen.append(await mode(database, tenant))

        assert seen == [DEFAULT_MODE, "suggest", "off"]
        assert await mode(database, tenant, "200") == "suggest"
        assert await mode(database, tenant, "") == "suggest"

    async def test_last_word_counts(self, database: Database) -> None:
        """Setting twice replaces."""
        tenant = await new_tenant(database)

        for value in ("off", "auto", "suggest"):
            await set_mode(database, tenant, "100", value)

        assert await mode(database, tenant) == "suggest"

    async def test_other_tenants_policy_is_another(self, database: Database) -> None:
        """The same space id elsewhere is another space."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")

        await set_mode(database, tenant, "100", "off")

        assert await mode(database, other) == DEFAULT_MODE


class TestWhitelist:
    """Tests for the whitelist of app.store.policies.PolicyStore."""

    async def test_entries_are_added_once_listed_in_order_and_removed(
        self, database: Database
    ) -> None:
        """By tenant; what is not there cannot be removed."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        page = WhitelistEntry(kind="page", value="7")
        tree = WhitelistEntry(kind="tree", value="7")

        def work(session: Session) -> list[object]:
            store = PolicyStore(session)
            for entry in (tree, page, page):
                store.allow(tenant, entry)
            store.allow(other, page)
            session.flush()
            return [
                list(store.whitelist(tenant)),
                store.disallow(tenant, page),
                store.disallow(tenant, page),
                list(store.whitelist(tenant)),
                list(store.whitelist(other)),
            ]

        done = await database.write(work)

        assert done == [[page, tree], True, False, [tree], [page]]


class TestSpaces:
    """Tests for the spaces of app.store.policies.PolicyStore."""

    async def test_space_is_found_both_ways(self, database: Database) -> None:
        """By id, and by key whatever its case."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await database.write(lambda s: PolicyStore(s).keep_space(tenant, DOCS))

        def work(session: Session) -> list[object]:
            store = PolicyStore(session)
            return [
                store.space_key(tenant, "100"),
                store.space_id(tenant, "docs"),
                store.space_key(tenant, "1"),
                store.space_id(tenant, "doc"),
                store.space_key(other, "100"),
                store.space_id(other, "DOCS"),
            ]

        assert await database.read(work) == ["DOCS", "100", None, None, None, None]

    async def test_renamed_space_is_known_by_its_new_key(
        self, database: Database
    ) -> None:
        """The id stays, the rest may change."""
        tenant = await new_tenant(database)

        for key in ("OLD", "NEW"):
            space = Space(id="100", key=key, name=key)
            await database.write(
                lambda s, one=space: PolicyStore(s).keep_space(tenant, one)  # type: ignore[misc]
            )

        known = await database.read(lambda s: PolicyStore(s).space_key(tenant, "100"))
        gone = await database.read(lambda s: PolicyStore(s).space_id(tenant, "OLD"))
        assert (known, gone) == ("NEW", None)

    async def test_personal_space_is_found_whatever_its_case(
        self, database: Database
    ) -> None:
        """Keys of personal spaces hold an account id, and nobody types those right."""
        tenant = await new_tenant(database)
        space = Space(id="100", key="~712020aBc", name="Олена")
        await database.write(lambda s: PolicyStore(s).keep_space(tenant, space))

        found = await database.read(
            lambda s: PolicyStore(s).space_id(tenant, "~712020ABC")
        )

        assert found == "100"


class TestLearnedSpaces:
    """Tests for app.store.policies.PolicyStore.learned_spaces()."""

    async def test_walk_of_many_hours_repeats_no_space(
        self, database: Database
    ) -> None:
        """What counts is the walk's beginning, not how long ago a space was read."""
        tenant = await new_tenant(database)
        space = Space(id="1", key="DOCS", name="Docs")
        hours = timedelta(hours=9)

        def walk(session: Session) -> None:
            TenantStore(session).begin_learning(tenant, at_most_every=hours)
            PolicyStore(session).keep_space(tenant, space)
            PolicyStore(session).space_learned(tenant, "1")
            for row, ago in ((TenantRow, hours * 2), (SpaceRow, hours)):
                session.execute(sa.update(row).values(learned_at=db_time(-ago)))

        await database.write(walk)
        during = await database.read(lambda s: PolicyStore(s).learned_spaces(tenant))
        await database.write(
            lambda s: TenantStore(s).begin_learning(tenant, at_most_every=hours)
        )
        anew = await database.read(lambda s: PolicyStore(s).learned_spaces(tenant))

        assert (during, anew) == ({"1"}, set())
