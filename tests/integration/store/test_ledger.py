"""Tests for app.store.ledger on both databases."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.domain.plans import LedgerState
from app.domain.vocabulary.terms import Term, Vocabulary
from app.store.database import Database
from app.store.ledger import LedgerStore
from app.store.tables import LedgerRow
from tests.integration.store.stored import new_tenant, rows

pytestmark = pytest.mark.anyio


#: Knows no term: every name is a label of its own.
NO_TERMS = Vocabulary.build(())


async def plan(
    database: Database,
    tenant: str,
    page: str,
    *names: str,
    confidence: float = 0.9,
    vocabulary: Vocabulary = NO_TERMS,
    again: Collection[str] = (),
) -> set[str]:
    return await database.write(
        lambda s: LedgerStore(s).plan(
            tenant,
            page,
            dict.fromkeys(names, confidence),
            vocabulary=vocabulary,
            again=again,
        )
    )


async def settle(
    database: Database,
    tenant: str,
    page: str,
    names: Collection[str],
    *,
    state: LedgerState = "written",
    run_id: int | None = None,
) -> None:
    await database.write(
        lambda s: LedgerStore(s).settle(tenant, page, names, state=state, run_id=run_id)
    )


async def labels(database: Database, tenant: str, page: str) -> dict[str, Any]:
    return dict(await database.read(lambda s: LedgerStore(s).labels(tenant, page)))


class TestStates:
    """A label's way: planned, written, withdrawn."""

    async def test_label_goes_from_planned_to_written_to_withdrawn(
        self, database: Database
    ) -> None:
        """Each step is seen by the next reader."""
        tenant = await new_tenant(database)
        seen = []

        await plan(database, tenant, "7", "api", "дизайн")
        seen.append(await labels(database, tenant, "7"))
        await settle(database, tenant, "7", ["api", "дизайн"])
        seen.append(await labels(database, tenant, "7"))
        await settle(database, tenant, "7", ["api"], state="withdrawn")
        seen.append(await labels(database, tenant, "7"))

        assert seen == [
            {"api": "planned", "дизайн": "planned"},
            {"api": "written", "дизайн": "written"},
            {"api": "withdrawn", "дизайн": "written"},
        ]

    async def test_planning_again_after_a_crash_is_no_error(
        self, database: Database
    ) -> None:
        """The second attempt plans the same label with its new confidence."""
        tenant = await new_tenant(database)
        await plan(database, tenant, "7", "api")

        await plan(database, tenant, "7", "api", confidence=0.5)

        (row,) = await rows(database, LedgerRow)
        assert (row["state"], row["confidence"]) == ("planned", 0.5)

    async def test_settling_what_was_never_planned_changes_nothing(
        self, database: Database
    ) -> None:
        """A person's label does not become ours."""
        tenant = await new_tenant(database)

        await settle(database, tenant, "7", ["theirs"])
        await settle(database, tenant, "7", [])

        assert await rows(database, LedgerRow) == []

    @pytest.mark.parametrize("run_id", [5, 2**40])
    async def test_run_that_wrote_it_is_remembered(
        self, database: Database, run_id: int
    ) -> None:
        """A later step without a run does not forget it."""
        tenant = await new_tenant(database)
        await plan(database, tenant, "7", "api")

        await settle(database, tenant, "7", ["api"], run_id=run_id)
        await settle(database, tenant, "7", ["api"], state="withdrawn")

        (row,) = await rows(database, LedgerRow)
        assert row["run_id"] == run_id

    async def test_repeated_step_keeps_the_moment_of_the_first(
        self, database: Database
    ) -> None:
        """`changed_at` says when it changed, not when somebody looked."""
        tenant = await new_tenant(database)
        await plan(database, tenant, "7", "api")
        await settle(database, tenant, "7", ["api"], run_id=1)
        before = await rows(database, LedgerRow)

        await settle(database, tenant, "7", ["api"], run_id=2)

        assert await rows(database, LedgerRow) == before


