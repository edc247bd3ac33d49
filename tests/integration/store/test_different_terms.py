"""Tests for app.store.different_terms and app.store.merges on both databases."""

from __future__ import annotations

import pytest

from app.domain.vocabulary.terms import Term, TermPatch
from app.store.database import Database
from app.store.different_terms import DifferentTermsStore
from app.store.ledger import LedgerStore
from app.store.merges import NOWHERE, MergeStore
from app.store.terms import TermStore
from tests.integration.store.stored import new_tenant

pytestmark = pytest.mark.anyio


class TestDifferentTerms:
    """Tests for app.store.different_terms.DifferentTermsStore."""

    async def test_pair_is_a_pair_either_way_round(self, database: Database) -> None:
        """Said twice it is there once, and another tenant has its own."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        for pair in (("java", "javascript"), ("javascript", "java")):
            await database.write(
                lambda s, pair=pair: DifferentTermsStore(s).add(tenant, *pair, by="cli")  # type: ignore[misc]
            )

        found = await database.read(lambda s: DifferentTermsStore(s).all(tenant))

        assert found == {frozenset(("java", "javascript"))}
        assert not await database.read(lambda s: DifferentTermsStore(s).all(other))

    async def test_pair_can_be_forgotten(self, database: Database) -> None:
        """Once: the second time there is nothing to forget."""
        tenant = await new_tenant(database)
        await database.write(
            lambda s: DifferentTermsStore(s).add(tenant, "b", "a", by="cli")
        )

        gone = [
            await database.write(
                lambda s: DifferentTermsStore(s).remove(tenant, "a", "b")
            )
            for _ in range(2)
        ]

        assert gone == [True, False]


class TestMerges:
    """Tests for app.store.merges.MergeStore."""

    async def test_all_that_is_said_of_terms_is_found(self, database: Database) -> None:
        """By the site and its spaces, with where it came from, and the terms below."""
        tenant = await new_tenant(database)

        def arrange(session: object) -> None:
            terms = TermStore(session)  # type: ignore[arg-type]
            terms.put(tenant, Term(name="a", synonyms=("b",)), origin="import")
            terms.put(tenant, Term(name="child", parent="a"), origin="site")
            terms.put_patch(tenant, "7", TermPatch(name="a", excluded=True))

        await database.write(arrange)

        said = await database.read(lambda s: MergeStore(s).said(tenant, ["a", "x"]))
        below = await database.read(lambda s: MergeStore(s).children(tenant, ["a"]))

        assert [(one.space_id, one.name, one.origin) for one in said] == [
            ("", "a", "import"),
            ("7", "a", "person"),
        ]
        assert (said[0].synonyms, said[1].synonyms) == (["b"], None)
        assert [one.name for one in below] == ["child"]

    async def test_tombstones_are_what_people_took_off(
        self, database: Database
    ) -> None:
        """What we took back ourselves is none; pages nobody has read stand nowhere."""
        tenant = await new_tenant(database)

        def arrange(session: object) -> None:
            ledger = LedgerStore(session)  # type: ignore[arg-type]
            ledger.bury(tenant, "1", "a")
            ledger.bury(tenant, "2", "b")

        await database.write(arrange)

        buried = await database.read(lambda s: MergeStore(s).buried(tenant, ["a"]))
        places = await database.read(lambda s: MergeStore(s).places(tenant, ["1"]))

        assert buried == {"1"}
        assert places.get("1", NOWHERE) == NOWHERE
