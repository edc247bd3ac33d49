"""Tests for app.store.proposals, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from app.domain.completions import LabelChoice
from app.errors import Conflict, NotFound
from app.store.database import Database
from app.store.proposals import Proposal, ProposalStore
from app.store.refusals import RefusalStore
from app.store.tables import ProposalRow
from tests.integration.store.stored import CIPHER, new_tenant, rows

pytestmark = pytest.mark.anyio


def choice(name: str, evidence: str = "") -> LabelChoice:
    return LabelChoice(name=name, confidence=0.9, evidence=evidence)


async def note(
    database: Database, tenant: str, page: str, *names: str, most: int = 100
) -> None:
    chosen = [choice(name, f"{name} on {page}") for name in names]
    await database.write(
        lambda s: ProposalStore(s, CIPHER, most=most).note(tenant, page, chosen)
    )


async def waiting(database: Database, tenant: str, **which: Any) -> Sequence[Proposal]:
    return await database.read(
        lambda s: ProposalStore(s, CIPHER).waiting(tenant, **which)
    )


async def decide(
    database: Database, tenant: str, name: str, verdict: Any = "accepted", **more: Any
) -> Proposal:
    return await database.write(
        lambda s: ProposalStore(s, CIPHER).decide(
            tenant, name, verdict, by=more.pop("by", "cli"), **more
        )
    )


class TestNote:
    """Names are counted."""

    async def test_most_proposed_come_first(self, database: Database) -> None:
        """By pages, whatever the spelling; with the latest passage."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await note(database, tenant, "1", "мережа", "disk")
        await note(database, tenant, "2", "Мережа")
        await note(database, other, "3", "disk")

        first, second = await waiting(database, tenant)

        assert (first.key, first.name, first.count) == ("мережа", "мережа", 2)
        assert (first.pages, first.evidence) == (("2", "1"), "Мережа on 2")
        assert (second.name, second.count, second.pages) == ("disk", 1, ("1",))
        assert [one.name for one in await waiting(database, tenant, at_least=2)] == [
            "мережа"
        ]

    async def test_a_page_counts_once(self, database: Database) -> None:
        """However often it is looked at; the latest few pages are remembered."""
        tenant = await new_tenant(database)
        for page in ("1", "1", "2", "1", "3", "4", "5", "6", "7"):
            await note(database, tenant, page, "disk")
        await note(database, tenant, "8")

        (found,) = await waiting(database, tenant)

        assert found.count == 7
        assert found.pages == ("7", "6", "5", "4", "3")

    async def test_evidence_is_sealed(self, database: Database) -> None:
        """Whoever reads the disk reads no page."""
        tenant = await new_tenant(database)
        await note(database, tenant, "1", "disk")

        (row,) = await rows(database, ProposalRow)

        assert "disk on 1" not in str(row)
        assert CIPHER.open(row["sealed_evidence"]) == "disk on 1"

    async def test_at_most_so_many_wait(self, database: Database) -> None:
        """The rarest go first, and of them the oldest; decided ones are not counted."""
        tenant = await new_tenant(database)
        await note(database, tenant, "1", "often", most=3)
        await note(database, tenant, "2", "often", most=3)
        await note(database, tenant, "3", "no", most=3)
        await decide(database, tenant, "no", "rejected")
        for name in ("first", "second", "third"):
            await note(database, tenant, f"of {name}", name, most=3)
            await asyncio.sleep(0.003)

        found = [one.name for one in await waiting(database, tenant)]

        assert found == ["often", "third", "second"]
        assert len(await rows(database, ProposalRow)) == 4

    async def test_two_pages_at_once_both_count(self, on_postgres: Database) -> None:
        """A name that is new to both, and one that both know."""
        tenant = await new_tenant(on_postgres)

        for _ in range(2):
            await asyncio.gather(
                *(note(on_postgres, tenant, f"{n}", "disk", "tape") for n in range(3))
            )

        assert {one.name: one.count for one in await waiting(on_postgres, tenant)} == {
            "disk": 3,
            "tape": 3,
        }


class TestDecide:
    """A person's word, once."""

    async def test_the_second_gets_a_conflict(self, database: Database) -> None:
        """It is told what was decided, and by whom."""
        tenant = await new_tenant(database)
        await note(database, tenant, "1", "k8s")

        done = await decide(
            database, tenant, "K8S", "mapped", by="olena", mapped_to="kubernetes"
        )

        assert (done.name, done.state, done.mapped_to) == (
            "k8s",
            "mapped",
            "kubernetes",
        )
        with pytest.raises(
            Conflict, match=r"k8s: is mapped to kubernetes already \(olena\)"
        ):
            await decide(database, tenant, "k8s", "rejected")
        assert await waiting(database, tenant) == []

    async def test_of_two_at_once_one_wins(self, on_postgres: Database) -> None:
        """The other is told so."""
        tenant = await new_tenant(on_postgres)
        await note(on_postgres, tenant, "1", "disk")

        found = await asyncio.gather(
            *(decide(on_postgres, tenant, "disk", by=one) for one in ("a", "b")),
            return_exceptions=True,
        )

        assert sorted(type(one).__name__ for one in found) == ["Conflict", "Proposal"]

    async def test_what_nobody_proposed_is_not_there(self, database: Database) -> None:
        """Also where another tenant has it."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await note(database, other, "1", "disk")

        with pytest.raises(NotFound, match="disk: nobody proposed it"):
            await decide(database, tenant, "disk")

    async def test_rejected_names_never_come_back(self, database: Database) -> None:
        """Under no spelling; the page's words are not kept."""
        tenant = await new_tenant(database)
        await note(database, tenant, "1", "net-work")
        await decide(database, tenant, "net-work", "rejected")

        for name in ("net-work", "Net Work", "NET_WORK"):
            await note(database, tenant, "2", name)

        assert await waiting(database, tenant) == []
        (row,) = await rows(database, ProposalRow)
        assert (row["state"], row["count"], row["sealed_evidence"]) == (
            "rejected",
            1,
            None,
        )

    async def test_a_removed_term_that_was_proposed_is_rejected(
        self, database: Database
    ) -> None:
        """It waits no more, and its passage is dropped."""
        tenant = await new_tenant(database)
        await note(database, tenant, "1", "disk")
        await database.write(lambda s: RefusalStore(s).add(tenant, ["Disk"], by="x"))
        await note(database, tenant, "2", "disk")

        (row,) = await rows(database, ProposalRow)

        assert (row["state"], row["decided_by"]) == ("rejected", "x")
        assert row["sealed_evidence"] is None

    async def test_an_accepted_name_that_is_no_term_any_more_waits_again(
        self, database: Database
    ) -> None:
        """The vocabulary that lacks it again asks again."""
        tenant = await new_tenant(database)
        await note(database, tenant, "1", "disk")
        await decide(database, tenant, "disk")
        await note(database, tenant, "2", "disk")

        (found,) = await waiting(database, tenant)

        assert (found.state, found.count, found.pages) == ("waiting", 2, ("2", "1"))