class TestScope:
    """Pages and tenants do not mix."""

    async def test_pages_and_tenants_have_ledgers_of_their_own(
        self, database: Database
    ) -> None:
        """The same page id of another tenant is another page."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await plan(database, tenant, "7", "api")
        await plan(database, tenant, "8", "api")
        await plan(database, other, "7", "api")

        await settle(database, tenant, "7", ["api"])

        assert await labels(database, tenant, "8") == {"api": "planned"}
        assert await labels(database, other, "7") == {"api": "planned"}

    async def test_what_is_withdrawn_is_not_ours_any_more(
        self, database: Database
    ) -> None:
        """`all_labels` and `has` speak of what may stand there because of us."""
        tenant = await new_tenant(database)
        await plan(database, tenant, "7", "planned", "written", "withdrawn")
        await settle(database, tenant, "7", ["written"])
        await settle(database, tenant, "7", ["withdrawn"], state="withdrawn")

        def work(session: Session) -> tuple[object, object]:
            store = LedgerStore(session)
            names = ("planned", "written", "withdrawn", "unknown")
            return store.all_labels(tenant), [
                store.has(tenant, "7", "label", name) for name in names
            ]

        ours, has = await database.read(work)

        assert ours == {("7", "planned"), ("7", "written")}
        assert has == [True, True, False, False]

    async def test_kinds_are_kept_apart(self, database: Database) -> None:
        """A version number is no label of the same name."""
        tenant = await new_tenant(database)
        await plan(database, tenant, "7", "3")

        found = await database.read(
            lambda s: LedgerStore(s).has(tenant, "7", "version", "3")
        )

        assert not found


class TestPlan:
    """Tests for app.store.ledger.LedgerStore.plan()."""

    async def test_tombstone_set_meanwhile_stays(self, database: Database) -> None:
        """A label that a person took off during the AI call is not sent again."""
        tenant = await new_tenant(database)
        await plan(database, tenant, "7", "ours", "other")
        await settle(database, tenant, "7", ["ours"], state="withdrawn")

        kept = await plan(database, tenant, "7", "ours", "new")

        found = await database.read(lambda s: LedgerStore(s).labels(tenant, "7"))
        assert kept == {"new"}
        assert found["ours"] == "withdrawn"

    async def test_refused_labels_are_taken_back(self, database: Database) -> None:
        """What was never written is nobody's; what was stays ours."""
        tenant = await new_tenant(database)
        await plan(database, tenant, "7", "written", "refused")
        await settle(database, tenant, "7", ["written"])

        await database.write(
            lambda s: LedgerStore(s).take_back(tenant, "7", ["written", "refused"])
        )

        found = await database.read(lambda s: LedgerStore(s).labels(tenant, "7"))
        assert found == {"written": "written"}

    async def test_tombstone_holds_for_every_name_of_a_label(
        self, database: Database
    ) -> None:
        """Whoever took the synonym off said no to the label."""
        tenant = await new_tenant(database)
        terms = Vocabulary.build([Term(name="backup", synonyms=("копії",))])
        await database.write(lambda s: LedgerStore(s).bury(tenant, "7", "копії"))

        kept = await plan(database, tenant, "7", "backup", "api", vocabulary=terms)

        assert kept == {"api"}

    async def test_what_was_undone_comes_back_only_when_that_is_taken_back(
        self, database: Database
    ) -> None:
        """And a person's tombstone does not even then."""
        tenant = await new_tenant(database)
        for label, state in (("undone", "undone"), ("buried", "withdrawn")):
            await plan(database, tenant, "7", label)
            await settle(database, tenant, "7", [label], state=state)  # type: ignore[arg-type]

        first = await plan(database, tenant, "7", "undone", "buried")
        again = await plan(
            database, tenant, "7", "undone", "buried", again=["undone", "buried"]
        )

        assert (first, again) == (set(), {"undone"})

    async def test_settling_may_be_bound_to_a_state(self, database: Database) -> None:
        """A label that somebody took off in the same moment stays off."""
        tenant = await new_tenant(database)
        await plan(database, tenant, "7", "planned", "buried")
        await settle(database, tenant, "7", ["buried"], state="withdrawn")

        await database.write(
            lambda s: LedgerStore(s).settle(
                tenant,
                "7",
                ["planned", "buried"],
                state="written",
                run_id=1,
                only_from="planned",
            )
        )

        found = await labels(database, tenant, "7")
        assert found == {"planned": "written", "buried": "withdrawn"}

    async def test_forgotten_labels_leave_nothing_behind(
        self, database: Database
    ) -> None:
        """A reset starts anew, on that page and with those labels."""
        tenant = await new_tenant(database)
        await plan(database, tenant, "7", "gone", "stays")
        await plan(database, tenant, "8", "gone")

        await database.write(lambda s: LedgerStore(s).forget(tenant, "7", ["gone"]))

        assert await labels(database, tenant, "7") == {"stays": "planned"}
        assert await labels(database, tenant, "8") == {"gone": "planned"}


class TestVersions:
    """Versions of pages that we wrote."""

    async def test_only_ours_are_ours(self, database: Database) -> None:
        """Of that page, among those asked about."""
        tenant = await new_tenant(database)

        def work(session: Session) -> tuple[frozenset[int], bool]:
            store = LedgerStore(session)
            for page, version in (("7", 3), ("7", 5), ("8", 4)):
                store.note_version(tenant, page, version)
            return (
                store.own_versions(tenant, "7", range(2, 5)),
                store.has(tenant, "7", "version", "5"),
            )

        assert await database.write(work) == (frozenset({3}), True)
