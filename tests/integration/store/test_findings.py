"""Tests for app.store.findings, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from app.domain.advice.findings import Finding
from app.domain.advice.told import Advised
from app.errors import NotFound
from app.store.database import Database
from app.store.findings import (
    FindingFilter,
    FindingStore,
    Look,
    StoredFinding,
    forget_findings,
)
from app.store.tables import FindingRow
from app.store.tenants import TenantStore
from tests.integration.store.stored import CIPHER, new_tenant, rows

pytestmark = pytest.mark.anyio


def advised(passage: str = "TODO", **fields: Any) -> Advised:
    given = {
        "kind": "outdated",
        "signal": "unfinished",
        "severity": 2,
        "heading": "План",
        "passage": passage,
        "facts": {"date": "2019"},
        **fields,
    }
    return Advised(finding=Finding(**given), advice="Допишіть.")


async def keep(
    database: Database,
    tenant: str,
    *found: Advised,
    page: str = "7",
    leaving: Collection[str] = (),
    space: str = "100",
) -> None:
    look = Look(
        page_id=page, space_id=space, title="Стрічки", found=found, leaving=leaving
    )
    await database.write(lambda s: FindingStore(s, CIPHER).keep(tenant, look))


async def stored(database: Database, tenant: str, **which: Any) -> list[StoredFinding]:
    narrowed = FindingFilter(**{"states": None, **which})
    return list(
        await database.read(
            lambda s: FindingStore(s, CIPHER).findings(tenant, narrowed)
        )
    )


async def dismiss(database: Database, tenant: str, key: str) -> StoredFinding:
    return await database.write(
        lambda s: FindingStore(s, CIPHER).dismiss(tenant, "7", key)
    )


class TestKeep:
    """A finding's life."""

    async def test_kept_as_it_was_found(self, database: Database) -> None:
        """Sealed, and readable again."""
        tenant = await new_tenant(database)

        await keep(database, tenant, advised())

        (found,) = await stored(database, tenant)
        assert found.advised == advised()
        assert (found.page_title, found.state, found.space_id) == (
            "Стрічки",
            "open",
            "100",
        )
        assert found.found_at == found.changed_at
        (row,) = await rows(database, FindingRow)
        assert not any(word in str(row) for word in ("TODO", "План", "Стрічки", "Доп"))

    async def test_gone_is_fixed_and_back_is_open(self, database: Database) -> None:
        """And found anew then."""
        tenant = await new_tenant(database)
        await keep(database, tenant, advised())
        await keep(database, tenant)
        (fixed,) = await stored(database, tenant)
        await asyncio.sleep(0.01)
        await keep(database, tenant, advised())

        (back,) = await stored(database, tenant)
        assert (fixed.state, back.state) == ("fixed", "open")
        assert back.found_at > fixed.found_at

    async def test_what_a_look_cannot_judge_stays(self, database: Database) -> None:
        """Only what it could have found again is fixed."""
        tenant = await new_tenant(database)
        await keep(database, tenant, advised(), advised(signal="missing"))

        await keep(database, tenant, leaving={"missing"})

        found = await stored(database, tenant)
        assert {one.advised.finding.signal: one.state for one in found} == {
            "unfinished": "fixed",
            "missing": "open",
        }

    async def test_other_words_keep_the_key(self, database: Database) -> None:
        """The passage is renewed, where it was found stays; so does the page's space."""
        tenant = await new_tenant(database)
        await keep(database, tenant, advised("TODO: a"))
        (before,) = await stored(database, tenant)
        await asyncio.sleep(0.01)
        await keep(database, tenant, advised("TODO: b", severity=3), space="200")
        await keep(database, tenant, advised("TODO: b", severity=3), space="200")

        (after,) = await stored(database, tenant)
        assert after.key == before.key
        assert after.advised.finding.passage == "TODO: b"
        assert after.space_id == "200"
        assert (after.found_at, after.state) == (before.found_at, "open")
        assert after.changed_at > before.changed_at

    async def test_looks_at_once_agree(self, on_postgres: Database) -> None:
        """Two workers that find the same keep it once."""
        tenant = await new_tenant(on_postgres)

        await asyncio.gather(
            *(
                keep(on_postgres, tenant, advised(), advised(heading="b"))
                for _ in "abcd"
            )
        )

        assert len(await stored(on_postgres, tenant)) == 2


class TestDismiss:
    """A person's word."""

    async def test_it_holds_until_the_passage_changes(self, database: Database) -> None:
        """Also while the finding is not there."""
        tenant = await new_tenant(database)
        await keep(database, tenant, advised())
        (one,) = await stored(database, tenant)

        first = await dismiss(database, tenant, one.key)
        again = await dismiss(database, tenant, one.key)
        await keep(database, tenant, advised())
        await keep(database, tenant)
        (same,) = await stored(database, tenant)
        await keep(database, tenant, advised("TODO: other"))
        (other,) = await stored(database, tenant)

        assert first == again
        assert (first.state, same.state, other.state) == (
            "dismissed",
            "dismissed",
            "open",
        )

    async def test_stranger_is_refused(self, database: Database) -> None:
        """Nor is a finding of another tenant known."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await keep(database, tenant, advised())
        (one,) = await stored(database, tenant)

        with pytest.raises(NotFound, match="no finding"):
            await dismiss(database, other, one.key)


class TestFindings:
    """Which are meant."""

    async def test_severest_first_and_narrowed(self, database: Database) -> None:
        """By page, space, kind, severity and state."""
        tenant = await new_tenant(database)
        await keep(database, tenant, advised())
        grave = advised(kind="duplicate", signal="same_text", severity=3)
        await keep(database, tenant, grave, page="8", space="200")

        async def pages(**which: Any) -> list[str]:
            return [one.page_id for one in await stored(database, tenant, **which)]

        assert await pages() == ["8", "7"]
        assert await pages(page_id="7") == ["7"]
        assert await pages(space_id="200") == ["8"]
        assert await pages(kind="outdated") == ["7"]
        assert await pages(severity=3) == ["8"]
        assert await pages(states=["fixed"]) == []
        limited = await database.read(
            lambda s: FindingStore(s, CIPHER).findings(tenant, FindingFilter(), limit=1)
        )
        assert [one.page_id for one in limited] == ["8"]

    async def test_page_that_is_gone_is_forgotten(self, database: Database) -> None:
        """That page alone."""
        tenant = await new_tenant(database)
        for page in ("7", "8"):
            await keep(database, tenant, advised(), page=page)

        await database.write(lambda s: forget_findings(s, tenant, ["7", "9"]))
        await database.write(lambda s: forget_findings(s, tenant, []))

        assert [one.page_id for one in await stored(database, tenant)] == ["8"]


class TestTenants:
    """Tenants that end, and two that become one."""

    async def test_purge_takes_them_along(self, database: Database) -> None:
        """Nobody else's."""
        gone, other = await new_tenant(database), await new_tenant(database, "b")
        for tenant in (gone, other):
            await keep(database, tenant, advised())

        await database.write(lambda s: TenantStore(s).purge(gone))

        assert [row["tenant_id"] for row in await rows(database, FindingRow)] == [other]

    async def test_merge_joins_them(self, database: Database) -> None:
        """Of the same finding the survivor's stands."""
        old, new = await new_tenant(database), await new_tenant(database, "b")
        await keep(database, old, advised("TODO: old"), advised(heading="other"))
        await keep(database, new, advised("TODO: new"))

        await database.write(lambda s: TenantStore(s).merge(old, into=new))

        found = await stored(database, new)
        assert {one.advised.finding.passage for one in found} == {"TODO: new", "TODO"}
